"""A deadline that reaches into a year whose holidays are not announced is counted again when they are."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.docs import definition_of
from services.community_handover.store import Coverage, Office
from shared.reference import calendar
from shared.web import Role
from tests.support.builders import person_registered, release_planned
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

THURSDAY = datetime(2026, 12, 31, 3, tzinfo=UTC)  # a Thursday; the next day is free in every year
# Invented: the fourth is made free and the Saturday before it worked.
ANNOUNCED = "day,kind\n2027-01-01,holiday\n2027-01-04,holiday\n2027-01-02,swap_day\n"
OFFICE = "OFFICE-1"


@pytest.fixture(autouse=True)
def calendars() -> Iterator[None]:
    """No other test sees an invented year."""
    yield
    _read_again()


def _read_again() -> None:
    calendar.china_calendar.cache_clear()
    calendar.next_due.cache_clear()


def announce(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The next year's days become known, as after a restart with the file."""
    file = folder / "calendar-2027.csv"
    file.write_text(ANNOUNCED, encoding="utf-8")
    monkeypatch.setenv("CALENDAR_FILE", str(file))
    _read_again()


@pytest.fixture
def opened(database_url: str) -> Iterator[Any]:
    with service_under_test(definition_of("community_handover"), database_url) as service:
        service.clock.set(THURSDAY)
        with service.work() as work:
            work.offices.put(Office(OFFICE, "office", "township", "430802001"))
            work.coverage.put(Coverage("430802001", OFFICE))
        yield service


def test_a_task_is_due_a_working_day_later_once_that_day_is_known(
    opened: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    person = person_registered()
    opened.react(person, release_planned(person_id=person.subject, release_at=datetime(2027, 1, 20, 1, tzinfo=UTC)))
    officer = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division="430802001")
    (before,) = opened.client.get("/tasks", as_=officer).get_json()["items"]
    assert before["due_at"] == "2027-01-04T16:00:00+00:00"  # weekends and New Year's Day are known
    assert opened.run_timer("settle_deadlines") == 0
    announce(monkeypatch, tmp_path)
    assert opened.run_timer("settle_deadlines") == 1
    (after,) = opened.client.get("/tasks", as_=officer).get_json()["items"]
    assert (after["due_at"], after["accept_due_at"]) == ("2027-01-02T16:00:00+00:00",) * 2
    assert [event.type for event in opened.events()][-1] == "handover.deadline_settled.v1"
    assert opened.run_timer("settle_deadlines") == 0


def test_decisions_and_tests_are_counted_again_too(
    database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with service_under_test(definition_of("detention_intake"), database_url) as service:
        service.clock.set(THURSDAY)
        county = principal_of(Role.COUNTY_SUPERVISOR, division="430802")
        person = person_registered()
        service.react(person)
        order = {
            "person_id": str(person.subject),
            "division": "430802001",
            "kind": "community_detox",
            "deciding_organ": "GA-430802",
            "decided_on": "2026-12-31",
        }
        made = service.client.post("/orders", order, as_=county).get_json()
        assert made["due_at"] == "2027-01-04T16:00:00+00:00"
        announce(monkeypatch, tmp_path)
        assert service.run_timer("settle_deadlines") == 1
        assert (
            service.client.get(f"/orders/{made['id']}", as_=county).get_json()["due_at"] == "2027-01-02T16:00:00+00:00"
        )
        assert service.run_timer("settle_deadlines") == 0
