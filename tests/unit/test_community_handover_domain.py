"""The handover task: by example, and driven at random against what must always hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.community_handover.domain import aftercare, placing, receiving
from services.community_handover.domain.placing import Placement, Receiver
from services.community_handover.domain.searching import TraceKind, TraceStep
from services.community_handover.domain.task import (
    CloseReason,
    Ground,
    HolderKind,
    Kind,
    Outcome,
    PartyMember,
    PauseReason,
    ReleaseFacts,
    Task,
)
from services.community_handover.domain.transitions import ENDED, OPEN, SOUGHT, TRANSITIONS, Act, State, follows
from services.community_handover.policy import LADDER, PARTY_NEEDED, SEARCH_NEEDED, UNDO_WITHIN
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import BatonError, Conflict, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
FOUND = Receiver("OFFICE-1", "430802001", None, "430822")
NOBODY = Receiver(None, "430802001", "no_office", "430822")
OFFER_AHEAD = timedelta(days=30)
PARTY = (PartyMember("community_worker", "officer"), PartyMember("family"))


def due(hours: int = 24, rule: str = "X", now: datetime = NOW) -> NextDue:
    return NextDue(rule, now + timedelta(hours=hours))


def release(version: int = 1, **changes: Any) -> ReleaseFacts:
    facts = ReleaseFacts(UUID(int=1), version, UUID(int=2), NOW + timedelta(days=5), None, Ground.COMMUNITY_DETOX_ORDER)
    return replace(facts, **changes)


def placed(receiver: Receiver = FOUND, *, now: datetime = NOW, days: int = 5) -> Placement:
    """Where the task of a release in so many days goes."""
    if receiver.office is None:
        return Placement(receiver, due(rule="H10", now=now))
    offer_at = now + timedelta(days=days) - OFFER_AHEAD
    if offer_at > now:
        return Placement(receiver, NextDue("H1", offer_at))
    return Placement(receiver, due(rule="H2", now=now), now)


def opened(receiver: Receiver = FOUND, *, days: int = 60, **changes: Any) -> Task:
    facts = release(release_at=NOW + timedelta(days=days), **changes)
    return placing.open_task(UUID(int=3), facts, placed(receiver, days=days))


def offered(**changes: Any) -> Task:
    return opened(days=5, **changes)


def accepted(**changes: Any) -> Task:
    return receiving.accept(offered(**changes), by="officer", now=NOW, due=due(rule="H4"))


def met(outcome: Outcome = Outcome.MET_OFFICIAL, **changes: Any) -> Task:
    at = NOW + timedelta(hours=1)
    task = accepted(**changes)
    return receiving.meet(task, at=at, outcome=outcome, due=due(), report_due_at=NOW + timedelta(days=16), note="x")


def searched(task: Task, *kinds: TraceKind) -> Task:
    for kind in kinds:
        task = receiving.search(task, TraceStep(kind, NOW, "officer", found=False), due=due(168))
    return task


WHOLE_SEARCH = [kind for kind, number in SEARCH_NEEDED.items() for _ in range(number)]


def code_of(act: Any, *arguments: Any, **options: Any) -> str:
    with pytest.raises(BatonError) as refused:
        act(*arguments, **options)
    return refused.value.fields[0].code if isinstance(refused.value, InvalidInput) else refused.value.code


def test_until_somebody_accepts_the_station_of_registration_is_responsible() -> None:
    assert (offered().holder_kind, offered().holder) == (HolderKind.STATION_OF_REGISTRATION, "430822")
    assert (accepted().holder_kind, accepted().holder) == (HolderKind.OFFICE, "OFFICE-1")


def test_second_acceptance_is_told_who_accepted_first() -> None:
    with pytest.raises(Conflict) as refused:
        receiving.accept(accepted(), by="other", now=NOW, due=due())
    assert refused.value.code == "task.already_accepted"
    assert (refused.value.extra["by"], refused.value.extra["at"]) == ("officer", NOW)


def test_who_looked_at_an_older_version_is_told_to_look_again() -> None:
    task = offered()
    assert code_of(receiving.accept, task, by="a", now=NOW, due=due(), version_seen=0) == "task.changed_since_seen"
    assert receiving.accept(task, by="a", now=NOW, due=due(), version_seen=task.version).accepted_by == "a"


def test_who_accepted_takes_it_back_within_minutes_and_the_offices_time_has_gone_on() -> None:
    task, later = offered(), NOW + timedelta(minutes=4)
    undone = undo(accepted(), now=later)
    assert (undone.state, undone.holder_kind) == (State.OFFERED, HolderKind.STATION_OF_REGISTRATION)
    assert (undone.accepted_by, undone.offered_at) == (None, task.offered_at)
    assert (undone.due_at, undone.accept_due_at) == (task.accept_due_at, task.accept_due_at)
    assert receiving.accept(undone, by="other", now=later, due=due()).accepted_by == "other"


def test_an_acceptance_is_not_taken_back_by_others_too_late_or_after_what_followed() -> None:
    def refused(task: Task, **changes: Any) -> str:
        return code_of(undo, task, **changes)

    assert refused(accepted(), by="other") == "task.accepted_by_other"
    assert refused(accepted(), now=NOW + UNDO_WITHIN + timedelta(seconds=1)) == "task.undo_too_late"
    with_party = receiving.name_party(accepted(), PARTY, needed=PARTY_NEEDED["medium"], due=due())
    assert refused(with_party) == "task.undo_too_late"
    assert refused(offered()) == "task.wrong_state"


def undo(task: Task, *, by: str = "officer", now: datetime = NOW) -> Task:
    return placing.undo_acceptance(task, placed(now=now), by=by, now=now, within=UNDO_WITHIN)


def test_nobody_can_accept_what_has_no_office() -> None:
    assert code_of(receiving.accept, opened(NOBODY), by="officer", now=NOW, due=due()) == "task.wrong_state"


def test_without_an_order_nobody_registers_and_with_one_contact_is_not_enough() -> None:
    free = met(legal_ground=Ground.CONTACT_ONLY)
    assert free.report_due_at is None
    assert code_of(aftercare.register, free, at=NOW, due=due()) == "task.no_order"
    assert code_of(aftercare.note_refusal, free, now=NOW, due=due()) == "task.no_order"
    assert aftercare.finish_contact(free, at=NOW, consents=False).state is State.CONTACT_DONE
    assert code_of(aftercare.finish_contact, met(), at=NOW, consents=True) == "task.order_in_force"
    registered = aftercare.register(met(), at=NOW + timedelta(days=1), due=due(rule="C2"))
    assert (registered.state, registered.due_rule) == (State.REGISTERED, "C2")
    agreed = aftercare.sign_agreement(registered, at=NOW + timedelta(days=2))
    assert (agreed.state, agreed.close_reason, agreed.due_at) == (State.CLOSED, CloseReason.AGREEMENT_SIGNED, None)


def test_nobody_is_met_before_the_release() -> None:
    early = NOW - timedelta(hours=1)
    options = {"outcome": Outcome.MET_FAMILY, "due": due(), "report_due_at": NOW}
    assert code_of(receiving.meet, accepted(released_at=NOW), at=early, **options) == "time.before_previous_step"


def test_an_official_goes_to_the_gate() -> None:
    family = (PartyMember("family"),)
    assert (
        code_of(receiving.name_party, accepted(), family, needed=PARTY_NEEDED[None], due=due()) == "party.no_official"
    )
    assert receiving.name_party(accepted(), PARTY, needed=PARTY_NEEDED["medium"], due=due()).party == PARTY
    assert (
        code_of(receiving.name_party, accepted(), PARTY, needed=PARTY_NEEDED["high"], due=due()) == "party.incomplete"
    )


def test_a_refusal_falls_back_to_the_station_and_a_supervisors_decision_is_final() -> None:
    task = offered()
    refusal = {"by_office": "OFFICE-1", "reason": "lives elsewhere", "decision_due": due(rule="H8")}
    disputed = placing.reject(task, proposed_office="OFFICE-2", **refusal)
    assert (disputed.state, disputed.holder, disputed.due_rule) == (State.DISPUTED, "430822", "H8")
    assert code_of(placing.reject, task, proposed_office="OFFICE-1", **refusal) == "office.same"
    decided = placing.assign(disputed, placed(replace(FOUND, office="OFFICE-2")), reason="lives there")
    assert (decided.state, decided.office, decided.rejections) == (State.OFFERED, "OFFICE-2", 1)
    assert code_of(placing.reject, decided, proposed_office=None, **refusal) == "task.place_decided"


def test_an_office_that_is_named_instead_is_asked_at_once() -> None:
    passed = placing.pass_on(offered(), placed(replace(FOUND, office="OFFICE-2")), by_office="OFFICE-1", reason="x")
    assert (passed.state, passed.office, passed.rejected_by) == (State.OFFERED, "OFFICE-2", "OFFICE-1")


def test_what_was_accepted_stays_accepted_when_the_release_moves() -> None:
    facts = release(2, release_at=NOW + timedelta(days=9))
    moved = placing.follow(accepted(), facts, placed(), due=due(200, "H3"))
    assert (moved.state, moved.release_version, moved.holder) == (State.ACCEPTED, 2, "OFFICE-1")
    assert (moved.due_rule, moved.due_at) == ("H3", NOW + timedelta(hours=200))


def test_a_task_that_comes_back_after_it_was_accepted_can_be_accepted_again() -> None:
    withdrawn = placing.withdraw(met(), release_version=2, reason="release_cancelled")
    again = placing.follow(withdrawn, release(3), placed(), due=None)
    assert (again.state, again.withdrawn_reason, again.met_at) == (State.OFFERED, None, None)
    assert (again.holder_kind, again.accepted_by) == (HolderKind.STATION_OF_REGISTRATION, None)
    assert receiving.accept(again, by="other", now=NOW, due=due()).accepted_by == "other"


def test_a_task_given_to_another_office_starts_the_ladder_anew() -> None:
    task = offered()
    assert task.due_at is not None
    escalated = receiving.escalate(task, now=task.due_at + timedelta(hours=4), ladder=LADDER)
    given = placing.assign(escalated, placed(replace(FOUND, office="OFFICE-2"), days=60), reason=None)
    assert (given.office, given.escalation_level, given.accept_due_at) == ("OFFICE-2", 0, None)


def test_an_office_that_a_supervisor_chose_stays_when_the_release_moves() -> None:
    chosen = placing.assign(opened(NOBODY), placed(days=60), reason=None)
    for found in (NOBODY, replace(FOUND, office="OFFICE-2")):
        facts = release(2, release_at=NOW + timedelta(days=61))
        moved = placing.follow(chosen, facts, placed(found, days=61), due=None)
        assert (moved.state, moved.office, moved.unresolved_reason) == (State.ANNOUNCED, "OFFICE-1", None)


def test_a_person_who_moves_before_anybody_accepted_is_offered_to_the_new_office() -> None:
    moved = placing.follow(offered(), release(2), placed(replace(FOUND, office="OFFICE-2")), due=None)
    assert (moved.state, moved.office) == (State.OFFERED, "OFFICE-2")


def test_an_office_that_was_asked_must_confirm_sooner_when_the_release_comes_sooner() -> None:
    task = offered()
    sooner = Placement(FOUND, due(2, "H6"), NOW)
    moved = placing.follow(task, release(2), sooner, due=None)
    assert (moved.accept_due_at, moved.due_rule, moved.offered_at) == (sooner.due.at, "H6", task.offered_at)
    later = Placement(FOUND, due(48, "H2"), NOW)
    assert placing.follow(task, release(2), later, due=None).accept_due_at == task.accept_due_at


@pytest.mark.parametrize(
    ("outcome", "state", "is_contact"),
    [
        (Outcome.MET_OFFICIAL, State.MET, True),
        (Outcome.MET_FAMILY, State.MET, False),
        (Outcome.REFUSED_COMPANY, State.MET, True),
        (Outcome.HOSPITAL, State.MET, True),
        (Outcome.LEFT_ALONE, State.NOT_MET, False),
        (Outcome.OTHER_AUTHORITY, State.CLOSED, False),
    ],
)
def test_each_outcome_at_the_gate_leads_somewhere(outcome: Outcome, state: State, is_contact: bool) -> None:
    task = met(outcome)
    assert (task.state, task.outcome) == (state, outcome)
    assert state is State.CLOSED or (task.contacted_at is not None) == is_contact
    assert (task.due_at is None) == (state is State.CLOSED)


def test_another_authority_is_named() -> None:
    options = {"outcome": Outcome.OTHER_AUTHORITY, "due": None, "report_due_at": NOW}
    assert code_of(receiving.meet, accepted(), at=NOW, **options) == "outcome.note_missing"


def test_a_search_is_complete_before_anybody_signs_that_it_failed() -> None:
    task = receiving.leave_unmet(accepted(released_at=NOW), due=due(), report_due_at=NOW + timedelta(days=16))
    options = {"by": "supervisor", "now": NOW, "needed": SEARCH_NEEDED, "due": due(rule="H11")}
    tried = searched(task, *WHOLE_SEARCH[:-1])
    with pytest.raises(Conflict) as refused:
        receiving.sign_unknown(tried, **options)  # type: ignore[arg-type]
    assert (refused.value.code, refused.value.extra["missing"]) == ("task.search_incomplete", {"family": 1})
    unknown = receiving.sign_unknown(searched(tried, WHOLE_SEARCH[-1]), **options)  # type: ignore[arg-type]
    assert (unknown.state, unknown.unknown_signed_by) == (State.WHEREABOUTS_UNKNOWN, "supervisor")
    assert unknown.state not in ENDED
    found = receiving.contact(unknown, at=NOW + timedelta(days=90), due=due())
    assert found.state is State.CONTACTED


def test_without_an_order_nobody_is_missing() -> None:
    free = accepted(released_at=NOW, legal_ground=Ground.CONTACT_ONLY)
    task = searched(receiving.leave_unmet(free, due=due(), report_due_at=NOW), *WHOLE_SEARCH)
    options = {"by": "supervisor", "now": NOW, "needed": SEARCH_NEEDED, "due": due()}
    assert task.report_due_at is None
    assert code_of(receiving.sign_unknown, task, **options) == "task.no_order"
    closed = receiving.close(task, reason=CloseReason.NOT_REACHED, now=NOW, needed=SEARCH_NEEDED)
    assert closed.state is State.CLOSED
    ordered = receiving.leave_unmet(accepted(released_at=NOW), due=due(), report_due_at=NOW)
    not_reached = {"reason": CloseReason.NOT_REACHED, "now": NOW, "needed": SEARCH_NEEDED}
    assert code_of(receiving.close, ordered, **not_reached) == "task.order_in_force"


def test_a_refusal_to_report_is_noted_only_after_the_time_to_report() -> None:
    task = met()
    assert task.report_due_at is not None
    assert code_of(aftercare.note_refusal, task, now=NOW, due=due()) == "task.report_not_due"
    refused = aftercare.note_refusal(task, now=task.report_due_at, due=due(rule="C5"))
    late = aftercare.register(refused, at=task.report_due_at + timedelta(days=3), due=due())
    assert late.state is State.REGISTERED  # late is no state: a late report is still one
    referred = aftercare.refer(refused, at=task.report_due_at, number="R-1")
    assert (referred.state, referred.due_at) == (State.REFERRED, None)


def test_a_good_reason_stops_the_time_to_report() -> None:
    task = met()
    assert task.report_due_at is not None
    paused = aftercare.pause(task, reason=PauseReason.HOSPITAL, now=NOW, due=due(rule="H13"))
    assert code_of(aftercare.note_refusal, paused, now=task.report_due_at, due=due()) == "task.paused"
    later = task.report_due_at + timedelta(days=5)
    resumed = aftercare.resume(paused, due=due(), report_due_at=later)
    assert (resumed.state, resumed.report_due_at, resumed.paused_at) == (State.MET, later, None)
    assert code_of(aftercare.resume, resumed, due=None, report_due_at=None) == "task.not_paused"


def test_a_letter_leaves_us_responsible_until_the_receipt() -> None:
    sent = placing.send_away(opened(NOBODY), to="Changde", letter_number="L-1", at=NOW, receipt_due=due(rule="H9"))
    assert (sent.holder_kind, sent.due_rule) == (HolderKind.STATION_OF_REGISTRATION, "H9")
    early = NOW - timedelta(hours=1)
    assert code_of(placing.receive_remotely, sent, at=early) == "time.before_previous_step"
    received = placing.receive_remotely(sent, at=NOW)
    assert (received.holder_kind, received.holder, received.outcome) == (
        HolderKind.REMOTE_OFFICE,
        "Changde",
        Outcome.REMOTE,
    )


def test_a_community_detox_order_has_a_reporting_task_without_a_gate() -> None:
    report_by = NOW + timedelta(days=15)
    task = placing.open_reporting_task(UUID(int=4), release(released_at=NOW), placed(), report_due_at=report_by)
    assert (task.kind, task.order_id, task.release_id, task.report_due_at) == (
        Kind.ORDER,
        UUID(int=1),
        None,
        report_by,
    )
    confirmed = receiving.accept(task, by="officer", now=NOW, due=NextDue("C1", report_by))
    given = placing.assign(task, placed(replace(FOUND, office="OFFICE-2")), reason=None)
    assert given.report_due_at == report_by
    assert aftercare.register(confirmed, at=NOW + timedelta(days=2), due=due()).state is State.REGISTERED


def test_nobody_registers_before_the_release() -> None:
    assert code_of(aftercare.register, accepted(), at=NOW, due=due()) == "task.not_released"


@pytest.mark.parametrize(("hours", "level"), [(0, 1), (3, 1), (4, 2), (23, 2), (24, 3), (24 * 7, 3)])
def test_escalation_reaches_the_level_that_its_lateness_asks_for(hours: int, level: int) -> None:
    task = offered()
    assert task.due_at is not None
    escalated = receiving.escalate(task, now=task.due_at + timedelta(hours=hours), ladder=LADDER)
    assert escalated.escalation_level == level
    assert (escalated.wake_at is None) == (level == 3)


def test_nothing_is_escalated_early_or_twice() -> None:
    task = offered()
    assert code_of(receiving.escalate, task, now=NOW, ladder=LADDER) == "task.escalation_not_due"
    assert task.due_at is not None
    escalated = receiving.escalate(task, now=task.due_at, ladder=LADDER)
    assert code_of(receiving.escalate, escalated, now=task.due_at, ladder=LADDER) == "task.escalation_not_due"


def test_every_state_can_be_reached_and_every_open_one_left() -> None:
    reached = {State.ANNOUNCED, State.UNRESOLVED, State.OFFERED}
    while (more := reached | {after for state in reached for after in follows(state)}) != reached:
        reached = more
    assert reached == set(State)
    assert all(follows(state) - {state} for state in OPEN)
    going_on = {act for act, ways in TRANSITIONS.items() if ENDED & ways.keys() - {State.WITHDRAWN}}
    assert going_on == {Act.CORRECTED}  # what ended is only ever set right, with a reason


class TaskMachine(RuleBasedStateMachine):
    """Everything that can happen to a task, in any order."""

    @initialize(found=st.booleans(), ground=st.sampled_from(Ground))
    def begin(self, found: bool, ground: Ground) -> None:
        self.now = NOW
        self.release_version = 1
        self.task = opened(FOUND if found else NOBODY, legal_ground=ground)
        self.before = self.task
        self.was_unknown = False

    def due(self, rule: str = "X") -> NextDue:
        return due(24, rule, self.now)

    def step(self, act: Any) -> None:
        self.before = self.task
        try:
            self.task = act()
        except BatonError as refusal:
            codes = [field.code for field in refusal.fields] if isinstance(refusal, InvalidInput) else [refusal.code]
            assert all(code.startswith(("task.", "time.", "office.", "outcome.", "close.")) for code in codes)
        else:
            assert self.task.version == self.before.version + 1
        self.was_unknown = self.was_unknown or self.task.state is State.WHEREABOUTS_UNKNOWN

    @rule(hours=st.integers(0, 400))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule()
    def timer_offers(self) -> None:
        self.step(lambda: placing.come_due(self.task, placed(now=self.now)))

    @rule(by=st.sampled_from(["a", "b"]))
    def somebody_accepts(self, by: str) -> None:
        self.step(lambda: receiving.accept(self.task, by=by, now=self.now, due=self.due("H4")))

    @rule(by=st.sampled_from(["a", "b"]))
    def somebody_takes_it_back(self, by: str) -> None:
        again = placed(now=self.now)
        self.step(lambda: placing.undo_acceptance(self.task, again, by=by, now=self.now, within=UNDO_WITHIN))

    @rule(proposed=st.sampled_from([None, "OFFICE-1", "OFFICE-2"]))
    def the_office_refuses(self, proposed: str | None) -> None:
        self.step(
            lambda: placing.reject(
                self.task,
                by_office="OFFICE-1",
                reason="no",
                proposed_office=proposed,
                decision_due=self.due("H8"),
            )
        )

    @rule(office=st.sampled_from(["OFFICE-1", "OFFICE-2"]))
    def a_supervisor_decides(self, office: str) -> None:
        self.step(lambda: placing.assign(self.task, placed(replace(FOUND, office=office), now=self.now), reason=None))

    @rule()
    def the_party_is_named(self) -> None:
        self.step(lambda: receiving.name_party(self.task, PARTY, needed=(), due=self.due("H4")))

    @rule(outcome=st.sampled_from([outcome for outcome in Outcome if outcome is not Outcome.REMOTE]))
    def something_happens_at_the_gate(self, outcome: Outcome) -> None:
        report = self.now + timedelta(days=15)
        self.step(
            lambda: receiving.meet(
                self.task, at=self.now, outcome=outcome, due=self.due(), report_due_at=report, note="x"
            )
        )

    @rule()
    def nobody_enters_a_meeting(self) -> None:
        self.step(lambda: receiving.leave_unmet(self.task, due=self.due("H7"), report_due_at=self.now))

    @rule(kind=st.sampled_from(TraceKind), tries=st.integers(1, 3))
    def somebody_searches(self, kind: TraceKind, tries: int) -> None:
        for _ in range(tries):
            attempt = TraceStep(kind, self.now, "a", found=False)
            self.step(lambda attempt=attempt: receiving.search(self.task, attempt, due=self.due("H7s")))

    @rule()
    def a_supervisor_signs(self) -> None:
        self.step(
            lambda: receiving.sign_unknown(self.task, by="s", now=self.now, needed=SEARCH_NEEDED, due=self.due("H11"))
        )

    @rule()
    def the_person_is_reached(self) -> None:
        self.step(lambda: receiving.contact(self.task, at=self.now, due=self.due()))

    @rule()
    def somebody_registers(self) -> None:
        self.step(lambda: aftercare.register(self.task, at=self.now, due=self.due("C2")))

    @rule()
    def the_agreement_is_signed(self) -> None:
        self.step(lambda: aftercare.sign_agreement(self.task, at=self.now))

    @rule()
    def the_person_does_not_report(self) -> None:
        self.step(lambda: aftercare.note_refusal(self.task, now=self.now, due=self.due("C5")))

    @rule()
    def the_police_are_told(self) -> None:
        self.step(lambda: aftercare.refer(self.task, at=self.now, number="R"))

    @rule(consents=st.booleans())
    def help_is_offered(self, consents: bool) -> None:
        self.step(lambda: aftercare.finish_contact(self.task, at=self.now, consents=consents))

    @rule(reason=st.sampled_from(PauseReason))
    def the_task_is_paused(self, reason: PauseReason) -> None:
        self.step(lambda: aftercare.pause(self.task, reason=reason, now=self.now, due=self.due("H13")))

    @rule()
    def the_pause_ends(self) -> None:
        report = self.task.report_due_at
        self.step(lambda: aftercare.resume(self.task, due=self.due(), report_due_at=report))

    @rule()
    def a_letter_is_sent(self) -> None:
        self.step(
            lambda: placing.send_away(
                self.task, to="Changde", letter_number="L", at=self.now, receipt_due=self.due("H9")
            )
        )

    @rule()
    def the_receipt_comes(self) -> None:
        self.step(lambda: placing.receive_remotely(self.task, at=self.now))

    @rule(reason=st.sampled_from(CloseReason))
    def a_supervisor_closes(self, reason: CloseReason) -> None:
        self.step(lambda: receiving.close(self.task, reason=reason, now=self.now, needed=SEARCH_NEEDED))

    @rule()
    def the_measure_ends(self) -> None:
        self.step(lambda: aftercare.end_with_measure(self.task, now=self.now))
        assert (self.task is not self.before) == (self.before.state is State.REGISTERED)

    @rule()
    def timer_escalates(self) -> None:
        self.step(lambda: receiving.escalate(self.task, now=self.now, ladder=LADDER))

    @precondition(lambda self: self.task.state not in ENDED or self.task.state is State.WITHDRAWN)
    @rule(found=st.booleans(), days=st.integers(-3, 60), executed=st.booleans())
    def the_release_changes(self, found: bool, days: int, executed: bool) -> None:
        self.release_version += 1
        facts = release(
            self.release_version,
            release_at=self.now + timedelta(days=days),
            released_at=self.now if executed else None,
            legal_ground=self.task.legal_ground,
        )
        place = placed(FOUND if found else NOBODY, now=self.now, days=days)
        self.step(lambda: placing.follow(self.task, facts, place, due=self.due("H4")))

    @rule()
    def the_release_is_cancelled(self) -> None:
        self.release_version += 1
        self.step(lambda: placing.withdraw(self.task, release_version=self.release_version, reason="cancelled"))

    @invariant()
    def exactly_one_body_is_responsible(self) -> None:
        if not hasattr(self, "task"):
            return
        task = self.task
        assert task.holder
        if task.state in (State.ACCEPTED, State.MET, State.REGISTERED, State.CONTACT_DONE, State.REFERRED):
            assert (task.holder_kind, task.holder) == (HolderKind.OFFICE, task.office)
        if task.state in (State.ANNOUNCED, State.UNRESOLVED, State.OFFERED, State.DISPUTED):
            assert task.holder_kind is HolderKind.STATION_OF_REGISTRATION

    @invariant()
    def every_step_is_a_legal_one(self) -> None:
        if hasattr(self, "task"):
            assert self.task.state in follows(self.before.state) | {self.before.state}

    @invariant()
    def an_open_task_has_a_next_deadline_and_an_ended_one_has_none(self) -> None:
        if hasattr(self, "task"):
            has_deadline = self.task.due_at is not None and self.task.due_rule is not None
            assert has_deadline == (self.task.state in OPEN)

    @invariant()
    def an_open_task_will_be_heard_of_again(self) -> None:
        if hasattr(self, "task") and self.task.state in OPEN:
            assert self.task.wake_at is not None or self.task.escalation_level == len(LADDER)

    @invariant()
    def nothing_is_closed_without_a_reason(self) -> None:
        if hasattr(self, "task") and self.task.state is State.CLOSED:
            assert self.task.close_reason is not None

    @invariant()
    def without_an_order_nobody_refuses_or_is_unknown(self) -> None:
        if hasattr(self, "task") and self.task.legal_ground is Ground.CONTACT_ONLY:
            assert not self.was_unknown
            assert self.task.state not in (State.REFUSED_TO_REPORT, State.REFERRED, State.REGISTERED)

    @invariant()
    def somebody_who_is_sought_was_in_an_offices_hands(self) -> None:
        if hasattr(self, "task") and self.task.state in SOUGHT:
            assert self.task.accepted_by is not None


TestTaskMachine = TaskMachine.TestCase
