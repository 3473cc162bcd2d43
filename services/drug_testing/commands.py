"""What police stations, supervisors and laboratories can do with test orders."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.drug_testing import policy
from services.drug_testing.domain import collecting, custody, objecting
from services.drug_testing.domain.objecting import LaboratoryKind
from services.drug_testing.domain.order import (
    Collector,
    CustodyEntry,
    CustodyStep,
    ExemptReason,
    Finding,
    Ground,
    Opinion,
    Result,
    SampleType,
    TestOrder,
)
from services.drug_testing.domain.transitions import State
from services.drug_testing.schedules import count_evasion, excuse_evasion
from services.drug_testing.store import Laboratory, Seal, Work
from shared.kernel.errors import FieldProblem, InvalidInput, NotFound, invalid_field
from shared.kernel.ids import new_id
from shared.kernel.moments import past
from shared.reference.calendar import next_due
from shared.storage.people import require_known


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

    sample_type: SampleType
    collectors: tuple[Collector, ...]
    collected_at: datetime | None = None
    declared_medicines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EnterResult:
    """The on-site test gave a result."""

    result: Result
    tester: str
    reagent_lot: str
    substances: tuple[str, ...] = ()
    sample_a: str | None = None
    sample_b: str | None = None
    seal_signed: bool = False
    seal_note: str | None = None
    resulted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """The person was told a result."""

    signed: bool
    told_at: datetime | None = None
    refusal_note: str | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """Something happened to a sealed sample."""

    seal: str
    step: CustodyStep
    given_by: str
    held_by: str
    intact: bool
    at: datetime | None = None
    note: str | None = None
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class NewSample:
    """A new sample instead of an unfit one."""

    seal: str
    collected_by: str
    approver: str
    collected_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What a laboratory says of a sample."""

    number: str
    result: Result
    findings: tuple[Finding, ...] = ()


def order_test(command: OrderTest, *, work: Work) -> TestOrder:
    """Order a test.

    Raises: Conflict ``person.merged``; InvalidInput ``person.unknown``, ``ground.detail_missing``.
    """
    require_known(work.persons, command.person_id)
    if command.ground is Ground.OTHER and not (command.ground_detail or "").strip():
        raise invalid_field("/ground_detail", "ground.detail_missing", "say what the suspicion rests on")
    collect = next_due(policy.COLLECT, work.now)
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
        collect_due_at=collect.at,
        due_rule=collect.rule,
        due_at=collect.at,
    )
    return work.test_orders.save(order, "test.ordered.v1")


def refuse_test(order: TestOrder, *, at: datetime | None, work: Work) -> TestOrder:
    """Enter that the person refuses. See `collecting.refuse`."""
    refused = collecting.refuse(
        order,
        at=past(at, work.now, "/refused_at"),
        due=next_due(policy.DECIDE_FORCE, work.now),
        evasions=count_evasion(order, work) if order.state is State.ORDERED else order.evasions,
    )
    return work.test_orders.save(refused, "test.refused.v1")


def yield_to_test(order: TestOrder, *, work: Work) -> TestOrder:
    """Enter that the person agrees after all. See `collecting.yield_to_test`."""
    yielded = collecting.yield_to_test(order, due=next_due(policy.COLLECT, work.now))
    return work.test_orders.save(yielded, "test.yielded.v1")


def approve_force(order: TestOrder, *, approver: str, work: Work) -> TestOrder:
    """Enter the approval of a forced test. See `collecting.approve_force`."""
    forced = collecting.approve_force(order, approver=approver, now=work.now, due=next_due(policy.COLLECT, work.now))
    return work.test_orders.save(forced, "test.force_approved.v1")


def leave_untested(order: TestOrder, *, reason: str, work: Work) -> TestOrder:
    """Enter that no test takes place. See `collecting.leave_untested`."""
    return work.test_orders.save(collecting.leave_untested(order, reason=reason), "test.left_untested.v1")


def exempt(order: TestOrder, *, reason: ExemptReason, note: str, by: str, work: Work) -> TestOrder:
    """Enter that a supervisor exempted the person, or excused a missed test. See `collecting.exempt`."""
    excused = order.state is State.MISSED and reason is ExemptReason.EXCUSED
    evasions = excuse_evasion(order, work) if excused else order.evasions
    exempted = collecting.exempt(order, reason=reason, note=note, by=by, evasions=evasions)
    return work.test_orders.save(exempted, "test.exempted.v1")


def collect_sample(order: TestOrder, command: CollectSample, *, work: Work) -> TestOrder:
    """Enter the collection of a sample. See `collecting.collect`."""
    person = work.persons.find(order.person_id)
    at = past(command.collected_at, work.now, "/collected_at")
    collected = collecting.collect(
        order,
        at=at,
        sample_type=command.sample_type,
        collectors=command.collectors,
        person_sex=person.sex if person else "unknown",
        minimum=policy.MINIMUM_COLLECTORS,
        due=next_due(policy.RESULT, at),
        declared_medicines=command.declared_medicines,
    )
    return work.test_orders.save(collected, "test.collected.v1")


