"""The handover task: by example, and driven at random against what must always hold."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.community_handover import domain
from services.community_handover.domain import (
    Ground,
    HolderKind,
    Outcome,
    Placement,
    Receiver,
    ReleaseFacts,
    State,
    Task,
)
from services.community_handover.policy import LADDER, OFFER_AHEAD
from shared.kernel.errors import BatonError, Conflict, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
FOUND = Receiver("OFFICE-1", "430802001", None, "430822")
NOBODY = Receiver(None, "430802001", "no_office", "430822")


def release(version: int = 1, **changes: Any) -> ReleaseFacts:
    facts = ReleaseFacts(UUID(int=1), version, UUID(int=2), NOW + timedelta(days=5), None, Ground.COMMUNITY_DETOX_ORDER)
    return replace(facts, **changes)


def placed(receiver: Receiver = FOUND, *, now: datetime = NOW, days: int = 5) -> Placement:
    """Where the task of a release in so many days goes."""
    offer_at = now + timedelta(days=days) - OFFER_AHEAD
    if receiver.office is None or offer_at > now:
        return Placement(receiver, offer_at)
    return Placement(receiver, offer_at, now, now + timedelta(days=1))


def opened(receiver: Receiver = FOUND, *, days: int = 60, **changes: Any) -> Task:
    facts = release(release_at=NOW + timedelta(days=days), **changes)
    return domain.open_task(UUID(int=3), facts, placed(receiver, days=days))


def offered(**changes: Any) -> Task:
    return opened(days=5, **changes)


def accepted(**changes: Any) -> Task:
    return domain.accept(offered(**changes), by="officer", now=NOW)


def met(**changes: Any) -> Task:
    task = accepted(**changes)
    return domain.meet(task, at=NOW, outcome=Outcome.MET_OFFICIAL, report_due_at=NOW + timedelta(days=16))


def test_until_somebody_accepts_the_station_of_registration_is_responsible() -> None:
    assert (offered().holder_kind, offered().holder) == (HolderKind.STATION_OF_REGISTRATION, "430822")
    assert (accepted().holder_kind, accepted().holder) == (HolderKind.OFFICE, "OFFICE-1")


def test_second_acceptance_is_told_who_accepted_first() -> None:
    with pytest.raises(Conflict) as refused:
        domain.accept(accepted(), by="other", now=NOW)
    assert refused.value.code == "task.already_accepted"
    assert (refused.value.extra["by"], refused.value.extra["at"]) == ("officer", NOW)


def test_nobody_can_accept_what_has_no_office() -> None:
    with pytest.raises(Conflict, match="unresolved"):
        domain.accept(opened(NOBODY), by="officer", now=NOW)


def test_without_an_order_nobody_registers_and_with_one_contact_is_not_enough() -> None:
    free = met(legal_ground=Ground.CONTACT_ONLY)
    assert free.report_due_at is None
    with pytest.raises(Conflict) as refused:
        domain.register(free, at=NOW)
    assert refused.value.code == "task.no_order"
    assert domain.finish_contact(free, at=NOW, consents=False).state is State.CONTACT_DONE
    with pytest.raises(Conflict) as refused:
        domain.finish_contact(met(), at=NOW, consents=True)
    assert refused.value.code == "task.order_in_force"
    assert domain.register(met(), at=NOW).state is State.REGISTERED


def test_nobody_is_met_before_the_release() -> None:
    with pytest.raises(InvalidInput) as refused:
        domain.meet(
            accepted(released_at=NOW), at=NOW - timedelta(hours=1), outcome=Outcome.MET_FAMILY, report_due_at=NOW
        )
    assert refused.value.fields[0].pointer == "/met_at"


def test_what_was_accepted_stays_accepted_when_the_release_moves() -> None:
    moved = domain.follow(accepted(), release(2, release_at=NOW + timedelta(days=9)), placed())
    assert (moved.state, moved.release_version, moved.holder) == (State.ACCEPTED, 2, "OFFICE-1")


def test_a_withdrawn_task_is_offered_anew_when_the_release_takes_place_after_all() -> None:
    withdrawn = domain.withdraw(accepted(), release_version=2, reason="release_cancelled")
    again = domain.follow(withdrawn, release(3), placed())
    assert (again.state, again.withdrawn_reason) == (State.OFFERED, None)


def test_a_task_that_comes_back_after_it_was_accepted_can_be_accepted_again() -> None:
    withdrawn = domain.withdraw(met(), release_version=2, reason="release_cancelled")
    again = domain.follow(withdrawn, release(3), placed())
    assert (again.holder_kind, again.accepted_by, again.met_at) == (HolderKind.STATION_OF_REGISTRATION, None, None)
    assert domain.accept(again, by="other", now=NOW).accepted_by == "other"


def test_a_task_given_to_another_office_starts_the_ladder_anew() -> None:
    task = offered()
    assert task.accept_due_at is not None
    escalated = domain.escalate(task, now=task.accept_due_at + timedelta(hours=4), ladder=LADDER)
    given = domain.route_again(escalated, placed(replace(FOUND, office="OFFICE-2"), days=60))
    assert (given.office, given.escalation_level, given.accept_due_at) == ("OFFICE-2", 0, None)


def test_an_office_that_a_supervisor_chose_stays_when_the_release_moves() -> None:
    chosen = domain.route_again(opened(NOBODY), placed(days=60), assigned=True)
    other = replace(FOUND, office="OFFICE-2")
    for found in (NOBODY, other):
        moved = domain.follow(chosen, release(2, release_at=NOW + timedelta(days=61)), placed(found, days=61))
        assert (moved.state, moved.office, moved.unresolved_reason) == (State.ANNOUNCED, "OFFICE-1", None)


def test_a_person_who_moves_before_anybody_accepted_is_offered_to_the_new_office() -> None:
    moved = domain.follow(offered(), release(2), placed(replace(FOUND, office="OFFICE-2")))
    assert (moved.state, moved.office) == (State.OFFERED, "OFFICE-2")


def test_an_office_that_was_asked_must_confirm_sooner_when_the_release_comes_sooner() -> None:
    task = offered()
    sooner = replace(placed(), accept_due_at=NOW + timedelta(hours=2))
    assert domain.follow(task, release(2), sooner).accept_due_at == NOW + timedelta(hours=2)
    assert domain.follow(task, release(2), sooner).offered_at == task.offered_at
    later = replace(placed(), accept_due_at=NOW + timedelta(days=2))
    assert domain.follow(task, release(2), later).accept_due_at == task.accept_due_at


@pytest.mark.parametrize(("hours", "level"), [(0, 1), (3, 1), (4, 2), (23, 2), (24, 3), (24 * 7, 3)])
def test_escalation_reaches_the_level_that_its_lateness_asks_for(hours: int, level: int) -> None:
    task = offered()
    assert task.accept_due_at is not None
    escalated = domain.escalate(task, now=task.accept_due_at + timedelta(hours=hours), ladder=LADDER)
    assert escalated.escalation_level == level
    assert (escalated.wake_at is None) == (level == 3)


def test_nothing_is_escalated_early_or_twice() -> None:
    task = offered()
    with pytest.raises(Conflict):
        domain.escalate(task, now=NOW, ladder=LADDER)
    assert task.accept_due_at is not None
    escalated = domain.escalate(task, now=task.accept_due_at, ladder=LADDER)
    with pytest.raises(Conflict):
        domain.escalate(escalated, now=task.accept_due_at, ladder=LADDER)


ALLOWED = {
    State.ANNOUNCED: {State.ANNOUNCED, State.UNRESOLVED, State.OFFERED, State.ACCEPTED, State.WITHDRAWN},
    State.UNRESOLVED: {State.UNRESOLVED, State.ANNOUNCED, State.OFFERED, State.WITHDRAWN},
    State.OFFERED: {State.OFFERED, State.ACCEPTED, State.ANNOUNCED, State.UNRESOLVED, State.WITHDRAWN},
    State.ACCEPTED: {State.ACCEPTED, State.MET, State.WITHDRAWN},
    State.MET: {State.MET, State.REGISTERED, State.CONTACT_DONE, State.WITHDRAWN},
    State.REGISTERED: {State.REGISTERED},
    State.CONTACT_DONE: {State.CONTACT_DONE},
    State.WITHDRAWN: {State.ANNOUNCED, State.OFFERED, State.UNRESOLVED, State.WITHDRAWN},
}


class TaskMachine(RuleBasedStateMachine):
    """Everything that can happen to a task, in any order."""

    @initialize(found=st.booleans(), ground=st.sampled_from(Ground))
    def begin(self, found: bool, ground: Ground) -> None:
        self.now = NOW
        self.release_version = 1
        self.task = opened(FOUND if found else NOBODY, legal_ground=ground)
        self.before = self.task

    def step(self, act: Any) -> None:
        self.before = self.task
        try:
            self.task = act()
        except BatonError as refusal:
            assert refusal.code.startswith(("task.", "time."))
        else:
            assert self.task.version == self.before.version + 1

    @rule(hours=st.integers(0, 200))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @precondition(lambda self: self.task.state is State.ANNOUNCED)
    @rule()
    def timer_offers(self) -> None:
        self.step(lambda: domain.come_due(self.task, placed(now=self.now)))

    @rule(by=st.sampled_from(["a", "b"]))
    def somebody_accepts(self, by: str) -> None:
        self.step(lambda: domain.accept(self.task, by=by, now=self.now))

    @rule()
    def somebody_meets(self) -> None:
        self.step(lambda: domain.meet(self.task, at=self.now, outcome=Outcome.MET_FAMILY, report_due_at=self.now))

    @rule()
    def somebody_registers(self) -> None:
        self.step(lambda: domain.register(self.task, at=self.now))

    @rule(consents=st.booleans())
    def somebody_finishes(self, consents: bool) -> None:
        self.step(lambda: domain.finish_contact(self.task, at=self.now, consents=consents))

    @rule()
    def timer_escalates(self) -> None:
        self.step(lambda: domain.escalate(self.task, now=self.now, ladder=LADDER))

    @precondition(lambda self: self.task.state not in (State.REGISTERED, State.CONTACT_DONE))
    @rule(found=st.booleans(), days=st.integers(-3, 60))
    def the_release_changes(self, found: bool, days: int) -> None:
        self.release_version += 1
        facts = release(
            self.release_version, release_at=self.now + timedelta(days=days), legal_ground=self.task.legal_ground
        )
        place = placed(FOUND if found else NOBODY, now=self.now, days=days)
        self.step(lambda: domain.follow(self.task, facts, place))

    @precondition(lambda self: self.task.state in domain.OPEN)
    @rule()
    def the_release_is_cancelled(self) -> None:
        self.release_version += 1
        self.step(lambda: domain.withdraw(self.task, release_version=self.release_version, reason="cancelled"))

    @invariant()
    def exactly_one_body_is_responsible(self) -> None:
        if not hasattr(self, "task"):
            return
        assert self.task.holder
        by_office = self.task.state in (State.ACCEPTED, State.MET, State.REGISTERED, State.CONTACT_DONE)
        if by_office:
            assert (self.task.holder_kind, self.task.holder) == (HolderKind.OFFICE, self.task.office)

    @invariant()
    def every_step_is_a_legal_one(self) -> None:
        if hasattr(self, "task"):
            assert self.task.state in ALLOWED[self.before.state]

    @invariant()
    def an_open_task_that_nobody_accepted_will_be_heard_of_again(self) -> None:
        if hasattr(self, "task") and self.task.state in (State.ANNOUNCED, State.OFFERED):
            assert self.task.wake_at is not None or self.task.escalation_level == len(LADDER)


TestTaskMachine = TaskMachine.TestCase
