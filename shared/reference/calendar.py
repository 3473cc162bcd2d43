"""The announced years (``calendar.csv``: State Council notices on the holidays of 2025 and 2026)."""

import csv
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
    with open(Path(__file__).with_name("calendar.csv"), encoding="utf-8") as file:
        for row in csv.DictReader(file):
            day = date.fromisoformat(row["day"])
            days[day.year][row["kind"]].add(day)
    return WorkCalendar(
        CalendarYear(year, frozenset(kinds["holiday"]), frozenset(kinds["swap_day"])) for year, kinds in days.items()
    )


@lru_cache(maxsize=4096)  # the aggregates of a batch start few deadlines
def next_due(rule: DeadlineRule, start: datetime) -> NextDue:
    """The deadline of a rule by China's working days, as an aggregate's next one."""
    return NextDue(rule.id, due_at(rule, start, china_calendar()).at)
