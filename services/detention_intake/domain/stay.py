"""A person's time in custody under one order, wherever it is spent; how the term runs and ends."""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.detention_intake.domain.deciding import is_executed
from services.detention_intake.domain.order import Kind, Order, Special
from services.detention_intake.domain.order import require as require_order
from services.detention_intake.domain.order import step as order_step
from services.detention_intake.domain.order_transitions import OrderAct, OrderState
from services.detention_intake.domain.stay_transitions import STAY_TRANSITIONS, StayAct, StayState
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, earliest, last_day_of_term, start_of_day
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before

ONE_DAY = timedelta(days=1)
TERM_RULE = "D8"


class Grade(StrEnum):
    """How an assessment judges (诊断评估办法 art. 3)."""

    GOOD = "good"
    FAIR = "fair"
    FAILED = "failed"


class Proposal(StrEnum):
    """What a centre can propose about the end."""

    EARLY_RELEASE = "early_release"
    EXTENSION = "extension"
    CONVERSION = "conversion"


@dataclass(frozen=True, slots=True)
class Assessment:
    """A diagnostic assessment, the basis of early release and extension."""

    on: date
    grade: Grade


@dataclass(frozen=True, slots=True)
class TermProposal:
    """A proposal to end the stay on another day, and what was decided."""

    kind: Proposal
    proposed_at: datetime
    last_day: date | None
    due: NextDue
    decided_at: datetime | None = None
    approved: bool | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class TermPolicy:
    """The figures of terms, in months; which rule says each is in the policy."""

    isolation: int
    most_extension: int
    early_release_after: int


@dataclass(frozen=True, slots=True)
class Stay:
    """A person's time in custody under one order."""

    id: UUID
    version: int
    order_id: UUID
    person_id: UUID
    centre: str
    custody: Kind
    state: StayState
    admitted_at: datetime
    term_first_day: date
    term_last_day: date
    special: Special | None = None
    early_release_barred: bool = False
    away_since: datetime | None = None
    days_at_large: int = 0
    escapes: int = 0
    extended: bool = False
    assessments: tuple[Assessment, ...] = ()
    proposal: TermProposal | None = None
    family_due: NextDue | None = None
    move_due: NextDue | None = None
    away_due: NextDue | None = None
    family_told_at: datetime | None = None
    ended_at: datetime | None = None
    end_kind: str | None = None
    release_id: UUID | None = None
    due_rule: str | None = None
    due_at: datetime | None = None


def admit(
    order: Order,
    *,
    at: datetime,
    centre: str,
    stay_id: UUID,
    special: Special | None,
    family_due: NextDue | None,
    move_due: NextDue | None,
) -> tuple[Order, Stay]:
    """A centre took the person in; the order is executed and a stay begins (应收尽收).

    Raises: Conflict ``order.wrong_state``; InvalidInput ``time.before_previous_step``, ``order.term_over``.
    """
    require_order(order, OrderAct.ADMITTED)
    assert order.kind is not None and is_executed(order)
    assert order.term_first_day is not None and order.term_last_day is not None
    not_before(at, order.served_at, "/admitted_at")
    if china_day(at) > order.term_last_day:
        raise invalid_field("/admitted_at", "order.term_over", "the term is over; nobody may be taken in on this order")
    stay = Stay(
        id=stay_id,
        version=1,
        order_id=order.id,
        person_id=order.person_id,
        centre=centre,
        custody=order.kind,
        state=StayState.IN_CUSTODY,
        admitted_at=at,
        term_first_day=order.term_first_day,
        term_last_day=order.term_last_day,
        special=special,
        early_release_barred=order.early_release_barred,
        family_due=family_due,
        move_due=move_due,
    )
    admitted = order_step(order, OrderAct.ADMITTED, OrderState.ADMITTED, admitted_at=at, stay_id=stay_id, step_due=None)
    return admitted, _with_due(stay)


def term_due(last_day: date) -> NextDue:
    """The end of the term: the first moment at which custody has no legal basis any more."""
    return NextDue(TERM_RULE, start_of_day(last_day + ONE_DAY))


def tell_family(stay: Stay, *, at: datetime) -> Stay:
    """The family was told of the admission in writing (司法行政机关强制隔离戒毒工作规定).

    Raises: Conflict ``stay.wrong_state`` or ``stay.family_told_already``.
    """
    require(stay, StayAct.FAMILY_TOLD)
    if stay.family_told_at is not None:
        raise Conflict("stay.family_told_already", "the family was told already", at=stay.family_told_at)
    not_before(at, stay.admitted_at, "/told_at")
    return _step(stay, StayAct.FAMILY_TOLD, stay.state, family_told_at=at, family_due=None)


