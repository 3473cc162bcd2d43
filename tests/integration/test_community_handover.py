"""community_handover: exactly one task for a release, whatever order the events come in; officers acknowledge it."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.community_handover.service import SERVICE
from services.community_handover.store import Coverage, KnownPerson, Office
from services.community_handover.store import tasks as tasks_table
from shared.kernel.ids import derived_id, new_id
from shared.kernel.outcomes import Ignored
from shared.web import Role
from tests.support.builders import (
    NOW,
    person_changed,
    person_registered,
    release_cancelled,
    release_executed,
    release_planned,
    release_rescheduled,
)
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP = "430802001"
OFFICE = "OFFICE-430802001"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer")
COLLEAGUE = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="colleague")


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        _cover(opened)
        yield opened


def _cover(service: ServiceUnderTest) -> None:
    with service.work() as work:
        work.offices.put(Office(OFFICE, "office", "township", TOWNSHIP))
        work.offices.put(Office("VILLAGE", "village office", "village", f"{TOWNSHIP}001"))
        work.coverage.put(Coverage(TOWNSHIP, OFFICE))
        work.coverage.put(Coverage(f"{TOWNSHIP}001", "VILLAGE"))


def tasks(service: ServiceUnderTest) -> list[Any]:
    with service.work() as work:
        found: list[Any] = work.tasks.select()
        return found


def known_person(service: ServiceUnderTest, **divisions: str | None) -> UUID:
    event = person_registered(**divisions)
    assert service.react(event) == []
    return event.subject


def test_a_release_delivered_three_times_and_out_of_order_has_one_task(service: ServiceUnderTest) -> None:
    person = known_person(service)
    planned = release_planned(person_id=person)
    moved = release_rescheduled(subject=planned.subject, person_id=person, sequence=2)
    gate = release_executed(subject=planned.subject, person_id=person, sequence=3)
    for batch in ((moved,), (planned, planned, gate), (moved, gate, planned)):
        assert service.react(*batch) == []
    (task,) = tasks(service)
    assert task.id == derived_id(planned.subject, "handover")
    assert (task.release_version, task.released_at, task.state.value) == (3, NOW, "offered")
    sequences = [event.sequence for event in service.events()]
    assert sequences == list(range(1, task.version + 1))


@pytest.mark.parametrize("kind", ["death", "centre_transfer", "criminal_custody", "detention_to_isolation"])
def test_a_release_that_needs_no_handover_has_no_task_even_if_older_news_comes_later(
    service: ServiceUnderTest, kind: str
) -> None:
    person = known_person(service)
    planned = release_planned(person_id=person)
    gate = release_executed(subject=planned.subject, person_id=person, kind=kind, needs_handover=False, sequence=2)
    assert service.outcome(gate) == Ignored("no_handover_needed")
    assert service.outcome(planned) == Ignored("stale_version")
    assert tasks(service) == []


def test_a_cancelled_release_withdraws_its_task(service: ServiceUnderTest) -> None:
    planned = release_planned(person_id=known_person(service))
    cancelled = release_cancelled(subject=planned.subject, person_id=planned.data["person_id"], sequence=2)
    service.react(planned, cancelled)
    (task,) = tasks(service)
    assert (task.state.value, task.withdrawn_reason) == ("withdrawn", "release_cancelled")


@pytest.mark.parametrize("same_batch", [True, False])
def test_a_task_waits_for_news_of_its_person(service: ServiceUnderTest, same_batch: bool) -> None:
    person = new_id()
    planned, registered = release_planned(person_id=person), person_registered(subject=person)
    if same_batch:
        service.react(planned, registered)
    else:
        service.react(planned)
        assert (tasks(service)[0].state.value, tasks(service)[0].unresolved_reason) == ("unresolved", "unknown_person")
        service.react(registered)
    (task,) = tasks(service)
    assert (task.state.value, task.office, task.holder) == ("offered", OFFICE, "430822")


def test_coverage_that_is_entered_later_finds_the_waiting_tasks(service: ServiceUnderTest) -> None:
    person = known_person(service, residence_division="430822228210", registered_division="430822")
    service.react(release_planned(person_id=person))
    assert tasks(service)[0].unresolved_reason == "no_office"
    county = principal_of(Role.CITY_SUPERVISOR)
    office = {"name": "new", "level": "township", "division": "430822228"}
    assert service.client.put("/offices/NEW", office, as_=county).status_code == 200
    assert service.client.put("/coverage/430822228", {"office": "NEW"}, as_=county).status_code == 200
    (task,) = tasks(service)
    assert (task.state.value, task.office, task.unresolved_reason) == ("offered", "NEW", None)


@pytest.mark.parametrize(
    ("residence", "registered", "office"),
    [
        (TOWNSHIP, "430822228", OFFICE),
        (f"{TOWNSHIP}001", None, "VILLAGE"),
        (f"{TOWNSHIP}002", None, OFFICE),
        ("430822228", TOWNSHIP, OFFICE),
        (None, TOWNSHIP, OFFICE),
    ],
)
def test_the_nearest_office_of_the_residence_receives_and_else_that_of_the_register(
    service: ServiceUnderTest, residence: str | None, registered: str | None, office: str
) -> None:
    person = known_person(service, residence_division=residence, registered_division=registered)
    service.react(release_planned(person_id=person))
    assert tasks(service)[0].office == office


def test_a_task_is_offered_thirty_days_ahead(service: ServiceUnderTest) -> None:
    person = known_person(service)
    service.react(release_planned(person_id=person, release_at=NOW + timedelta(days=40)))
    assert service.run_timer("wake_tasks") == 0
    service.clock.advance(timedelta(days=10))
    assert service.run_timer("wake_tasks") == 1
    (task,) = tasks(service)
    assert (task.state.value, task.offered_at) == ("offered", service.clock.now())


def test_a_timer_that_did_not_run_for_a_week_catches_up_in_one_step(service: ServiceUnderTest) -> None:
    service.react(release_planned(person_id=known_person(service), release_at=NOW + timedelta(days=20)))
    service.clock.advance(timedelta(days=8))
    assert service.run_timer("wake_tasks") == 1
    assert tasks(service)[0].escalation_level == 3
    assert len(service.events("handover.escalated.v1")) == 1


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_repetition_of_events_ends_the_same(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Loss and redelivery are repetition and reordering."""
    person, release = new_id(), new_id()
    history = [
        person_registered(subject=person, residence_division=None, registered_division="430822"),
        person_changed(subject=person, sequence=2, residence_division=TOWNSHIP),
        release_planned(subject=release, person_id=person),
        release_rescheduled(subject=release, person_id=person, sequence=2),
        release_executed(subject=release, person_id=person, sequence=3),
    ]
    extra = data.draw(st.lists(st.sampled_from(history), max_size=5))
    order = data.draw(st.permutations(history + extra))
    cut = data.draw(st.integers(0, len(order)))
    folder: Path = tmp_path_factory.mktemp("any-order")
    with service_under_test(SERVICE, f"sqlite:///{folder / 'x.sqlite3'}") as service:
        _cover(service)
        service.react(*order[:cut])
        service.react(*order[cut:])
        (task,) = tasks(service)
        assert (task.state.value, task.office, task.release_version) == ("offered", OFFICE, 3)
        assert (task.released_at, task.holder) == (NOW, "430822")
        assert [event.sequence for event in service.events()] == list(range(1, task.version + 1))


