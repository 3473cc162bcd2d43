"""From the order to the told on-site result, and the ways in which no test takes place."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.drug_testing.domain.order import (
    Collector,
    CustodyEntry,
    CustodyStep,
    ExemptReason,
    Ground,
    InvalidCard,
    Opinion,
    Result,
    SampleType,
    TestOrder,
    require,
    same_deadline,
    step,
)
from services.drug_testing.domain.transitions import Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, FieldProblem, InvalidInput, invalid_field
from shared.kernel.moments import not_before


def refuse(order: TestOrder, *, at: datetime, due: NextDue, evasions: int) -> TestOrder:
    """The person refuses the test; a forced one may be approved (吸毒检测程序规定 art. 7, 禁毒法 art. 32).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(order, Act.REFUSED)
    not_before(at, order.ordered_at, "/refused_at")
    return step(order, Act.REFUSED, State.REFUSED, due=due, refused_at=at, evasions=evasions)


def yield_to_test(order: TestOrder, *, due: NextDue) -> TestOrder:
    """The person agrees after all.

    Raises: Conflict ``test.wrong_state``.
    """
    return step(order, Act.YIELDED, State.ORDERED, due=due)


def approve_force(order: TestOrder, *, approver: str, now: datetime, due: NextDue) -> TestOrder:
    """The head of the county organ or of its station approves a forced test (吸毒检测程序规定 art. 7).

    Raises: Conflict ``test.wrong_state``.
    """
    return step(
        order, Act.FORCED, State.FORCE_APPROVED, due=due, force_approved_by=approver.strip(), force_decided_at=now
    )


def leave_untested(order: TestOrder, *, reason: str) -> TestOrder:
    """No test takes place, e.g. force was not approved or the person got away. Counts as not tested.

    Raises: Conflict ``test.wrong_state``.
    """
    return step(order, Act.LEFT_UNTESTED, State.UNTESTED, untested_reason=reason)


def exempt(order: TestOrder, *, reason: ExemptReason, note: str, by: str, evasions: int) -> TestOrder:
    """A supervisor approves that no test is needed, or excuses a missed one.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``exemption.not_missed``.
    """
    require(order, Act.EXEMPTED)
    if (reason is ExemptReason.EXCUSED) != (order.state is State.MISSED):
        raise invalid_field("/reason", "exemption.not_missed", "only a missed test can be excused, and only so")
    return step(
        order,
        Act.EXEMPTED,
        State.EXEMPTED,
        exempt_reason=reason,
        exempt_note=note,
        exempted_by=by,
        evasions=evasions,
    )


def miss(order: TestOrder, *, now: datetime, evasions: int) -> TestOrder:
    """A scheduled test did not take place in its window: an evasion, unless excused (戒毒条例 arts 19, 20).

    Raises: Conflict ``test.wrong_state`` or ``test.not_missed``.
    """
    require(order, Act.MISSED)
    if order.ground is not Ground.SCHEDULED or order.due_at is None or now < order.due_at:
        raise Conflict("test.not_missed", "only a scheduled test whose window passed is missed")
    return step(order, Act.MISSED, State.MISSED, evasions=evasions)


def collect(
    order: TestOrder,
    *,
    at: datetime,
    sample_type: SampleType,
    collectors: tuple[Collector, ...],
    person_sex: str,
    minimum: int,
    due: NextDue,
    declared_medicines: tuple[str, ...] = (),
) -> TestOrder:
    """The sample was collected (吸毒检测程序规定 art. 8(1)). Whose sex is not known is treated as a woman.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``collection.too_few_collectors``,
    ``collection.female_collector_needed``, ``collection.by_the_approver``, ``time.before_previous_step``.
    """
    require(order, Act.COLLECTED)
    not_before(at, order.force_decided_at if order.state is State.FORCE_APPROVED else order.ordered_at, "/collected_at")
    officers = {officer_key(collector.officer) for collector in collectors}
    if len(officers) < minimum or len(officers) < len(collectors):
        raise invalid_field(
            "/collectors", "collection.too_few_collectors", "two different officers must collect (检测规定 art. 8)"
        )
    needs_woman = sample_type is SampleType.URINE and person_sex != "male"
    if needs_woman and not any(collector.sex == "female" for collector in collectors):
        raise invalid_field(
            "/collectors",
            "collection.female_collector_needed",
            "a woman's urine is collected by female staff (检测规定 art. 8)",
        )
    forced = order.state is State.FORCE_APPROVED
    if forced and order.force_approved_by and officer_key(order.force_approved_by) in officers:
        raise invalid_field(
            "/collectors", "collection.by_the_approver", "who approved the force does not collect (检测规定 art. 7)"
        )
    return step(
        order,
        Act.COLLECTED,
        State.COLLECTED,
        due=due,
        collected_at=at,
        sample_type=sample_type,
        collectors=tuple(Collector(collector.officer.strip(), collector.sex) for collector in collectors),
        declared_medicines=declared_medicines,
    )


def officer_key(officer: str) -> str:
    """What makes two spellings of an officer's number the same."""
    return "".join(officer.split()).casefold()


