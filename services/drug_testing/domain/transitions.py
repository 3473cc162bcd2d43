"""What can happen to a test order in which state. The guards ask this table, and the diagram is drawn from it."""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    """How far a test order is."""

    ORDERED = "ordered"
    REFUSED = "refused"
    FORCE_APPROVED = "force_approved"
    COLLECTED = "collected"
    NEGATIVE = "negative"
    POSITIVE_SEALED = "positive_sealed"
    POSITIVE_TOLD = "positive_told"
    LAB_REQUESTED = "lab_requested"
    LAB_APPROVED = "lab_approved"
    LAB_SENT = "lab_sent"
    LAB_REPORTED = "lab_reported"
    LAB_TOLD = "lab_told"
    RETEST_REQUESTED = "retest_requested"
    RETEST_APPROVED = "retest_approved"
    RETEST_SENT = "retest_sent"
    RETEST_REPORTED = "retest_reported"
    SAMPLE_UNFIT = "sample_unfit"
    UNTESTED = "untested"
    EXEMPTED = "exempted"
    MISSED = "missed"
    NEGATIVE_TOLD = "negative_told"
    SETTLED = "settled"
    OVERTURNED = "overturned"


class Act(StrEnum):
    """What can be done with a test order, as said of it: the test order is …"""

    REFUSED = "refused by the person"
    YIELDED = "accepted by the person after all"
    FORCED = "approved as a forced test"
    LEFT_UNTESTED = "left untested"
    EXEMPTED = "exempted"
    MISSED = "missed"
    COLLECTED = "collected"
    CARD_INVALID = "tested with an invalid card"
    RESULTED = "given a result"
    TOLD = "told to the person"
    WAIVED = "waived"
    WINDOW_PASSED = "settled by time"
    OBJECTED = "objected to"
    OBJECTION_DECIDED = "decided on an objection"
    SENT = "sent to a laboratory"
    RECEIVED = "received by a laboratory"
    REPORTED = "reported on"
    REPORT_TOLD = "told the laboratory's result"
    FOUND_UNFIT = "found unfit"
    RESAMPLED = "sampled anew"
    GIVEN_UP = "given up as unprovable"
    CUSTODY_NOTED = "moved in its samples"
    DETERMINED = "given an addiction opinion"


ENDED = frozenset({State.UNTESTED, State.EXEMPTED, State.MISSED, State.NEGATIVE_TOLD, State.SETTLED, State.OVERTURNED})
OPEN = frozenset(State) - ENDED
# The sample that each examination is made of (吸毒检测程序规定 art. 4, by inference: A first, B for the re-test).
LABORATORY = frozenset({State.LAB_REQUESTED, State.LAB_APPROVED, State.LAB_SENT, State.LAB_REPORTED})
RETEST = frozenset({State.RETEST_REQUESTED, State.RETEST_APPROVED, State.RETEST_SENT, State.RETEST_REPORTED})
EXAMINED = LABORATORY | RETEST | {State.LAB_TOLD, State.SAMPLE_UNFIT}
# A positive result was told and has not been overturned.
STANDING = frozenset({State.POSITIVE_TOLD, State.SETTLED}) | EXAMINED

TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.REFUSED: {State.ORDERED: frozenset({State.REFUSED})},
    Act.YIELDED: dict.fromkeys((State.REFUSED, State.FORCE_APPROVED), frozenset({State.ORDERED})),
    Act.FORCED: {State.REFUSED: frozenset({State.FORCE_APPROVED})},
    Act.LEFT_UNTESTED: dict.fromkeys((State.ORDERED, State.REFUSED, State.FORCE_APPROVED), frozenset({State.UNTESTED})),
    Act.EXEMPTED: dict.fromkeys((State.ORDERED, State.REFUSED, State.MISSED), frozenset({State.EXEMPTED})),
    Act.MISSED: {State.ORDERED: frozenset({State.MISSED})},
    Act.COLLECTED: dict.fromkeys((State.ORDERED, State.FORCE_APPROVED), frozenset({State.COLLECTED})),
    Act.CARD_INVALID: {State.COLLECTED: frozenset({State.COLLECTED})},
    Act.RESULTED: {State.COLLECTED: frozenset({State.NEGATIVE, State.POSITIVE_SEALED})},
    Act.TOLD: {
        State.NEGATIVE: frozenset({State.NEGATIVE_TOLD}),
        State.POSITIVE_SEALED: frozenset({State.POSITIVE_TOLD}),
    },
    Act.WAIVED: dict.fromkeys((State.POSITIVE_TOLD, State.LAB_TOLD), frozenset({State.SETTLED})),
    Act.WINDOW_PASSED: dict.fromkeys((State.POSITIVE_TOLD, State.LAB_TOLD), frozenset({State.SETTLED})),
    Act.OBJECTED: {
        State.POSITIVE_TOLD: frozenset({State.LAB_REQUESTED}),
        State.LAB_TOLD: frozenset({State.RETEST_REQUESTED}),
        State.SETTLED: frozenset({State.LAB_REQUESTED, State.RETEST_REQUESTED}),
    },
    Act.OBJECTION_DECIDED: {
        State.LAB_REQUESTED: frozenset({State.LAB_APPROVED, State.SETTLED}),
        State.RETEST_REQUESTED: frozenset({State.RETEST_APPROVED, State.SETTLED}),
    },
    Act.SENT: {
        State.LAB_APPROVED: frozenset({State.LAB_SENT}),
        State.RETEST_APPROVED: frozenset({State.RETEST_SENT}),
    },
    Act.RECEIVED: {
        State.LAB_SENT: frozenset({State.LAB_SENT, State.SAMPLE_UNFIT}),
        State.RETEST_SENT: frozenset({State.RETEST_SENT, State.SAMPLE_UNFIT}),
    },
    Act.REPORTED: {
        State.LAB_SENT: frozenset({State.LAB_REPORTED}),
        State.RETEST_SENT: frozenset({State.RETEST_REPORTED}),
    },
    Act.REPORT_TOLD: {
        State.LAB_REPORTED: frozenset({State.LAB_TOLD, State.OVERTURNED}),
        State.RETEST_REPORTED: frozenset({State.SETTLED, State.OVERTURNED}),
    },
    Act.FOUND_UNFIT: dict.fromkeys(
        (State.LAB_APPROVED, State.LAB_SENT, State.RETEST_APPROVED, State.RETEST_SENT),
        frozenset({State.SAMPLE_UNFIT}),
    ),
    Act.RESAMPLED: {State.SAMPLE_UNFIT: frozenset({State.LAB_APPROVED, State.RETEST_APPROVED})},
    Act.GIVEN_UP: {State.SAMPLE_UNFIT: frozenset({State.OVERTURNED})},
    Act.CUSTODY_NOTED: {
        state: frozenset({state}) for state in sorted(STANDING | {State.POSITIVE_SEALED, State.OVERTURNED})
    },
    Act.DETERMINED: {state: frozenset({state}) for state in sorted(STANDING)},
}
BEGINNINGS = (State.ORDERED,)


def allowed(act: Act) -> frozenset[State]:
    """The states in which an act is possible."""
    return frozenset(TRANSITIONS[act])