def note_invalid_card(order: TestOrder, *, reagent_lot: str, work: Work) -> TestOrder:
    """Enter a card whose control line was missing. See `collecting.note_invalid_card`."""
    noted = collecting.note_invalid_card(
        order, at=work.now, reagent_lot=reagent_lot, due=next_due(policy.RESULT, work.now)
    )
    return work.test_orders.save(noted, "test.card_invalid.v1")


def enter_result(order: TestOrder, command: EnterResult, *, work: Work) -> TestOrder:
    """Enter an on-site result. See `collecting.enter_negative`, `collecting.enter_positive`.

    Raises: InvalidInput ``result.seal_used``, ``time.in_future``.
    """
    at = past(command.resulted_at, work.now, "/resulted_at")
    tell_by = next_due(policy.TELL, at)
    if command.result is Result.NEGATIVE:
        negative = collecting.enter_negative(
            order,
            at=at,
            tester=command.tester,
            reagent_lot=command.reagent_lot,
            substances=command.substances,
            due=tell_by,
        )
        return work.test_orders.save(negative, "test.resulted.v1")
    positive = collecting.enter_positive(
        order,
        at=at,
        tester=command.tester,
        reagent_lot=command.reagent_lot,
        substances=command.substances,
        known_substances=policy.SUBSTANCES,
        sample_a=command.sample_a,
        sample_b=command.sample_b,
        seal_signed=command.seal_signed,
        seal_note=command.seal_note,
        keep_until=next_due(policy.KEEP, at).at,
        due=tell_by,
    )
    _use_seals(positive, {"/sample_a": positive.sample_a, "/sample_b": positive.sample_b}, work)
    return work.test_orders.save(positive, "test.resulted.v1")


def tell_result(order: TestOrder, command: Telling, *, work: Work) -> TestOrder:
    """Enter that the person was told. See `collecting.tell`."""
    at = past(command.told_at, work.now, "/told_at")
    told = collecting.tell(
        order,
        at=at,
        signed=command.signed,
        refusal_note=command.refusal_note,
        window=next_due(policy.OBJECT, at),
        opinion_due_at=next_due(policy.DETERMINE, at).at,
    )
    positive = told.state is State.POSITIVE_TOLD
    return work.test_orders.save(told, "test.positive_told.v1" if positive else "test.negative_told.v1")


def determine_addiction(order: TestOrder, *, opinion: Opinion, officers: tuple[str, ...], work: Work) -> TestOrder:
    """Enter the opinion on addiction. See `collecting.determine_addiction`."""
    determined = collecting.determine_addiction(
        order, opinion=opinion, officers=officers, minimum=policy.MINIMUM_DETERMINING, now=work.now
    )
    return work.test_orders.save(determined, "test.addiction_determined.v1")


def waive_objection(order: TestOrder, *, at: datetime | None, work: Work) -> TestOrder:
    """Settle a positive result by the person's waiver. See `objecting.waive`."""
    return work.test_orders.save(objecting.waive(order, at=past(at, work.now, "/signed_at")), "test.settled.v1")


def object_to_result(order: TestOrder, *, at: datetime | None, late_reason: str | None, work: Work) -> TestOrder:
    """Enter that the person asks for a laboratory test or a re-test. See `objecting.object_to`."""
    at = past(at, work.now, "/requested_at")
    rule = policy.DECIDE_RETEST if order.lab else policy.DECIDE_LAB
    objected = objecting.object_to(order, at=at, late_reason=late_reason, due=next_due(rule, at))
    return work.test_orders.save(objected, "test.objected.v1")


def decide_objection(order: TestOrder, *, approved: bool, note: str | None, work: Work) -> TestOrder:
    """Enter the decision on a request. See `objecting.decide`."""
    rule = policy.SEND_B if order.retest else policy.SEND_A
    decided = objecting.decide(order, approved=approved, note=note, now=work.now, due=next_due(rule, work.now))
    return work.test_orders.save(decided, "test.objection_decided.v1" if approved else "test.settled.v1")


def send_sample(order: TestOrder, *, laboratory: str, sent_by: str, at: datetime | None, work: Work) -> TestOrder:
    """Enter that a sample went to a laboratory. See `objecting.send`.

    Raises: InvalidInput ``laboratory.unknown``.
    """
    known = work.laboratories.find(laboratory)
    if known is None or not known.designated:
        raise invalid_field("/laboratory", "laboratory.unknown", "no such laboratory is designated")
    at = past(at, work.now, "/sent_at")
    sent = objecting.send(
        order, laboratory=laboratory, kind=known.kind, sent_by=sent_by, at=at, due=next_due(policy.TRANSPORT, at)
    )
    return work.test_orders.save(sent, "test.sample_sent.v1")


