"""What can happen to a community measure in which state. The guards ask this table, and the diagram is drawn from it.

A grave breach and a relapse are no states: they are facts that stand beside whatever state the measure is in, and what
follows from them others decide (禁毒法 art. 38).
"""

from collections.abc import Mapping
from enum import StrEnum


class MeasureState(StrEnum):
    """How a measure stands."""

    ACTIVE = "active"
    MOVING = "moving"  # the person has another township and has not reported there yet
    SUSPENDED = "suspended"  # 中止: detained or arrested (戒毒条例 art. 24)
    TRACING = "tracing"  # nobody reached the person in time
    WHEREABOUTS_UNKNOWN = "whereabouts_unknown"  # the search failed, a supervisor signed
    EXPIRED = "expired"  # the term is over; the notices are still to be given
    COMPLETED = "completed"
    TERMINATED = "terminated"  # 终止: another measure or none takes its place (戒毒条例 art. 24)


class MeasureAct(StrEnum):
    """What can be done, as said of the measure: it is …"""

    AGREED = "agreed upon"
    VISITED = "continued by a contact"
    PACE_SET = "seen more or less often"
    ABSENCE_NOTED = "told of an absence"
    EVASION_COUNTED = "told of an evaded test"
    RELAPSE_NOTED = "told of a relapse"
    BREACH_TOLD = "reported to the police"
    MOVED = "given to another township"
    ARRIVED = "taken over by the other township"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    LOST = "without contact"
    SEARCHED = "searched for"
    SIGNED_UNKNOWN = "signed as unknown"
    FOUND = "found"
    EXPIRED = "over by time"
    ENDED = "ended with its notices"
    TERMINATED = "terminated"
    PERSON_MERGED = "given the person's other file"


_S = MeasureState
LOST = frozenset({_S.TRACING, _S.WHEREABOUTS_UNKNOWN})
OVER = frozenset({_S.COMPLETED, _S.TERMINATED})
IN_FORCE = frozenset(_S) - OVER - {_S.EXPIRED}


def _unchanged(*states: MeasureState) -> Mapping[MeasureState, frozenset[MeasureState]]:
    return {state: frozenset({state}) for state in states}


TRANSITIONS: Mapping[MeasureAct, Mapping[MeasureState, frozenset[MeasureState]]] = {
    MeasureAct.AGREED: _unchanged(_S.ACTIVE, _S.SUSPENDED),
    MeasureAct.VISITED: _unchanged(_S.ACTIVE, _S.MOVING, _S.SUSPENDED),
    MeasureAct.PACE_SET: _unchanged(_S.ACTIVE, _S.MOVING),
    MeasureAct.ABSENCE_NOTED: _unchanged(_S.ACTIVE, _S.MOVING, *sorted(LOST)),
    MeasureAct.EVASION_COUNTED: _unchanged(*sorted(IN_FORCE)),
    MeasureAct.RELAPSE_NOTED: _unchanged(*sorted(IN_FORCE)),
    MeasureAct.BREACH_TOLD: _unchanged(*sorted(IN_FORCE)),
    MeasureAct.MOVED: {_S.ACTIVE: frozenset({_S.MOVING}), _S.MOVING: frozenset({_S.MOVING})},
    MeasureAct.ARRIVED: dict.fromkeys((_S.MOVING, *sorted(LOST)), frozenset({_S.ACTIVE})),
    MeasureAct.SUSPENDED: dict.fromkeys(sorted(IN_FORCE - {_S.SUSPENDED}), frozenset({_S.SUSPENDED})),
    MeasureAct.RESUMED: {_S.SUSPENDED: frozenset({_S.ACTIVE})},
    MeasureAct.LOST: dict.fromkeys((_S.ACTIVE, _S.MOVING), frozenset({_S.TRACING})),
    MeasureAct.SEARCHED: _unchanged(*sorted(LOST)),
    MeasureAct.SIGNED_UNKNOWN: {_S.TRACING: frozenset({_S.WHEREABOUTS_UNKNOWN})},
    MeasureAct.FOUND: dict.fromkeys(sorted(LOST), frozenset({_S.ACTIVE})),
    MeasureAct.EXPIRED: dict.fromkeys((_S.ACTIVE, _S.MOVING), frozenset({_S.EXPIRED})),
    MeasureAct.ENDED: {_S.EXPIRED: frozenset({_S.COMPLETED})},
    MeasureAct.TERMINATED: dict.fromkeys(sorted(IN_FORCE), frozenset({_S.TERMINATED})),
    MeasureAct.PERSON_MERGED: _unchanged(*sorted(_S)),
}
BEGINNINGS = (_S.ACTIVE,)
