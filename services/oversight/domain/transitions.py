"""What can happen to a discrepancy in which state. The guards ask this table, and the diagram is drawn from it."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """What has become of a discrepancy."""

    OPEN = "open"
    EXPLAINED = "explained"  # a supervisor said why; it is still compared
    RESOLVED = "resolved"  # what was compared agrees again


class Act(StrEnum):
    """What can be done with a discrepancy, as said of it: the discrepancy is …"""

    FOUND_AGAIN = "found again, or otherwise than before"
    EXPLAINED = "explained"
    RESOLVED = "resolved by agreement"


TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.FOUND_AGAIN: dict.fromkeys(State, frozenset({State.OPEN})),
    Act.EXPLAINED: {State.OPEN: frozenset({State.EXPLAINED})},
    Act.RESOLVED: dict.fromkeys((State.OPEN, State.EXPLAINED), frozenset({State.RESOLVED})),
}
BEGINNINGS = (State.OPEN,)
