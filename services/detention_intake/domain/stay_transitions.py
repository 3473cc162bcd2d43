"""What can happen to a stay in which state. The guards ask this table, and the diagram is drawn from it."""

from collections.abc import Mapping
from enum import StrEnum


class StayState(StrEnum):
    """Where the person is while the term runs."""

    IN_CUSTODY = "in_custody"
    ON_MEDICAL_LEAVE = "on_medical_leave"
    OUT_TO_COURT = "out_to_court"
    ESCAPED = "escaped"
    IN_CRIMINAL_CUSTODY = "in_criminal_custody"
    ENDED = "ended"


class StayAct(StrEnum):
    """What can be done with a stay, as said of it: the stay is …"""

    FAMILY_TOLD = "told to the family"
    TRANSFERRED = "moved to another centre"
    LEFT_FOR_TREATMENT = "interrupted by medical leave"
    LEFT_FOR_COURT = "interrupted by a court hearing"
    ESCAPED = "interrupted by an escape"
    TAKEN_AWAY = "interrupted by criminal custody"
    RETURNED = "taken up again"
    ASSESSED = "assessed"
    TERM_PROPOSED = "proposed another end"
    TERM_DECIDED = "decided another end"
    ENDED = "ended"
    REOPENED = "taken up again after an error"


_OPEN = frozenset(StayState) - {StayState.ENDED}
_INSIDE = (StayState.IN_CUSTODY, StayState.ON_MEDICAL_LEAVE)

STAY_TRANSITIONS: Mapping[StayAct, Mapping[StayState, frozenset[StayState]]] = {
    StayAct.LEFT_FOR_TREATMENT: {StayState.IN_CUSTODY: frozenset({StayState.ON_MEDICAL_LEAVE})},
    StayAct.LEFT_FOR_COURT: {StayState.IN_CUSTODY: frozenset({StayState.OUT_TO_COURT})},
    StayAct.ESCAPED: dict.fromkeys((*_INSIDE, StayState.OUT_TO_COURT), frozenset({StayState.ESCAPED})),
    StayAct.TAKEN_AWAY: dict.fromkeys(
        (*_INSIDE, StayState.OUT_TO_COURT, StayState.ESCAPED), frozenset({StayState.IN_CRIMINAL_CUSTODY})
    ),
    StayAct.RETURNED: dict.fromkeys(sorted(_OPEN - {StayState.IN_CUSTODY}), frozenset({StayState.IN_CUSTODY})),
    StayAct.ENDED: dict.fromkeys(sorted(_OPEN), frozenset({StayState.ENDED})),
    StayAct.REOPENED: {StayState.ENDED: frozenset({StayState.IN_CUSTODY})},
    StayAct.TERM_DECIDED: {state: frozenset({state, StayState.ENDED}) for state in sorted(_OPEN)},
    StayAct.TRANSFERRED: {StayState.IN_CUSTODY: frozenset({StayState.IN_CUSTODY})},
    StayAct.FAMILY_TOLD: {state: frozenset({state}) for state in sorted(_OPEN)},
    StayAct.ASSESSED: {StayState.IN_CUSTODY: frozenset({StayState.IN_CUSTODY})},
    StayAct.TERM_PROPOSED: {state: frozenset({state}) for state in _INSIDE},
}
TRANSITIONS, BEGINNINGS = STAY_TRANSITIONS, (StayState.IN_CUSTODY,)
