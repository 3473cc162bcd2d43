"""community_handover states which tasks its table has, day by day; a row that is gone is put back as it was told."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.community_handover.service import SERVICE
from services.community_handover.stating import AGAIN_AFTER
from services.community_handover.store import Coverage, Office, tasks
from shared.kernel.clock import china_day
from shared.kernel.ids import derived_id, new_id
from shared.storage.statements import digest_of
from shared.web import Role
from tests.support.builders import NOW, event, person_registered, release_executed, release_planned
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP = "430802001"
OPERATOR = principal_of(Role.OPERATOR)
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE", division=TOWNSHIP, subject="officer")


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        with opened.work() as work:
            work.offices.put(Office("OFFICE", "office", "township", TOWNSHIP))
            work.coverage.put(Coverage(TOWNSHIP, "OFFICE"))
        yield opened


def released(service: ServiceUnderTest, **changes: Any) -> UUID:
    """Somebody's release is planned and takes place; its id."""
    person = person_registered(residence_division=TOWNSHIP, registered_division="430822")
    planned = release_planned(person_id=person.subject, release_at=NOW)
    gone = release_executed(subject=planned.subject, person_id=person.subject, sequence=2, **changes)
    assert service.react(person, planned, gone) == []
    return planned.subject


def delete(service: ServiceUnderTest, release: UUID) -> None:
    with service.storage.engine.begin() as connection:
        assert connection.execute(tasks.delete().where(tasks.c.release_id == release)).rowcount == 1


def restore(service: ServiceUnderTest, release: UUID) -> Any:
    return service.client.post("/tasks/restoration", {"release_id": str(release)}, as_=OPERATOR)


def listed(service: ServiceUnderTest) -> list[Any]:
    """What was last stated of each day."""
    newest = {event.subject: event.data for event in service.events() if event.type.startswith("task_statement")}
    return [entry for data in newest.values() for entry in data["tasks"]]


def test_the_tasks_of_a_day_are_stated_and_again_only_when_they_change(service: ServiceUnderTest) -> None:
    release = released(service)
    assert service.run_timer("state_tasks") == 1
    (said,) = service.events("task_statement.issued.v1")
    task = {"task_id": derived_id(release, "handover"), "release_id": release, "release_version": 2}
    assert (said.data["tasks"], said.data["count"], said.data["parts"]) == ([task], 1, 1)
    assert said.data["digest"] == digest_of([f"{release}:2"])
    assert service.run_timer("state_tasks") == 0
    path = f"/tasks/{derived_id(release, 'handover')}/acceptance"
    assert service.client.post(path, as_=OFFICER).status_code == 201
    assert service.run_timer("state_tasks") == 0
    released(service)
    assert service.run_timer("state_tasks") == 1
    assert service.events("task_statement.corrected.v1")[-1].data["count"] == 2


def test_a_task_is_stated_on_the_day_of_the_gate_else_of_the_plan(service: ServiceUnderTest) -> None:
    ahead = release_planned(person_id=new_id(), release_at=NOW + timedelta(days=30))
    far = release_planned(person_id=new_id(), release_at=NOW + timedelta(days=40))
    service.react(ahead, far)
    assert service.run_timer("state_tasks") == 2  # with today, which is empty
    assert [entry["release_id"] for entry in listed(service)] == [ahead.subject]
    early = release_executed(subject=ahead.subject, sequence=2, release_at=ahead.data["release_at"])
    service.react(early)
    assert service.run_timer("state_tasks") == 2  # it left the one day and came to the other
    days = [event.data["day"] for event in service.events("task_statement.issued.v1")]
    assert days == [china_day(NOW), china_day(NOW + timedelta(days=30))]
    assert [entry["release_version"] for entry in listed(service)] == [2]


def test_today_is_stated_again_so_that_others_know_that_the_table_is_read(service: ServiceUnderTest) -> None:
    assert service.run_timer("state_tasks") == 1  # that there are none
    service.clock.advance(AGAIN_AFTER - timedelta(seconds=1))
    assert service.run_timer("state_tasks") == 0
    service.clock.advance(timedelta(seconds=1))
    assert service.run_timer("state_tasks") == 1
    (again,) = service.events("task_statement.corrected.v1")
    assert (again.sequence, again.data["count"], again.data["stated_at"]) == (2, 0, service.clock.now())


def test_a_row_that_vanished_is_listed_no_more(service: ServiceUnderTest) -> None:
    kept, lost = released(service), released(service)
    service.run_timer("state_tasks")
    delete(service, lost)
    assert service.run_timer("state_tasks") == 1
    assert [entry["release_id"] for entry in listed(service)] == [kept]


def test_tasks_that_come_from_orders_are_not_of_a_release(service: ServiceUnderTest) -> None:
    service.react(event("order.served.v1", kind="community_detox"))
    assert service.run_timer("state_tasks") == 1
    assert listed(service) == []


def test_a_lost_row_is_put_back_as_it_was_last_told_and_goes_on(service: ServiceUnderTest) -> None:
    release = released(service)
    task_id = derived_id(release, "handover")
    path = f"/tasks/{task_id}"
    assert service.client.post(f"{path}/acceptance", as_=OFFICER).status_code == 201
    before = service.client.get(path, as_=OFFICER).get_json()
    said = len(service.events())
    delete(service, release)
    assert service.client.get(path, as_=OFFICER).status_code == 404
    restored = restore(service, release)
    assert (restored.status_code, restored.get_json()) == (201, {"id": str(task_id), "version": before["version"]})
    after = service.client.get(path, as_=OFFICER).get_json()
    assert {name for name in before if before[name] != after[name]} <= {"offered_at"}
    assert len(service.events()) == said
    assert [(row.action, row.subject) for row in service.audit()][-1] == ("task.restored", task_id)
    assert service.client.post(f"{path}/meeting", {"outcome": "met_official"}, as_=OFFICER).status_code == 201
    assert service.events("handover.met.v1")[-1].sequence == before["version"] + 1


def test_a_restored_task_is_woken_by_its_deadline(service: ServiceUnderTest) -> None:
    release = released(service)
    delete(service, release)
    restore(service, release)
    service.clock.advance(timedelta(days=2))
    assert service.run_timer("wake_tasks") > 0
    assert service.events("handover.escalated.v1")[-1].data["release_id"] == release


def test_what_is_there_or_never_was_is_not_put_back(service: ServiceUnderTest) -> None:
    exists = restore(service, released(service))
    assert (exists.status_code, exists.get_json()["code"]) == (409, "task.exists")
    unknown = restore(service, new_id())
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "task.never_told")
