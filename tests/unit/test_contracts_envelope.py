"""What is said can be read by every hearer, and what cannot be read is named by its place."""

import json
import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import CONTENT_TYPE, Event, Malformed, decode, encode
from shared.kernel.ids import new_id
from tests.support.builders import NOW, event, release_planned

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(max_size=20),
    st.sampled_from(
        ["430802\n", "４３０８０２", "planned", "x" * 501, "a\0b", NOW.replace(tzinfo=None), NOW, date(2026, 1, 1)]
    ),
    st.just(datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14)))),
    st.builds(new_id),
)


def changed(**envelope: Any) -> bytes:
    """A right message with other attributes; a value of ``...`` takes the attribute away."""
    message = json.loads(encode(release_planned())) | envelope
    return orjson.dumps({key: value for key, value in message.items() if value is not ...})


def with_data(**data: Any) -> bytes:
    message = json.loads(encode(release_planned()))
    message["data"] |= data
    return orjson.dumps(message)


def refusal(body: bytes, content_type: str | None = CONTENT_TYPE) -> Malformed:
    with pytest.raises(Malformed) as refused:
        decode(body, content_type)
    return refused.value


@pytest.mark.parametrize("event_type", CATALOGUE)
def test_every_event_is_read_as_it_was_said(event_type: str) -> None:
    said = event(event_type, sequence=7, actor="officer-1")
    assert decode(encode(said), CONTENT_TYPE) == said


def test_the_content_type_may_carry_parameters_and_must_be_ours() -> None:
    body = encode(release_planned())
    assert decode(body, "application/cloudevents+json; charset=UTF-8").type == "release.planned.v1"
    assert refusal(body, "application/json").reason == "content_type"
    assert refusal(body, None).reason == "content_type"


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b'{"a": NaN}', b'{"a": "\\ud800"}'])
def test_what_is_no_json_is_said_to_be_none(body: bytes) -> None:
    assert refusal(body).reason == "not_json"


@pytest.mark.parametrize("body", [b"[]", b"null", b"1", b'"text"', b"{}"])
def test_json_that_is_no_envelope_is_refused(body: bytes) -> None:
    assert refusal(body).reason == "not_cloudevent"


@pytest.mark.parametrize(
    "attributes",
    [
        {"id": ...},
        {"id": 1},
        {"source": None},
        {"source": "a\0b"},
        {"source": "x" * 501},
        {"subject": "person 1"},
        {"sequence": 3},
        {"sequence": "0"},
        {"sequence": "-000000001"},
        {"sequence": " 1"},
        {"sequence": "1_0"},
        {"sequence": "٣"},
        {"sequence": "9999999999"},
        {"time": "2026-11-23"},
        {"time": "0001-01-01T00:00:00+14:00"},
        {"actor": {"name": "x"}},
        {"actor": "a\0b"},
        {"datacontenttype": "application/xml"},
    ],
)
def test_a_wrong_attribute_of_the_envelope_is_refused(attributes: dict[str, Any]) -> None:
    assert refusal(changed(**attributes)).reason == "not_cloudevent"


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({"needs_handover": "true"}, "/data/needs_handover"),
        ({"needs_handover": 1}, "/data/needs_handover"),
        ({"centre": "a\0b"}, "/data/centre"),
        ({"centre": "x" * 501}, "/data/centre"),
        ({"centre": None}, "/data/centre"),
        ({"kind": "escape"}, "/data/kind"),
        ({"kind": ["planned"]}, "/data/kind"),
        ({"release_at": "2026-11-23T10:00:00"}, "/data/release_at"),
        ({"release_at": "0001-01-01T00:00:00+14:00"}, "/data/release_at"),
        ({"release_at": "9999-12-31T23:59:59-12:00"}, "/data/release_at"),
        ({"term_last_day": "2026-02-30"}, "/data/term_last_day"),
        ({"person_id": "Zhang San"}, "/data/person_id"),
    ],
)
def test_a_wrong_value_is_named_by_its_place_and_not_repeated(data: dict[str, Any], place: str) -> None:
    refused = refusal(with_data(**data))
    assert (refused.reason, str(refused)) == ("invalid_data", place)


@pytest.mark.parametrize("code", ["430802\n", "４３０８０２", "43080", "4308020010", "43080X"])
def test_a_division_code_is_6_9_or_12_plain_digits(code: str) -> None:
    message = json.loads(encode(event("person.registered.v1")))
    message["data"]["residence_division"] = code
    assert str(refusal(orjson.dumps(message))) == "/data/residence_division"


def test_an_event_about_another_subject_than_its_data_is_refused() -> None:
    refused = refusal(changed(subject=str(new_id())))
    assert (refused.reason, str(refused)) == ("invalid_data", "/subject is not /data/release_id")


@pytest.mark.parametrize("broken", ["", "00-xyz-1-01", 7, {"a": 1}, "00-" + "a" * 32])
def test_a_broken_trace_begins_anew_and_costs_no_event(broken: Any) -> None:
    assert decode(changed(traceparent=broken), CONTENT_TYPE).traceparent is None


