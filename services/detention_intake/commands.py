"""What can be done with decisions."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from services.detention_intake import policy
from services.detention_intake.domain import deciding
from services.detention_intake.domain.deciding import Decision
from services.detention_intake.domain.order import Addressee, Document, Kind, Notice, Order, RefusalReason
from services.detention_intake.domain.order_transitions import OrderState
from services.detention_intake.domain.stay import term_due
from services.detention_intake.store import Work
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, start_of_day
from shared.kernel.errors import invalid_field
from shared.kernel.ids import derived_id, new_id
from shared.kernel.moments import past
from shared.reference.calendar import next_due
from shared.storage.people import require_known


@dataclass(frozen=True, slots=True)
class EnterOrder:
    """A decision that was not asked for by a settled test."""

    person_id: UUID
    division: str
    decision: Decision
    test_order_id: UUID | None = None
    ahead_reason: str | None = None


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Somebody was told of a decision."""

    addressee: Addressee
    channel: str
    at: datetime | None = None
    proof: str | None = None
    not_told_reason: str | None = None


@dataclass(frozen=True, slots=True)
class RefuseAdmission:
    """A centre does not take the person in."""

    reason: RefusalReason
    note: str
    retry_on: date | None = None


def order_id_of(test_order_id: UUID) -> UUID:
    """The one order that a settled test asks for."""
    return derived_id(test_order_id, "order")


def enter_order(command: EnterOrder, *, work: Work) -> Order:
    """Enter an existing decision: two versions, as if it had been due.

    Raises: Conflict ``person.merged``; InvalidInput ``person.unknown``, ``decision.test_unknown``; and see
    `deciding.check_test`, `deciding.decide`.
    """
    require_known(work.persons, command.person_id)
    decide_by = next_due(policy.DECIDE, work.now)
    order = Order(
        id=_new_order_id(command.test_order_id, work),
        version=1,
        person_id=command.person_id,
        test_order_id=command.test_order_id,
        division=command.division,
        state=OrderState.DECISION_DUE,
        step_due=decide_by,
        due_rule=decide_by.rule,
        due_at=decide_by.at,
    )
    work.orders.save(order, "order.decision_due.v1")
    return decide_order(order, command.decision, ahead_reason=command.ahead_reason, work=work)


def _new_order_id(test_order_id: UUID | None, work: Work) -> UUID:
    """The first order of a test takes the place of the one that its settling would ask for."""
    if test_order_id is None:
        return new_id()
    first = order_id_of(test_order_id)
    return new_id() if work.orders.find(first) else first


def decide_order(order: Order, decision: Decision, *, ahead_reason: str | None, work: Work) -> Order:
    """Enter the decision that was due. See `deciding.decide`.

    Raises: InvalidInput ``time.in_future``, ``decision.other_person``.
    """
    if decision.decided_on > china_day(work.now):
        raise invalid_field("/decided_on", "time.in_future", "this lies in the future")
    why_ahead = None
    if order.test_order_id is not None and decision.kind is not Kind.NO_MEASURE:
        test = work.tests.find(order.test_order_id)
        if test is None:
            raise invalid_field(
                "/test_order_id",
                "decision.test_unknown",
                "no told result of this test is known here (yet)",
                retry_after=1,
            )
        if test.person_id != order.person_id:
            raise invalid_field("/test_order_id", "decision.other_person", "this is somebody else's test")
        why_ahead = deciding.check_test(test.facts, decision.kind, ahead_reason)
    if decision.kind is Kind.COMPULSORY_ISOLATION and work.barred.find(order.person_id) is not None:
        decision = replace(decision, early_release_barred=True)
    decided = deciding.decide(
        order,
        decision,
        isolation_months=policy.ISOLATION.length,
        service_due=next_due(policy.SERVE, work.now),
        ahead_reason=why_ahead,
    )
    ended = decided.state is OrderState.NO_MEASURE
    return work.orders.save(decided, "order.no_measure.v1" if ended else "order.issued.v1")


def serve_order(order: Order, *, at: datetime | None, work: Work) -> Order:
    """Enter that the decision was served. See `deciding.serve`."""
    at = past(at, work.now, "/served_at")
    served = deciding.serve(
        order,
        at=at,
        notify=next_due(policy.NOTIFY, at),
        admission=_admission_due(order, at, work),
        reconsider_until=next_due(policy.RECONSIDER, at).at,
        sue_until=next_due(policy.SUE, at).at,
    )
    return work.orders.save(served, "order.served.v1")


def _admission_due(order: Order, at: datetime, work: Work) -> NextDue:
    """Who serves a detention first is taken in when it ends; the term of isolation runs meanwhile."""
    stay = work.open_stay_of(order.person_id)
    if stay is not None and stay.custody is Kind.ADMINISTRATIVE_DETENTION:
        return next_due(policy.ADMIT, max(at, term_due(stay.term_last_day).at))
    return next_due(policy.ADMIT, at)


def give_notice(order: Order, command: GiveNotice, *, work: Work) -> Order:
    """Enter that somebody was told of the decision. See `deciding.notify`."""
    notice = Notice(
        command.addressee, past(command.at, work.now, "/at"), command.channel, command.proof, command.not_told_reason
    )
    return work.orders.save(deciding.notify(order, notice), "order.notified.v1")


def add_document(order: Order, document: Document, *, work: Work) -> Order:
    """Enter a document of the case. See `deciding.add_document`."""
    if document.issued_on > china_day(work.now):
        raise invalid_field("/issued_on", "time.in_future", "this lies in the future")
    return work.orders.save(deciding.add_document(order, document), "order.documented.v1")


def refuse_admission(order: Order, command: RefuseAdmission, *, work: Work) -> Order:
    """Enter that the centre did not take the person in; what isolation does not fit asks for another decision.

    See `deciding.refuse_admission`. Raises: InvalidInput ``refusal.retry_in_past``.
    """
    retry = None
    if command.retry_on is not None:
        if command.retry_on <= china_day(work.now):
            raise invalid_field("/retry_on", "refusal.retry_in_past", "choose a day that is to come")
        retry = NextDue(policy.ADMIT.id, next_due(policy.ADMIT, start_of_day(command.retry_on)).at)
    refused = deciding.refuse_admission(
        order, reason=command.reason, note=command.note, retry=retry, converts=policy.CONVERTS
    )
    if refused.state is OrderState.DEFERRED:
        return work.orders.save(refused, "order.admission_deferred.v1")
    work.orders.save(refused, "order.not_admitted.v1")
    ask_for_replacement(order, work)
    return refused


def ask_for_replacement(order: Order, work: Work) -> Order:
    """Ask for the decision that takes the place of one that was not, or is no longer, executed in custody."""
    other = deciding.replacement(order, order_id=derived_id(order.id, "instead"), due=next_due(policy.DECIDE, work.now))
    return work.orders.save(other, "order.decision_due.v1")


def note_absconded(order: Order, *, work: Work) -> Order:
    """Enter that the person evades the order. See `deciding.abscond`."""
    return work.orders.save(deciding.abscond(order, due=next_due(policy.FIND, work.now)), "order.absconded.v1")


def uphold_order(order: Order, *, note: str, work: Work) -> Order:
    """Enter that the review found the decision to stand. See `deciding.uphold`."""
    return work.orders.save(deciding.uphold(order, note=note), "order.review_closed.v1")


def revoke_order(order: Order, *, note: str, work: Work) -> Order:
    """Enter that the decision is revoked. See `deciding.revoke`."""
    return work.orders.save(deciding.revoke(order, now=work.now, note=note), "order.revoked.v1")
