"""What can be done with a test order."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.drug_testing import domain, policy
from services.drug_testing.domain import Collector, Ground, Result, SampleType, State, TestOrder
from services.drug_testing.store import Work
from shared.kernel.deadlines import due_at
from shared.kernel.errors import invalid_field
from shared.kernel.ids import new_id
from shared.reference.calendar import china_calendar


@dataclass(frozen=True, slots=True)
class OrderTest:
    """A suspected person is to be tested."""

    person_id: UUID
    station: str
    division: str
    ground: Ground
    ground_detail: str | None = None


@dataclass(frozen=True, slots=True)
class CollectSample:
    """A sample was collected."""

    test_order_id: UUID
    sample_type: SampleType
    collectors: tuple[Collector, ...]
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EnterResult:
    """The on-site test gave a result."""

    test_order_id: UUID
    result: Result
    tester: str
    reagent_lot: str
    substances: tuple[str, ...] = ()
    sample_a: str | None = None
    sample_b: str | None = None


@dataclass(frozen=True, slots=True)
class TellResult:
    """The person was told."""

    test_order_id: UUID
    signed: bool
    told_at: datetime | None = None
    refusal_note: str | None = None


@dataclass(frozen=True, slots=True)
class WaiveObjection:
    """The person wants no laboratory test."""

    test_order_id: UUID
    signed_at: datetime | None = None


def order_test(command: OrderTest, *, work: Work) -> TestOrder:
    """Order a test.

    Raises: InvalidInput ``person.unknown``, ``ground.detail_missing``.
    """
    if work.persons.find(command.person_id) is None:
        raise invalid_field(
            "/person_id", "person.unknown", "no such person is known here (yet); register first", retry_after=1
        )
    if command.ground is Ground.OTHER and not command.ground_detail:
        raise invalid_field("/ground_detail", "ground.detail_missing", "say what the suspicion rests on")
    order = TestOrder(
        id=new_id(),
        version=1,
        person_id=command.person_id,
        station=command.station,
        division=command.division,
        ground=command.ground,
        ground_detail=command.ground_detail,
        state=State.ORDERED,
        ordered_at=work.now,
        collect_due_at=due_at(policy.COLLECT, work.now, china_calendar()).at,
    )
    return work.test_orders.save(order, "test.ordered.v1")


def collect_sample(command: CollectSample, *, work: Work) -> TestOrder:
    """Enter the collection of a sample. See `domain.collect`."""
    order = work.test_orders.get(command.test_order_id)
    person = work.persons.find(order.person_id)
    collected = domain.collect(
        order,
        at=_past(command.collected_at, work, "/collected_at"),
        sample_type=command.sample_type,
        collectors=command.collectors,
        person_sex=person.sex if person else "unknown",
    )
    return work.test_orders.save(collected, "test.collected.v1")


def enter_result(command: EnterResult, *, work: Work) -> TestOrder:
    """Enter an on-site result. See `domain.enter_result`."""
    order = domain.enter_result(
        work.test_orders.get(command.test_order_id),
        at=work.now,
        result=command.result,
        tester=command.tester,
        reagent_lot=command.reagent_lot,
        substances=command.substances,
        sample_a=command.sample_a,
        sample_b=command.sample_b,
    )
    return work.test_orders.save(order, "test.resulted.v1")


def tell_result(command: TellResult, *, work: Work) -> TestOrder:
    """Enter that the person was told. See `domain.tell`."""
    told_at = _past(command.told_at, work, "/told_at")
    order = domain.tell(
        work.test_orders.get(command.test_order_id),
        at=told_at,
        signed=command.signed,
        refusal_note=command.refusal_note,
        objection_due_at=due_at(policy.OBJECT, told_at, china_calendar()).at,
    )
    positive = order.state is State.POSITIVE_TOLD
    return work.test_orders.save(order, "test.positive_told.v1" if positive else "test.negative_told.v1")


def waive_objection(command: WaiveObjection, *, work: Work) -> TestOrder:
    """Settle a positive result by the person's waiver. See `domain.waive`."""
    order = domain.waive(work.test_orders.get(command.test_order_id), at=_past(command.signed_at, work, "/signed_at"))
    return work.test_orders.save(order, "test.settled.v1")


def _past(at: datetime | None, work: Work, pointer: str) -> datetime:
    """When something happened: now, unless an earlier moment is given."""
    if at is not None and at > work.now:
        raise invalid_field(pointer, "time.in_future", "this lies in the future")
    return at or work.now
