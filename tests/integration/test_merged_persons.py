"""Two files of one person: whatever named the one that was given up names the one that remains, in every service."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from deploy.docs import definition_of
from services.community_handover.store import Coverage, Office
from shared.contracts.envelope import Event
from shared.web import Role
from tests.support.builders import (
    NOW,
    a_test_settled,
    event,
    measure_begun,
    person_changed,
    person_merged,
    person_registered,
    release_planned,
    stay_admitted,
)
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430802", subject="county")
STATION = principal_of(Role.STATION_OFFICER, subject="station")
CITY = principal_of(Role.CITY_SUPERVISOR, division="4308", subject="city")


@pytest.fixture
def opened(database_url: str) -> Iterator[Any]:
    """Opens services on the test's database."""
    with ExitStack() as stack:
        yield lambda name: stack.enter_context(service_under_test(definition_of(name), database_url))


def registered(service: ServiceUnderTest, **changes: Any) -> str:
    body = {"identity_kind": "none", "full_name": "示例某", "sex": "male", **changes}
    answer = service.client.post("/persons", body, as_=STATION)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def merge(service: ServiceUnderTest, given_up: str, into: str, as_: Any = COUNTY) -> Any:
    return service.client.post(f"/persons/{given_up}/merge", {"into": into, "reason": "same fingerprint"}, as_=as_)


def two_files() -> tuple[Event, Event, Event]:
    """A file, another one of the same person, and that the second was merged into the first."""
    kept, gone = person_registered(), person_registered()
    return kept, gone, person_merged(subject=gone.subject, sequence=2, merged_into=kept.subject)


def test_the_file_that_remains_knows_what_either_knew(opened: Any) -> None:
    service = opened("person_registry")
    number = {"identity_kind": "resident_id", "identity_number": "11010519491231002X", "sex": "female"}
    kept = registered(service, sex="unknown", phone="17000000001")
    gone = registered(service, residence_division="430802001", **number)
    assert merge(service, gone, kept).get_json()["id"] == kept
    remaining = service.client.get(f"/persons/{kept}", as_=STATION).get_json()
    assert (remaining["identity_number"], remaining["sex"]) == ("11010519491231002X", "female")
    assert (remaining["phone"], remaining["residence_division"]) == ("17000000001", "430802001")
    given_up = service.client.get(f"/persons/{gone}", as_=STATION).get_json()
    assert (given_up["state"], given_up["merged_into"], given_up["identity_number"]) == ("merged", kept, None)
    found = service.client.post("/persons/search", {"identity_number": "11010519491231002X"}, as_=STATION)
    assert found.get_json()["id"] == kept
    assert [one.type for one in service.events()][2:] == ["person.merged.v1", "person.changed.v1"]


@pytest.mark.parametrize(
    ("one", "other", "code"),
    [
        ({"sex": "male"}, {"sex": "female"}, "person.differs"),
        (
            {"identity_kind": "resident_id", "identity_number": "11010519491231002X", "sex": "female"},
            {"identity_kind": "foreign", "identity_number": "P1234567", "sex": "female"},
            "person.differs",
        ),
    ],
)
def test_two_persons_are_not_made_one(opened: Any, one: dict[str, Any], other: dict[str, Any], code: str) -> None:
    service = opened("person_registry")
    answer = merge(service, registered(service, **one), registered(service, **other))
    assert (answer.status_code, answer.get_json()["code"]) == (409, code)


def test_a_file_is_given_up_once_and_changes_no_more(opened: Any) -> None:
    service = opened("person_registry")
    kept, gone, third = registered(service), registered(service), registered(service)
    assert merge(service, gone, kept).status_code == 201
    again = merge(service, gone, third)
    assert (again.status_code, again.get_json()["code"]) == (409, "person.merged")
    assert again.get_json()["merged_into"] == kept
    into_gone = merge(service, third, gone)
    assert (into_gone.status_code, into_gone.get_json()["code"]) == (409, "person.merged")
    moved = service.client.put(f"/persons/{gone}/residence", {"residence_division": "430802002"}, as_=STATION)
    assert (moved.status_code, moved.get_json()["code"]) == (409, "person.merged")
    itself = merge(service, kept, kept)
    assert (itself.status_code, itself.get_json()["errors"][0]["code"]) == (422, "person.same")
    nobody = merge(service, kept, "01a20c96-b921-7071-9ad9-7d382f839537")
    assert (nobody.status_code, nobody.get_json()["errors"][0]["code"]) == (422, "person.into_unknown")
    assert merge(service, kept, third, as_=STATION).status_code == 403


def test_facts_of_both_files_make_one_tier(opened: Any) -> None:
    service = opened("person_registry")
    kept, gone = registered(service), registered(service)
    service.react(a_test_settled(person_id=UUID(gone)))
    assert merge(service, gone, kept).status_code == 201
    risk = service.client.get(f"/persons/{kept}/risk", as_=STATION).get_json()
    assert [fact["fact"] for fact in risk["facts"] if fact["active"]] == ["positive_test"]
    over = service.client.get(f"/persons/{gone}/risk", as_=STATION).get_json()
    assert (over["state"], over["tier"], over["due_at"]) == ("merged", None, None)
    decided = service.client.post(f"/persons/{gone}/risk/decision", {"tier": "low"}, as_=STATION)
    assert (decided.status_code, decided.get_json()["code"]) == (409, "risk.merged")
    service.react(measure_begun(person_id=UUID(gone)))  # was on its way under the old pseudonym
    facts = service.client.get(f"/persons/{kept}/risk", as_=STATION).get_json()["facts"]
    assert {fact["fact"] for fact in facts if fact["active"]} == {"positive_test", "in_community_measure"}


