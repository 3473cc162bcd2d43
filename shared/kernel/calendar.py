"""Working days in China: weekends and statutory holidays are free, swap days (调休上班) are worked.

The State Council announces a year's days in the November before. A year that is not announced yet is
incomplete: its weekends and the days that the law names are known, its lunar festivals and swap days are not.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
_SATURDAY = 5
# Free in every year, announced or not (全国年节及纪念日放假办法 art. 2); the lunar festivals are not known before.
_FIXED_HOLIDAYS = frozenset({(1, 1), (5, 1), (5, 2), (10, 1), (10, 2), (10, 3)})


@dataclass(frozen=True, slots=True)
class CalendarYear:
    """A year's announced days."""

    year: int
    holidays: frozenset[date]
    swap_days: frozenset[date]


class WorkCalendar:
    """The announced years together."""

    def __init__(self, years: Iterable[CalendarYear]) -> None:
        self._years = {year.year: year for year in years}

    @property
    def years(self) -> frozenset[int]:
        """The announced years."""
        return frozenset(self._years)

    def is_complete(self, year: int) -> bool:
        """Whether the year's days are announced."""
        return year in self._years

    def is_working_day(self, day: date) -> bool:
        """Whether public bodies work on the day; in an unannounced year: whether it is no weekend."""
        announced = self._years.get(day.year)
        if announced is not None:
            if day in announced.swap_days:
                return True
            if day in announced.holidays:
                return False
        elif (day.month, day.day) in _FIXED_HOLIDAYS:
            return False
        return day.weekday() < _SATURDAY

    def add_working_days(self, day: date, count: int) -> date:
        """The ``count``-th working day after ``day``; ``day`` itself is not counted. ``count`` may be negative."""
        step = ONE_DAY if count > 0 else -ONE_DAY
        for _ in range(abs(count)):
            day += step
            while not self.is_working_day(day):
                day += step
        return day

    def next_working_day(self, day: date) -> date:
        """``day`` if it is a working day, else the first after it."""
        while not self.is_working_day(day):
            day += ONE_DAY
        return day
