"""Deadlines: each basis by example, and what must hold for any start."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.community_handover import policy as handover
from services.detention_intake import policy as intake
from services.drug_testing import policy as testing
from shared.kernel.clock import CHINA, china_day
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty, add_years, due_at, start_of_day
from shared.reference.calendar import china_calendar

CALENDAR = china_calendar()
MOMENTS = st.datetimes(datetime(2025, 2, 1), datetime(2026, 10, 31), timezones=st.just(UTC))


def rule(basis: Basis, length: int, duty: Duty = Duty.ORGAN) -> DeadlineRule:
    return DeadlineRule("X", "期限", "deadline", basis, length, "start", "source", Confidence.OURS, duty)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


@pytest.mark.parametrize(
    ("basis", "length", "start", "first_moment_too_late"),
    [
        (Basis.WORKING_DAYS, 3, "2026-11-20T15:00", "2026-11-26T00:00"),  # Friday: Monday, Tuesday, Wednesday
        (Basis.WORKING_DAYS, 3, "2026-02-12T15:00", "2026-02-25T00:00"),  # 13, the swap day 14, then 24 February
        (Basis.WORKING_DAYS, 1, "2026-09-30T09:00", "2026-10-09T00:00"),  # National Day week
        (Basis.HOURS, 24, "2026-10-01T13:30", "2026-10-02T13:30"),
        (Basis.CALENDAR_DAYS, 15, "2026-11-01T10:00", "2026-11-17T00:00"),
        (Basis.TERM, 10, "2026-11-01T10:00", "2026-11-11T00:00"),
        (Basis.BEFORE, 3, "2026-10-09T09:00", "2026-09-30T00:00"),  # the working-day reading binds
    ],
)
def test_each_basis_by_example(basis: Basis, length: int, start: str, first_moment_too_late: str) -> None:
    assert due_at(rule(basis, length), at(start), CALENDAR).at == at(first_moment_too_late)


def test_a_persons_last_day_moves_off_a_holiday_and_an_organs_does_not() -> None:
    start = at("2026-09-18T10:00")  # 15 days later is 3 October
    assert due_at(rule(Basis.CALENDAR_DAYS, 15, Duty.PERSON), start, CALENDAR).at == at("2026-10-09T00:00")
    assert due_at(rule(Basis.CALENDAR_DAYS, 15), start, CALENDAR).at == at("2026-10-04T00:00")


@given(MOMENTS, st.integers(1, 20))
def test_working_days_end_with_a_working_day(start: datetime, length: int) -> None:
    last = china_day(due_at(rule(Basis.WORKING_DAYS, length), start, CALENDAR).at - timedelta(seconds=1))
    assert CALENDAR.is_working_day(last)
    between = [china_day(start) + timedelta(days=n) for n in range(1, (last - china_day(start)).days + 1)]
    assert sum(CALENDAR.is_working_day(day) for day in between) == length


@given(MOMENTS, st.integers(1, 20))
def test_before_satisfies_both_readings(day: datetime, length: int) -> None:
    last = china_day(due_at(rule(Basis.BEFORE, length), day, CALENDAR).at - timedelta(seconds=1))
    assert last <= china_day(day) - timedelta(days=length)
    between = [last + timedelta(days=n) for n in range((china_day(day) - last).days)]
    assert sum(CALENDAR.is_working_day(one) for one in between) >= length


@given(MOMENTS, st.sampled_from([b for b in Basis if b is not Basis.BEFORE]), st.integers(1, 20))
def test_a_deadline_lies_after_its_start_and_a_longer_one_later(start: datetime, basis: Basis, length: int) -> None:
    due = due_at(rule(basis, length), start, CALENDAR)
    assert due.at > start
    assert due_at(rule(basis, length + 1), start, CALENDAR).at > due.at


def test_a_deadline_that_reaches_into_an_unannounced_year_is_provisional() -> None:
    assert due_at(rule(Basis.WORKING_DAYS, 3), at("2026-12-30T10:00"), CALENDAR).provisional
    assert not due_at(rule(Basis.WORKING_DAYS, 3), at("2026-12-21T10:00"), CALENDAR).provisional
    assert not due_at(rule(Basis.HOURS, 24), at("2026-12-31T10:00"), CALENDAR).provisional


def test_two_years_from_a_leap_day_end_before_the_28th() -> None:
    assert add_years(date(2024, 2, 29), 2) == date(2026, 2, 28)
    assert add_years(date(2024, 3, 5), 2) == date(2026, 3, 5)


def test_a_day_begins_in_china() -> None:
    assert start_of_day(date(2026, 11, 23)).astimezone(UTC) == datetime(2026, 11, 22, 16, tzinfo=UTC)


@pytest.mark.parametrize("one", [*testing.RULES, *intake.RULES, *handover.RULES], ids=lambda r: r.id)
def test_every_deadline_names_its_source(one: DeadlineRule) -> None:
    assert one.source and one.title_zh and one.title_en and one.starts and one.length > 0