def note_invalid_card(order: TestOrder, *, at: datetime, reagent_lot: str, due: NextDue) -> TestOrder:
    """The card's control line was missing: it says nothing, the test is repeated.

    Raises: Conflict ``test.wrong_state``.
    """
    require(order, Act.CARD_INVALID)
    cards = (*order.invalid_cards, InvalidCard(at, reagent_lot))
    return step(order, Act.CARD_INVALID, State.COLLECTED, due=due, invalid_cards=cards)


def enter_negative(
    order: TestOrder, *, at: datetime, tester: str, reagent_lot: str, substances: Sequence[str], due: NextDue
) -> TestOrder:
    """The on-site test found nothing.

    Raises: Conflict ``test.wrong_state``; InvalidInput ``result.substances_of_negative``,
    ``time.before_previous_step``.
    """
    require(order, Act.RESULTED)
    not_before(at, order.collected_at, "/resulted_at")
    if substances:
        raise invalid_field("/substances", "result.substances_of_negative", "a negative result names no substance")
    return step(
        order,
        Act.RESULTED,
        State.NEGATIVE,
        due=due,
        result=Result.NEGATIVE,
        resulted_at=at,
        tester=tester,
        reagent_lot=reagent_lot,
    )


def enter_positive(
    order: TestOrder,
    *,
    at: datetime,
    tester: str,
    reagent_lot: str,
    substances: tuple[str, ...],
    known_substances: frozenset[str],
    sample_a: str | None,
    sample_b: str | None,
    seal_signed: bool,
    seal_note: str | None,
    keep_until: datetime,
    due: NextDue,
) -> TestOrder:
    """The on-site test was positive; the sample is split into A and B, numbered and sealed (art. 8(2)).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``result.incomplete`` with each fault,
    ``time.before_previous_step``.
    """
    require(order, Act.RESULTED)
    not_before(at, order.collected_at, "/resulted_at")
    seal_a, seal_b = (sample_a or "").strip(), (sample_b or "").strip()
    faults = [FieldProblem("/substances", "result.substances_missing", "name what was found")] if not substances else []
    for substance in sorted(set(substances) - known_substances):
        faults.append(FieldProblem("/substances", "result.substance_unknown", f"no such substance: {substance}"))
    for field, number in (("/sample_a", seal_a), ("/sample_b", seal_b)):
        if not number:
            faults.append(FieldProblem(field, "result.seal_missing", "a positive sample is split, sealed and numbered"))
    if seal_a and seal_a == seal_b:
        faults.append(FieldProblem("/sample_b", "result.seals_equal", "samples A and B have different numbers"))
    if not seal_signed and not (seal_note or "").strip():
        faults.append(FieldProblem("/seal_note", "result.seal_note_missing", "the person signs, or a refusal is noted"))
    if faults:
        raise InvalidInput("result.incomplete", "a positive result needs substances and two seals", fields=faults)
    custody = tuple(CustodyEntry(seal, CustodyStep.SEALED, at, tester, order.station) for seal in (seal_a, seal_b))
    return step(
        order,
        Act.RESULTED,
        State.POSITIVE_SEALED,
        due=due,
        result=Result.POSITIVE,
        resulted_at=at,
        tester=tester,
        reagent_lot=reagent_lot,
        substances=substances,
        sample_a=seal_a,
        sample_b=seal_b,
        seal_signed=seal_signed,
        seal_note=seal_note,
        keep_until=keep_until,
        custody=custody,
    )


def tell(
    order: TestOrder,
    *,
    at: datetime,
    signed: bool,
    refusal_note: str | None,
    window: NextDue,
    opinion_due_at: datetime,
) -> TestOrder:
    """The person was told on the spot and signed, or the refusal was noted (吸毒检测程序规定 art. 9).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``telling.refusal_note_missing``, ``time.*``.
    """
    require(order, Act.TOLD)
    not_before(at, order.resulted_at, "/told_at")
    check_signature(signed, refusal_note)
    told: dict[str, Any] = {"told_at": at, "signed": signed, "refusal_note": refusal_note}
    if order.result is Result.NEGATIVE:
        return step(order, Act.TOLD, State.NEGATIVE_TOLD, **told)
    return step(
        order,
        Act.TOLD,
        State.POSITIVE_TOLD,
        due=window,
        **told,
        objection_due_at=window.at,
        opinion_due_at=opinion_due_at,
    )


def check_signature(signed: bool, refusal_note: str | None) -> None:
    """Check that the person signed or the refusal is noted (吸毒检测程序规定 art. 9).

    Raises: InvalidInput ``telling.refusal_note_missing``.
    """
    if not signed and not (refusal_note or "").strip():
        raise invalid_field(
            "/refusal_note", "telling.refusal_note_missing", "a refused signature is noted by the officer"
        )


def determine_addiction(
    order: TestOrder, *, opinion: Opinion, officers: tuple[str, ...], minimum: int, now: datetime
) -> TestOrder:
    """Two officers give their opinion on addiction after a positive test (吸毒成瘾认定办法 arts 6 to 8).

    Raises: Conflict ``test.wrong_state``; InvalidInput ``opinion.too_few_officers``.
    """
    require(order, Act.DETERMINED)
    if len({officer_key(officer) for officer in officers}) < minimum:
        raise invalid_field("/officers", "opinion.too_few_officers", "two different officers sign (认定办法 art. 6)")
    return step(
        order,
        Act.DETERMINED,
        order.state,
        due=same_deadline(order),
        opinion=opinion,
        opinion_at=now,
        opinion_officers=officers,
    )
