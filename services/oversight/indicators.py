"""Figures: who counts, who is missing, who is left out, and why. Pure. The formulas are in `formulas.py`.

Each case that a figure rests on can be listed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

SMALLEST_DENOMINATOR = 5  # OURS: a rate of fewer cases is shown as a count


class Verdict(StrEnum):
    """How a case bears on a figure."""

    COUNTED = "counted"  # in numerator and denominator
    MISSING = "missing"  # in the denominator only
    EXCLUDED = "excluded"  # listed apart, never removed silently


class Scope(StrEnum):
    """Whether a figure is about what happened in a period, or how things stood at its end."""

    PERIOD = "period"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment until before another one."""

    begins: datetime
    ends: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Whether a moment lies in it."""
        return moment is not None and self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An aggregate as it was known at some moment."""

    aggregate_id: UUID
    person_id: UUID
    kind: str
    division: str | None
    data: Mapping[str, Any]

    def moment(self, field: str) -> datetime | None:
        """A moment of the data."""
        text = self.data.get(field)
        return datetime.fromisoformat(text) if text else None


Finding = tuple[Verdict, str]
Classify = Callable[[Snapshot, Period], Finding | None]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: what it is of, its formula in words, and who counts."""

    key: str
    zh: str
    en: str
    formula_zh: str
    formula_en: str
    version: int
    source: str
    kinds: tuple[str, ...]  # of the aggregates that it looks at
    scope: Scope
    is_rate: bool
    classify: Classify


@dataclass(frozen=True, slots=True)
class Case:
    """One case behind a figure."""

    aggregate_id: UUID
    person_id: UUID
    division: str | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the cases behind it."""

    indicator: Indicator
    cases: tuple[Case, ...]

    def within(self, prefix: str) -> "Figure":
        """The same figure of a smaller area: the cases whose division begins so."""
        return Figure(self.indicator, tuple(case for case in self.cases if (case.division or "").startswith(prefix)))

    def count(self, verdict: Verdict) -> int:
        """How many cases have a verdict."""
        return sum(case.verdict is verdict for case in self.cases)

    @property
    def numerator(self) -> int:
        """Those that count."""
        return self.count(Verdict.COUNTED)

    @property
    def denominator(self) -> int:
        """Those that count and those that are missing."""
        return self.numerator + self.count(Verdict.MISSING)

    @property
    def rate(self) -> float | None:
        """The share, or None where there are too few cases, or the figure is a count."""
        if not self.indicator.is_rate or self.denominator < SMALLEST_DENOMINATOR:
            return None
        return round(self.numerator / self.denominator, 4)


def compute(indicator: Indicator, snapshots: Iterable[Snapshot], period: Period) -> Figure:
    """The figure over the aggregates of the indicator's kinds, in the order given."""
    cases = []
    for snapshot in snapshots:
        finding = indicator.classify(snapshot, period) if snapshot.kind in indicator.kinds else None
        if finding is not None:
            cases.append(Case(snapshot.aggregate_id, snapshot.person_id, snapshot.division, *finding))
    return Figure(indicator, tuple(cases))
