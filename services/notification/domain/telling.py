"""One matter told to one audience: open until somebody of them has read it, or the matter is past.

The guards ask the table of transitions, and the diagram is drawn from it.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a telling is."""

    OPEN = "open"
    HEARD = "heard"  # somebody of the audience has read it
    UNHEARD = "unheard"  # nobody did in time, by no channel: a matter for those above
    PAST = "past"  # the matter went on, there is nothing to be told any more


class Act(StrEnum):
    """What can happen to a telling, as said of it: it is …"""

    READ = "read by one of them"
    GIVEN_UP = "read by nobody in time"
    OVERTAKEN = "overtaken by what happened"


TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.READ: dict.fromkeys((State.OPEN, State.UNHEARD), frozenset({State.HEARD})),
    Act.GIVEN_UP: {State.OPEN: frozenset({State.UNHEARD})},
    Act.OVERTAKEN: dict.fromkeys((State.OPEN, State.HEARD, State.UNHEARD), frozenset({State.PAST})),
}
BEGINNINGS = (State.OPEN,)
LIVE = tuple(state for state in State if state is not State.PAST)


def before(act: Act) -> tuple[State, ...]:
    """The states in which the act can happen."""
    return tuple(TRANSITIONS[act])


def after(act: Act) -> State:
    """The state that the act leads to: always the same one."""
    (state,) = {state for after in TRANSITIONS[act].values() for state in after}
    return state
