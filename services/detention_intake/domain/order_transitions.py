"""What can happen to a decision in which state. The guards ask this table, and the diagram is drawn from it."""

from collections.abc import Mapping
from enum import StrEnum


class OrderState(StrEnum):
    """How far a decision is."""

    DECISION_DUE = "decision_due"
    ISSUED = "issued"
    SERVED = "served"  # custody: the admission is due
    DEFERRED = "deferred"  # the centre could not take the person in yet
    ABSCONDED = "absconded"
    ADMITTED = "admitted"
    IN_FORCE = "in_force"  # a community measure: the township executes it
    COMPLETED = "completed"  # nothing of it is executed in custody
    NO_MEASURE = "no_measure"
    NOT_ADMITTED = "not_admitted"
    LAPSED = "lapsed"
    REVOKED = "revoked"


class OrderAct(StrEnum):
    """What can be done with a decision, as said of it: the order is …"""

    DECIDED = "decided"
    SERVED = "served"
    NOTIFIED = "notified"
    ADMITTED = "executed by an admission"
    ADMISSION_REFUSED = "refused by the centre"
    ABSCONDED = "evaded"
    LAPSED = "lapsed"
    REVIEW_OPENED = "put under review"
    UPHELD = "upheld"
    REVOKED = "revoked"
    DOCUMENTED = "documented"


# Nothing more is done to execute it. A review or a notice may still be open.
FINISHED = frozenset(
    {
        OrderState.ADMITTED,
        OrderState.IN_FORCE,
        OrderState.COMPLETED,
        OrderState.NO_MEASURE,
        OrderState.NOT_ADMITTED,
        OrderState.LAPSED,
        OrderState.REVOKED,
    }
)
_EXISTS = frozenset(OrderState) - {OrderState.DECISION_DUE, OrderState.NO_MEASURE, OrderState.LAPSED}
_STANDS = _EXISTS - {OrderState.REVOKED}
_SERVED = _STANDS - {OrderState.ISSUED}

ORDER_TRANSITIONS: Mapping[OrderAct, Mapping[OrderState, frozenset[OrderState]]] = {
    OrderAct.DECIDED: {OrderState.DECISION_DUE: frozenset({OrderState.ISSUED, OrderState.NO_MEASURE})},
    OrderAct.SERVED: {
        OrderState.ISSUED: frozenset({OrderState.SERVED, OrderState.IN_FORCE, OrderState.COMPLETED}),
    },
    OrderAct.ADMITTED: dict.fromkeys(
        (OrderState.SERVED, OrderState.DEFERRED, OrderState.ABSCONDED), frozenset({OrderState.ADMITTED})
    ),
    OrderAct.ADMISSION_REFUSED: dict.fromkeys(
        (OrderState.SERVED, OrderState.DEFERRED), frozenset({OrderState.DEFERRED, OrderState.NOT_ADMITTED})
    ),
    OrderAct.ABSCONDED: dict.fromkeys((OrderState.SERVED, OrderState.DEFERRED), frozenset({OrderState.ABSCONDED})),
    OrderAct.LAPSED: {OrderState.DECISION_DUE: frozenset({OrderState.LAPSED})},
    OrderAct.REVOKED: dict.fromkeys(sorted(_STANDS), frozenset({OrderState.REVOKED})),
    OrderAct.NOTIFIED: {state: frozenset({state}) for state in sorted(_SERVED)},
    OrderAct.REVIEW_OPENED: {state: frozenset({state}) for state in sorted(_STANDS)},
    OrderAct.UPHELD: {state: frozenset({state}) for state in sorted(_STANDS)},
    OrderAct.DOCUMENTED: {state: frozenset({state}) for state in sorted(_EXISTS)},
}
TRANSITIONS, BEGINNINGS = ORDER_TRANSITIONS, (OrderState.DECISION_DUE,)
