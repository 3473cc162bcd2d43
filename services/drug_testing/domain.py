"""A test order and its states. Pure: every function gives the next version or raises.

Invariants: no result is settled that the person was not told; a positive result has two different samples.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.kernel.errors import Conflict, FieldProblem, InvalidInput, invalid_field

MINIMUM_COLLECTORS = 2  # 吸毒检测程序规定 art. 8(1)


class Ground(StrEnum):
    """Why the person is suspected. Every order carries one: tests must be necessary (禁毒法 art. 32)."""

    CAUGHT_USING = "caught_using"
    PARAPHERNALIA = "paraphernalia"
    WITNESS = "witness"
    INTELLIGENCE = "intelligence"
    BEHAVIOUR = "behaviour"
    VENUE_CHECK = "venue_check"
    TRAFFIC_STOP = "traffic_stop"
    SELF_REPORT = "self_report"
    SCHEDULED = "scheduled"
    ADMISSION = "admission"
    OTHER = "other"


class SampleType(StrEnum):
    """What is tested (吸毒检测程序规定 art. 6)."""

    URINE = "urine"
    BLOOD = "blood"
    SALIVA = "saliva"
    HAIR = "hair"


class Result(StrEnum):
    """What the test says."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


class State(StrEnum):
    """How far a test order is."""

    ORDERED = "ordered"
    COLLECTED = "collected"
    NEGATIVE = "negative"
    POSITIVE_SEALED = "positive_sealed"
    NEGATIVE_TOLD = "negative_told"
    POSITIVE_TOLD = "positive_told"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Collector:
    """An officer who takes part in collecting."""

    officer: str
    sex: str


@dataclass(frozen=True, slots=True)
class TestOrder:
    """The duty to test one person, and what came of it."""

    __test__ = False  # not a pytest class

    id: UUID
    version: int
    person_id: UUID
    station: str
    division: str
    ground: Ground
    ground_detail: str | None
    state: State
    ordered_at: datetime
    collect_due_at: datetime
    collected_at: datetime | None = None
    sample_type: SampleType | None = None
    collectors: tuple[Collector, ...] = ()
    result: Result | None = None
    resulted_at: datetime | None = None
    substances: tuple[str, ...] = ()
    tester: str | None = None
    reagent_lot: str | None = None
    sample_a: str | None = None
    sample_b: str | None = None
    told_at: datetime | None = None
    signed: bool | None = None
    refusal_note: str | None = None
    objection_due_at: datetime | None = None
    settled_at: datetime | None = None
    settled_by: str | None = None


def collect(
    order: TestOrder,
    *,
    at: datetime,
    sample_type: SampleType,
    collectors: tuple[Collector, ...],
    person_sex: str,
) -> TestOrder:
    """The sample was collected (吸毒检测程序规定 art. 8(1)).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``collection.too_few_collectors``,
    ``collection.female_collector_needed``, ``time.before_previous_step``.
    """
    _in_state(order, State.ORDERED)
    _not_before(at, order.ordered_at, "/collected_at")
    if len({collector.officer for collector in collectors}) < MINIMUM_COLLECTORS:
        raise invalid_field(
            "/collectors", "collection.too_few_collectors", "two different officers must collect (检测规定 art. 8)"
        )
    needs_woman = sample_type is SampleType.URINE and person_sex == "female"
    if needs_woman and not any(collector.sex == "female" for collector in collectors):
        raise invalid_field(
            "/collectors",
            "collection.female_collector_needed",
            "a woman's urine is collected by female staff (检测规定 art. 8)",
        )
    return replace(
        order,
        version=order.version + 1,
        state=State.COLLECTED,
        collected_at=at,
        sample_type=sample_type,
        collectors=collectors,
    )


