"""What can happen to a task in which state. The guards ask this table, and the diagram is drawn from it."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a task is."""

    ANNOUNCED = "announced"
    UNRESOLVED = "unresolved"
    OFFERED = "offered"
    DISPUTED = "disputed"
    REMOTE_SENT = "remote_sent"
    ACCEPTED = "accepted"
    NOT_MET = "not_met"
    TRACING = "tracing"
    WHEREABOUTS_UNKNOWN = "whereabouts_unknown"
    MET = "met"
    CONTACTED = "contacted"
    REGISTERED = "registered"
    REFUSED_TO_REPORT = "refused_to_report"
    CONTACT_DONE = "contact_done"
    REFERRED = "referred"
    REMOTE_ACCEPTED = "remote_accepted"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What can be done with a task, as said of it: the task is …"""

    PLACED = "placed"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    UNDONE = "taken back by who had accepted it"
    REJECTED = "rejected"
    ASSIGNED = "assigned"
    PARTY_NAMED = "given its party"
    MET = "met"
    CORRECTED = "set right about the gate"
    LEFT_UNMET = "left unmet"
    SEARCHED = "searched for"
    SIGNED_UNKNOWN = "signed as unknown"
    CONTACTED = "contacted"
    REGISTERED = "registered"
    AGREED = "closed by an agreement"
    REFUSED = "noted as refusing to report"
    REFERRED = "referred to the police"
    HELPED = "offered help"
    PAUSED = "paused"
    RESUMED = "resumed"
    SENT_AWAY = "handed to a remote office"
    RECEIVED = "received by the remote office"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


ENDED = frozenset({State.CONTACT_DONE, State.REFERRED, State.REMOTE_ACCEPTED, State.CLOSED, State.WITHDRAWN})
OPEN = frozenset(State) - ENDED
WAITING = frozenset({State.ANNOUNCED, State.UNRESOLVED, State.OFFERED, State.DISPUTED})
SOUGHT = frozenset({State.NOT_MET, State.TRACING, State.WHEREABOUTS_UNKNOWN})
_IN_HAND = frozenset({State.MET, State.CONTACTED})

_LATER = (
    State.WHEREABOUTS_UNKNOWN,
    State.CONTACTED,
    State.REGISTERED,
    State.REFUSED_TO_REPORT,
    State.CONTACT_DONE,
    State.REFERRED,
)

TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.PLACED: dict.fromkeys(
        (State.ANNOUNCED, State.UNRESOLVED, State.OFFERED, State.DISPUTED, State.WITHDRAWN),
        frozenset({State.ANNOUNCED, State.UNRESOLVED, State.OFFERED}),
    ),
    Act.OFFERED: {State.ANNOUNCED: frozenset({State.OFFERED})},
    Act.ACCEPTED: dict.fromkeys((State.ANNOUNCED, State.OFFERED), frozenset({State.ACCEPTED})),
    Act.UNDONE: {State.ACCEPTED: frozenset({State.OFFERED, State.ANNOUNCED})},
    Act.REJECTED: {State.OFFERED: frozenset({State.OFFERED, State.ANNOUNCED, State.DISPUTED})},
    Act.ASSIGNED: dict.fromkeys((*sorted(WAITING), State.REMOTE_SENT), frozenset({State.ANNOUNCED, State.OFFERED})),
    Act.PARTY_NAMED: {State.ACCEPTED: frozenset({State.ACCEPTED})},
    Act.MET: {State.ACCEPTED: frozenset({State.MET, State.NOT_MET, State.CLOSED})},
    Act.CORRECTED: {
        State.MET: frozenset({State.MET, State.NOT_MET, State.CLOSED}),
        State.CLOSED: frozenset({State.CLOSED, State.MET, State.NOT_MET}),
        **dict.fromkeys((State.NOT_MET, State.TRACING), frozenset({State.MET, State.CLOSED})),
        **{state: frozenset({state}) for state in _LATER},
    },
    Act.LEFT_UNMET: {State.ACCEPTED: frozenset({State.NOT_MET})},
    Act.SEARCHED: dict.fromkeys((State.NOT_MET, State.TRACING), frozenset({State.TRACING}))
    | {State.WHEREABOUTS_UNKNOWN: frozenset({State.WHEREABOUTS_UNKNOWN})},
    Act.SIGNED_UNKNOWN: {State.TRACING: frozenset({State.WHEREABOUTS_UNKNOWN})},
    Act.CONTACTED: dict.fromkeys((*sorted(SOUGHT), State.MET), frozenset({State.CONTACTED})),
    Act.REGISTERED: dict.fromkeys(
        (State.ACCEPTED, *sorted(_IN_HAND | SOUGHT), State.REFUSED_TO_REPORT), frozenset({State.REGISTERED})
    ),
    Act.AGREED: {State.REGISTERED: frozenset({State.CLOSED})},
    Act.REFUSED: dict.fromkeys((State.ACCEPTED, *sorted(_IN_HAND)), frozenset({State.REFUSED_TO_REPORT})),
    Act.REFERRED: {State.REFUSED_TO_REPORT: frozenset({State.REFERRED})},
    Act.HELPED: dict.fromkeys(sorted(_IN_HAND), frozenset({State.CONTACT_DONE})),
    Act.PAUSED: {state: frozenset({state}) for state in (State.ACCEPTED, State.MET, State.CONTACTED)},
    Act.RESUMED: {state: frozenset({state}) for state in (State.ACCEPTED, State.MET, State.CONTACTED)},
    Act.SENT_AWAY: dict.fromkeys(sorted(WAITING | SOUGHT), frozenset({State.REMOTE_SENT})),
    Act.RECEIVED: {State.REMOTE_SENT: frozenset({State.REMOTE_ACCEPTED})},
    Act.CLOSED: dict.fromkeys(
        (State.ACCEPTED, *sorted(_IN_HAND | SOUGHT), State.REFUSED_TO_REPORT, State.REGISTERED),
        frozenset({State.CLOSED}),
    ),
    Act.WITHDRAWN: dict.fromkeys(sorted(OPEN - {State.REGISTERED}), frozenset({State.WITHDRAWN})),
}
BEGINNINGS = (State.ANNOUNCED, State.UNRESOLVED, State.OFFERED)


def allowed(act: Act) -> frozenset[State]:
    """The states in which an act is possible."""
    return frozenset(TRANSITIONS[act])


def follows(state: State) -> frozenset[State]:
    """The states that can come next, by whatever act."""
    return frozenset().union(*(after[state] for after in TRANSITIONS.values() if state in after))
