"""Discrepancies by property: driven at random, one of a kind and a subject is open exactly while it is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.oversight import policy
from services.oversight.domain import discrepancy as domain
from services.oversight.domain.discrepancy import Discrepancy, Finding, Kind, SubjectKind
from services.oversight.domain.transitions import TRANSITIONS, Act, State
from shared.contracts.reconciliation import DISCREPANCY_KINDS, SUBJECT_KINDS
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
DUE = NextDue("X2", NOW + timedelta(hours=8))
HEADCOUNT = Finding(Kind.HEADCOUNT_DIFFERS, SubjectKind.CENTRE, "centre-1", "centre-1", number=-1)


def opened(finding: Finding = HEADCOUNT) -> Discrepancy:
    return domain.find(finding, now=NOW, due=DUE)


def test_every_kind_has_its_place_in_the_contract_and_the_policy() -> None:
    assert {kind.value for kind in Kind} == set(DISCREPANCY_KINDS)
    assert {kind.value for kind in SubjectKind} == set(SUBJECT_KINDS)
    assert set(policy.DUE) == set(Kind)
    assert policy.EXPLAINABLE.isdisjoint({Kind.OVER_TERM, Kind.RELEASE_WITHOUT_TASK, Kind.EVENT_MISSING})
    assert policy.is_explainable(Kind.STALE_TASK, "ended_before")
    assert not policy.is_explainable(Kind.STALE_TASK, "gate_unknown")


def test_one_kind_and_subject_is_one_discrepancy_for_ever() -> None:
    assert domain.discrepancy_id(HEADCOUNT) == domain.discrepancy_id(replace(HEADCOUNT, number=7, day=NOW.date()))
    others = [replace(HEADCOUNT, subject="centre-2"), replace(HEADCOUNT, kind=Kind.HEADCOUNT_MISSING)]
    assert domain.discrepancy_id(HEADCOUNT) not in map(domain.discrepancy_id, others)


def test_the_most_urgent_comes_first_then_the_oldest() -> None:
    over_term = Finding(Kind.OVER_TERM, SubjectKind.RELEASE, str(UUID(int=1)), "centre-1")
    later = domain.find(replace(HEADCOUNT, subject="b"), now=NOW + timedelta(minutes=1), due=DUE)
    urgent = domain.find(over_term, now=NOW + timedelta(hours=1), due=DUE)
    assert sorted([later, opened(), urgent], key=lambda one: one.urgency) == [urgent, opened(), later]


def test_what_is_open_keeps_its_age_and_deadline_when_it_is_found_otherwise() -> None:
    later = NOW + timedelta(hours=2)
    changed = domain.find_again(opened(), replace(HEADCOUNT, number=-2), now=later, due=NextDue("X2", later))
    assert (changed.number, changed.found_at, changed.due_at) == (-2, NOW, DUE.at)


def test_an_explanation_is_of_what_was_found() -> None:
    explained = domain.explain(opened(), reason="one at the hospital", by="city", now=NOW, explainable=True)
    assert (explained.state, explained.due_at, explained.explained_by) == (State.EXPLAINED, None, "city")
    assert not domain.is_news(explained, HEADCOUNT)
    assert domain.is_news(explained, replace(HEADCOUNT, number=-2))
    anew = domain.find_again(explained, replace(HEADCOUNT, number=-2), now=NOW, due=DUE)
    assert (anew.state, anew.explanation, anew.due_at) == (State.OPEN, None, DUE.at)


def test_what_has_to_be_put_right_cannot_be_explained_away() -> None:
    with pytest.raises(Conflict) as refused:
        domain.explain(opened(), reason="x", by="city", now=NOW, explainable=False)
    assert refused.value.code == "discrepancy.must_be_mended"


class DiscrepancyMachine(RuleBasedStateMachine):
    """A comparison that finds or does not, and supervisors who explain, against a model of two words."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.one = opened()
        self.number: int | None = -1  # what the comparison last found
        self.explained_number: int | None = None

    @rule(number=st.none() | st.integers(-2, 2))
    def compare(self, number: int | None) -> None:
        self.now += timedelta(minutes=1)
        self.number = number
        before = self.one
        if number is None:
            if before.state is not State.RESOLVED:
                self.one = domain.resolve(before, now=self.now)
            self.explained_number = None
            return
        finding = replace(HEADCOUNT, number=number)
        if domain.is_news(before, finding):
            self.one = domain.find_again(before, finding, now=self.now, due=DUE)
        if self.explained_number != number:
            self.explained_number = None

    @precondition(lambda self: self.one.state is State.OPEN)
    @rule()
    def explain(self) -> None:
        self.one = domain.explain(self.one, reason="because", by="city", now=self.now, explainable=True)
        self.explained_number = self.number

    @precondition(lambda self: self.one.state is not State.OPEN)
    @rule()
    def cannot_be_explained(self) -> None:
        with pytest.raises(Conflict) as refused:
            domain.explain(self.one, reason="again", by="city", now=self.now, explainable=True)
        assert refused.value.code == "discrepancy.wrong_state"

    @invariant()
    def is_open_exactly_while_found_and_unexplained(self) -> None:
        if self.number is None:
            assert self.one.state is State.RESOLVED
        elif self.explained_number is not None:
            assert self.one.state is State.EXPLAINED
        else:
            assert self.one.state is State.OPEN

    @invariant()
    def says_what_belongs_to_its_state(self) -> None:
        assert (self.one.resolved_at is not None) == (self.one.state is State.RESOLVED)
        assert (self.one.due_at is not None) == (self.one.state is State.OPEN)
        assert self.one.number == self.number or self.one.state is State.RESOLVED
        if self.one.state is State.OPEN:
            assert self.one.explanation is None


TestDiscrepancies = DiscrepancyMachine.TestCase


@pytest.mark.parametrize("act", Act)
def test_an_act_is_refused_where_the_table_has_none(act: Act) -> None:
    for state in State:
        if state in TRANSITIONS[act]:
            domain.require(replace(opened(), state=state), act)
            continue
        with pytest.raises(Conflict):
            domain.require(replace(opened(), state=state), act)
