"""No personal data and no secret gets past redaction, whatever surrounds it."""

import re
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.observability.redaction import ALLOWED_KEYS, MASK, WITHHELD, redact_event, redacted_text

anything = st.text(max_size=30)
identity_numbers = st.from_regex(r"\A[1-9][0-9]{16}[0-9Xx]\Z")
mobiles = st.from_regex(r"\A1[3-9][0-9]{9}\Z")
not_digits = st.text(st.characters(exclude_categories=["Nd"]), max_size=30)


def redacted(**event: Any) -> dict[str, Any]:
    return redact_event(None, "info", event)


@given(anything, identity_numbers, anything)
def test_no_identity_number_survives_in_any_text(before: str, number: str, after: str) -> None:
    assert number not in redacted_text(before + number + after)
    assert not re.search(r"\d{15}", redacted_text(before + number + after))


@given(not_digits, mobiles, not_digits)
def test_no_telephone_number_survives_in_any_text(before: str, number: str, after: str) -> None:
    assert number not in redacted_text(before + number + after)


@given(
    st.dictionaries(
        st.one_of(st.sampled_from(sorted(ALLOWED_KEYS)), st.text(max_size=10)),
        st.recursive(
            identity_numbers | identity_numbers.filter(lambda n: n.isdigit()).map(int) | mobiles.map(int),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(identity_numbers, inner, max_size=3),
            max_leaves=5,
        ),
        max_size=5,
    )
)
def test_none_survives_at_any_depth_under_any_key(event: dict[str, Any]) -> None:
    written = orjson.dumps(redacted(**{f"k{key}": value for key, value in event.items()}), default=str).decode()
    written += orjson.dumps(redact_event(None, "info", event), default=str).decode()
    assert not re.search(r"\d{11}", written)


@pytest.mark.parametrize(
    "text",
    [
        "430899 19900101 1234",
        "430899-19900101-123X",
        "430899900101123",  # the old form
        "４３０８９９１９９００１０１１２３４",  # full width
        "+86 138 0013 8000",
        "86-13800138000",
        "138-0013-8000",
        "0744-8222222",
        "07448222222",
        "Bearer eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhIn0.c2ln",
        "bearer abc.def",
        "eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhIn0.c2ln",
        "张三",
        "欧阳·买买提",
    ],
)
def test_each_form_is_masked_whole(text: str) -> None:
    assert redacted_text(f"before {text} after") == f"before {MASK} after"


def test_credentials_in_an_address_are_masked_and_the_rest_kept() -> None:
    assert redacted_text("amqp://baton:s3cret@broker:5672//") == f"amqp://{MASK}@broker:5672//"


def test_the_values_in_a_database_error_are_masked() -> None:
    text = (
        '(psycopg2.errors.UniqueViolation) duplicate key value violates unique constraint "uq_person"\n'
        "DETAIL:  Key (full_name)=(Ahmad Khan) already exists.\n"
        "LINE 1: insert into person values ('Ahmad Khan')\n"
        "[SQL: insert into person (id, full_name) values (%(id)s, %(full_name)s)]\n"
        "[parameters: {'id': UUID('018f0000-1234-7123-8123-123456789012'),\n 'full_name': 'Ahmad Khan'}]\n"
        "(Background on this error at: https://sqlalche.me/e/21/gkpj)"
    )
    masked = redacted_text(text)
    assert "Ahmad" not in masked
    assert "uq_person" in masked
    assert "insert into person (id, full_name)" in masked
    assert "Background" in masked


@given(st.uuids())
def test_pseudonyms_are_kept(id: UUID) -> None:
    assert redacted_text(f"task {id}, again {id}.") == f"task {id}, again {id}."


@pytest.mark.parametrize(
    "text",
    [
        "release.executed.v1",
        "2026-11-23T04:00:00.123456Z",
        "division 430802001002",
        "12345678901 rows",
        "v1.2.3",
    ],
)
def test_technical_words_are_kept(text: str) -> None:
    assert redacted_text(text) == text


def test_text_is_kept_under_technical_keys_only() -> None:
    assert redacted(event="relay.waiting", cause="OSError", full_name="Ahmad Khan", note={"x": "Ahmad"}) == {
        "event": "relay.waiting",
        "cause": "OSError",
        "full_name": WITHHELD,
        "note": {"x": WITHHELD},
    }


def test_numbers_moments_and_ids_are_kept_under_any_key() -> None:
    id = uuid4()
    kept = {
        "n": 7,
        "seconds": 0.123456789012345,
        "yes": True,
        "none": None,
        "id": id,
        "day": date(2026, 1, 1),
    }
    assert redacted(**kept, at=datetime(2026, 1, 1, tzinfo=UTC)) == kept | {"at": datetime(2026, 1, 1, tzinfo=UTC)}


def test_a_number_that_could_be_somebodys_is_masked() -> None:
    assert redacted(a=430899199001011234, b=13800138000, c=1.38e10, d=12345) == {
        "a": MASK,
        "b": MASK,
        "c": MASK,
        "d": 12345,
    }


def test_an_object_shows_its_kind_only() -> None:
    class Person:
        def __repr__(self) -> str:
            return "Person('Ahmad Khan')"

    assert redacted(event=Person(), cause=[Person()], data=b"Ahmad") == {
        "event": "<Person>",
        "cause": ["<Person>"],
        "data": "<bytes>",
    }
