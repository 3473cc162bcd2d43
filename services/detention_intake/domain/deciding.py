"""From the duty to decide to a served decision; its review when the test behind it falls."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from uuid import UUID

from services.detention_intake.domain.order import (
    COMMUNITY,
    CUSTODY,
    Addressee,
    Circumstance,
    Document,
    IsolationGround,
    Kind,
    Notice,
    Order,
    RefusalReason,
    ReviewOutcome,
    require,
    step,
)
from services.detention_intake.domain.order_transitions import OrderAct, OrderState
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, last_day_of_term
from shared.kernel.errors import Conflict, FieldProblem, InvalidInput, invalid_field
from shared.kernel.moments import not_before

ONE_DAY = timedelta(days=1)
# Detention is decided but not executed (治安管理处罚法, 2012 text art. 21); isolation never fits a nursing mother.
_BARS_DETENTION = frozenset(Circumstance)
_MUST_BE_TOLD = {
    Kind.COMPULSORY_ISOLATION: frozenset({Addressee.FAMILY, Addressee.WORK_UNIT, Addressee.STATION_OF_REGISTRATION}),
    Kind.ADMINISTRATIVE_DETENTION: frozenset({Addressee.FAMILY}),
    Kind.COMMUNITY_DETOX: frozenset({Addressee.FAMILY, Addressee.TOWNSHIP}),
    Kind.COMMUNITY_REHAB: frozenset({Addressee.FAMILY, Addressee.TOWNSHIP}),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What the deciding organ signed."""

    kind: Kind
    deciding_organ: str
    decided_on: date
    legal_reviewer: str | None = None
    detention_days: int | None = None
    isolation_ground: IsolationGround | None = None
    circumstances: tuple[Circumstance, ...] = ()
    spared_reason: str | None = None
    early_release_barred: bool = False


@dataclass(frozen=True, slots=True)
class TestFacts:
    """What is known of the test that a decision rests on."""

    __test__ = False  # not a pytest class

    told: bool
    positive: bool
    settled: bool
    overturned: bool
    opinion: str | None


def decide(
    order: Order, decision: Decision, *, isolation_months: int, service_due: NextDue, ahead_reason: str | None = None
) -> Order:
    """The deciding organ signed; both ends of a term of custody are fixed.

    Compulsory isolation lasts two years from the day of the decision (禁毒法 art. 47, 戒毒条例 art. 27); the first day
    counts, so the last is the day before the anniversary.

    Raises: Conflict ``order.wrong_state``; InvalidInput ``decision.*`` or ``detention_days.*``.
    """
    require(order, OrderAct.DECIDED)
    faults = _faults(decision)
    if faults:
        raise InvalidInput("decision.incomplete", "the decision cannot be entered so", fields=faults)
    if decision.kind is Kind.NO_MEASURE:
        return step(
            order,
            OrderAct.DECIDED,
            OrderState.NO_MEASURE,
            kind=decision.kind,
            deciding_organ=decision.deciding_organ,
            decided_on=decision.decided_on,
            step_due=None,
        )
    last_day = _last_day(decision, isolation_months)
    return step(
        order,
        OrderAct.DECIDED,
        OrderState.ISSUED,
        kind=decision.kind,
        deciding_organ=decision.deciding_organ,
        legal_reviewer=decision.legal_reviewer,
        isolation_ground=decision.isolation_ground,
        circumstances=decision.circumstances,
        early_release_barred=decision.early_release_barred,
        ahead_reason=ahead_reason,
        decided_on=decision.decided_on,
        term_first_day=decision.decided_on if last_day else None,
        term_last_day=last_day,
        step_due=service_due,
    )


def check_test(test: TestFacts, kind: Kind, ahead_reason: str | None) -> str | None:
    """Check that a decision may rest on a test now; why it does not wait, where it does not.

    An objection does not stop the case (吸毒检测程序规定 art. 17), so a decision may come before the result is settled;
    then it says why it does not wait.

    Raises: InvalidInput ``decision.test_not_told``, ``decision.test_not_positive``, ``decision.test_overturned``,
    ``decision.ahead_reason_missing``, ``decision.not_addicted``.
    """
    pointer = "/test_order_id"
    if test.overturned:
        raise invalid_field(pointer, "decision.test_overturned", "the result was overturned")
    if not test.positive:
        raise invalid_field(pointer, "decision.test_not_positive", "the test was not positive")
    if not test.told:
        raise invalid_field(pointer, "decision.test_not_told", "the person was not told the result")
    if test.opinion == "not_addicted" and kind in COMMUNITY | {Kind.COMPULSORY_ISOLATION}:
        raise invalid_field("/kind", "decision.not_addicted", "who is not addicted is not ordered into treatment")
    if test.settled:
        return None
    if not (ahead_reason or "").strip():
        raise invalid_field(
            "/ahead_reason", "decision.ahead_reason_missing", "the result may still be contested; say why not to wait"
        )
    return ahead_reason


