"""detention_intake says what each centre counted beside who should be there, and which centre said no number."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from services.detention_intake.service import SERVICE
from services.detention_intake.store import Movement
from shared.kernel.ids import new_id
from shared.storage.migrations import upgrade
from shared.web import Role
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1")
TODAY = date(2026, 11, 23)
BEFORE = """create table headcount (
  key text primary key, centre text not null, day date not null, counted integer not null,
  stated_at timestamp with time zone not null, stated_by text not null
)"""


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def moved(service: ServiceUnderTest, kind: str, heads: int, day: date = TODAY, centre: str = "centre-1") -> None:
    with service.work() as work:
        work.movements.put(Movement(new_id(), new_id(), centre, kind, day, heads))


def counted(service: ServiceUnderTest, number: int, day: date = TODAY) -> Any:
    return service.client.put(f"/centres/centre-1/headcounts/{day}", {"counted": number}, as_=CLERK)


def said(service: ServiceUnderTest) -> list[Any]:
    return service.events("headcount.stated.v1", "headcount.corrected.v1", "headcount.missed.v1")


def test_what_was_counted_is_said_beside_who_should_be_there(service: ServiceUnderTest) -> None:
    for _ in range(3):
        moved(service, "admitted", 1, TODAY - timedelta(days=1))
    for kind, heads in (("admitted", 1), ("transferred_out", -1), ("out_to_court", -1), ("returned", 1), ("died", -1)):
        moved(service, kind, heads)
    assert counted(service, 3).status_code == 200
    (event,) = said(service)
    assert (event.type, event.sequence) == ("headcount.stated.v1", 1)
    assert {name: event.data[name] for name in ("counted", "expected", "yesterday", "admitted", "away", "died")} == {
        "counted": 3,
        "expected": 2,
        "yesterday": 3,
        "admitted": 1,
        "away": 1,
        "died": 1,
    }
    assert "stated_by" not in event.data


def test_the_same_number_again_says_nothing_and_another_one_corrects(service: ServiceUnderTest) -> None:
    moved(service, "admitted", 1)
    counted(service, 1)
    counted(service, 1)
    counted(service, 2)
    assert [(event.type, event.data["counted"]) for event in said(service)] == [
        ("headcount.stated.v1", 1),
        ("headcount.corrected.v1", 2),
    ]


def test_who_is_entered_late_changes_every_day_since(service: ServiceUnderTest) -> None:
    moved(service, "admitted", 1, TODAY - timedelta(days=1))
    counted(service, 0, TODAY - timedelta(days=1))
    counted(service, 0)
    assert service.run_timer("recount") == 0
    moved(service, "released", -1, TODAY - timedelta(days=1))
    assert service.run_timer("recount") == 2
    assert [(event.sequence, event.data["expected"]) for event in said(service)][2:] == [(2, 0), (2, 0)]
    assert service.run_timer("recount") == 0


def test_a_centre_that_says_no_number_by_the_next_morning_is_said(service: ServiceUnderTest) -> None:
    moved(service, "admitted", 1)
    service.clock.advance(timedelta(hours=23))  # 09:00 on the next day
    assert service.run_timer("recount") == 0
    service.clock.advance(timedelta(hours=1))
    assert service.run_timer("recount") == 1
    (missed,) = said(service)
    assert (missed.type, missed.data["state"], missed.data["counted"], missed.data["expected"]) == (
        "headcount.missed.v1",
        "missed",
        None,
        1,
    )
    counted(service, 1)
    assert [event.type for event in said(service)][1:] == ["headcount.stated.v1"]
    assert service.run_timer("recount") == 0


def test_an_empty_centre_says_nothing_and_owes_nothing(service: ServiceUnderTest) -> None:
    moved(service, "admitted", 1, TODAY - timedelta(days=3))
    moved(service, "released", -1, TODAY - timedelta(days=3))
    counted(service, 0, TODAY - timedelta(days=3))
    service.clock.advance(timedelta(days=2))
    assert service.run_timer("recount") == 0


def test_headcounts_stated_before_they_were_said_are_kept_and_those_of_late_are_said(database_url: str) -> None:
    with service_under_test(SERVICE, database_url) as service:
        engine = service.storage.engine
        with engine.begin() as connection:
            connection.execute(text("drop table headcount"))
            connection.execute(text(BEFORE))
            for day in (TODAY - timedelta(days=1), TODAY - timedelta(days=300)):
                row = {"key": f"centre-1 {day}", "day": day.isoformat(), "at": "2026-11-22 12:00:00.000000"}
                stated = "insert into headcount values (:key, 'centre-1', :day, 2, :at, 'clerk')"
                connection.execute(text(stated), row)
            connection.execute(text("delete from alembic_version where version_num = 'detention_intake_0004'"))
            connection.execute(text("insert into alembic_version values ('detention_intake_0003')"))
        upgrade(engine, "detention_intake")
        moved(service, "admitted", 1, TODAY - timedelta(days=1))
        assert service.run_timer("recount") == 1
        (event,) = said(service)
        assert (event.type, event.sequence, event.data["counted"], event.data["expected"]) == (
            "headcount.stated.v1",
            1,
            2,
            1,
        )
        read = service.client.get(f"/centres/centre-1/headcounts/{TODAY - timedelta(days=300)}", as_=CLERK).get_json()
        assert read["counted"] == 2
