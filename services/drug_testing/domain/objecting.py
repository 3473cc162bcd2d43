"""What the person may do against a positive result: the laboratory test, the re-test, and how the result ends.

Invariants: A goes to the laboratory test, B to the re-test, never to the same institution (吸毒检测程序规定 art. 4); no
report is taken of a sample whose chain of custody is broken; a negative last report overturns the result.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.drug_testing.domain.collecting import check_signature
from services.drug_testing.domain.custody import extended, is_broken, links_of, seal_examined
from services.drug_testing.domain.order import (
    CustodyEntry,
    CustodyStep,
    Examination,
    Finding,
    OverturnedBy,
    Result,
    SettledBy,
    TestOrder,
    require,
    step,
)
from services.drug_testing.domain.transitions import RETEST, Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before


class LaboratoryKind(StrEnum):
    """What an institution may do: a medical one tests, only an accredited one re-tests (吸毒检测程序规定 art. 4)."""

    ACCREDITED = "accredited"
    MEDICAL = "medical"


@dataclass(frozen=True, slots=True)
class Cutoff:
    """From which concentration a substance counts as found."""

    substance: str
    sample: str
    value: float
    unit: str
    source: str


def examination_of(order: TestOrder) -> Examination:
    """The examination that runs, or ran last."""
    running = order.retest or order.lab
    if running is None:
        raise Conflict("test.wrong_state", "nothing was asked of a laboratory", state=order.state.value)
    return running


def waive(order: TestOrder, *, at: datetime) -> TestOrder:
    """The person signed that nothing more is asked; the result stands.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(order, Act.WAIVED)
    not_before(at, order.lab.told_at if order.lab else order.told_at, "/signed_at")
    return step(order, Act.WAIVED, State.SETTLED, settled_at=at, settled_by=SettledBy.WAIVED)


def let_window_pass(order: TestOrder, *, now: datetime) -> TestOrder:
    """The window to object passed unused (吸毒检测程序规定 arts 10, 13); the result stands.

    Raises: Conflict ``test.wrong_state`` or ``test.window_open``.
    """
    require(order, Act.WINDOW_PASSED)
    if order.objection_due_at is None or now < order.objection_due_at:
        raise Conflict("test.window_open", "the person may still object", until=order.objection_due_at)
    return step(order, Act.WINDOW_PASSED, State.SETTLED, settled_at=now, settled_by=SettledBy.WINDOW_PASSED)


def object_to(order: TestOrder, *, at: datetime, late_reason: str | None, due: NextDue) -> TestOrder:
    """The person asks for the laboratory test, or for the re-test (吸毒检测程序规定 arts 10, 13), even late.

    A late request is recorded as late, with its reason, and decided like any other.

    Raises: Conflict ``test.wrong_state``, ``objection.waived`` or ``objection.exhausted``; InvalidInput
    ``objection.late_reason_missing``, ``time.before_previous_step``.
    """
    require(order, Act.OBJECTED)
    if order.retest is not None or (order.lab is not None and order.lab.approved is False):
        raise Conflict("objection.exhausted", "there is no further test; the decision itself can be contested")
    if order.settled_by is SettledBy.WAIVED:
        raise Conflict("objection.waived", "the person signed not to object", at=order.settled_at)
    not_before(at, order.lab.told_at if order.lab else order.told_at, "/requested_at")
    late = order.objection_due_at is not None and at >= order.objection_due_at
    if late and not (late_reason or "").strip():
        raise invalid_field(
            "/late_reason",
            "objection.late_reason_missing",
            "the window to object is over; say why it is late",
        )
    asked = Examination(requested_at=at, late_reason=late_reason if late else None)
    reopened = {"settled_at": None, "settled_by": None}
    if order.lab is None:
        return step(order, Act.OBJECTED, State.LAB_REQUESTED, due=due, lab=asked, **reopened)
    return step(order, Act.OBJECTED, State.RETEST_REQUESTED, due=due, retest=asked, **reopened)


