"""What came of reacting to an event. Changing nothing is an outcome too, with a reason that is counted."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Applied:
    """The event had an effect."""


@dataclass(frozen=True, slots=True)
class Ignored:
    """The event rightly changed nothing. ``reason`` is a stable word such as ``stale_version``."""

    reason: str


Outcome = Applied | Ignored
