"""release_notification states from its register who left each centre on a finished day, and again when it changes."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.release_notification.service import SERVICE
from shared.contracts.reconciliation import MOST_ENTRIES
from shared.kernel.clock import CHINA
from shared.kernel.ids import new_id
from shared.storage.statements import digest_of
from shared.web import Role
from tests.support.builders import event, person_registered, stay_admitted
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1")
AUDITOR = principal_of(Role.AUDITOR)
TODAY = date(2026, 11, 23)


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def left(service: ServiceUnderTest, at: datetime | None = None, kind: str = "early_release") -> str:
    """Somebody leaves; the release's id."""
    person = person_registered()
    service.react(person)
    release_at = (at or service.clock.now()).isoformat()
    body = {"person_id": str(person.subject), "centre": "centre-1", "kind": kind, "release_at": release_at}
    release = service.client.post("/releases", body, as_=CLERK).get_json()["id"]
    gate = {"certificate_number": "JC-1", "executed_at": release_at}
    answer = service.client.post(f"/releases/{release}/execution", gate, as_=CLERK)
    assert answer.status_code == 201, answer.get_json()
    return str(release)


def stated(service: ServiceUnderTest) -> list[Any]:
    return [event.data for event in service.events("statement.issued.v1", "statement.corrected.v1")]


def test_a_day_is_stated_when_it_is_over(service: ServiceUnderTest) -> None:
    met, kept = left(service), left(service, kind="criminal_custody")
    assert service.run_timer("state_days") == 1  # yesterday, on which nobody left
    assert (stated(service)[0]["day"], stated(service)[0]["executed"]) == (TODAY - timedelta(days=1), 0)
    service.clock.advance(timedelta(hours=14))  # midnight in China
    assert service.run_timer("state_days") == 1
    day = stated(service)[-1]
    assert (day["day"], day["executed"], day["to_be_met"], day["state"]) == (TODAY, 2, 1, "issued")
    assert {(str(one["release_id"]), one["version"], one["needs_handover"]) for one in day["releases"]} == {
        (met, 2, True),
        (kept, 2, False),
    }
    assert day["digest"] == digest_of([f"{met}:2"])
    assert service.run_timer("state_days") == 0


def test_the_version_is_the_one_that_told_the_gate_whatever_came_after(service: ServiceUnderTest) -> None:
    release = left(service)
    assert service.client.post(f"/releases/{release}/papers", {}, as_=CLERK).get_json()["version"] == 3
    service.clock.advance(timedelta(hours=14))
    service.run_timer("state_days")
    (entry,) = stated(service)[-1]["releases"]
    assert entry["version"] == 2


def test_a_release_that_no_event_told_is_stated_all_the_same(service: ServiceUnderTest) -> None:
    release = left(service)
    with service.storage.engine.begin() as connection:
        connection.execute(text("delete from event_log where type = 'release.executed.v1'"))
    service.clock.advance(timedelta(hours=14))
    service.run_timer("state_days")
    (entry,) = stated(service)[-1]["releases"]
    assert (str(entry["release_id"]), entry["version"]) == (release, 2)


def test_a_late_entry_and_a_retraction_correct_the_day(service: ServiceUnderTest) -> None:
    first = left(service)
    service.clock.advance(timedelta(days=3))
    assert service.run_timer("state_days") > 0
    late = left(service, datetime.combine(TODAY, datetime.min.time(), CHINA) + timedelta(hours=9))
    assert service.run_timer("state_days") == 1
    corrected = service.events("statement.corrected.v1")[-1]
    assert (corrected.sequence, corrected.data["day"], corrected.data["executed"]) == (2, TODAY, 2)
    for release in (first, late):
        service.client.post(f"/releases/{release}/retraction", {"reason": "another person"}, as_=CLERK)
    assert service.run_timer("state_days") == 1
    again = service.events("statement.corrected.v1")[-1]
    assert (again.sequence, again.data["releases"], again.data["digest"]) == (3, [], digest_of(()))