def transfer(stay: Stay, *, at: datetime, to: str, move_due: NextDue | None) -> Stay:
    """The person was moved to another centre; the term runs on (戒毒条例 art. 27).

    Raises: Conflict ``stay.wrong_state``; InvalidInput ``transfer.same_centre``, ``time.before_previous_step``.
    """
    require(stay, StayAct.TRANSFERRED)
    not_before(at, stay.admitted_at, "/at")
    if to == stay.centre:
        raise invalid_field("/to", "transfer.same_centre", "the person is there already")
    return _step(stay, StayAct.TRANSFERRED, StayState.IN_CUSTODY, centre=to, move_due=move_due)


def leave(stay: Stay, act: StayAct, *, at: datetime, review: NextDue) -> Stay:
    """The person is away while the term runs on, or, after an escape, does not (戒毒条例 arts 31, 32, 36).

    Raises: Conflict ``stay.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(stay, act)
    not_before(at, stay.admitted_at, "/at")
    states = {
        StayAct.LEFT_FOR_TREATMENT: StayState.ON_MEDICAL_LEAVE,
        StayAct.LEFT_FOR_COURT: StayState.OUT_TO_COURT,
        StayAct.ESCAPED: StayState.ESCAPED,
        StayAct.TAKEN_AWAY: StayState.IN_CRIMINAL_CUSTODY,
    }
    caught = _at_large_until(stay, at) if stay.state is StayState.ESCAPED else {}
    escapes = stay.escapes + (act is StayAct.ESCAPED)
    return _step(stay, act, states[act], away_since=at, away_due=review, escapes=escapes, **caught)


def come_back(stay: Stay, *, at: datetime) -> Stay:
    """The person is back in the centre; days at large after an escape are added to the term (戒毒条例 art. 32).

    Raises: Conflict ``stay.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(stay, StayAct.RETURNED)
    not_before(at, stay.away_since, "/at")
    caught = _at_large_until(stay, at) if stay.state is StayState.ESCAPED else {}
    return _step(stay, StayAct.RETURNED, StayState.IN_CUSTODY, away_since=None, away_due=None, **caught)


def _at_large_until(stay: Stay, at: datetime) -> dict[str, Any]:
    """What an escape costs: the whole days between leaving and being caught."""
    assert stay.away_since is not None
    days = (china_day(at) - china_day(stay.away_since)).days
    return {"days_at_large": stay.days_at_large + days, "term_last_day": stay.term_last_day + days * ONE_DAY}