def receive_sample(order: TestOrder, *, intact: bool, at: datetime | None, work: Work) -> TestOrder:
    """Enter that the laboratory has the sample. See `objecting.receive`."""
    at = past(at, work.now, "/received_at")
    rule = policy.RETEST_REPORT if order.retest else policy.LAB_REPORT
    received = objecting.receive(
        order, at=at, intact=intact, due=next_due(rule, at), if_unfit=next_due(policy.RESOLVE_UNFIT, at)
    )
    return work.test_orders.save(received, "test.sample_received.v1" if intact else "test.sample_unfit.v1")


def enter_report(order: TestOrder, command: Report, *, work: Work) -> TestOrder:
    """Enter a laboratory's report. See `objecting.report`."""
    reported = objecting.report(
        order,
        number=command.number,
        result=command.result,
        findings=command.findings,
        cutoffs=policy.CUTOFFS,
        now=work.now,
        due=next_due(policy.TELL_RETEST if order.retest else policy.TELL_LAB, work.now),
    )
    return work.test_orders.save(reported, "test.lab_reported.v1")


_EVENT_OF_REPORT_TOLD = {
    State.LAB_TOLD: "test.lab_told.v1",
    State.SETTLED: "test.settled.v1",
    State.OVERTURNED: "test.overturned.v1",
}


def tell_report(order: TestOrder, command: Telling, *, work: Work) -> TestOrder:
    """Enter that the person was told a laboratory's result. See `objecting.tell_report`."""
    at = past(command.told_at, work.now, "/told_at")
    told = objecting.tell_report(
        order,
        at=at,
        signed=command.signed,
        refusal_note=command.refusal_note,
        window=next_due(policy.OBJECT_AGAIN, at),
    )
    return work.test_orders.save(told, _EVENT_OF_REPORT_TOLD[told.state])


def find_unfit(order: TestOrder, *, reason: str, work: Work) -> TestOrder:
    """Enter that a sample cannot be examined. See `custody.find_unfit`."""
    unfit = custody.find_unfit(order, reason=reason, due=next_due(policy.RESOLVE_UNFIT, work.now))
    return work.test_orders.save(unfit, "test.sample_unfit.v1")


def resample(order: TestOrder, command: NewSample, *, work: Work) -> TestOrder:
    """Enter a new sample. See `objecting.resample`."""
    rule = policy.SEND_B if order.retest else policy.SEND_A
    seal = command.seal.strip()
    fresh = objecting.resample(
        order,
        seal=seal,
        at=past(command.collected_at, work.now, "/collected_at"),
        collected_by=command.collected_by,
        approver=command.approver,
        due=next_due(rule, work.now),
    )
    _use_seals(fresh, {"/seal": seal}, work)
    return work.test_orders.save(fresh, "test.resampled.v1")


def give_up(order: TestOrder, *, work: Work) -> TestOrder:
    """Enter that no usable sample can be had. See `objecting.give_up`."""
    return work.test_orders.save(objecting.give_up(order, now=work.now), "test.overturned.v1")


def note_custody(order: TestOrder, command: Link, *, work: Work) -> TestOrder:
    """Enter a link of a sample's chain of custody. See `custody.note`."""
    at = past(command.at, work.now, "/at")
    entry = CustodyEntry(
        command.seal.strip(),
        command.step,
        at,
        command.given_by.strip(),
        command.held_by.strip(),
        command.intact,
        command.note,
        command.witness,
    )
    noted = custody.note(order, entry, now=work.now, if_unfit=next_due(policy.RESOLVE_UNFIT, at))
    unfit = noted.state is State.SAMPLE_UNFIT and order.state is not State.SAMPLE_UNFIT
    return work.test_orders.save(noted, "test.sample_unfit.v1" if unfit else "test.custody_noted.v1")


def designate_laboratory(code: str, *, name: str, kind: LaboratoryKind, designated: bool, work: Work) -> Laboratory:
    """Say which institution may examine samples (吸毒检测程序规定 art. 4), or that it no longer may."""
    laboratory = Laboratory(code, name, kind, designated)
    work.laboratories.put(laboratory)
    return laboratory


def order_of_seal(seal: str, *, work: Work) -> TestOrder:
    """The order that a sealed sample belongs to: all that a laboratory knows of it is the number.

    Raises: NotFound ``sample.not_found``.
    """
    used = work.seals.find(seal.strip())
    if used is None:
        raise NotFound("sample.not_found", f"no sample {seal}")
    return work.test_orders.get(used.test_order_id)


def _use_seals(order: TestOrder, seals: dict[str, str | None], work: Work) -> None:
    """A seal's number is used once, for whatever sample of whichever order."""
    used = [pointer for pointer, seal in seals.items() if seal and work.seals.find(seal)]
    if used:
        faults = [FieldProblem(pointer, "result.seal_used", "this number is on another sample") for pointer in used]
        raise InvalidInput("result.seal_used", "each seal has its own number", fields=faults)
    for seal in seals.values():
        work.seals.put(Seal(seal or "", order.id))
