"""What can be done with orders and stays."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.detention_intake import domain, policy
from services.detention_intake.domain import Custody, Order, OrderState, Stay, StayState
from services.detention_intake.store import Work, stays
from shared.kernel.clock import china_day
from shared.kernel.deadlines import due_at
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.ids import new_id
from shared.reference.calendar import china_calendar


@dataclass(frozen=True, slots=True)
class Decision:
    """What the deciding organ signed."""

    kind: Custody
    deciding_organ: str
    decided_on: date
    detention_days: int | None = None


@dataclass(frozen=True, slots=True)
class EnterOrder:
    """A decision that did not come out of a test known here."""

    person_id: UUID
    division: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class DecideOrder:
    """A decision that was due."""

    order_id: UUID
    decision: Decision


@dataclass(frozen=True, slots=True)
class ServeOrder:
    """The decision was served."""

    order_id: UUID
    served_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AdmitPerson:
    """A centre took the person in."""

    order_id: UUID
    centre: str
    admitted_at: datetime | None = None


def enter_order(command: EnterOrder, *, work: Work) -> Order:
    """Enter an existing decision: two versions, as if it had been due.

    Raises: InvalidInput ``person.unknown``; and see `domain.decide`.
    """
    if work.persons.find(command.person_id) is None:
        raise invalid_field(
            "/person_id", "person.unknown", "no such person is known here (yet); register first", retry_after=1
        )
    due = Order(
        id=new_id(),
        version=1,
        person_id=command.person_id,
        test_order_id=None,
        division=command.division,
        state=OrderState.DECISION_DUE,
    )
    work.orders.save(due, "order.decision_due.v1")
    return _decided(due, command.decision, work)


def decide_order(command: DecideOrder, *, work: Work) -> Order:
    """Enter the decision that was due. See `domain.decide`."""
    return _decided(work.orders.get(command.order_id), command.decision, work)


def serve_order(command: ServeOrder, *, work: Work) -> Order:
    """Enter that the decision was served. See `domain.serve`."""
    at = _past(command.served_at, work, "/served_at")
    served = domain.serve(
        work.orders.get(command.order_id),
        at=at,
        notify_due_at=due_at(policy.NOTIFY_FAMILY, at, china_calendar()).at,
        admission_due_at=due_at(policy.ADMIT, at, china_calendar()).at,
    )
    return work.orders.save(served, "order.served.v1")


def admit_person(command: AdmitPerson, *, work: Work) -> Stay:
    """Enter an admission; the order is executed and a stay begins, in one transaction.

    Raises: Conflict ``stay.already_in_custody``; and see `domain.admit`.
    """
    order = work.orders.get(command.order_id)
    admitted, stay = domain.admit(
        order, at=_past(command.admitted_at, work, "/admitted_at"), centre=command.centre, stay_id=new_id()
    )
    _not_in_custody(order.person_id, work)
    work.orders.save(admitted, "order.admitted.v1")
    return work.stays.save(stay, "stay.admitted.v1")


def _decided(order: Order, decision: Decision, work: Work) -> Order:
    if decision.decided_on > china_day(work.now):
        raise invalid_field("/decided_on", "time.in_future", "this lies in the future")
    decided = domain.decide(
        order,
        kind=decision.kind,
        deciding_organ=decision.deciding_organ,
        decided_on=decision.decided_on,
        isolation_years=policy.ISOLATION_YEARS,
        detention_days=decision.detention_days,
    )
    return work.orders.save(decided, "order.issued.v1")


def _not_in_custody(person_id: UUID, work: Work) -> None:
    for stay in work.stays.select(stays.c.person_id == person_id, stays.c.state == StayState.IN_CUSTODY):
        detail = f"the person is in custody at {stay.centre} already"
        raise Conflict("stay.already_in_custody", detail, stay_id=str(stay.id), centre=stay.centre)


def _past(at: datetime | None, work: Work, pointer: str) -> datetime:
    """When something happened: now, unless an earlier moment is given."""
    if at is not None and at > work.now:
        raise invalid_field(pointer, "time.in_future", "this lies in the future")
    return at or work.now
