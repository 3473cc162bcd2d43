"""release_notification under disorder: events in any order, commands with faults that only a database would notice."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.release_notification.intake import COMMANDS
from services.release_notification.service import SERVICE
from shared.kernel.ids import derived_id, new_id
from shared.web import Role
from tests.support.builders import NOW, person_registered, stay_admitted, stay_ended
from tests.support.service import START, ServiceUnderTest, command, principal_of, service_under_test

CENTRE = "centre-1"
CLERK = principal_of(Role.CENTRE_CLERK, organisation=CENTRE)
SAMPLES = Path(__file__).parents[1] / "contract" / "intake"


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def plan(service: ServiceUnderTest, **changes: Any) -> dict[str, Any]:
    person = person_registered()
    service.react(person)
    release_at = (START + timedelta(days=3)).isoformat()
    body = {"person_id": str(person.subject), "centre": CENTRE, "kind": "early_release", "release_at": release_at}
    return body | changes


def planned(service: ServiceUnderTest, **changes: Any) -> str:
    answer = service.client.post("/releases", plan(service, **changes), as_=CLERK)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def act(service: ServiceUnderTest, release: str, what: str, **body: Any) -> Any:
    return service.client.post(f"/releases/{release}/{what}", body, as_=CLERK)


def test_a_stay_heard_in_any_order_and_repeatedly_leaves_no_open_release(service: ServiceUnderTest) -> None:
    admitted = stay_admitted()
    ended = stay_ended(subject=admitted.subject, sequence=2, release_id=new_id())
    for order in permutations([admitted, ended, admitted, ended]):
        stay = new_id()
        for heard in order:
            build = stay_admitted if heard is admitted else stay_ended
            again = {"sequence": 1} if heard is admitted else {"sequence": 2, "release_id": new_id()}
            assert service.react(build(subject=stay, **again)) == []
        said = [event for event in service.events() if event.subject == derived_id(stay, "release")]
        assert [event.sequence for event in said] == list(range(1, len(said) + 1))
        assert not said or said[-1].data["state"] == "cancelled"


def test_who_left_although_the_plan_was_cancelled_has_left(service: ServiceUnderTest) -> None:
    release = planned(service)
    assert act(service, release, "cancellation", reason="entered by mistake").status_code == 201
    assert act(service, release, "rescheduling", reason="x", release_at=START.isoformat()).status_code == 409
    answer = act(service, release, "execution", certificate_number="JC-1")
    assert (answer.status_code, answer.get_json()["state"]) == (201, "executed")
    types = [event.type.split(".")[1] for event in service.events()]
    assert types == ["planned", "cancelled", "executed"]


def test_a_rehabilitation_order_survives_the_gate(service: ServiceUnderTest) -> None:
    release = planned(service, legal_ground="community_rehab_order")
    answer = act(service, release, "execution", certificate_number="JC-1", kind="early_release")
    assert answer.get_json()["legal_ground"] == "community_rehab_order"


def test_an_extended_term_can_be_changed_again(service: ServiceUnderTest) -> None:
    release = planned(service, term_last_day="2026-11-28")
    extended = {"release_at": "2027-01-04T09:00:00+08:00", "kind": "extended_term_expired", "reason": "x"}
    assert act(service, release, "rescheduling", **extended).status_code == 201
    shorter = act(service, release, "rescheduling", release_at="2026-12-28T09:00:00+08:00", reason="x")
    assert (shorter.status_code, shorter.get_json()["kind"]) == (201, "extended_term_expired")


def test_no_release_is_planned_before_the_admission(service: ServiceUnderTest) -> None:
    admitted = stay_admitted(centre=CENTRE)
    service.react(admitted)
    release = str(derived_id(admitted.subject, "release"))
    before = (NOW - timedelta(days=900)).isoformat()
    refused = act(service, release, "rescheduling", release_at=before, reason="x")
    assert refused.status_code == 422
    (fault,) = refused.get_json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/release_at", "time.before_previous_step")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"release_at": "0001-01-01T00:00:00+08:00"}, "/release_at"),
        ({"release_at": "9999-12-31T23:59:59-08:00"}, "/release_at"),
        ({"term_last_day": "9999-12-31"}, "/term_last_day"),
        ({"centre": "centre-1\0"}, "/centre"),
        ({"centre": "  "}, "/centre"),
        ({"kind": "revoked", "legal_ground": "community_rehab_order"}, "/legal_ground"),
    ],
)
def test_a_fault_is_named_alike_by_http_and_by_message(
    service: ServiceUnderTest, change: dict[str, Any], pointer: str
) -> None:
    body = plan(service, **change)
    by_http = service.client.post("/releases", body, as_=CLERK)
    assert by_http.status_code == 422
    assert service.take_in(command("release.plan", body, centre=CENTRE)) == []
    (answer,) = service.answers()
    assert [fault["pointer"] for fault in by_http.get_json()["errors"]] == [pointer]
    assert answer["problem"]["errors"] == by_http.get_json()["errors"]
    assert service.events() == []


def test_a_blank_reason_is_none(service: ServiceUnderTest) -> None:
    assert act(service, planned(service), "cancellation", reason="  ").status_code == 422


def test_every_command_has_a_golden_sample() -> None:
    assert {path.stem for path in SAMPLES.glob("*.json")} == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_golden_command_is_accepted_and_answered_where_it_asks(service: ServiceUnderTest, name: str) -> None:
    sample = json.loads((SAMPLES / f"{name}.json").read_text())
    service.clock.advance(timedelta(days=1))
    body, properties = sample["body"], sample["properties"]
    if name == "release.plan":
        service.react(person_registered(subject=UUID(body["person_id"])))
    else:
        body["release_id"] = planned(service)
    if name == "release.retract":
        act(service, body["release_id"], "execution", certificate_number="JC-1")
    message = command(
        sample["routing_key"],
        body,
        centre=properties["headers"]["centre"],
        message_id=properties["message_id"],
        reply_to=properties["reply_to"],
    )
    assert service.take_in(message) == []
    (answer,) = service.answers()
    assert answer["accepted"], answer
    assert (answer["to"], answer["in_reply_to"]) == (properties["reply_to"], properties["message_id"])
