"""The yearly assessment: what earns points and what costs them."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oversight.assessment import DEDUCTIONS, SCORES, WHOLE, assess
from services.oversight.formulas import BY_KEY
from services.oversight.indicators import Case, Figure, Verdict

KEYS = [one.key for one in (*SCORES, *DEDUCTIONS)]


def figure(key: str, counted: int, missing: int = 0, division: str = "430802001") -> Figure:
    verdicts = [Verdict.COUNTED] * counted + [Verdict.MISSING] * missing
    return Figure(BY_KEY[key], tuple(Case(UUID(int=1), UUID(int=2), division, verdict, "") for verdict in verdicts))


def total(**counts: tuple[int, int]) -> float:
    return assess("430802", [figure(key, *counts.get(key, (0, 0))) for key in KEYS]).total


def test_the_points_are_a_hundred() -> None:
    assert sum(score.points for score in SCORES) == WHOLE


def test_an_area_with_nothing_to_do_has_all_points() -> None:
    assert total() == WHOLE


@pytest.mark.parametrize(
    ("counts", "points"),
    [
        ({"pickup_rate": (8, 2)}, 96.0),
        ({"pickup_rate": (0, 10)}, 80.0),
        ({"report_in_rate": (19, 1)}, 100.0),  # the target of 95 % is reached
        ({"report_in_rate": (0, 1)}, 90.0),
        ({"unknown_count": (2, 0)}, 98.0),
        ({"unknown_count": (50, 0)}, 95.0),
    ],
)
def test_a_rate_below_its_target_costs_its_share(counts: dict[str, tuple[int, int]], points: float) -> None:
    assert total(**counts) == points


@given(st.dictionaries(st.sampled_from(KEYS), st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_a_total_lies_between_none_and_all_and_doing_more_never_costs(counts: dict[str, tuple[int, int]]) -> None:
    before = total(**counts)
    assert 0 <= before <= WHOLE
    for key, (counted, missing) in counts.items():
        if missing and BY_KEY[key].is_rate:
            assert total(**{**counts, key: (counted + 1, missing - 1)}) >= before


def test_an_area_is_scored_on_its_own_cases() -> None:
    both = Figure(
        BY_KEY["pickup_rate"],
        (*figure("pickup_rate", 1).cases, *figure("pickup_rate", 0, 1, division="430811100").cases),
    )
    assert (both.within("430802").numerator, both.within("430802").denominator) == (1, 1)
    assert (both.within("430811").numerator, both.within("430811").denominator) == (0, 1)
