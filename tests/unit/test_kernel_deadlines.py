"""Deadlines: each basis by example, and what must hold for any start."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.clock import CHINA, china_day
from shared.kernel.deadlines import (
    Basis,
    Confidence,
    DeadlineRule,
    Duty,
    add_months,
    due_at,
    last_day_of_term,
    start_of_day,
)
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


@given(MOMENTS, st.sampled_from(sorted(set(Basis) - {Basis.BEFORE, Basis.DAYS_BEFORE})), st.integers(1, 20))
def test_a_deadline_lies_after_its_start_and_a_longer_one_later(start: datetime, basis: Basis, length: int) -> None:
    due = due_at(rule(basis, length), start, CALENDAR)
    assert due.at > start
    assert due_at(rule(basis, length + 1), start, CALENDAR).at > due.at


@given(MOMENTS, st.integers(1, 40))
def test_days_before_a_day_are_calendar_days_and_end_with_their_last_one(day: datetime, length: int) -> None:
    due = due_at(rule(Basis.DAYS_BEFORE, length), day, CALENDAR)
    assert china_day(due.at - timedelta(seconds=1)) == china_day(day) - timedelta(days=length)
    assert not due.provisional


def test_a_deadline_that_reaches_into_an_unannounced_year_is_provisional() -> None:
    assert due_at(rule(Basis.WORKING_DAYS, 3), at("2026-12-30T10:00"), CALENDAR).provisional
    assert not due_at(rule(Basis.WORKING_DAYS, 3), at("2026-12-21T10:00"), CALENDAR).provisional
    assert not due_at(rule(Basis.HOURS, 24), at("2026-12-31T10:00"), CALENDAR).provisional


def test_day_0_does_not_make_a_deadline_provisional_but_a_counted_day_does() -> None:
    assert not due_at(rule(Basis.WORKING_DAYS, 1), at("2024-12-31T10:00"), CALENDAR).provisional
    assert due_at(rule(Basis.WORKING_DAYS, 1), at("2026-12-31T10:00"), CALENDAR).provisional
    assert not due_at(rule(Basis.BEFORE, 1), at("2027-01-01T09:00"), CALENDAR).provisional
    assert due_at(rule(Basis.BEFORE, 1), at("2027-01-02T09:00"), CALENDAR).provisional


def test_what_no_holiday_moves_is_never_provisional() -> None:
    new_years_eve = at("2026-12-31T10:00")
    assert not due_at(rule(Basis.TERM, 10), new_years_eve, CALENDAR).provisional
    assert not due_at(rule(Basis.CALENDAR_DAYS, 10), new_years_eve, CALENDAR).provisional
    assert due_at(rule(Basis.CALENDAR_DAYS, 10, Duty.PERSON), new_years_eve, CALENDAR).provisional


@given(st.datetimes(datetime(2025, 1, 10), datetime(2027, 6, 1), timezones=st.just(UTC)), st.integers(1, 20))
def test_working_days_are_provisional_exactly_when_one_lies_in_an_unannounced_year(start: datetime, n: int) -> None:
    due = due_at(rule(Basis.WORKING_DAYS, n), start, CALENDAR)
    last = china_day(due.at - timedelta(seconds=1))
    assert due.provisional == (last.year > 2026)


@given(MOMENTS, st.sampled_from(list(Basis)), st.integers(1, 20), st.integers(0, 20))
def test_a_later_start_is_never_due_sooner(start: datetime, basis: Basis, length: int, days: int) -> None:
    due = due_at(rule(basis, length), start, CALENDAR)
    assert due_at(rule(basis, length), start + timedelta(days=days), CALENDAR).at >= due.at


@given(MOMENTS, st.sampled_from([b for b in Basis if b is not Basis.HOURS]), st.integers(1, 20))
def test_a_deadline_of_days_ends_at_midnight_in_china_and_is_told_in_utc(
    start: datetime, basis: Basis, length: int
) -> None:
    due = due_at(rule(basis, length), start, CALENDAR)
    assert due.at.tzinfo is UTC
    assert due.at == start_of_day(china_day(due.at))


@given(MOMENTS, st.integers(1, 20))
def test_no_later_day_would_satisfy_both_readings(day: datetime, length: int) -> None:
    too_late = china_day(due_at(rule(Basis.BEFORE, length), day, CALENDAR).at)
    between = [too_late + timedelta(days=n) for n in range((china_day(day) - too_late).days)]
    clear = sum(CALENDAR.is_working_day(one) for one in between) >= length
    assert not (clear and too_late <= china_day(day) - timedelta(days=length))


def test_a_detention_of_ten_days_over_spring_festival_ends_on_its_tenth_day() -> None:
    assert due_at(rule(Basis.TERM, 10), at("2026-02-12T08:00"), CALENDAR).at == at("2026-02-22T00:00")


@pytest.mark.parametrize("length", [0, -1])
def test_a_deadline_without_length_is_no_rule(length: int) -> None:
    with pytest.raises(ValueError, match="at least one"):
        rule(Basis.HOURS, length)


@pytest.mark.parametrize("basis", list(Basis))
def test_a_start_without_a_zone_is_refused(basis: Basis) -> None:
    with pytest.raises(ValueError, match="zone"):
        due_at(rule(basis, 1), datetime(2026, 11, 23, 10), CALENDAR)


def test_new_years_day_is_free_before_its_year_is_announced() -> None:
    due = due_at(rule(Basis.WORKING_DAYS, 3), at("2026-12-30T10:00"), CALENDAR)
    assert (due.at, due.provisional) == (at("2027-01-06T00:00"), True)


def test_two_years_from_a_leap_day_end_before_the_28th() -> None:
    assert add_months(date(2024, 2, 29), 24) == date(2026, 2, 28)
    assert add_months(date(2024, 3, 5), 24) == date(2026, 3, 5)


def test_a_term_of_two_years_includes_its_first_day() -> None:
    assert last_day_of_term(date(2024, 3, 5), 24) == date(2026, 3, 4)
    assert last_day_of_term(date(2024, 2, 29), 24) == date(2026, 2, 27)
    assert last_day_of_term(date(2026, 8, 31), 6) == date(2027, 2, 27)
    assert due_at(rule(Basis.TERM_MONTHS, 24), at("2024-03-05T18:00"), CALENDAR).at == at("2026-03-05T00:00")


def test_a_day_begins_in_china() -> None:
    assert start_of_day(date(2026, 11, 23)).astimezone(UTC) == datetime(2026, 11, 22, 16, tzinfo=UTC)
