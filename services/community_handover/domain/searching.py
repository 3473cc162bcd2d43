"""Looking for somebody of whom nobody knows where he is (查找). Searches in police systems happen there, never here."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from shared.kernel.errors import Conflict


class TraceKind(StrEnum):
    """A way of looking for somebody."""

    CALL = "call"
    HOME_VISIT = "home_visit"
    FAMILY = "family"
    EMPLOYER = "employer"
    POLICE_CHECK = "police_check"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One attempt to find the person."""

    kind: TraceKind
    at: datetime
    by: str
    found: bool
    note: str | None = None


def searched_enough(trace: tuple[TraceStep, ...], needed: Mapping[TraceKind, int], code: str) -> None:
    """Check that a search consisted of what it must before anybody gives it up.

    Raises: Conflict ``code`` with what is missing.
    """
    done = Counter(attempt.kind for attempt in trace)
    missing = {kind.value: number - done[kind] for kind, number in needed.items() if done[kind] < number}
    if missing:
        raise Conflict(code, "the search is not complete", missing=missing)
