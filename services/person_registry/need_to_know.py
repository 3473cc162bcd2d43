"""Who may learn whose identity, and until when. Pure.

Information about drug treatment is confidential (戒毒条例 arts 7, 43), and a public body processes personal data only
as far as its duty needs (个人信息保护法 art. 34). A duty follows from events and ends with them; without one, an
identity is opened for a reason, for hours, and somebody else has to approve.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict

COUNTY = 6  # digits of a county's code


@dataclass(frozen=True, slots=True)
class Duty:
    """An organisation, or the officers of an area, have something to do for a person."""

    key: str
    version: int
    person_id: UUID
    kind: str
    organisation: str | None  # whose people; None: the stations and supervisors of the division
    division: str | None
    until: datetime | None  # None while it lasts


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to know."""

    subject: str
    organisation: str
    division: str
    works_in_area: bool  # a police officer or supervisor of an area, rather than of one organisation


class OpeningState(StrEnum):
    """How an opening without a duty stands."""

    OPEN = "open"  # used, and still to be approved by somebody else
    APPROVED = "approved"
    DISAPPROVED = "disapproved"
    UNANSWERED = "unanswered"  # nobody approved in time: a matter for the supervisor


class OpeningAct(StrEnum):
    """What can happen to an opening, as said of it: it is …"""

    APPROVED = "approved"
    DISAPPROVED = "disapproved"
    UNANSWERED = "left without an answer"


_ASKED = (OpeningState.OPEN, OpeningState.UNANSWERED)
TRANSITIONS = {
    OpeningAct.APPROVED: dict.fromkeys(_ASKED, frozenset({OpeningState.APPROVED})),
    OpeningAct.DISAPPROVED: dict.fromkeys(_ASKED, frozenset({OpeningState.DISAPPROVED})),
    OpeningAct.UNANSWERED: {OpeningState.OPEN: frozenset({OpeningState.UNANSWERED})},
}
BEGINNINGS = (OpeningState.OPEN,)


@dataclass(frozen=True, slots=True)
class Opening:
    """An identity opened without a duty (break-glass): why, by whom, for how long, and what somebody else says."""

    id: UUID
    version: int
    person_id: UUID
    subject: str
    role: str
    organisation: str
    reason: str
    state: OpeningState
    opened_at: datetime
    until: datetime
    approve_by: datetime | None
    decided_by: str | None = None
    decided_at: datetime | None = None
    due_rule: str | None = None
    due_at: datetime | None = None


def has_duty(asker: Asker, duties: Iterable[Duty], now: datetime, grace: timedelta) -> bool:
    """Whether a live duty, or one that ended a short while ago, lets the asker know."""
    return any(_concerns(asker, duty) and (duty.until is None or now < duty.until + grace) for duty in duties)


def _concerns(asker: Asker, duty: Duty) -> bool:
    if duty.organisation is not None and duty.organisation == asker.organisation:
        return True
    in_area = len(asker.division) >= COUNTY and (duty.division or "").startswith(asker.division)
    return asker.works_in_area and in_area


def is_opened(asker: Asker, openings: Iterable[Opening], now: datetime) -> bool:
    """Whether the asker opened the identity for a reason, and the time for it is not over nor approval refused."""
    return any(
        one.subject == asker.subject and now < one.until and one.state is not OpeningState.DISAPPROVED
        for one in openings
    )


def ask_approval(opening: Opening, due: NextDue) -> Opening:
    """Somebody else has to say that the reason was a good one."""
    return replace(opening, approve_by=due.at, due_rule=due.rule, due_at=due.at)


def answer(opening: Opening, *, approved: bool, by: str, now: datetime) -> Opening:
    """Somebody else answers; a refusal ends the opening at once.

    Raises: Conflict ``opening.own``, ``opening.answered``.
    """
    act = OpeningAct.APPROVED if approved else OpeningAct.DISAPPROVED
    if by == opening.subject:
        raise Conflict("opening.own", "somebody else has to answer")
    if opening.state not in TRANSITIONS[act]:
        raise Conflict("opening.answered", "this was answered already", by=opening.decided_by, at=opening.decided_at)
    state = OpeningState.APPROVED if approved else OpeningState.DISAPPROVED
    return replace(
        opening,
        version=opening.version + 1,
        state=state,
        until=opening.until if approved else now,
        decided_by=by,
        decided_at=now,
        due_rule=None,
        due_at=None,
    )


def leave_unanswered(opening: Opening) -> Opening:
    """The time to answer is over; it can still be answered.

    Raises: Conflict ``opening.answered``.
    """
    if opening.state not in TRANSITIONS[OpeningAct.UNANSWERED]:
        raise Conflict("opening.answered", "this was answered already")
    return replace(opening, version=opening.version + 1, state=OpeningState.UNANSWERED, due_rule=None, due_at=None)
