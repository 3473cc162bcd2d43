"""The test order: by example, and driven at random against what must always hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

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
    OverturnedBy,
    Result,
    SampleType,
    SettledBy,
    TestOrder,
)
from services.drug_testing.domain.transitions import ENDED, TRANSITIONS, Act, State
from services.drug_testing.policy import CUTOFFS, SUBSTANCES
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import BatonError, Conflict, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
DUE = NextDue("X", NOW + timedelta(days=3))
TWO = (Collector("P1", "male"), Collector("P2", "female"))


def ordered(**changes: Any) -> TestOrder:
    order = TestOrder(
        UUID(int=1), 1, UUID(int=2), "S", "430802001", Ground.WITNESS, None, State.ORDERED, NOW, NOW, "T0", NOW
    )
    return replace(order, **changes)


def collected(order: TestOrder | None = None, **changes: Any) -> TestOrder:
    given: dict[str, Any] = {
        "at": NOW,
        "sample_type": SampleType.URINE,
        "collectors": TWO,
        "person_sex": "female",
        "minimum": 2,
        "due": DUE,
    }
    return collecting.collect(order or ordered(), **(given | changes))


def sealed(order: TestOrder | None = None, **changes: Any) -> TestOrder:
    given: dict[str, Any] = {
        "at": NOW,
        "tester": "P1",
        "reagent_lot": "L",
        "substances": ("MET",),
        "known_substances": SUBSTANCES,
        "sample_a": "A",
        "sample_b": "B",
        "seal_signed": True,
        "seal_note": None,
        "keep_until": NOW + timedelta(days=180),
        "due": DUE,
    }
    return collecting.enter_positive(order or collected(), **(given | changes))


def told(order: TestOrder | None = None) -> TestOrder:
    return collecting.tell(order or sealed(), at=NOW, signed=True, refusal_note=None, window=DUE, opinion_due_at=DUE.at)


def approved(order: TestOrder | None = None) -> TestOrder:
    objected = objecting.object_to(order or told(), at=NOW, late_reason=None, due=DUE)
    return objecting.decide(objected, approved=True, note=None, now=NOW, due=DUE)


def sent(order: TestOrder, laboratory: str, kind: LaboratoryKind = LaboratoryKind.ACCREDITED) -> TestOrder:
    return objecting.send(order, laboratory=laboratory, kind=kind, sent_by="P1", at=NOW, due=DUE)


def received(order: TestOrder, *, intact: bool = True) -> TestOrder:
    return objecting.receive(order, at=NOW, intact=intact, due=DUE, if_unfit=DUE)


def reported(order: TestOrder, result: Result, *findings: Finding) -> TestOrder:
    return objecting.report(order, number="R", result=result, findings=findings, cutoffs=CUTOFFS, now=NOW, due=DUE)


def report_told(order: TestOrder) -> TestOrder:
    return objecting.tell_report(order, at=NOW, signed=True, refusal_note=None, window=DUE)


def confirmed_once() -> TestOrder:
    """The laboratory found the same."""
    return report_told(reported(received(sent(approved(), "LAB-1")), Result.POSITIVE))


def codes(refused: pytest.ExceptionInfo[InvalidInput]) -> list[str]:
    return [field.code for field in refused.value.fields]


def test_a_negative_laboratory_report_overturns() -> None:
    order = report_told(reported(received(sent(approved(), "LAB-1")), Result.NEGATIVE))
    assert (order.state, order.overturned_by) == (State.OVERTURNED, OverturnedBy.LABORATORY)


def test_a_second_laboratory_decides_for_good() -> None:
    again = received(sent(approved(confirmed_once()), "LAB-2"))
    assert report_told(reported(again, Result.NEGATIVE)).overturned_by is OverturnedBy.RETEST
    stands = report_told(reported(again, Result.POSITIVE))
    assert (stands.state, stands.settled_by) == (State.SETTLED, SettledBy.RETEST_CONFIRMED)
    with pytest.raises(Conflict, match="no further test"):
        objecting.object_to(stands, at=NOW, late_reason="x", due=DUE)


def test_sample_a_is_tested_and_sample_b_retested_elsewhere_by_an_accredited_laboratory() -> None:
    first = sent(approved(), "LAB-1", LaboratoryKind.MEDICAL)
    assert [link.seal for link in first.custody if link.step is CustodyStep.DISPATCHED] == ["A"]
    again = approved(confirmed_once())
    with pytest.raises(InvalidInput) as refused:
        sent(again, "LAB-1")
    assert codes(refused) == ["laboratory.same_as_first"]
    with pytest.raises(InvalidInput) as refused:
        sent(again, "LAB-2", LaboratoryKind.MEDICAL)
    assert codes(refused) == ["laboratory.not_accredited"]
    assert sent(again, "LAB-2").custody[-1].seal == "B"


def test_a_waiver_settles_and_cannot_be_taken_back() -> None:
    waived = objecting.waive(told(), at=NOW)
    with pytest.raises(Conflict) as refused:
        objecting.object_to(waived, at=NOW, late_reason="changed my mind", due=DUE)
    assert refused.value.code == "objection.waived"


def test_a_late_request_is_recorded_as_late_with_its_reason() -> None:
    settled = objecting.let_window_pass(told(), now=DUE.at)
    with pytest.raises(InvalidInput) as refused:
        objecting.object_to(settled, at=DUE.at, late_reason=" ", due=DUE)
    assert codes(refused) == ["objection.late_reason_missing"]
    late = objecting.object_to(settled, at=DUE.at, late_reason="in hospital", due=DUE)
    assert (late.state, late.lab and late.lab.late_reason) == (State.LAB_REQUESTED, "in hospital")
    assert (late.settled_at, late.settled_by) == (None, None)


def test_a_request_in_time_keeps_no_reason_for_being_late() -> None:
    in_time = objecting.object_to(told(), at=NOW, late_reason="none", due=DUE)
    assert in_time.lab is not None
    assert in_time.lab.late_reason is None


def test_a_refused_request_needs_a_reason_and_settles() -> None:
    asked = objecting.object_to(told(), at=NOW, late_reason=None, due=DUE)
    with pytest.raises(InvalidInput) as refused:
        objecting.decide(asked, approved=False, note="", now=NOW, due=DUE)
    assert codes(refused) == ["objection.denial_reason_missing"]
    denied = objecting.decide(asked, approved=False, note="no grounds", now=NOW, due=DUE)
    assert (denied.state, denied.settled_by, denied.due_at) == (State.SETTLED, SettledBy.OBJECTION_DENIED, None)


def test_a_seal_broken_on_receipt_makes_the_sample_unfit() -> None:
    unfit = received(sent(approved(), "LAB-1"), intact=False)
    assert unfit.state is State.SAMPLE_UNFIT
    fresh = objecting.resample(unfit, seal="A2", at=NOW, collected_by="P1", approver="H", due=DUE)
    assert (fresh.state, fresh.sample_a, fresh.unfit_reason) == (State.LAB_APPROVED, "A2", None)
    assert reported(received(sent(fresh, "LAB-1")), Result.POSITIVE).state is State.LAB_REPORTED


def test_what_cannot_be_examined_does_not_stand() -> None:
    unfit = received(sent(approved(), "LAB-1"), intact=False)
    fallen = objecting.give_up(unfit, now=NOW)
    assert (fallen.state, fallen.overturned_by) == (State.OVERTURNED, OverturnedBy.SAMPLE_UNUSABLE)


def link(seal: str, step: CustodyStep, given_by: str, held_by: str, **changes: Any) -> CustodyEntry:
    return replace(CustodyEntry(seal, step, NOW, given_by, held_by), **changes)


def noted(order: TestOrder, entry: CustodyEntry, now: datetime = NOW) -> TestOrder:
    return custody.note(order, entry, now=now, if_unfit=DUE)


def test_a_missing_link_makes_the_sample_unfit_before_it_is_sent() -> None:
    stored = noted(told(), link("A", CustodyStep.STORED, "S", "cold room"))
    whole = approved(stored)
    assert sent(whole, "LAB-1").state is State.LAB_SENT
    # Somebody who never held it gives it on.
    broken = noted(whole, link("A", CustodyStep.RETURNED, "somebody", "S"))
    assert (broken.state, broken.unfit_reason) == (State.SAMPLE_UNFIT, "chain of custody broken")
    assert broken.version == whole.version + 1


def test_a_chain_that_broke_before_the_request_stops_the_sending() -> None:
    broken = noted(told(), link("A", CustodyStep.INSPECTED, "S", "S", intact=False))
    assert broken.state is State.POSITIVE_TOLD
    with pytest.raises(Conflict) as refused:
        sent(approved(broken), "LAB-1")
    assert refused.value.code == "sample.chain_broken"
    other = noted(told(), link("B", CustodyStep.INSPECTED, "S", "S", intact=False))
    assert sent(approved(other), "LAB-1").state is State.LAB_SENT


def test_samples_are_destroyed_late_by_two_and_never_in_a_dispute() -> None:
    order = approved()
    destroyed = link("A", CustodyStep.DESTROYED, "S", "nobody", witness="P9")
    for now, entry, state, code in (
        (NOW, destroyed, State.SETTLED, "custody.kept_longer"),
        (NOW + timedelta(days=181), destroyed, State.LAB_APPROVED, "custody.dispute_open"),
        (NOW + timedelta(days=181), replace(destroyed, witness=" s "), State.SETTLED, "custody.witness_missing"),
    ):
        with pytest.raises(BatonError) as refused:
            noted(replace(order, state=state), entry, now)
        found = refused.value.fields[0].code if isinstance(refused.value, InvalidInput) else refused.value.code
        assert found == code
    gone = noted(replace(order, state=State.SETTLED), destroyed, NOW + timedelta(days=181))
    with pytest.raises(Conflict) as again:
        noted(gone, link("A", CustodyStep.STORED, "S", "S"))
    assert again.value.code == "custody.sample_gone"


@pytest.mark.parametrize(
    ("result", "findings", "code"),
    [
        (Result.POSITIVE, [Finding("MET", 0.19, "ng/mg")], "report.contradicts_cutoff"),
        (Result.POSITIVE, [Finding("MET", 0.2, "ng/mg")], None),  # at the cut-off is positive
        (Result.NEGATIVE, [Finding("MET", 0.2, "ng/mg")], "report.contradicts_cutoff"),
        (Result.NEGATIVE, [Finding("MET", 0.1, "ng/mg")], None),
        (Result.POSITIVE, [Finding("MET", 200, "ng/mL")], "report.unit"),
        (Result.POSITIVE, [Finding("ETO", 0.01, "ng/mg")], None),  # no cut-off was published
        (Result.POSITIVE, [], None),
    ],
)
def test_what_was_measured_must_bear_the_result_out(result: Result, findings: list[Finding], code: str | None) -> None:
    order = received(sent(replace(approved(), sample_type=SampleType.HAIR), "LAB-1"))
    if code is None:
        assert reported(order, result, *findings).state is State.LAB_REPORTED
        return
    with pytest.raises(InvalidInput) as refused:
        reported(order, result, *findings)
    assert codes(refused) == [code]


def test_a_report_needs_a_receipt() -> None:
    with pytest.raises(Conflict) as refused:
        reported(sent(approved(), "LAB-1"), Result.POSITIVE)
    assert refused.value.code == "sample.not_received"


@pytest.mark.parametrize(
    "collectors",
    [
        (Collector("P1", "female"), Collector(" p 1 ", "female")),
        (Collector("P1", "female"),),
    ],
)
def test_the_same_officer_in_another_spelling_is_one_officer(collectors: tuple[Collector, ...]) -> None:
    with pytest.raises(InvalidInput) as refused:
        collected(collectors=collectors)
    assert codes(refused) == ["collection.too_few_collectors"]


@pytest.mark.parametrize(
    ("sex", "sample", "fine"),
    [
        ("male", SampleType.URINE, True),
        ("female", SampleType.URINE, False),
        ("unknown", SampleType.URINE, False),
        ("unknown", SampleType.HAIR, True),
    ],
)
def test_urine_of_a_woman_or_of_unknown_sex_is_collected_by_a_woman(sex: str, sample: SampleType, fine: bool) -> None:
    men = (Collector("P1", "male"), Collector("P2", "male"))
    if fine:
        assert collected(collectors=men, person_sex=sex, sample_type=sample).state is State.COLLECTED
        return
    with pytest.raises(InvalidInput) as refused:
        collected(collectors=men, person_sex=sex, sample_type=sample)
    assert codes(refused) == ["collection.female_collector_needed"]


def test_who_approved_the_force_does_not_collect() -> None:
    refused_by_person = collecting.refuse(ordered(), at=NOW, due=DUE, evasions=0)
    with pytest.raises(Conflict):
        collected(refused_by_person)  # not without an approval
    forced = collecting.approve_force(refused_by_person, approver="P 2", now=NOW, due=DUE)
    with pytest.raises(InvalidInput) as refused:
        collected(forced)
    assert codes(refused) == ["collection.by_the_approver"]
    assert collected(replace(forced, force_approved_by="head")).state is State.COLLECTED


def test_an_invalid_card_is_kept_and_the_test_repeated() -> None:
    again = collecting.note_invalid_card(collected(), at=NOW, reagent_lot="L0", due=DUE)
    assert (again.state, [card.reagent_lot for card in again.invalid_cards]) == (State.COLLECTED, ["L0"])
    assert sealed(again).result is Result.POSITIVE


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"substances": ()}, "result.substances_missing"),
        ({"substances": ("SUGAR",)}, "result.substance_unknown"),
        ({"sample_a": " "}, "result.seal_missing"),
        ({"sample_b": " A "}, "result.seals_equal"),
        ({"seal_signed": False, "seal_note": " "}, "result.seal_note_missing"),
    ],
)
def test_a_positive_result_is_complete_or_says_what_is_missing(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sealed(**changes)
    assert codes(refused) == [code]


def test_nobody_is_told_before_there_is_a_result() -> None:
    late = replace(sealed(), resulted_at=NOW + timedelta(minutes=1))
    with pytest.raises(InvalidInput) as refused:
        told(late)
    assert codes(refused) == ["time.before_previous_step"]


def test_a_missed_test_can_be_excused_and_nothing_else() -> None:
    missed = collecting.miss(ordered(ground=Ground.SCHEDULED), now=NOW, evasions=1)
    with pytest.raises(InvalidInput):
        collecting.exempt(missed, reason=ExemptReason.ILLNESS, note="x", by="s", evasions=0)
    with pytest.raises(InvalidInput):
        collecting.exempt(ordered(), reason=ExemptReason.EXCUSED, note="x", by="s", evasions=0)
    assert collecting.exempt(missed, reason=ExemptReason.EXCUSED, note="x", by="s", evasions=0).evasions == 0
    with pytest.raises(Conflict):
        collecting.miss(ordered(), now=NOW, evasions=1)


def test_two_officers_give_the_opinion() -> None:
    with pytest.raises(InvalidInput) as refused:
        collecting.determine_addiction(told(), opinion=Opinion.ADDICTED, officers=("P1", "p1"), minimum=2, now=NOW)
    assert codes(refused) == ["opinion.too_few_officers"]


def test_every_state_can_be_reached_and_ends_somewhere() -> None:
    reached = {State.ORDERED} | {state for ways in TRANSITIONS.values() for after in ways.values() for state in after}
    assert reached == set(State)
    left = {state for act, ways in TRANSITIONS.items() for state, after in ways.items() if after != {state}}
    assert set(State) - left == ENDED - {State.SETTLED, State.MISSED}


_PREFIXES = (
    "test.",
    "time.",
    "objection.",
    "custody.",
    "sample.",
    "laboratory.",
    "result.",
    "collection.",
    "exemption.",
    "report.",
)


class OrderMachine(RuleBasedStateMachine):
    """Everything that can happen to a test order, in any order."""

    @initialize(
        ground=st.sampled_from([Ground.WITNESS, Ground.SCHEDULED]),
        situation=st.sampled_from([ordered, told, approved, confirmed_once]),
    )
    def begin(self, ground: Ground, situation: Callable[[], TestOrder]) -> None:
        self.now = NOW
        self.order = replace(situation(), ground=ground)
        self.before = self.order
        self.seals = 0

    def due(self) -> NextDue:
        return NextDue("X", self.now + timedelta(days=3))

    def step(self, act: Any) -> None:
        self.before = self.order
        try:
            self.order = act()
        except BatonError as refusal:
            found = [field.code for field in refusal.fields] if isinstance(refusal, InvalidInput) else [refusal.code]
            assert all(code.startswith(_PREFIXES) for code in found)
        else:
            assert self.order.version == self.before.version + 1

    @rule(hours=st.integers(0, 200))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def the_person_refuses(self) -> None:
        self.step(lambda: collecting.refuse(self.order, at=self.now, due=self.due(), evasions=1))

    @rule()
    def the_person_agrees_after_all(self) -> None:
        self.step(lambda: collecting.yield_to_test(self.order, due=self.due()))

    @rule(approver=st.sampled_from(["P1", "head"]))
    def force_is_approved(self, approver: str) -> None:
        self.step(lambda: collecting.approve_force(self.order, approver=approver, now=self.now, due=self.due()))

    @rule()
    def nobody_is_tested(self) -> None:
        self.step(lambda: collecting.leave_untested(self.order, reason="x"))

    @rule(reason=st.sampled_from(ExemptReason))
    def the_person_is_exempted(self, reason: ExemptReason) -> None:
        self.step(lambda: collecting.exempt(self.order, reason=reason, note="x", by="s", evasions=0))

    @rule()
    def the_window_of_a_scheduled_test_passes(self) -> None:
        self.step(lambda: collecting.miss(self.order, now=self.now, evasions=1))

    @rule()
    def the_sample_is_collected(self) -> None:
        self.step(lambda: collected(self.order, at=self.now, due=self.due()))

    @rule()
    def the_card_is_invalid(self) -> None:
        self.step(lambda: collecting.note_invalid_card(self.order, at=self.now, reagent_lot="L", due=self.due()))

    @rule()
    def the_result_is_negative(self) -> None:
        self.step(
            lambda: collecting.enter_negative(
                self.order, at=self.now, tester="P1", reagent_lot="L", substances=(), due=self.due()
            )
        )

    @rule()
    def the_result_is_positive(self) -> None:
        self.step(lambda: sealed(self.order, at=self.now, due=self.due()))

    @rule()
    def the_person_is_told(self) -> None:
        self.step(
            lambda: collecting.tell(
                self.order,
                at=self.now,
                signed=True,
                refusal_note=None,
                window=self.due(),
                opinion_due_at=self.due().at,
            )
        )

    @rule()
    def the_person_waives(self) -> None:
        self.step(lambda: objecting.waive(self.order, at=self.now))

    @rule()
    def the_timer_settles(self) -> None:
        self.step(lambda: objecting.let_window_pass(self.order, now=self.now))

    @rule(late_reason=st.sampled_from([None, "ill"]))
    def the_person_objects(self, late_reason: str | None) -> None:
        self.step(lambda: objecting.object_to(self.order, at=self.now, late_reason=late_reason, due=self.due()))

    @rule(granted=st.booleans())
    def the_police_decide(self, granted: bool) -> None:
        self.step(lambda: objecting.decide(self.order, approved=granted, note="x", now=self.now, due=self.due()))

    @rule(laboratory=st.sampled_from(["LAB-1", "LAB-2"]), kind=st.sampled_from(LaboratoryKind))
    def a_sample_is_sent(self, laboratory: str, kind: LaboratoryKind) -> None:
        self.step(
            lambda: objecting.send(
                self.order, laboratory=laboratory, kind=kind, sent_by="P1", at=self.now, due=self.due()
            )
        )

    @rule(intact=st.sampled_from([True, True, True, False]))
    def a_sample_arrives(self, intact: bool) -> None:
        self.step(
            lambda: objecting.receive(self.order, at=self.now, intact=intact, due=self.due(), if_unfit=self.due())
        )

    @rule(result=st.sampled_from(Result))
    def a_laboratory_reports(self, result: Result) -> None:
        self.step(
            lambda: objecting.report(
                self.order, number="R", result=result, findings=(), cutoffs=(), now=self.now, due=self.due()
            )
        )

    @rule()
    def the_person_is_told_the_report(self) -> None:
        self.step(
            lambda: objecting.tell_report(self.order, at=self.now, signed=True, refusal_note=None, window=self.due())
        )

    @rule()
    def a_sample_is_unfit(self) -> None:
        self.step(lambda: custody.find_unfit(self.order, reason="leaked", due=self.due()))

    @rule()
    def a_new_sample_is_taken(self) -> None:
        self.seals += 1
        seal = f"N{self.seals}"
        self.step(
            lambda: objecting.resample(
                self.order, seal=seal, at=self.now, collected_by="P1", approver="H", due=self.due()
            )
        )

    @rule()
    def the_result_is_given_up(self) -> None:
        self.step(lambda: objecting.give_up(self.order, now=self.now))

    @rule(sample=st.sampled_from(["sample_a", "sample_b"]), step=st.sampled_from(sorted(custody.NOTED_BY_HAND)))
    def a_sample_changes_hands(self, sample: str, step: CustodyStep) -> None:
        seal = getattr(self.order, sample) or "A"
        links = custody.links_of(self.order, seal)
        holder = links[-1].held_by if links else "S"
        entry = CustodyEntry(seal, step, self.now, holder, "S", witness="P9")
        self.step(lambda: custody.note(self.order, entry, now=self.now, if_unfit=self.due()))

    @invariant()
    def only_drawn_ways_are_gone(self) -> None:
        states = self.before.state, self.order.state
        assert states[0] == states[1] or any(states[1] in ways.get(states[0], ()) for ways in TRANSITIONS.values())

    @invariant()
    def what_is_open_has_exactly_one_deadline_and_what_ended_none(self) -> None:
        has_deadline = self.order.due_at is not None and self.order.due_rule is not None
        assert has_deadline == (self.order.state not in ENDED)

    @invariant()
    def nothing_is_final_that_the_person_was_not_told(self) -> None:
        if self.order.state in (State.SETTLED, State.OVERTURNED):
            assert self.order.told_at is not None
            assert self.order.result is Result.POSITIVE

    @invariant()
    def two_examinations_are_two_institutions(self) -> None:
        lab, retest = self.order.lab, self.order.retest
        if lab is not None and retest is not None and retest.laboratory is not None:
            assert lab.laboratory != retest.laboratory

    @invariant()
    def only_a_negative_report_or_an_unusable_sample_overturns(self) -> None:
        if self.order.state is State.OVERTURNED and self.order.overturned_by is not OverturnedBy.SAMPLE_UNUSABLE:
            last = self.order.retest or self.order.lab
            assert last is not None
            assert (last.result, last.told_at is not None) == (Result.NEGATIVE, True)

    @invariant()
    def no_report_stands_on_a_broken_chain(self) -> None:
        for state, sample in ((State.LAB_REPORTED, self.order.sample_a), (State.RETEST_REPORTED, self.order.sample_b)):
            if self.order.state is state:
                assert not custody.is_broken(custody.links_of(self.order, sample))


TestOrderMachine = OrderMachine.TestCase


def test_the_acts_are_all_drawn() -> None:
    assert set(TRANSITIONS) == set(Act)
