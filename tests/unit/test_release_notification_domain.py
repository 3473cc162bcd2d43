"""Releases by example and by property: driven at random, they do what a model of three words does."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.release_notification import domain
from services.release_notification.domain import Ground, Kind, Release, State
from shared.kernel.errors import Conflict, InvalidInput

AT = datetime(2026, 12, 1, 1, 0, tzinfo=UTC)
KINDS = st.sampled_from(Kind)
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def release(kind: Kind = Kind.TERM_EXPIRED, ground: Ground = Ground.COMMUNITY_REHAB_ORDER) -> Release:
    return Release(
        id=UUID(int=1),
        version=1,
        person_id=UUID(int=2),
        stay_id=UUID(int=3),
        order_id=None,
        centre="centre-1",
        kind=kind,
        state=State.PLANNED,
        release_at=AT,
        term_last_day=date(2026, 12, 1),
        needs_handover=domain.needs_handover(kind),
        legal_ground=ground,
    )


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
    cancelled = domain.cancel(release(), reason="entered by mistake")
    left = gate(cancelled)
    assert (left.version, left.state, left.reason) == (3, State.EXECUTED, None)


def test_nobody_leaves_a_stay_that_has_ended() -> None:
    with pytest.raises(Conflict):
        gate(domain.cancel(release(), reason=domain.STAY_ENDED))


def test_nobody_leaves_before_being_admitted() -> None:
    with pytest.raises(InvalidInput) as refused:
        domain.execute(release(), at=AT, certificate_number="JC-1", kind=None, admitted_at=AT + timedelta(seconds=1))
    assert refused.value.fields[0].pointer == "/executed_at"


def test_the_gate_opens_by_chinese_time() -> None:
    assert domain.gate_time(date(2026, 12, 1), time(9)) == AT


class ReleaseMachine(RuleBasedStateMachine):
    """Acts in any order: each one makes exactly one version or none, and the model agrees on which."""

    def __init__(self) -> None:
        super().__init__()
        self.release = release()
        self.state = "planned"
        self.stay_ended = False
        self.versions = 1

    def _expect(self, allowed: bool, changed: Release | None) -> None:
        assert (changed is not None) == allowed
        if changed is not None:
            self.versions += 1
            self.release = changed

    @rule(at=MOMENTS, kind=st.none() | KINDS)
    def reschedule(self, at: datetime, kind: Kind | None) -> None:
        allowed = self.state == "planned"
        try:
            changed = domain.reschedule(self.release, release_at=at, reason="r", kind=kind, legal_ground=None)
        except Conflict:
            changed = None
        self._expect(allowed, changed)

    @rule(stay_ended=st.booleans())
    def cancel(self, stay_ended: bool) -> None:
        allowed = self.state == "planned"
        try:
            changed = domain.cancel(self.release, reason=domain.STAY_ENDED if stay_ended else "r")
        except Conflict:
            changed = None
        self._expect(allowed, changed)
        if allowed:
            self.state, self.stay_ended = "cancelled", stay_ended

    @rule(at=MOMENTS, kind=st.none() | KINDS)
    def execute(self, at: datetime, kind: Kind | None) -> None:
        allowed = self.state == "planned" or (self.state == "cancelled" and not self.stay_ended)
        try:
            changed = gate(self.release, kind=kind, at=at)
        except Conflict:
            changed = None
        self._expect(allowed, changed)
        if allowed:
            self.state = "executed"

    @invariant()
    def the_model_agrees(self) -> None:
        assert (self.release.state.value, self.release.version) == (self.state, self.versions)
        assert (self.release.executed_at is not None) == (self.state == "executed")

    @invariant()
    def the_kind_decides_about_the_handover_and_binds_the_ground(self) -> None:
        now = self.release
        assert now.needs_handover == (now.kind not in domain.NO_HANDOVER)
        assert now.legal_ground is domain.GROUND_OF_KIND.get(now.kind, now.legal_ground)

    @invariant()
    def what_identifies_a_release_never_changes(self) -> None:
        kept = replace(release(), version=0)
        now = self.release
        assert (now.id, now.person_id, now.stay_id, now.centre) == (kept.id, kept.person_id, kept.stay_id, kept.centre)


TestReleaseMachine = ReleaseMachine.TestCase