def decide(order: TestOrder, *, approved: bool, note: str | None, now: datetime, due: NextDue) -> TestOrder:
    """The police decide on the request (吸毒检测程序规定 arts 10, 13). A refusal gives its reason.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``objection.denial_reason_missing``.
    """
    require(order, Act.OBJECTION_DECIDED)
    if not approved and not (note or "").strip():
        raise invalid_field("/note", "objection.denial_reason_missing", "a refusal gives its reason in writing")
    decided = replace(examination_of(order), decided_at=now, approved=approved, decision_note=note)
    if approved:
        state = State.RETEST_APPROVED if order.retest else State.LAB_APPROVED
        return _examined(order, Act.OBJECTION_DECIDED, state, decided, due=due)
    denied = _examined(order, Act.OBJECTION_DECIDED, State.SETTLED, decided)
    return replace(denied, settled_at=now, settled_by=SettledBy.OBJECTION_DENIED)


def send(
    order: TestOrder, *, laboratory: str, kind: LaboratoryKind, sent_by: str, at: datetime, due: NextDue
) -> TestOrder:
    """Sample A goes to a laboratory; B to another, accredited one (吸毒检测程序规定 arts 4, 11, 14).

    Raises: Conflict ``test.wrong_state`` or ``sample.chain_broken``; InvalidInput ``laboratory.not_accredited``,
    ``laboratory.same_as_first``, ``time.before_previous_step``.
    """
    require(order, Act.SENT)
    running, seal = examination_of(order), seal_examined(order)
    not_before(at, running.decided_at, "/sent_at")
    _unbroken(order, seal)
    if order.retest is not None and order.lab is not None:
        if kind is not LaboratoryKind.ACCREDITED:
            raise invalid_field("/laboratory", "laboratory.not_accredited", "only an accredited laboratory re-tests")
        if laboratory == order.lab.laboratory:
            raise invalid_field("/laboratory", "laboratory.same_as_first", "another institution makes the re-test")
    link = CustodyEntry(
        seal or "", CustodyStep.DISPATCHED, at, links_of(order, seal)[-1].held_by, f"courier {sent_by}".strip()
    )
    sent = replace(running, laboratory=laboratory, sent_at=at, received_at=None)
    state = State.RETEST_SENT if order.retest else State.LAB_SENT
    return _examined(order, Act.SENT, state, sent, due=due, custody=extended(order, link, "/sent_at"))


def receive(order: TestOrder, *, at: datetime, intact: bool, due: NextDue, if_unfit: NextDue) -> TestOrder:
    """The laboratory has the sample; with a broken seal it cannot be examined (吸毒检测程序规定 arts 12, 16).

    Raises: Conflict ``test.wrong_state`` or ``sample.already_received``; InvalidInput ``time.before_previous_step``.
    """
    require(order, Act.RECEIVED)
    running, seal = examination_of(order), seal_examined(order)
    if running.received_at is not None:
        raise Conflict("sample.already_received", "the laboratory has the sample already", at=running.received_at)
    not_before(at, running.sent_at, "/received_at")
    carrier = links_of(order, seal)[-1].held_by
    link = CustodyEntry(seal or "", CustodyStep.RECEIVED, at, carrier, running.laboratory or "", intact)
    custody = extended(order, link, "/received_at")
    received = replace(running, received_at=at)
    if intact:
        return _examined(order, Act.RECEIVED, order.state, received, due=due, custody=custody)
    broken = _examined(order, Act.RECEIVED, State.SAMPLE_UNFIT, received, due=if_unfit, custody=custody)
    return replace(broken, unfit_reason="seal broken on receipt")


def report(
    order: TestOrder,
    *,
    number: str,
    result: Result,
    findings: tuple[Finding, ...],
    cutoffs: tuple[Cutoff, ...],
    now: datetime,
    due: NextDue,
) -> TestOrder:
    """The laboratory reports (吸毒检测程序规定 arts 12, 15). Measured values must bear the result out.

    Raises: Conflict ``test.wrong_state``, ``sample.not_received`` or ``sample.chain_broken``; InvalidInput
    ``report.unit``, ``report.contradicts_cutoff``.
    """
    require(order, Act.REPORTED)
    running = examination_of(order)
    if running.received_at is None:
        raise Conflict("sample.not_received", "the laboratory has not confirmed that it has the sample")
    _unbroken(order, seal_examined(order))
    _borne_out(order, result, findings, cutoffs)
    reported = replace(running, report_number=number, reported_at=now, result=result, findings=findings)
    state = State.RETEST_REPORTED if order.retest else State.LAB_REPORTED
    return _examined(order, Act.REPORTED, state, reported, due=due)