def offered_task(service: ServiceUnderTest, **release: Any) -> str:
    service.react(release_planned(person_id=known_person(service), **release))
    return str(tasks(service)[0].id)


def test_an_officer_acknowledges_meets_and_registers(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    for step, body, state in (
        ("acceptance", {}, "accepted"),
        ("meeting", {"outcome": "met_official"}, "met"),
        ("registration", {}, "registered"),
    ):
        answer = service.client.post(f"/tasks/{task}/{step}", body, as_=OFFICER)
        assert (answer.status_code, answer.get_json()["state"]) == (201, state)
    assert [row.action for row in service.audit()] == [
        "handover.accepted.v1",
        "handover.met.v1",
        "handover.registered.v1",
        "measure.begun.v1",
    ]
    assert {row.actor for row in service.audit()} == {"officer"}


def test_second_acceptance_is_told_who_was_first_and_the_same_officer_changes_nothing(
    service: ServiceUnderTest,
) -> None:
    task = offered_task(service)
    first = service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER)
    again = service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER)
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    late = service.client.post(f"/tasks/{task}/acceptance", as_=COLLEAGUE)
    assert (late.status_code, late.get_json()["code"]) == (409, "task.already_accepted")
    assert late.get_json()["by"] == "officer"
    assert len(service.events("handover.accepted.v1")) == 1


def test_an_acknowledgement_is_taken_back_once_and_given_again(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER)
    service.clock.advance(timedelta(minutes=4))
    assert service.client.post(f"/tasks/{task}/acceptance-undoing", as_=COLLEAGUE).status_code == 409
    undone = service.client.post(f"/tasks/{task}/acceptance-undoing", as_=OFFICER, key="undo")
    assert (undone.status_code, undone.get_json()["state"]) == (201, "offered")
    again = service.client.post(f"/tasks/{task}/acceptance-undoing", as_=OFFICER, key="undo")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (
        service.client.post(f"/tasks/{task}/acceptance", as_=COLLEAGUE).get_json()["accepted_by"] == COLLEAGUE.subject
    )
    assert [row.action for row in service.audit() if row.refused is None] == [
        "handover.accepted.v1",
        "handover.acceptance_undone.v1",
        "handover.accepted.v1",
    ]