def test_a_trace_is_carried_on() -> None:
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    assert decode(changed(traceparent=trace), CONTENT_TYPE).traceparent == trace


def test_the_version_is_written_so_that_text_sorts_like_numbers() -> None:
    assert json.loads(encode(release_planned(sequence=42)))["sequence"] == "0000000042"


@pytest.mark.parametrize("sequence", [0, -1, 2**31])
def test_what_is_no_version_cannot_be_said(sequence: int) -> None:
    with pytest.raises(ValueError, match="sequence"):
        encode(release_planned(sequence=sequence))


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"kind": "escape"}, "kind"),
        ({"centre": None}, "centre"),
        ({"reason": "x" * 501}, "reason"),
        ({"reason": "a\0b"}, "reason"),
        ({"release_at": NOW.replace(tzinfo=None)}, "release_at"),
        ({"term_last_day": NOW}, "term_last_day"),
        ({"needs_handover": 1}, "needs_handover"),
        ({"person_id": "4f"}, "person_id"),
    ],
)
def test_what_no_hearer_could_load_cannot_be_said(data: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"['{field}']")):
        encode(release_planned(**data))


def test_a_type_that_is_not_in_the_catalogue_cannot_be_said() -> None:
    unknown = Event(new_id(), "/baton/x", "weather.changed.v1", new_id(), 1, NOW, {})
    with pytest.raises(ValueError, match="catalogue"):
        encode(unknown)


@given(st.sampled_from(sorted(CATALOGUE)), st.data(), ODD)
def test_what_is_said_can_be_read(event_type: str, draw: Any, odd: Any) -> None:
    said = event(event_type)
    said.data[draw.draw(st.sampled_from(sorted(said.data)))] = odd
    try:
        body = encode(said)
    except ValueError:
        return
    assert decode(body, CONTENT_TYPE) == said


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        decode(body, CONTENT_TYPE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(json.loads(encode(release_planned())))), JSON)
def test_any_attribute_may_be_anything_and_only_malformed_comes_of_it(attribute: str, value: Any) -> None:
    try:
        decode(changed(**{attribute: value}), CONTENT_TYPE)
    except Malformed as refused:
        assert refused.reason in {"not_json", "not_cloudevent", "unknown_type", "unknown_version", "invalid_data"}


def test_the_first_field_of_every_event_is_its_own_id() -> None:
    own = {contract.aggregate: contract.own_id for contract in CATALOGUE.values()}
    assert own == {
        "person": "person_id",
        "test_order": "test_order_id",
        "order": "order_id",
        "stay": "stay_id",
        "release": "release_id",
        "handover_task": "task_id",
        "risk_assessment": "risk_id",
        "measure": "measure_id",
        "stream": "stream_id",
        "statement": "statement_id",
        "task_statement": "task_statement_id",
        "headcount": "headcount_id",
        "discrepancy": "discrepancy_id",
        "opening": "opening_id",
        "notification": "notification_id",
    }


LISTED: dict[str, Any] = {"releases": [{"release_id": new_id(), "version": 1, "needs_handover": True}], "executed": 1}


@pytest.mark.parametrize(
    "wrong",
    [
        {"releases": {}},
        {"releases": [{}]},
        {"releases": [{"release_id": new_id(), "version": 0, "needs_handover": True}]},
        {"releases": [{"release_id": "x", "version": 1, "needs_handover": True}]},
        {"releases": [{**LISTED["releases"][0], "surplus": 1}]},
        {"releases": LISTED["releases"] * 201},
        {"releases": tuple(LISTED["releases"])},
    ],
)
def test_a_list_is_checked_entry_by_entry_before_it_is_said(wrong: dict[str, Any]) -> None:
    assert decode(encode(event("statement.issued.v1", **LISTED)), CONTENT_TYPE).data["releases"] == LISTED["releases"]
    with pytest.raises(ValueError, match="releases"):
        encode(event("statement.issued.v1", **wrong))


def test_a_surplus_field_of_an_entry_is_left_out_and_a_missing_one_is_named() -> None:
    body = json.loads(encode(event("statement.issued.v1", **LISTED)))
    body["data"]["releases"][0]["added_later"] = 1
    assert decode(json.dumps(body).encode(), CONTENT_TYPE).data["releases"] == LISTED["releases"]
    del body["data"]["releases"][0]["version"]
    with pytest.raises(Malformed) as refused:
        decode(json.dumps(body).encode(), CONTENT_TYPE)
    assert "/data/releases" in str(refused.value)


def test_time_is_told_in_utc() -> None:
    assert decode(changed(time="2026-11-23T10:00:00+08:00"), CONTENT_TYPE).time == datetime(2026, 11, 23, 2, tzinfo=UTC)
    assert decode(changed(time="2026-11-23T10:00:00+08:00"), CONTENT_TYPE).time.tzinfo is UTC