def _faults(decision: Decision) -> list[FieldProblem]:
    kind, circumstances = decision.kind, set(decision.circumstances)
    faults = []
    if kind is Kind.COMPULSORY_ISOLATION:
        if decision.isolation_ground is None:
            faults.append(
                FieldProblem("/isolation_ground", "decision.ground_missing", "say on which ground (禁毒法 38)")
            )
        if not (decision.legal_reviewer or "").strip():
            faults.append(
                FieldProblem("/legal_reviewer", "decision.legal_review_missing", "a legal review comes before")
            )
        if Circumstance.PREGNANT_OR_NURSING in circumstances:
            faults.append(
                FieldProblem("/kind", "decision.isolation_barred", "not for who is pregnant or nursing (禁毒法 39)")
            )
        if Circumstance.UNDER_16 in circumstances and not (decision.spared_reason or "").strip():
            faults.append(
                FieldProblem("/spared_reason", "decision.not_spared_reason_missing", "under 16: say why not spared")
            )
    if kind is Kind.ADMINISTRATIVE_DETENTION and decision.detention_days is None:
        faults.append(FieldProblem("/detention_days", "detention_days.missing", "say for how many days"))
    if kind is not Kind.ADMINISTRATIVE_DETENTION and decision.detention_days is not None:
        faults.append(FieldProblem("/detention_days", "detention_days.not_for_this", "only a detention has days"))
    return faults


def _last_day(decision: Decision, isolation_months: int) -> date | None:
    if decision.kind is Kind.COMPULSORY_ISOLATION:
        return last_day_of_term(decision.decided_on, isolation_months)
    if decision.detention_days is not None:
        return decision.decided_on + (decision.detention_days - 1) * ONE_DAY
    return None


def is_executed(order: Order) -> bool:
    """Whether an order of custody is executed in custody at all."""
    barred = order.kind is Kind.ADMINISTRATIVE_DETENTION and _BARS_DETENTION & set(order.circumstances)
    return order.kind in CUSTODY and not barred