def test_an_office_that_refuses_chooses_a_ground_or_says_why(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    silent = service.client.post(f"/tasks/{task}/rejection", {"ground": "other"}, as_=OFFICER)
    assert (silent.status_code, silent.get_json()["errors"][0]["code"]) == (422, "rejection.reason_missing")
    refused = service.client.post(f"/tasks/{task}/rejection", {"ground": "moved_away"}, as_=OFFICER).get_json()
    assert (refused["state"], refused["rejection_ground"]) == ("disputed", "moved_away")


def test_an_acknowledgement_sent_twice_is_one(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    first = service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER, key="once")
    again = service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER, key="once")
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.get_json() == first.get_json()


def test_another_offices_task_does_not_exist_for_an_officer(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    stranger = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE-2", division="430822001")
    assert service.client.get(f"/tasks/{task}", as_=stranger).status_code == 404
    assert service.client.get("/tasks", as_=stranger).get_json()["items"] == []
    other_county = principal_of(Role.COUNTY_SUPERVISOR, division="430821")
    assert service.client.post(f"/tasks/{task}/acceptance", as_=other_county).status_code == 404
    assert len(service.client.get("/tasks", as_=OFFICER).get_json()["items"]) == 1


def test_a_supervisor_gives_an_unresolved_task_to_an_office(service: ServiceUnderTest) -> None:
    person = known_person(service, residence_division="430822228", registered_division="430822")
    service.react(release_planned(person_id=person))
    (task,) = tasks(service)
    city = principal_of(Role.CITY_SUPERVISOR)
    unknown = service.client.post(f"/tasks/{task.id}/assignment", {"office": "NOWHERE"}, as_=city)
    assert (unknown.status_code, unknown.get_json()["code"]) == (422, "office.unknown")
    answer = service.client.post(f"/tasks/{task.id}/assignment", {"office": OFFICE}, as_=city)
    assert (answer.get_json()["state"], answer.get_json()["office"]) == ("offered", OFFICE)


def test_a_waiting_task_is_found_though_its_news_came_in_another_transaction(service: ServiceUnderTest) -> None:
    """Two replicas: one opens the task while the other, not seeing it yet, enters the person or the coverage."""
    service.react(release_planned())
    uncovered = release_planned(person_id=known_person(service, residence_division="430822228"))
    service.react(uncovered)
    assert {task.unresolved_reason for task in tasks(service)} == {"unknown_person", "no_office"}
    service.run_timer("resolve_waiting")
    assert {task.version for task in tasks(service)} == {1}
    (unknown,) = (task for task in tasks(service) if task.unresolved_reason == "unknown_person")
    with service.work() as work:
        work.persons.put(KnownPerson(unknown.person_id, 1, None, f"{TOWNSHIP}001"))
        work.coverage.put(Coverage("430822", OFFICE))
    service.run_timer("resolve_waiting")
    assert {(task.state.value, task.office) for task in tasks(service)} == {("offered", "VILLAGE"), ("offered", OFFICE)}


def test_the_officer_who_accepted_may_say_so_again_after_the_meeting(service: ServiceUnderTest) -> None:
    task = offered_task(service)
    service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER)
    met = service.client.post(f"/tasks/{task}/meeting", {"outcome": "met_family"}, as_=OFFICER)
    again = service.client.post(f"/tasks/{task}/acceptance", as_=OFFICER)
    assert (again.status_code, again.get_json()) == (201, met.get_json())


def test_the_board_shows_what_is_open_and_the_latest_that_is_over(service: ServiceUnderTest) -> None:
    first = offered_task(service)
    assert service.react(release_planned(person_id=known_person(service), release_at=NOW + timedelta(days=9))) == []
    board = service.client.get("/tasks/board?limit=1", as_=OFFICER).get_json()
    assert ([task["id"] for task in board["open"]], board["done"], board["more"]) == ([first], [], True)
    stranger = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE-2", division="430822001")
    assert service.client.get("/tasks/board", as_=stranger).get_json()["open"] == []
    with service.work() as work:
        (task,) = work.tasks.select(tasks_table.c.id == UUID(first))
    assert service.react(release_cancelled(subject=task.release_id, person_id=task.person_id, sequence=2)) == []
    board = service.client.get("/tasks/board", as_=OFFICER).get_json()
    assert ([task["id"] for task in board["done"]], len(board["open"]), board["more"]) == ([first], 1, False)