def assess(stay: Stay, assessment: Assessment) -> Stay:
    """A diagnostic assessment was made.

    Raises: Conflict ``stay.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(stay, StayAct.ASSESSED)
    if assessment.on < china_day(stay.admitted_at):
        raise invalid_field("/on", "time.before_previous_step", "before the admission")
    return _step(stay, StayAct.ASSESSED, stay.state, assessments=(*stay.assessments, assessment))


def propose(
    stay: Stay, kind: Proposal, *, last_day: date | None, now: datetime, due: NextDue, policy: TermPolicy
) -> Stay:
    """The centre proposes early release, an extension, or another measure (禁毒法 art. 47, 戒毒条例 arts 31, 33).

    Raises: Conflict ``stay.wrong_state``, ``term.proposal_open``, ``term.not_isolation``, ``term.not_on_leave``,
    ``term.early_release_barred``, ``term.not_assessed_good``, ``term.over``; InvalidInput ``term.*``.
    """
    require(stay, StayAct.TERM_PROPOSED)
    if stay.custody is not Kind.COMPULSORY_ISOLATION:
        raise Conflict("term.not_isolation", "only the term of isolation can be changed")
    if stay.proposal is not None and stay.proposal.approved is None:
        raise Conflict("term.proposal_open", "a proposal waits for its decision", kind=stay.proposal.kind.value)
    if china_day(now) > stay.term_last_day:
        raise Conflict(
            "term.over", "the term is over: the person must go (禁毒法 art. 47)", last_day=stay.term_last_day
        )
    if kind is Proposal.CONVERSION:
        if stay.state is not StayState.ON_MEDICAL_LEAVE:
            raise Conflict("term.not_on_leave", "only who is on medical leave and unfit to return (戒毒条例 art. 31)")
    else:
        _check_last_day(stay, kind, last_day, now, policy)
    given = None if kind is Proposal.CONVERSION else last_day
    return _step(stay, StayAct.TERM_PROPOSED, stay.state, proposal=TermProposal(kind, now, given, due))


def _check_last_day(stay: Stay, kind: Proposal, last_day: date | None, now: datetime, policy: TermPolicy) -> None:
    if last_day is None:
        raise invalid_field("/last_day", "term.last_day_missing", "say on which day it would end")
    if kind is Proposal.EXTENSION:
        most = last_day_of_term(stay.term_first_day, policy.isolation + policy.most_extension)
        if not stay.term_last_day < last_day <= most + stay.days_at_large * ONE_DAY:
            raise invalid_field("/last_day", "term.extension_too_long", "longer, by one year at most (禁毒法 art. 47)")
        return
    if stay.early_release_barred or stay.escapes:
        raise Conflict("term.early_release_barred", "not after an escape, nor as 戒毒条例 art. 38 says")
    if not stay.assessments or stay.assessments[-1].grade is not Grade.GOOD:
        raise Conflict("term.not_assessed_good", "the latest assessment must be good (诊断评估办法 art. 6)")
    executed = last_day_of_term(stay.term_first_day, policy.early_release_after)
    if not max(executed, china_day(now)) <= last_day < stay.term_last_day:
        raise invalid_field("/last_day", "term.too_early", "not before one year was executed (禁毒法 art. 47)")


def decide_term(stay: Stay, *, approved: bool, note: str | None, now: datetime) -> Stay:
    """The deciding organ answers the proposal (戒毒条例 arts 31, 33). A conversion ends the stay.

    Raises: Conflict ``stay.wrong_state``, ``term.nothing_proposed`` or ``term.over``; InvalidInput
    ``term.denial_reason_missing``.
    """
    require(stay, StayAct.TERM_DECIDED)
    proposal = stay.proposal
    if proposal is None or proposal.approved is not None:
        raise Conflict("term.nothing_proposed", "no proposal waits for a decision")
    if not approved and not (note or "").strip():
        raise invalid_field("/note", "term.denial_reason_missing", "a refusal gives its reason")
    if approved and china_day(now) > stay.term_last_day:
        raise Conflict(
            "term.over", "the term is over: the person must go (禁毒法 art. 47)", last_day=stay.term_last_day
        )
    decided = replace(proposal, decided_at=now, approved=approved, note=note)
    if not approved:
        return _step(stay, StayAct.TERM_DECIDED, stay.state, proposal=decided)
    if proposal.kind is Proposal.CONVERSION:
        return _step(stay, StayAct.TERM_DECIDED, StayState.ENDED, proposal=decided, ended_at=now, end_kind="converted")
    assert proposal.last_day is not None
    extended = stay.extended or proposal.kind is Proposal.EXTENSION
    # Approved late, an early end is today's: nobody is kept until a day that has passed.
    last_day = max(proposal.last_day, china_day(now))
    return _step(stay, StayAct.TERM_DECIDED, stay.state, proposal=decided, term_last_day=last_day, extended=extended)


def end(stay: Stay, *, at: datetime, kind: str, release_id: UUID | None) -> Stay:
    """The stay is over.

    Raises: Conflict ``stay.already_ended``.
    """
    if stay.state is StayState.ENDED:
        raise Conflict("stay.already_ended", "the stay is over already", at=stay.ended_at)
    return _step(stay, StayAct.ENDED, StayState.ENDED, ended_at=at, end_kind=kind, release_id=release_id)


def reopen(stay: Stay, *, release_id: UUID) -> Stay:
    """The release that had ended the stay was reported in error.

    Raises: Conflict ``stay.wrong_state`` or ``stay.ended_otherwise``.
    """
    require(stay, StayAct.REOPENED)
    if stay.release_id != release_id:
        raise Conflict("stay.ended_otherwise", "another release ended the stay", release_id=str(stay.release_id))
    return _step(stay, StayAct.REOPENED, StayState.IN_CUSTODY, ended_at=None, end_kind=None, release_id=None)


def require(stay: Stay, act: StayAct) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``stay.wrong_state`` with the state, the version and the act.
    """
    if stay.state not in STAY_TRANSITIONS[act]:
        raise Conflict(
            "stay.wrong_state",
            f"the stay is {stay.state.value}; it cannot be {act.value} now",
            state=stay.state.value,
            version=stay.version,
            act=act.value,
        )


def _step(stay: Stay, act: StayAct, state: StayState, **changes: Any) -> Stay:
    require(stay, act)
    return _with_due(replace(stay, version=stay.version + 1, state=state, **changes))


def _with_due(stay: Stay) -> Stay:
    """With the earliest of the deadlines that run; while the person is at large the term stands still."""
    if stay.state is StayState.ENDED:
        return replace(stay, due_rule=None, due_at=None)
    waiting = stay.proposal.due if stay.proposal and stay.proposal.approved is None else None
    term = None if stay.state is StayState.ESCAPED else term_due(stay.term_last_day)
    due = earliest((stay.family_due, stay.move_due, stay.away_due, waiting, term))
    assert due is not None
    return replace(stay, due_rule=due.rule, due_at=due.at)
