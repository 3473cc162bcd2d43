"""Figures: several rounds, interleaved, because the machine is never quite the same; the median counts."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "p99_9": 0.999}


def interleaved(contestants: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Each contestant's figures of so many rounds, A B C A B C …: what disturbs a round disturbs all alike."""
    figures: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(1, rounds + 1):
        for name, measure in contestants.items():
            figure = measure()
            print(f"  round {number} of {rounds}  {name:24} {figure:10,.1f}", flush=True)
            figures[name].append(figure)
    return figures


def medians(figures: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The median of each."""
    return {name: rounded(statistics.median(values)) for name, values in figures.items()}


def spreads(figures: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
    """The least and the greatest of each."""
    return {name: [rounded(min(values)), rounded(max(values))] for name, values in figures.items()}


def ratio(figures: Mapping[str, Sequence[float]], one: str, other: str) -> float:
    """How many times ``other`` is ``one``: the median of the rounds' own ratios."""
    return round(statistics.median(a / b for a, b in zip(figures[one], figures[other], strict=True)), 2)


def milliseconds(seconds: Iterable[float]) -> dict[str, Any]:
    """The percentiles of durations."""
    ordered = sorted(seconds)
    shown = {f"{name}_ms": rounded(1000 * _quantile(ordered, share)) for name, share in QUANTILES.items()}
    return {**shown, "max_ms": rounded(1000 * ordered[-1]), "number": len(ordered)}


def rounded(value: float) -> float:
    """As many digits as mean something."""
    return round(value) if abs(value) >= 100 else round(value, 1) if abs(value) >= 10 else round(value, 2)


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