def serve(
    order: Order,
    *,
    at: datetime,
    notify: NextDue,
    admission: NextDue,
    reconsider_until: datetime,
    sue_until: datetime,
) -> Order:
    """The written decision was served on the person, before it is executed (禁毒法 art. 40, 戒毒条例 art. 13).

    Raises: Conflict ``order.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(order, OrderAct.SERVED)
    if order.decided_on is not None and china_day(at) < order.decided_on:
        raise invalid_field("/served_at", "time.before_previous_step", "served before it was decided")
    in_custody = is_executed(order)
    after_service = OrderState.IN_FORCE if order.kind in COMMUNITY else OrderState.COMPLETED
    return step(
        order,
        OrderAct.SERVED,
        OrderState.SERVED if in_custody else after_service,
        served_at=at,
        notify_due=notify if order.kind in _MUST_BE_TOLD else None,
        step_due=admission if in_custody else None,
        admission_due_at=admission.at if in_custody else None,
        reconsider_until=reconsider_until,
        sue_until=sue_until,
    )


def notify(order: Order, notice: Notice) -> Order:
    """Somebody was told; once all who must be are, that deadline is met.

    Raises: Conflict ``order.wrong_state``; InvalidInput ``time.before_previous_step``, ``notice.nothing_said``.
    """
    require(order, OrderAct.NOTIFIED)
    not_before(notice.at, order.served_at, "/at")
    if not notice.proof and not notice.not_told_reason:
        raise invalid_field("/proof", "notice.nothing_said", "give the proof, or say why the addressee was not told")
    notices = (*order.notices, notice)
    missing = untold(replace(order, notices=notices))
    return step(
        order, OrderAct.NOTIFIED, order.state, notices=notices, notify_due=order.notify_due if missing else None
    )


def untold(order: Order) -> frozenset[Addressee]:
    """Who must still be told."""
    must = _MUST_BE_TOLD.get(order.kind, frozenset()) if order.kind else frozenset()
    return must - {notice.addressee for notice in order.notices}


def add_document(order: Order, document: Document) -> Order:
    """A document of the case was made.

    Raises: Conflict ``order.wrong_state`` or ``document.entered_already``.
    """
    require(order, OrderAct.DOCUMENTED)
    if any((known.kind, known.number) == (document.kind, document.number) for known in order.documents):
        raise Conflict("document.entered_already", "this document is in the file already")
    return step(order, OrderAct.DOCUMENTED, order.state, documents=(*order.documents, document))


def refuse_admission(
    order: Order, *, reason: RefusalReason, note: str, retry: NextDue | None, converts: Collection[RefusalReason]
) -> Order:
    """The centre could not take the person in: later, or, where isolation does not fit, never.

    Raises: Conflict ``order.wrong_state``; InvalidInput ``refusal.retry_missing`` or ``refusal.retry_for_good``.
    """
    require(order, OrderAct.ADMISSION_REFUSED)
    if reason in converts and retry is not None:
        raise invalid_field("/retry_on", "refusal.retry_for_good", "another measure takes its place (戒毒条例 art. 26)")
    if reason not in converts and retry is None:
        raise invalid_field("/retry_on", "refusal.retry_missing", "say on which day the admission is tried again")
    return step(
        order,
        OrderAct.ADMISSION_REFUSED,
        OrderState.DEFERRED if retry else OrderState.NOT_ADMITTED,
        refusal_reason=reason,
        refusal_note=note,
        step_due=retry,
    )


def abscond(order: Order, *, due: NextDue) -> Order:
    """The person got away before the admission; the duty to take in stays.

    Raises: Conflict ``order.wrong_state``.
    """
    return step(order, OrderAct.ABSCONDED, OrderState.ABSCONDED, step_due=due)


def lapse(order: Order) -> Order:
    """The result that asked for a decision was overturned before one was made.

    Raises: Conflict ``order.wrong_state``.
    """
    return step(order, OrderAct.LAPSED, OrderState.LAPSED, step_due=None)


def open_review(order: Order, *, now: datetime, reason: str, due: NextDue) -> Order:
    """What the decision rests on fell: it is reviewed, once.

    Raises: Conflict ``order.wrong_state`` or ``review.opened_already``.
    """
    require(order, OrderAct.REVIEW_OPENED)
    if order.review_opened_at is not None:
        raise Conflict("review.opened_already", "the order is or was under review", at=order.review_opened_at)
    return step(order, OrderAct.REVIEW_OPENED, order.state, review_opened_at=now, review_reason=reason, review_due=due)


def uphold(order: Order, *, note: str) -> Order:
    """The review found that the decision stands on other evidence.

    Raises: Conflict ``order.wrong_state`` or ``review.not_open``.
    """
    require(order, OrderAct.UPHELD)
    if order.review_due is None:
        raise Conflict("review.not_open", "no review is open")
    return step(
        order,
        OrderAct.UPHELD,
        order.state,
        review_due=None,
        review_outcome=ReviewOutcome.UPHELD,
        review_note=note,
    )


def revoke(order: Order, *, now: datetime, note: str) -> Order:
    """The decision is revoked, after a review, a reconsideration or a judgment: the person owes nothing.

    Raises: Conflict ``order.wrong_state``.
    """
    under_review = order.review_due is not None
    return step(
        order,
        OrderAct.REVOKED,
        OrderState.REVOKED,
        revoked_at=now,
        step_due=None,
        notify_due=None,
        review_due=None,
        review_outcome=ReviewOutcome.REVOKED if under_review else order.review_outcome,
        review_note=note,
    )


def replacement(order: Order, *, order_id: UUID, due: NextDue) -> Order:
    """The decision that takes the place of one that isolation did not fit (戒毒条例 arts 26, 31)."""
    return Order(
        id=order_id,
        version=1,
        person_id=order.person_id,
        test_order_id=order.test_order_id,
        division=order.division,
        state=OrderState.DECISION_DUE,
        replaces=order.id,
        step_due=due,
        due_rule=due.rule,
        due_at=due.at,
    )
