"""Orders until admission, and stays. Pure: every function gives the next version or raises.

Invariants: an order is served before it is executed; dates are in order; a stay ends once.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shared.kernel.clock import china_day
from shared.kernel.deadlines import last_day_of_term
from shared.kernel.errors import Conflict, invalid_field

ONE_DAY = timedelta(days=1)


class Custody(StrEnum):
    """What is ordered."""

    COMPULSORY_ISOLATION = "compulsory_isolation"
    ADMINISTRATIVE_DETENTION = "administrative_detention"


class OrderState(StrEnum):
    """How far an order is."""

    DECISION_DUE = "decision_due"
    ISSUED = "issued"
    SERVED = "served"
    ADMITTED = "admitted"


class StayState(StrEnum):
    """How far a stay is."""

    IN_CUSTODY = "in_custody"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Order:
    """A decision about a person, from the duty to decide until the admission."""

    id: UUID
    version: int
    person_id: UUID
    test_order_id: UUID | None
    division: str
    state: OrderState
    kind: Custody | None = None
    deciding_organ: str | None = None
    decided_on: date | None = None
    term_first_day: date | None = None
    term_last_day: date | None = None
    served_at: datetime | None = None
    notify_due_at: datetime | None = None
    admission_due_at: datetime | None = None
    admitted_at: datetime | None = None
    stay_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stay:
    """A person's time in one centre's custody."""

    id: UUID
    version: int
    order_id: UUID
    person_id: UUID
    centre: str
    custody: Custody
    state: StayState
    admitted_at: datetime
    term_last_day: date
    ended_at: datetime | None = None
    end_kind: str | None = None
    release_id: UUID | None = None


def decide(
    order: Order,
    *,
    kind: Custody,
    deciding_organ: str,
    decided_on: date,
    isolation_years: int,
    detention_days: int | None,
) -> Order:
    """The deciding organ signed the order; both ends of the term are fixed.

    Compulsory isolation lasts two years from the day of the decision (禁毒法 art. 47, 戒毒条例 art. 27); the first day
    counts, so the last is the day before the anniversary.

    Raises: Conflict ``order.wrong_state``; InvalidInput ``detention_days.missing``.
    """
    _in_state(order, OrderState.DECISION_DUE)
    return replace(
        order,
        version=order.version + 1,
        state=OrderState.ISSUED,
        kind=kind,
        deciding_organ=deciding_organ,
        decided_on=decided_on,
        term_first_day=decided_on,
        term_last_day=last_day(kind, decided_on, isolation_years, detention_days),
    )


def last_day(kind: Custody, first_day: date, isolation_years: int, detention_days: int | None) -> date:
    """The last day of a term that begins on ``first_day``.

    Raises: InvalidInput ``detention_days.missing`` or ``detention_days.not_for_isolation``.
    """
    if kind is Custody.COMPULSORY_ISOLATION:
        if detention_days is not None:
            raise invalid_field(
                "/detention_days", "detention_days.not_for_isolation", "the law fixes the term of isolation"
            )
        return last_day_of_term(first_day, 12 * isolation_years)
    if detention_days is None:
        raise invalid_field("/detention_days", "detention_days.missing", "say for how many days")
    return first_day + (detention_days - 1) * ONE_DAY


def serve(order: Order, *, at: datetime, notify_due_at: datetime, admission_due_at: datetime) -> Order:
    """The written decision was served on the person, before it is executed (禁毒法 art. 40).

    Raises: Conflict ``order.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    _in_state(order, OrderState.ISSUED)
    if order.decided_on is not None and china_day(at) < order.decided_on:
        raise invalid_field("/served_at", "time.before_previous_step", "served before it was decided")
    return replace(
        order,
        version=order.version + 1,
        state=OrderState.SERVED,
        served_at=at,
        notify_due_at=notify_due_at,
        admission_due_at=admission_due_at,
    )


def admit(order: Order, *, at: datetime, centre: str, stay_id: UUID) -> tuple[Order, Stay]:
    """A centre took the person in; the order is executed and a stay begins.

    Raises: Conflict ``order.wrong_state``; InvalidInput ``time.before_previous_step``, ``order.term_over``.
    """
    _in_state(order, OrderState.SERVED)
    assert order.served_at is not None and order.kind is not None and order.term_last_day is not None
    if at < order.served_at:
        raise invalid_field("/admitted_at", "time.before_previous_step", "admitted before the order was served")
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
        term_last_day=order.term_last_day,
    )
    admitted = replace(order, version=order.version + 1, state=OrderState.ADMITTED, admitted_at=at, stay_id=stay_id)
    return admitted, stay


def end(stay: Stay, *, at: datetime, kind: str, release_id: UUID | None) -> Stay:
    """The stay is over, with the release that ended it.

    Raises: Conflict ``stay.already_ended``.
    """
    if stay.state is StayState.ENDED:
        raise Conflict("stay.already_ended", "the stay is over already", at=stay.ended_at)
    return replace(
        stay,
        version=stay.version + 1,
        state=StayState.ENDED,
        ended_at=at,
        end_kind=kind,
        release_id=release_id,
    )


def _in_state(order: Order, state: OrderState) -> None:
    if order.state is not state:
        detail = f"the order is {order.state.value}; this needs {state.value}"
        raise Conflict("order.wrong_state", detail, state=order.state.value, version=order.version)
