"""Releases by example and by property: driven at random, they do what a model of three words does."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.release_notification.domain import release as domain
from services.release_notification.domain.release import (
    Addressee,
    Alarm,
    CancelledBy,
    Ground,
    Kind,
    Notice,
    Present,
    Rehab,
    Release,
)
from services.release_notification.domain.transitions import TRANSITIONS, State
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, InvalidInput

AT = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
NOTICE = NextDue("D9", datetime(2026, 11, 26, 16, tzinfo=UTC))
MUST = frozenset({Addressee.FAMILY, Addressee.DECIDING_ORGAN})
STAY = UUID(int=3)
KINDS = st.sampled_from(Kind)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def release(
    kind: Kind = Kind.TERM_EXPIRED,
    ground: Ground = Ground.COMMUNITY_REHAB_ORDER,
    stay: UUID | None = STAY,
    **changes: Any,
) -> Release:
    planned = Release(
        id=UUID(int=1),
        version=1,
        person_id=UUID(int=2),
        stay_id=stay,
        order_id=None,
        centre="centre-1",
        kind=kind,
        state=State.PLANNED,
        release_at=AT,
        term_last_day=date(2026, 12, 1),
        needs_handover=domain.needs_handover(kind),
        legal_ground=ground,
    )
    return domain.plan(replace(planned, **changes), notice_due=NOTICE)


def gate(planned: Release, *, kind: Kind | None = None, at: datetime = AT) -> Release:
    return domain.execute(planned, at=at, certificate_number="JC-1", kind=kind)


@pytest.mark.parametrize("days", [-400, -1, 0, 1, 400])
def test_leaving_earlier_or_later_than_planned_is_recorded_never_refused(days: int) -> None:
    left = gate(release(), at=AT + timedelta(days=days))
    assert (left.state, left.executed_at) == (State.EXECUTED, AT + timedelta(days=days))
    assert left.release_at == AT


def test_an_order_outlives_a_restated_or_changed_kind() -> None:
    assert gate(release(), kind=Kind.TERM_EXPIRED).legal_ground is Ground.COMMUNITY_REHAB_ORDER
    assert gate(release(), kind=Kind.EARLY_RELEASE).legal_ground is Ground.COMMUNITY_REHAB_ORDER


def test_the_ground_of_a_conversion_ends_when_it_is_none_after_all() -> None:
    converted = release(Kind.CONVERTED, Ground.COMMUNITY_DETOX_ORDER)
    assert gate(converted).legal_ground is Ground.COMMUNITY_DETOX_ORDER
    assert gate(converted, kind=Kind.TERM_EXPIRED).legal_ground is Ground.CONTACT_ONLY


def test_whoevers_decision_was_revoked_owes_nothing() -> None:
    assert gate(release(), kind=Kind.REVOKED).legal_ground is Ground.CONTACT_ONLY
    with pytest.raises(InvalidInput) as refused:
        domain.ground_of(Kind.REVOKED, Ground.COMMUNITY_REHAB_ORDER)
    assert refused.value.fields[0].pointer == "/legal_ground"


def test_who_left_although_the_plan_was_cancelled_has_left() -> None:
    cancelled = domain.cancel(release(stay=None), by=CancelledBy.CENTRE, reason="entered by mistake")
    left = gate(cancelled)
    assert (left.version, left.state, left.reason) == (3, State.EXECUTED, None)


def test_nobody_leaves_a_stay_that_has_ended() -> None:
    with pytest.raises(Conflict):
        gate(domain.cancel(release(), by=CancelledBy.STAY_ENDED, reason="x"))


def test_nobody_leaves_before_being_admitted() -> None:
    with pytest.raises(InvalidInput) as refused:
        domain.execute(release(), at=AT, certificate_number="JC-1", kind=None, admitted_at=AT + timedelta(seconds=1))
    assert refused.value.fields[0].pointer == "/executed_at"


def test_the_gate_opens_by_chinese_time() -> None:
    assert domain.gate_time(date(2026, 12, 1), time(9)) == AT


def told(addressee: Addressee, day: date = date(2026, 12, 1), **said: Any) -> Notice:
    return Notice(addressee, day, "post", AT, **({"proof": "R"} | said))


def test_a_centre_cannot_hold_anybody_by_cancelling() -> None:
    with pytest.raises(Conflict) as refused:
        domain.cancel(release(), by=CancelledBy.CENTRE, reason="not today")
    assert refused.value.code == "release.cannot_be_held"
    assert domain.cancel(release(), by=CancelledBy.ESCAPED, reason="x").state is State.CANCELLED


def test_the_notice_is_given_when_all_are_told_the_day_that_holds() -> None:
    one = domain.notify(release(), told(Addressee.FAMILY), must=MUST)
    assert one.notice_due == NOTICE
    both = domain.notify(one, told(Addressee.DECIDING_ORGAN), must=MUST)
    assert (both.notice_due, both.due_rule) == (None, "G2")
    moved = domain.reschedule(
        both, release_at=AT - timedelta(days=3), reason="r", kind=None, legal_ground=None, notice_due=NOTICE
    )
    assert moved.notice_due == NOTICE
    assert domain.untold(moved, MUST) == MUST


def test_a_change_of_the_hour_alone_is_no_other_day() -> None:
    both = replace(release(), notice_due=None)
    later = domain.reschedule(
        both, release_at=AT + timedelta(hours=2), reason="r", kind=None, legal_ground=None, notice_due=NOTICE
    )
    assert later.notice_due is None


def test_somebody_who_could_not_be_told_counts_with_the_reason() -> None:
    with pytest.raises(InvalidInput) as refused:
        domain.notify(release(), told(Addressee.FAMILY, proof=None), must=MUST)
    assert refused.value.fields[0].code == "notice.nothing_said"
    known = domain.notify(release(), told(Addressee.FAMILY, proof=None, not_told_reason="no family"), must=MUST)
    assert Addressee.FAMILY not in domain.untold(known, MUST)


def test_silence_is_said_once_and_again_when_it_gets_worse() -> None:
    planned = release(term_last_day=date(2026, 12, 3))
    said = []
    moments = (NOTICE.at, datetime(2026, 12, 1, 16, tzinfo=UTC), datetime(2026, 12, 3, 16, tzinfo=UTC))
    for moment in moments:
        assert planned.wake_at == moment
        planned = domain.raise_alarm(planned, now=moment)
        said.append(planned.alarm)
        with pytest.raises(Conflict):
            domain.raise_alarm(planned, now=moment)
    assert said == [Alarm.NOTICE_LATE, Alarm.SILENT, Alarm.OVER_TERM]
    assert planned.wake_at is None
    assert gate(planned, at=moments[-1]).due_at is None


def test_a_platform_that_stood_still_says_the_worst_at_once() -> None:
    late = domain.raise_alarm(release(), now=AT + timedelta(days=30))
    assert (late.alarm, late.wake_at) == (Alarm.OVER_TERM, None)


def test_whom_nobody_met_is_told_to_the_deciding_organ() -> None:
    due = NextDue("D12", AT + timedelta(hours=2))
    alone = domain.execute(
        release(), at=AT, certificate_number="JC-1", kind=None, present=(Present.NOBODY,), organ_due=due
    )
    assert (alone.left_alone_at, alone.due_rule) == (AT, "D12")
    with pytest.raises(Conflict):
        domain.find_left_alone(alone, at=AT, due=due)
    organ = domain.notify(alone, told(Addressee.DECIDING_ORGAN), must=frozenset())
    assert organ.organ_due is None
    later = domain.find_left_alone(gate(release()), at=AT, due=due)
    assert later.due_rule == "D12"


def test_a_gate_reported_in_error_leaves_nothing_of_it() -> None:
    back = domain.retract(gate(release()), reason="another person")
    assert (back.state, back.executed_at, back.certificate_number, back.due_at) == (State.RETRACTED, None, None, None)
    with pytest.raises(Conflict):
        gate(back)
    again = domain.reinstate(back, release_at=AT, reason="r", notice_due=None)
    assert gate(again).state is State.EXECUTED


def test_rehabilitation_is_asked_for_until_it_is_settled() -> None:
    open_question = release(ground=Ground.CONTACT_ONLY)
    assert open_question.rehab is Rehab.PENDING
    ordered = domain.settle_ground(open_question, rehab=Rehab.ORDERED)
    assert ordered.legal_ground is Ground.COMMUNITY_REHAB_ORDER
    with pytest.raises(Conflict):
        domain.settle_ground(ordered, rehab=Rehab.ORDERED)
    denied = domain.settle_ground(open_question, rehab=Rehab.NOT_ORDERED)
    changed = domain.reschedule(
        denied, release_at=AT, reason="r", kind=Kind.EARLY_RELEASE, legal_ground=None, notice_due=NOTICE
    )
    assert (changed.rehab, changed.legal_ground) == (Rehab.NOT_ORDERED, Ground.CONTACT_ONLY)
    with pytest.raises(Conflict):
        domain.settle_ground(release(Kind.DETENTION_EXPIRED, Ground.CONTACT_ONLY), rehab=Rehab.ORDERED)


class ReleaseMachine(RuleBasedStateMachine):
    """Acts in any order: each one makes exactly one version or none, and the model agrees on which."""

    def __init__(self) -> None:
        super().__init__()
        self.now = AT - timedelta(days=10)
        self.release = self.before = release()
        self.state = "planned"
        self.stay_ended = False
        self.versions = 1

    def step(self, allowed: bool, act: Callable[[], Release], state: str) -> None:
        self.before = self.release
        try:
            self.release = act()
        except Conflict:
            assert not allowed
        else:
            assert allowed
            self.versions += 1
            self.state = state

    @rule(days=st.integers(0, 20))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(at=MOMENTS, kind=st.none() | KINDS)
    def reschedule(self, at: datetime, kind: Kind | None) -> None:
        self.step(
            self.state == "planned",
            lambda: domain.reschedule(
                self.release, release_at=at, reason="r", kind=kind, legal_ground=None, notice_due=NOTICE
            ),
            "planned",
        )

    @rule(by=st.sampled_from(CancelledBy))
    def cancel(self, by: CancelledBy) -> None:
        allowed = self.state == "planned" and by is not CancelledBy.CENTRE
        self.step(allowed, lambda: domain.cancel(self.release, by=by, reason="r"), "cancelled")
        if allowed:
            self.stay_ended = by is CancelledBy.STAY_ENDED

    @rule(at=MOMENTS, kind=st.none() | KINDS, nobody=st.booleans())
    def execute(self, at: datetime, kind: Kind | None, nobody: bool) -> None:
        allowed = self.state == "planned" or (self.state == "cancelled" and not self.stay_ended)
        self.step(
            allowed,
            lambda: domain.execute(
                self.release,
                at=at,
                certificate_number="JC-1",
                kind=kind,
                present=(Present.NOBODY,) if nobody else (),
                papers_due=NOTICE,
                organ_due=NOTICE,
            ),
            "executed",
        )

    @rule()
    def retract(self) -> None:
        self.step(self.state == "executed", lambda: domain.retract(self.release, reason="r"), "retracted")

    @rule(at=MOMENTS)
    def reinstate(self, at: datetime) -> None:
        allowed = self.state in ("cancelled", "retracted")
        self.step(
            allowed, lambda: domain.reinstate(self.release, release_at=at, reason="r", notice_due=NOTICE), "planned"
        )
        if allowed:
            self.stay_ended = False

    @rule(addressee=st.sampled_from(Addressee))
    def notify(self, addressee: Addressee) -> None:
        day = china_day(self.release.release_at)
        allowed = self.state in ("planned", "executed")
        self.step(allowed, lambda: domain.notify(self.release, told(addressee, day), must=MUST), self.state)

    @rule()
    def the_timer_comes(self) -> None:
        due = self.release.wake_at is not None and self.release.wake_at <= self.now
        self.step(due, lambda: domain.raise_alarm(self.release, now=self.now), self.state)

    @rule()
    def the_papers_are_sent(self) -> None:
        allowed = self.state == "executed" and self.release.papers_sent_at is None
        at = self.release.executed_at or AT
        self.step(allowed, lambda: domain.send_papers(self.release, at=at), self.state)

    @invariant()
    def the_model_agrees(self) -> None:
        assert (self.release.state.value, self.release.version) == (self.state, self.versions)
        assert (self.release.executed_at is not None) == (self.state == "executed")

    @invariant()
    def only_drawn_ways_are_gone(self) -> None:
        was, now = self.before.state, self.release.state
        assert was == now or any(now in ways.get(was, ()) for ways in TRANSITIONS.values())

    @invariant()
    def a_planned_release_always_has_a_deadline_and_an_alarm_to_come_until_the_worst_was_said(self) -> None:
        now = self.release
        if self.state == "planned":
            assert now.due_at is not None
            assert (now.wake_at is None) == (now.alarm is Alarm.OVER_TERM)
        else:
            assert now.wake_at is None

    @invariant()
    def the_kind_decides_about_the_handover_and_binds_the_ground(self) -> None:
        now = self.release
        assert now.needs_handover == (now.kind not in domain.NO_HANDOVER)
        assert now.legal_ground is domain.GROUND_OF_KIND.get(now.kind, now.legal_ground)

    @invariant()
    def what_identifies_a_release_never_changes(self) -> None:
        kept, now = release(), self.release
        assert (now.id, now.person_id, now.stay_id, now.centre) == (kept.id, kept.person_id, kept.stay_id, kept.centre)


TestReleaseMachine = ReleaseMachine.TestCase