def test_every_day_is_stated_after_an_outage_also_empty_ones(service: ServiceUnderTest) -> None:
    left(service)
    service.run_timer("state_days")
    service.clock.advance(timedelta(days=5))
    assert service.run_timer("state_days") == 5
    days = [(data["day"] - TODAY).days for data in stated(service)]
    assert days == [-1, 0, 1, 2, 3, 4]


def test_a_day_before_the_first_one_is_stated_with_all_between_when_somebody_is_entered_late(
    service: ServiceUnderTest,
) -> None:
    left(service)
    service.run_timer("state_days")
    left(service, datetime.combine(TODAY - timedelta(days=5), datetime.min.time(), CHINA))
    assert service.run_timer("state_days") == 4
    assert sorted((data["day"] - TODAY).days for data in stated(service)) == [-5, -4, -3, -2, -1]


def test_a_centre_whose_people_have_all_left_is_stated_all_the_same(service: ServiceUnderTest) -> None:
    admitted = stay_admitted()
    service.react(admitted)
    service.run_timer("state_days")
    service.react(event("stay.transferred.v1", subject=admitted.subject, sequence=2, centre="centre-2"))
    service.clock.advance(timedelta(days=1))
    assert service.run_timer("state_days") == 2
    assert {(data["centre"], (data["day"] - TODAY).days) for data in stated(service)} == {
        ("centre-1", -1),
        ("centre-1", 0),
        ("centre-2", 0),
    }


def test_a_centre_from_which_nothing_was_ever_heard_is_not_stated(service: ServiceUnderTest) -> None:
    assert service.run_timer("state_days") == 0


def test_a_day_with_many_releases_is_told_in_parts(service: ServiceUnderTest) -> None:
    left(service)
    columns = "version, person_id, centre, kind, state, release_at, needs_handover, legal_ground, notices, executed_at"
    columns += ", present"
    with service.storage.engine.begin() as connection:  # as a register that another system filled
        rows = [{"id": new_id().hex if connection.dialect.name == "sqlite" else new_id()} for _ in range(MOST_ENTRIES)]
        copy = f"insert into release (id, {columns}) select :id, {columns} from release limit 1"
        for row in rows:
            connection.execute(text(copy), row)
    service.clock.advance(timedelta(hours=14))
    assert service.run_timer("state_days") == 2
    parts = [data for data in stated(service) if data["day"] == TODAY]
    assert [(data["part"], data["parts"], len(data["releases"])) for data in parts] == [(0, 2, 200), (1, 2, 1)]
    assert {data["digest"] for data in parts} == {parts[0]["digest"]}
    with service.storage.engine.begin() as connection:
        connection.execute(text("delete from release where id = :id"), rows[0])
    assert service.run_timer("state_days") == 2
    parts = [event.data for event in service.events("statement.corrected.v1")]
    assert [(data["part"], data["parts"], len(data["releases"])) for data in parts] == [(0, 1, 200), (1, 1, 0)]


def test_a_statement_can_be_read_by_the_centre_and_those_who_look_after_it(service: ServiceUnderTest) -> None:
    release = left(service)
    service.clock.advance(timedelta(hours=14))
    service.run_timer("state_days")
    path = f"/statements/centre-1/{TODAY}"
    for reader in (CLERK, AUDITOR, principal_of(Role.CITY_SUPERVISOR)):
        read = service.client.get(path, as_=reader).get_json()
        assert (read["version"], read["executed"], read["to_be_met"]) == (1, 1, 1)
        assert [one["release_id"] for one in read["releases"]] == [release]
    stranger = principal_of(Role.CENTRE_CLERK, organisation="centre-2")
    for wrong in (
        service.client.get(path, as_=stranger),
        service.client.get(f"/statements/centre-1/{TODAY + timedelta(days=1)}", as_=CLERK),
    ):
        assert (wrong.status_code, wrong.get_json()["code"]) == (404, "statement.not_found")
