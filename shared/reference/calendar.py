"""The announced years (``calendar.csv``: State Council notices on the holidays of 2025 and 2026).

A year that is announced later is entered in the same form in the file that ``CALENDAR_FILE`` names; services read it
when they start and count again every deadline that reaches into it.
"""

import csv
import os
from collections import defaultdict
from datetime import date, datetime
from functools import cache, lru_cache
from pathlib import Path

from shared.kernel.calendar import CalendarYear, WorkCalendar
from shared.kernel.deadlines import DeadlineRule, NextDue, due_at


@cache
def china_calendar() -> WorkCalendar:
    """The working days of every announced year."""
    days: dict[int, dict[str, set[date]]] = defaultdict(lambda: defaultdict(set))
    announced_later = os.environ.get("CALENDAR_FILE", "")
    for path in (Path(__file__).with_name("calendar.csv"), *([Path(announced_later)] if announced_later else [])):
        with open(path, encoding="utf-8") as file:
            for row in csv.DictReader(file):
                day = date.fromisoformat(row["day"])
                days[day.year][row["kind"]].add(day)
    return WorkCalendar(
        CalendarYear(year, frozenset(kinds["holiday"]), frozenset(kinds["swap_day"])) for year, kinds in days.items()
    )


def first_unannounced_year() -> int:
    """The first year after the announced ones whose days are not known."""
    year = min(china_calendar().years)
    while china_calendar().is_complete(year):
        year += 1
    return year


@lru_cache(maxsize=4096)  # the aggregates of a batch start few deadlines
def next_due(rule: DeadlineRule, start: datetime) -> NextDue:
    """The deadline of a rule by China's working days, as an aggregate's next one."""
    due = due_at(rule, start, china_calendar())
    halfway = start + (due.at - start) / 2 if due.at > start else None
    return NextDue(rule.id, due.at, halfway, start if due.provisional else None)