def tell_report(
    order: TestOrder, *, at: datetime, signed: bool, refusal_note: str | None, window: NextDue
) -> TestOrder:
    """The person is told the laboratory's result (吸毒检测程序规定 arts 12, 15); a negative one overturns the first.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``telling.refusal_note_missing``, ``time.before_previous_step``.
    """
    require(order, Act.REPORT_TOLD)
    running = examination_of(order)
    not_before(at, running.reported_at, "/told_at")
    check_signature(signed, refusal_note)
    told = replace(running, told_at=at, signed=signed)
    if running.result is Result.NEGATIVE:
        by = OverturnedBy.RETEST if order.retest else OverturnedBy.LABORATORY
        return replace(_examined(order, Act.REPORT_TOLD, State.OVERTURNED, told), overturned_at=at, overturned_by=by)
    if order.state in RETEST:
        settled = _examined(order, Act.REPORT_TOLD, State.SETTLED, told)
        return replace(settled, settled_at=at, settled_by=SettledBy.RETEST_CONFIRMED)
    return replace(_examined(order, Act.REPORT_TOLD, State.LAB_TOLD, told, due=window), objection_due_at=window.at)


def resample(order: TestOrder, *, seal: str, at: datetime, collected_by: str, approver: str, due: NextDue) -> TestOrder:
    """A new sample is taken as the laboratory advised, approved by the county's head (吸毒检测程序规定 art. 16).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(order, Act.RESAMPLED)
    running = examination_of(order)
    not_before(at, running.decided_at, "/collected_at")
    link = CustodyEntry(seal, CustodyStep.SEALED, at, collected_by, order.station, note=f"approved by {approver}")
    fresh = {"sample_b": seal} if order.retest else {"sample_a": seal}
    state = State.RETEST_APPROVED if order.retest else State.LAB_APPROVED
    custody = (*order.custody, link)
    waiting = replace(running, laboratory=None, sent_at=None, received_at=None)
    return _examined(order, Act.RESAMPLED, state, waiting, due=due, custody=custody, unfit_reason=None, **fresh)


def give_up(order: TestOrder, *, now: datetime) -> TestOrder:
    """No usable sample can be had: what the person contests and nobody can examine does not stand.

    Raises: Conflict ``test.wrong_state``.
    """
    return step(order, Act.GIVEN_UP, State.OVERTURNED, overturned_at=now, overturned_by=OverturnedBy.SAMPLE_UNUSABLE)


def _examined(
    order: TestOrder, act: Act, state: State, examination: Examination, *, due: NextDue | None = None, **changes: object
) -> TestOrder:
    kept = {"retest": examination} if order.retest else {"lab": examination}
    return step(order, act, state, due=due, **kept, **changes)


def _unbroken(order: TestOrder, seal: str | None) -> None:
    if is_broken(links_of(order, seal)):
        raise Conflict("sample.chain_broken", "the chain of custody is broken; report the sample as unfit", seal=seal)


def _borne_out(order: TestOrder, result: Result, findings: tuple[Finding, ...], cutoffs: tuple[Cutoff, ...]) -> None:
    known = {cutoff.substance: cutoff for cutoff in cutoffs if cutoff.sample == order.sample_type}
    over = []
    for place, finding in enumerate(findings):
        cutoff = known.get(finding.substance)
        if cutoff is None:
            continue
        if finding.unit != cutoff.unit:
            raise invalid_field(f"/findings/{place}/unit", "report.unit", f"measured in {cutoff.unit}")
        over.append(finding.value >= cutoff.value)
    all_judged = bool(over) and len(over) == len(findings)
    if any(over) if result is Result.NEGATIVE else all_judged and not any(over):
        raise invalid_field("/result", "report.contradicts_cutoff", "the measured values say otherwise")
