"""Deadlines as data: what starts them, how long they run, by which calendar, and which rule says so.

`Due.at` is the first moment that is too late. Late is never a state: it is ``now >= due.at``, so a late act can
still be done and recorded.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import ModuleType
from typing import Any, TypeVar

from shared.kernel.calendar import ONE_DAY, WorkCalendar
from shared.kernel.clock import CHINA, china_day


class Basis(StrEnum):
    """How a length is counted."""

    WORKING_DAYS = "working_days"  # day 0 not counted, ends with the last working day
    CALENDAR_DAYS = "calendar_days"  # day 0 not counted; a duty of the person ends no earlier than a working day
    HOURS = "hours"  # from the minute, through nights and holidays
    TERM = "term"  # days of custody: the first day counts, no holiday moves the end
    TERM_MONTHS = "term_months"  # the same in months
    BEFORE = "before"  # days before a day, counted both ways; the earlier one binds
    DAYS_BEFORE = "days_before"  # calendar days before a day


class Duty(StrEnum):
    """Whose duty it is: a last day that falls on a holiday moves for a person, never for a public body."""

    PERSON = "person"
    ORGAN = "organ"


class Confidence(StrEnum):
    """How the length is known (see docs: confidence marks)."""

    READ = "read"
    PAGE = "page"
    MEM = "mem"
    LOCAL = "local"
    OURS = "ours"


@dataclass(frozen=True, slots=True)
class DeadlineRule:
    """One row of a service's policy."""

    id: str
    title_zh: str
    title_en: str
    basis: Basis
    length: int  # days, hours or months, as the basis says
    starts: str
    source: str
    confidence: Confidence
    duty: Duty = Duty.ORGAN

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError(f"{self.id}: a deadline lasts at least one day or hour")


def rules_in(policy: ModuleType) -> list[DeadlineRule]:
    """Every deadline rule of a service's policy."""
    return [value for value in vars(policy).values() if isinstance(value, DeadlineRule)]


@dataclass(frozen=True, slots=True)
class Due:
    """When it is too late. ``provisional`` until every year it reaches into is announced."""

    at: datetime
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class NextDue:
    """An aggregate's next deadline: the id of its rule, and the first moment that is too late.

    ``halfway`` is when half of its time is over, if it runs from a moment on. ``starts`` is where it began, while it is
    provisional: a year that it reaches into is not announced, and then it is counted again.
    """

    rule: str
    at: datetime
    halfway: datetime | None = field(default=None, compare=False)
    starts: datetime | None = field(default=None, compare=False)


def earliest(deadlines: Iterable[NextDue | None]) -> NextDue | None:
    """The deadline that comes first; None when none runs."""
    return min((due for due in deadlines if due is not None), key=lambda due: due.at, default=None)


A = TypeVar("A")


def settle(aggregate: A, count: Callable[[NextDue], NextDue]) -> A | None:
    """The aggregate's next version with its provisional deadlines counted again; None while all stay provisional.

    Every moment of the aggregate that is such a deadline moves with it.
    """
    one: Any = aggregate
    changes: dict[str, Any] = {}
    moved: dict[datetime, datetime] = {}
    for name, due in _provisional(one).items():
        again = count(due)
        if again.starts is None:
            moved[due.at] = again.at
            changes[name] = None if name == "due_from" else again
    if not moved:
        return None
    for name in (f.name for f in fields(one) if f.name.endswith(("due_at", "wake_at"))):
        changes[name] = moved.get(getattr(one, name), getattr(one, name))
    settled: A = replace(one, version=one.version + 1, **changes)
    return settled


def _provisional(aggregate: Any) -> dict[str, NextDue]:
    """The provisional deadlines of an aggregate, by the field that says so."""
    found = {f.name: getattr(aggregate, f.name) for f in fields(aggregate)}
    running = {name: due for name, due in found.items() if isinstance(due, NextDue) and due.starts is not None}
    if aggregate.due_from is not None:
        running["due_from"] = NextDue(aggregate.due_rule, aggregate.due_at, starts=aggregate.due_from)
    return running


def due_at(rule: DeadlineRule, start: datetime, calendar: WorkCalendar) -> Due:
    """The deadline of a rule that starts (for `Basis.BEFORE` and `Basis.DAYS_BEFORE`: that ends) at a moment.

    Raises: ValueError when the moment has no zone.
    """
    day = china_day(start)
    if rule.basis is Basis.HOURS:
        return Due(start.astimezone(UTC) + timedelta(hours=rule.length))
    last = _last_day(rule, day, calendar)
    return Due(start_of_day(last + ONE_DAY).astimezone(UTC), _is_provisional(rule, day, last, calendar))


def _is_provisional(rule: DeadlineRule, day: date, last: date, calendar: WorkCalendar) -> bool:
    """Whether a day that was counted lies in a year whose holidays are not announced. Day 0 is not counted."""
    if rule.basis in (Basis.TERM, Basis.TERM_MONTHS, Basis.DAYS_BEFORE) or (
        rule.basis is Basis.CALENDAR_DAYS and rule.duty is Duty.ORGAN
    ):
        return False
    first, final = (last, day - ONE_DAY) if rule.basis is Basis.BEFORE else (day + ONE_DAY, last)
    if rule.basis is Basis.CALENDAR_DAYS:
        first = day + rule.length * ONE_DAY  # only whether the last day is a holiday is asked
    return not all(calendar.is_complete(year) for year in range(first.year, final.year + 1))


def start_of_day(day: date) -> datetime:
    """Midnight in China at which the day begins."""
    return datetime.combine(day, time(), CHINA)


def add_months(day: date, months: int) -> date:
    """The same day months later, or the last day of that month where it has no such day.

    A term ends the day before: the way sentences are counted (最高人民法院关于适用刑事诉讼法的解释 art. 202), which
    from 29 February gives 27 February years later. In doubt custody ends a day sooner, never later.
    """
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day_of_term(first: date, months: int) -> date:
    """The last day of a term of months; its first day counts."""
    return add_months(first, months) - ONE_DAY


def _last_day(rule: DeadlineRule, day: date, calendar: WorkCalendar) -> date:
    match rule.basis:
        case Basis.WORKING_DAYS:
            return calendar.add_working_days(day, rule.length)
        case Basis.CALENDAR_DAYS:
            last = day + rule.length * ONE_DAY
            return calendar.next_working_day(last) if rule.duty is Duty.PERSON else last
        case Basis.TERM:
            return day + (rule.length - 1) * ONE_DAY
        case Basis.TERM_MONTHS:
            return last_day_of_term(day, rule.length)
        case Basis.BEFORE:
            return min(day - rule.length * ONE_DAY, calendar.add_working_days(day, -rule.length))
        case Basis.DAYS_BEFORE:
            return day - rule.length * ONE_DAY
        case Basis.HOURS:
            raise AssertionError("hours have no last day")
