"""What can happen to a release in which state. The guards ask this table, and the diagram is drawn from it.

There is no act that holds a release back.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a release is."""

    PLANNED = "planned"
    EXECUTED = "executed"
    CANCELLED = "cancelled"
    RETRACTED = "retracted"  # was reported in error


class Act(StrEnum):
    """What can be done with a release, as said of it: the release is …"""

    RESCHEDULED = "rescheduled"
    GROUND_SETTLED = "given its legal ground"
    NOTIFIED = "notified"
    ALARMED = "found silent"
    CANCELLED = "cancelled"
    EXECUTED = "executed"
    RETRACTED = "retracted"
    REINSTATED = "planned again"
    LEFT_ALONE = "found unmet"
    PAPERS_SENT = "followed by its papers"


TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.CANCELLED: {State.PLANNED: frozenset({State.CANCELLED})},
    Act.EXECUTED: dict.fromkeys((State.PLANNED, State.CANCELLED), frozenset({State.EXECUTED})),
    Act.RETRACTED: {State.EXECUTED: frozenset({State.RETRACTED})},
    Act.REINSTATED: dict.fromkeys((State.CANCELLED, State.RETRACTED), frozenset({State.PLANNED})),
    Act.RESCHEDULED: {State.PLANNED: frozenset({State.PLANNED})},
    Act.GROUND_SETTLED: {State.PLANNED: frozenset({State.PLANNED})},
    Act.NOTIFIED: {State.PLANNED: frozenset({State.PLANNED}), State.EXECUTED: frozenset({State.EXECUTED})},
    Act.ALARMED: {State.PLANNED: frozenset({State.PLANNED})},
    Act.LEFT_ALONE: {State.EXECUTED: frozenset({State.EXECUTED})},
    Act.PAPERS_SENT: {State.EXECUTED: frozenset({State.EXECUTED})},
}
BEGINNINGS = (State.PLANNED, State.EXECUTED)