def persons_of(service: ServiceUnderTest, kind: str) -> set[UUID]:
    with service.work() as work:
        return {one.person_id for one in getattr(work, kind).select()}


def test_releases_name_the_file_that_remains_whatever_comes_first(opened: Any) -> None:
    service = opened("release_notification")
    kept, gone, merged = two_files()
    service.react(kept, gone, stay_admitted(person_id=gone.subject), merged)
    late = stay_admitted(person_id=gone.subject)
    service.react(late)
    assert persons_of(service, "releases") == {kept.subject}
    assert len(service.events("release.person_merged.v1")) == 1
    moved = event("stay.person_merged.v1", subject=late.subject, person_id=kept.subject, sequence=2)
    assert service.react(moved) == []


def test_an_order_of_rehabilitation_counts_for_the_file_that_remains(opened: Any) -> None:
    service = opened("release_notification")
    kept, gone, merged = two_files()
    order = event("order.served.v1", person_id=gone.subject, kind="community_rehab", served_at=NOW)
    service.react(kept, gone, order, merged)
    service.react(stay_admitted(person_id=kept.subject))
    (planned,) = service.events("release.planned.v1")
    assert planned.data["legal_ground"] == "community_rehab_order"


def test_tests_and_schedules_follow(opened: Any) -> None:
    service = opened("drug_testing")
    kept, gone, merged = two_files()
    service.react(kept, gone)
    body = {"person_id": str(gone.subject), "division": "430802001", "ground": "witness"}
    assert service.client.post("/test-orders", body, as_=STATION).status_code == 201
    service.react(merged)
    assert persons_of(service, "test_orders") == {kept.subject}
    refused = service.client.post("/test-orders", body, as_=STATION)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "person.merged")
    assert refused.get_json()["merged_into"] == str(kept.subject)


def test_decisions_and_stays_follow_but_nobody_is_in_two_centres(opened: Any) -> None:
    service = opened("detention_intake")
    kept, gone, merged = two_files()
    service.react(kept, gone)
    clerk = principal_of(Role.CENTRE_CLERK, organisation="centre-1")
    for person in (kept, gone):
        order = {
            "person_id": str(person.subject),
            "division": "430802001",
            "kind": "compulsory_isolation",
            "deciding_organ": "GA-430802",
            "legal_reviewer": "FZ-1",
            "isolation_ground": "severe_addiction",
            "decided_on": "2026-11-20",
        }
        order_id = service.client.post("/orders", order, as_=COUNTY).get_json()["id"]
        service.client.post(f"/orders/{order_id}/service", as_=COUNTY)
        admitted = service.client.post(f"/orders/{order_id}/admission", {"centre": "centre-1"}, as_=clerk)
        assert admitted.status_code == 201, admitted.get_json()
    service.react(merged)
    assert persons_of(service, "orders") == {kept.subject}
    assert persons_of(service, "stays") == {kept.subject, gone.subject}  # one was entered in error: people decide
    with service.work() as work:
        (first,) = [stay for stay in work.stays.select() if stay.person_id == kept.subject]
    over = event(
        "release.executed.v1",
        person_id=kept.subject,
        stay_id=first.id,
        kind="term_expired",
        executed_at=NOW + timedelta(days=1),
    )
    service.react(over)
    assert service.run_timer("sweep_merged") == 1
    assert persons_of(service, "stays") == {kept.subject}


def test_tasks_and_measures_follow_also_through_two_mergers(opened: Any) -> None:
    service = opened("community_handover")
    with service.work() as work:
        work.offices.put(Office("OFFICE-1", "office", "township", "430802001"))
        work.coverage.put(Coverage("430802001", "OFFICE-1"))
    last, kept = person_registered(), person_registered()
    gone = person_registered()
    service.react(last, kept, gone, release_planned(person_id=gone.subject))
    service.react(
        person_merged(subject=kept.subject, sequence=2, merged_into=last.subject),
        person_merged(subject=gone.subject, sequence=2, merged_into=kept.subject),
    )
    service.react(release_planned(person_id=gone.subject))
    assert persons_of(service, "tasks") == {last.subject}
    assert service.run_timer("sweep_merged") == 0


def test_a_case_is_found_whole_under_either_file(opened: Any) -> None:
    service = opened("oversight")
    kept, gone, merged = two_files()
    changed = person_changed(subject=kept.subject, sequence=2)
    service.react(kept, gone, a_test_settled(person_id=gone.subject), merged, changed)
    cases = [service.client.get(f"/cases/{one.subject}", as_=CITY).get_json() for one in (kept, gone)]
    assert cases[0] == cases[1]
    assert cases[0]["files"] == [str(kept.subject), str(gone.subject)]
    assert {one["kind"] for one in cases[0]["aggregates"]} == {"person", "test_order"}
    lines = service.client.get(f"/cases/{kept.subject}/timeline", as_=CITY).get_json()["items"]
    assert len(lines) == 5
