"""The yearly assessment (年度考核): what each area is scored on. Pure.

No public score sheet of the city was found; weights and targets are ours, shown beside each score, and a matter for the
city to set. There is no ranking of single officers.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from services.oversight.indicators import Figure

WHOLE = 100


@dataclass(frozen=True, slots=True)
class Score:
    """How many points a rate is worth, and the rate that earns all of them."""

    key: str
    points: int
    target: float


@dataclass(frozen=True, slots=True)
class Deduction:
    """Points that each case of a count costs, up to a limit."""

    key: str
    each: float
    most: float


SCORES = (
    Score("must_test_rate", 15, 1.0),
    Score("admission_rate", 15, 1.0),
    Score("special_admission_rate", 5, 0.9),  # Guizhou 2019: 90 % or more
    Score("pickup_rate", 20, 1.0),
    Score("confirmed_in_time_rate", 10, 1.0),
    Score("report_in_rate", 10, 0.95),
    Score("execution_rate", 15, 0.99),
    Score("control_rate", 5, 0.95),  # Yinchuan 2008: less than 5 % lost
    Score("tiered_rate", 5, 0.99),  # Guangzhou 2017: above 99 %
)
DEDUCTIONS = (Deduction("unknown_count", 1.0, 5.0),)


@dataclass(frozen=True, slots=True)
class Line:
    """One figure of an area, and the points that it brings or costs."""

    figure: Figure
    possible: float  # 0 for a deduction
    earned: float


@dataclass(frozen=True, slots=True)
class Sheet:
    """An area's score sheet."""

    code: str
    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """The points of all lines, of a hundred, and not below none."""
        return round(max(0.0, sum(line.earned for line in self.lines)), 2)


def assess(code: str, figures: Iterable[Figure]) -> Sheet:
    """The sheet of an area from its own figures."""
    by_key = {figure.indicator.key: figure for figure in figures}
    scored = [Line(by_key[s.key], s.points, _earned(by_key[s.key], s)) for s in SCORES]
    deducted = [Line(by_key[d.key], 0, -_lost(by_key[d.key], d)) for d in DEDUCTIONS]
    return Sheet(code, (*scored, *deducted))


def _earned(figure: Figure, score: Score) -> float:
    """All points where there was nothing to do."""
    if figure.denominator == 0:
        return float(score.points)
    return round(score.points * min(1.0, figure.numerator / figure.denominator / score.target), 2)


def _lost(figure: Figure, deduction: Deduction) -> float:
    return min(deduction.most, deduction.each * figure.numerator)
