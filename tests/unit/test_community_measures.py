"""Community measures: the term, the contacts, the breaches, the search, and that nobody drops out unseen."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.community_handover.domain.accompanying import Course
from services.community_handover.domain.measure import (
    Absence,
    BreachGround,
    EvadedTest,
    Measure,
    MeasureKind,
    TerminationReason,
    ends_at,
    term,
)
from services.community_handover.domain.measure_transitions import (
    IN_FORCE,
    LOST,
    OVER,
    TRANSITIONS,
    MeasureState,
)
from services.community_handover.domain.searching import TraceKind, TraceStep
from services.community_handover.policy import MEASURE_LIMITS, SEARCH_NEEDED
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import BatonError, Conflict, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
TODAY = date(2026, 11, 23)
COURSE = Course(MEASURE_LIMITS)


def due(days: int, rule: str = "X", now: datetime = NOW) -> NextDue:
    return NextDue(rule, now + timedelta(days=days))


def begun(**changes: Any) -> Measure:
    measure = Measure(
        id=UUID(int=1),
        version=1,
        task_id=UUID(int=2),
        order_id=None,
        person_id=UUID(int=3),
        kind=MeasureKind.COMMUNITY_DETOX,
        state=MeasureState.ACTIVE,
        office="OFFICE-1",
        division="430802001",
        started_on=TODAY,
        last_day=term(TODAY, 36),
        last_contact_at=NOW,
        agreement_due=due(3, "C2"),
        visit_due=due(30, "M1"),
    )
    return COURSE.begin(replace(measure, **changes))


def evaded(measure: Measure, *numbers: int, version: int = 1, stands: bool = True) -> Measure:
    for number in numbers:
        test = EvadedTest(UUID(int=number), version, stands)
        measure = COURSE.count_evasion(measure, test, now=NOW, tell_due=due(1, "C5")) or measure
    return measure


def away(measure: Measure, left: int, returned: int | None, *, with_leave: bool = False) -> Measure:
    back = None if returned is None else TODAY + timedelta(days=returned)
    absence = Absence(TODAY + timedelta(days=left), back, with_leave)
    return COURSE.note_absence(measure, absence, now=NOW + timedelta(days=200), tell_due=due(1, "C5"))


def lost(measure: Measure) -> Measure:
    return COURSE.lose(measure, now=NOW, search_due=due(7, "H7s"))


def searched(measure: Measure) -> Measure:
    for kind, number in SEARCH_NEEDED.items():
        for _ in range(number):
            measure = COURSE.search(measure, TraceStep(kind, NOW, "officer", found=False))
    return measure


def test_three_years_run_from_the_day_of_reporting() -> None:
    assert begun().last_day == date(2029, 11, 22)
    assert ends_at(begun()) == datetime(2029, 11, 22, 16, tzinfo=UTC)


def test_the_next_deadline_is_the_earliest_of_those_that_run() -> None:
    measure = begun()
    assert measure.due_rule == "C2"
    agreed = COURSE.agree(measure, at=NOW)
    assert (agreed.due_rule, agreed.due_at) == ("M1", NOW + timedelta(days=30))


def test_an_agreement_is_signed_once() -> None:
    with pytest.raises(Conflict) as refused:
        COURSE.agree(COURSE.agree(begun(), at=NOW), at=NOW)
    assert refused.value.code == "measure.agreed"


def test_a_contact_entered_late_does_not_hide_a_later_one() -> None:
    seen = COURSE.visit(begun(), at=NOW + timedelta(days=10), due=due(40, "M1"))
    entered_late = COURSE.visit(seen, at=NOW + timedelta(days=5), due=due(35, "M1"))
    assert entered_late.visit_due == seen.visit_due
    assert entered_late.last_contact_at == seen.last_contact_at


def test_the_third_evaded_test_is_a_grave_breach_to_be_told_within_a_day() -> None:
    twice = evaded(begun(), 1, 2)
    assert twice.tell_due is None
    thrice = evaded(twice, 3)
    assert thrice.breach_grounds == (BreachGround.TESTS_EVADED,)
    assert thrice.due_rule == "C5"


def test_an_evasion_heard_twice_or_late_counts_once() -> None:
    assert (
        evaded(evaded(begun(), 1, version=2), 1, version=1).evaded_tests == evaded(begun(), 1, version=2).evaded_tests
    )


def test_another_ground_is_told_again_whatever_was_told_before() -> None:
    told = COURSE.tell_breach(evaded(begun(), 1, 2, 3), at=NOW, number="B-1")
    again = away(told, 0, 40, with_leave=False)
    assert again.breach_grounds == (BreachGround.TESTS_EVADED, BreachGround.ABSENT_TOO_LONG)
    assert again.breached_at == told.breached_at
    assert (again.tell_due is None, again.breach_told_at, again.breach_report_number) == (False, None, None)
    assert COURSE.tell_breach(again, at=NOW, number="B-2").breach_report_number == "B-2"


def test_an_excused_evasion_takes_the_breach_away_again() -> None:
    breached = evaded(begun(), 1, 2, 3)
    excused = evaded(breached, 3, version=2, stands=False)
    assert (excused.breach_grounds, excused.breached_at, excused.tell_due) == ((), None, None)


@pytest.mark.parametrize(
    ("absences", "grounds"),
    [
        ([(0, 5), (10, 15)], ()),
        ([(0, 5), (10, 15), (20, 25)], (BreachGround.LEFT_WITHOUT_LEAVE,)),
        ([(0, 30)], ()),
        ([(0, 31)], (BreachGround.ABSENT_TOO_LONG,)),
        ([(0, 20), (40, 51)], (BreachGround.ABSENT_TOO_LONG,)),
    ],
)
def test_absences_without_leave_add_up_to_a_grave_breach(
    absences: list[tuple[int, int]], grounds: tuple[BreachGround, ...]
) -> None:
    measure = begun()
    for left, returned in absences:
        measure = away(measure, left, returned)
    assert measure.breach_grounds == grounds


def test_an_absence_with_leave_is_no_breach() -> None:
    assert away(begun(), 0, 100, with_leave=True).breach_grounds == ()


def test_an_absence_that_goes_on_becomes_a_breach_on_its_thirty_first_day() -> None:
    absence = Absence(TODAY, None, with_leave=False)
    gone = COURSE.note_absence(COURSE.agree(begun(), at=NOW), absence, now=NOW, tell_due=due(1, "C5"))
    on = NOW + timedelta(days=31)
    assert gone.wake_at == datetime(2026, 12, 23, 16, tzinfo=UTC)
    assert COURSE.judge_again(gone, now=on - timedelta(days=1), tell_due=due(1)).breach_grounds == ()
    assert COURSE.judge_again(gone, now=on, tell_due=due(1)).breach_grounds == (BreachGround.ABSENT_TOO_LONG,)


def test_who_is_away_cannot_leave_again() -> None:
    with pytest.raises(InvalidInput) as refused:
        away(away(begun(), 0, None), 5, None)
    assert refused.value.code == "absence.still_away"


def test_a_breach_is_told_once_and_only_if_there_is_one() -> None:
    told = COURSE.tell_breach(evaded(begun(), 1, 2, 3), at=NOW, number="B-1")
    assert (told.tell_due, told.breach_told_at) == (None, NOW)
    for measure in (begun(), told):
        with pytest.raises(Conflict) as refused:
            COURSE.tell_breach(measure, at=NOW, number="B-2")
        assert refused.value.code == "measure.no_breach"


def test_the_old_office_holds_the_measure_until_the_person_reports_at_the_new_one() -> None:
    moving = COURSE.move(begun(), office="OFFICE-2", division="430802002", report_due=due(15, "C6"))
    assert (moving.office, moving.due_rule) == ("OFFICE-1", "C2")
    arrived = COURSE.arrive(moving, at=NOW, agreement_due=due(3, "C2"), visit_due=due(30, "M1"))
    assert (arrived.office, arrived.division, arrived.moving_to_office) == ("OFFICE-2", "430802002", None)
    assert arrived.agreement_due is not None
    assert arrived.last_day == begun().last_day


def test_nobody_moves_to_the_office_that_has_the_measure() -> None:
    with pytest.raises(InvalidInput) as refused:
        COURSE.move(begun(), office="OFFICE-1", division="430802001", report_due=due(15))
    assert refused.value.code == "office.same"


def test_a_suspension_makes_the_term_longer_by_its_days() -> None:
    suspended = COURSE.suspend(begun(), at=NOW, reason="detention", review_due=due(30, "H13"))
    resumed = COURSE.resume(suspended, at=NOW + timedelta(days=10), visit_due=due(40, "M1"))
    assert resumed.last_day == begun().last_day + timedelta(days=10)


def test_a_term_does_not_end_before_its_time() -> None:
    with pytest.raises(Conflict) as refused:
        COURSE.expire(begun(), now=ends_at(begun()) - timedelta(seconds=1), notices_due=due(7))
    assert refused.value.code == "measure.term_runs"
    expired = COURSE.expire(begun(), now=ends_at(begun()), notices_due=due(7, "C7", ends_at(begun())))
    assert expired.due_rule == "C2"  # the agreement was never signed
    assert COURSE.end(expired, notice_number="N").due_at is None


def test_a_missed_contact_leads_to_a_search_after_its_grace() -> None:
    measure = COURSE.agree(begun(), at=NOW)
    begins = NOW + timedelta(days=37)
    assert measure.wake_at == begins
    assert not COURSE.is_out_of_contact(measure, begins - timedelta(seconds=1))
    assert COURSE.is_out_of_contact(measure, begins)


def test_nobody_is_signed_unknown_before_the_search_is_complete() -> None:
    once = COURSE.search(lost(begun()), TraceStep(TraceKind.CALL, NOW, "officer", found=False))
    with pytest.raises(Conflict) as refused:
        COURSE.sign_unknown(once, by="town", now=NOW, review_due=due(30, "H11"))
    assert refused.value.extra["missing"] == {"call": 2, "home_visit": 1, "family": 1}


def test_a_state_that_goes_on_is_reviewed_by_a_contact_or_an_attempt_to_find() -> None:
    suspended = COURSE.suspend(begun(agreement_due=None), at=NOW, reason="detention", review_due=due(30, "H13"))
    seen = COURSE.visit(suspended, at=NOW + timedelta(days=29), due=due(59, "M1"), review_due=due(59, "H13"))
    assert (seen.state, seen.step_due) == (MeasureState.SUSPENDED, due(59, "H13"))
    unknown = COURSE.sign_unknown(searched(lost(begun())), by="town", now=NOW, review_due=due(30, "H11"))
    again = TraceStep(TraceKind.POLICE_CHECK, NOW + timedelta(days=29), "officer", found=False)
    assert COURSE.search(unknown, again, review_due=due(59, "H11")).step_due == due(59, "H11")
    assert COURSE.search(unknown, again, review_due=due(5, "H11")).step_due == due(30, "H11")  # entered late
    tracing = COURSE.search(lost(begun()), again, review_due=due(59, "H11"))
    assert tracing.step_due == due(7, "H7s")  # a search has an end


def test_who_is_unknown_stays_so_until_found_even_past_the_term() -> None:
    unknown = COURSE.sign_unknown(searched(lost(begun())), by="town", now=NOW, review_due=due(30, "H11"))
    assert unknown.wake_at is None
    with pytest.raises(Conflict):
        COURSE.expire(unknown, now=ends_at(unknown), notices_due=due(7))
    found = COURSE.find(unknown, at=NOW + timedelta(days=2000), visit_due=due(2030, "M1"))
    assert found.wake_at == ends_at(found)


@pytest.mark.parametrize(
    ("days_later", "from_last", "from_now", "expected"),
    [
        (5, 14, 19, 14),  # counted from the last contact
        (20, 14, 34, 30),  # passed already: as it was due before
        (5, 3, 8, 8),  # passed already: a pace from now, where that is sooner
        (31, 14, 45, 30),  # late before the tier changed, and late after it
    ],
)
def test_a_tier_alone_makes_nobody_late(days_later: int, from_last: int, from_now: int, expected: int) -> None:
    now = NOW + timedelta(days=days_later)
    paced = COURSE.set_pace(begun(visit_due=due(30, "M1")), due(from_last, "M1"), due(from_now, "M1"), now=now)
    visit_due = paced.visit_due if paced else due(30, "M1")
    assert visit_due == due(expected, "M1")


def test_a_relapse_that_falls_is_no_relapse_and_another_test_does_not_clear_it() -> None:
    relapsed = COURSE.note_relapse(begun(), UUID(int=7), NOW)
    assert relapsed is not None
    assert COURSE.note_relapse(relapsed, UUID(int=8), None) is None
    cleared = COURSE.note_relapse(relapsed, UUID(int=7), None)
    assert cleared is not None
    assert cleared.relapsed_at is None


def test_who_moved_out_of_the_platform_needs_the_other_offices_receipt() -> None:
    with pytest.raises(InvalidInput) as refused:
        COURSE.terminate(begun(), at=NOW, reason=TerminationReason.MOVED_OUT)
    assert refused.value.code == "termination.note_missing"


class MeasureMachine(RuleBasedStateMachine):
    """Everything that can happen to a measure, in any order, beside a model of what it must not lose."""

    @initialize(months=st.integers(1, 36))
    def begin(self, months: int) -> None:
        self.now = NOW
        self.measure = begun(last_day=term(TODAY, months))
        self.before = self.measure
        self.evaded: dict[int, tuple[int, bool]] = {}  # the model: the newest word on each test
        self.unfound = False  # the model: signed as unknown and not found

    def due(self, days: int, rule: str = "X") -> NextDue:
        return due(days, rule, self.now)

    def step(self, act: Any) -> bool:
        self.before = self.measure
        try:
            after = act()
        except BatonError as refusal:
            codes = [field.code for field in refusal.fields] or [refusal.code]
            assert all(code.startswith(("measure.", "time.", "office.", "absence.", "termination.")) for code in codes)
            return False
        if after is not None:
            self.measure = after
            assert self.measure.version == self.before.version + 1
        return True

    @rule(days=st.integers(0, 400))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def the_agreement_is_signed(self) -> None:
        self.step(lambda: COURSE.agree(self.measure, at=self.now))

    @rule(days=st.sampled_from([14, 30, 90]))
    def the_person_is_seen(self, days: int) -> None:
        review_due = self.due(30, "H13")
        self.step(lambda: COURSE.visit(self.measure, at=self.now, due=self.due(days, "M1"), review_due=review_due))

    @rule(days=st.sampled_from([14, 30, 90]))
    def the_tier_changes(self, days: int) -> None:
        from_last, before = due(days, "M1", self.measure.last_contact_at), self.measure.visit_due
        paced = self.step(lambda: COURSE.set_pace(self.measure, from_last, self.due(days, "M1"), now=self.now))
        if paced and before is not None and before.at > self.now:
            assert self.measure.visit_due is not None
            assert self.measure.visit_due.at > self.now, "a tier alone makes nobody late"

    @rule(days=st.integers(0, 50), back=st.booleans(), leave=st.booleans())
    def the_person_is_away(self, days: int, back: bool, leave: bool) -> None:
        today = self.now.date()
        absence = Absence(max(today - timedelta(days=days), TODAY), today if back else None, leave)
        self.step(lambda: COURSE.note_absence(self.measure, absence, now=self.now, tell_due=self.due(1, "C5")))

    @rule(number=st.integers(1, 5), version=st.integers(1, 4), stands=st.booleans())
    def a_test_is_evaded_or_excused(self, number: int, version: int, stands: bool) -> None:
        test = EvadedTest(UUID(int=number), version, stands)
        tell_due = self.due(1, "C5")
        counted = self.step(lambda: COURSE.count_evasion(self.measure, test, now=self.now, tell_due=tell_due))
        if counted and version > self.evaded.get(number, (0, False))[0]:
            self.evaded[number] = (version, stands)

    @rule()
    def the_police_are_told(self) -> None:
        self.step(lambda: COURSE.tell_breach(self.measure, at=self.now, number="B"))

    @rule(office=st.sampled_from(["OFFICE-1", "OFFICE-2"]))
    def the_person_goes_elsewhere(self, office: str) -> None:
        self.step(lambda: COURSE.move(self.measure, office=office, division="430802", report_due=self.due(15, "C6")))

    @rule()
    def the_person_reports_there(self) -> None:
        arrived = self.step(
            lambda: COURSE.arrive(
                self.measure, at=self.now, agreement_due=self.due(3, "C2"), visit_due=self.due(30, "M1")
            )
        )
        self.unfound = self.unfound and not arrived

    @rule()
    def the_person_is_detained(self) -> None:
        detained = self.step(
            lambda: COURSE.suspend(self.measure, at=self.now, reason="custody", review_due=self.due(30, "H13"))
        )
        self.unfound = self.unfound and not detained  # who is detained is found

    @rule()
    def the_person_is_free(self) -> None:
        self.step(lambda: COURSE.resume(self.measure, at=self.now, visit_due=self.due(30, "M1")))

    @rule()
    def time_does_what_it_does(self) -> None:
        if self.measure.wake_at is None or self.measure.wake_at > self.now:
            return
        if ends_at(self.measure) <= self.now:
            self.step(lambda: COURSE.expire(self.measure, now=self.now, notices_due=self.due(7, "C7")))
        elif COURSE.is_out_of_contact(self.measure, self.now):
            self.step(lambda: COURSE.lose(self.measure, now=self.now, search_due=self.due(7, "H7s")))
        else:
            self.step(lambda: COURSE.judge_again(self.measure, now=self.now, tell_due=self.due(1, "C5")))
        assert self.measure.wake_at is None or self.measure.wake_at > self.now

    @rule(kind=st.sampled_from(TraceKind), tries=st.integers(1, 3))
    def somebody_searches(self, kind: TraceKind, tries: int) -> None:
        review_due = self.due(30, "H11")
        for _ in range(tries):
            attempt = TraceStep(kind, self.now, "a", found=False)
            self.step(lambda attempt=attempt: COURSE.search(self.measure, attempt, review_due=review_due))

    @rule()
    def a_supervisor_signs(self) -> None:
        signed = self.step(
            lambda: COURSE.sign_unknown(self.measure, by="s", now=self.now, review_due=self.due(30, "H11"))
        )
        self.unfound = self.unfound or signed

    @rule()
    def the_person_is_found(self) -> None:
        found = self.step(lambda: COURSE.find(self.measure, at=self.now, visit_due=self.due(30, "M1")))
        self.unfound = self.unfound and not found

    @rule()
    def the_notices_are_given(self) -> None:
        self.step(lambda: COURSE.end(self.measure, notice_number="N"))

    @rule(reason=st.sampled_from(TerminationReason), note=st.sampled_from([None, "receipt 7"]))
    def a_supervisor_ends_it(self, reason: TerminationReason, note: str | None) -> None:
        if self.step(lambda: COURSE.terminate(self.measure, at=self.now, reason=reason, note=note)):
            self.unfound = False

    @invariant()
    def every_step_is_a_legal_one(self) -> None:
        if hasattr(self, "measure"):
            before = self.before.state
            follows = frozenset().union(*(ways[before] for ways in TRANSITIONS.values() if before in ways))
            assert self.measure.state in follows | {before}

    @invariant()
    def one_office_has_it_and_something_is_due_until_it_is_over(self) -> None:
        if hasattr(self, "measure"):
            assert self.measure.office
            assert (self.measure.due_at is None) == (self.measure.state in OVER)
            assert (self.measure.due_rule is None) == (self.measure.state in OVER)

    @invariant()
    def a_measure_in_force_is_woken_or_waits_for_people_who_have_a_deadline(self) -> None:
        if hasattr(self, "measure") and self.measure.state in (MeasureState.ACTIVE, MeasureState.MOVING):
            assert self.measure.wake_at is not None
            assert self.measure.wake_at <= ends_at(self.measure)

    @invariant()
    def nobody_who_is_unknown_leaves_the_list_unfound(self) -> None:
        if hasattr(self, "measure"):
            assert self.unfound == (self.measure.state is MeasureState.WHEREABOUTS_UNKNOWN)
            if self.measure.state in LOST:
                assert self.measure.lost_at is not None

    @invariant()
    def evasions_are_those_of_the_newest_word_on_each_test(self) -> None:
        if hasattr(self, "measure") and self.measure.state in IN_FORCE:
            known = {test.test_order_id.int: (test.version, test.stands) for test in self.measure.evaded_tests}
            assert known == self.evaded
            is_breach = sum(stands for _, stands in self.evaded.values()) >= MEASURE_LIMITS.breach.evasions
            assert (BreachGround.TESTS_EVADED in self.measure.breach_grounds) == is_breach

    @invariant()
    def a_breach_is_told_or_due(self) -> None:
        if hasattr(self, "measure") and self.measure.state in IN_FORCE and self.measure.breach_grounds:
            assert (self.measure.tell_due is None) == (self.measure.breach_told_at is not None)


TestMeasureMachine = MeasureMachine.TestCase