def enter_result(
    order: TestOrder,
    *,
    at: datetime,
    result: Result,
    tester: str,
    reagent_lot: str,
    substances: tuple[str, ...] = (),
    sample_a: str | None = None,
    sample_b: str | None = None,
) -> TestOrder:
    """The on-site test gave a result; a positive sample is split into A and B and sealed (art. 8(2)).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``result.*``.
    """
    _in_state(order, State.COLLECTED)
    positive = result is Result.POSITIVE
    if positive:
        _check_positive(substances, sample_a, sample_b)
    elif substances:
        raise invalid_field("/substances", "result.substances_of_negative", "a negative result names no substance")
    return replace(
        order,
        version=order.version + 1,
        state=State.POSITIVE_SEALED if positive else State.NEGATIVE,
        result=result,
        resulted_at=at,
        substances=substances,
        tester=tester,
        reagent_lot=reagent_lot,
        sample_a=sample_a if positive else None,
        sample_b=sample_b if positive else None,
    )


def tell(
    order: TestOrder, *, at: datetime, signed: bool, refusal_note: str | None, objection_due_at: datetime
) -> TestOrder:
    """The person was told on the spot and signed, or the refusal was noted (吸毒检测程序规定 art. 9).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``telling.refusal_note_missing``, ``time.*``.
    """
    _in_state(order, State.NEGATIVE, State.POSITIVE_SEALED)
    if order.collected_at is not None:
        _not_before(at, order.collected_at, "/told_at")
    if not signed and not refusal_note:
        raise invalid_field(
            "/refusal_note", "telling.refusal_note_missing", "a refused signature is noted by the officer"
        )
    positive = order.result is Result.POSITIVE
    return replace(
        order,
        version=order.version + 1,
        state=State.POSITIVE_TOLD if positive else State.NEGATIVE_TOLD,
        told_at=at,
        signed=signed,
        refusal_note=refusal_note,
        objection_due_at=objection_due_at if positive else None,
    )


def waive(order: TestOrder, *, at: datetime) -> TestOrder:
    """The person signed that no laboratory test is wanted; the result stands.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    _in_state(order, State.POSITIVE_TOLD)
    if order.told_at is not None:
        _not_before(at, order.told_at, "/signed_at")
    return _settled(order, at, "waived")


def let_window_pass(order: TestOrder, *, now: datetime) -> TestOrder:
    """The window to object passed unused (吸毒检测程序规定 art. 10); the result stands.

    Raises: Conflict ``test.wrong_state`` or ``test.window_open``.
    """
    _in_state(order, State.POSITIVE_TOLD)
    if order.objection_due_at is None or now < order.objection_due_at:
        raise Conflict("test.window_open", "the person may still object", until=order.objection_due_at)
    return _settled(order, now, "window_passed")


def _settled(order: TestOrder, at: datetime, by: str) -> TestOrder:
    return replace(order, version=order.version + 1, state=State.SETTLED, settled_at=at, settled_by=by)


def _check_positive(substances: tuple[str, ...], sample_a: str | None, sample_b: str | None) -> None:
    faults = []
    if not substances:
        faults.append(FieldProblem("/substances", "result.substances_missing", "name what was found"))
    for field, number in (("/sample_a", sample_a), ("/sample_b", sample_b)):
        if not number:
            faults.append(FieldProblem(field, "result.seal_missing", "a positive sample is split, sealed and numbered"))
    if sample_a and sample_a == sample_b:
        faults.append(FieldProblem("/sample_b", "result.seals_equal", "samples A and B have different numbers"))
    if faults:
        raise InvalidInput("result.incomplete", "a positive result needs substances and two seals", fields=faults)


def _in_state(order: TestOrder, *states: State) -> None:
    if order.state not in states:
        expected = " or ".join(state.value for state in states)
        detail = f"the test order is {order.state.value}; this needs {expected}"
        raise Conflict("test.wrong_state", detail, state=order.state.value, version=order.version)


def _not_before(at: datetime, previous: datetime, pointer: str) -> None:
    if at < previous:
        raise invalid_field(pointer, "time.before_previous_step", "earlier than the step before it")
