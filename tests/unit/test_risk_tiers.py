"""Risk tiers: every proposal has its reasons, order of facts does not matter, and a person decides."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.person_registry import risk
from services.person_registry.policy import MEASURES, POLICY, TIER_RULES
from services.person_registry.risk import Assessment, Fact, KnownFact, State, Tier
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import BatonError, Conflict, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
DUE = NextDue("R-D", NOW + timedelta(days=3))


def known(fact: Fact, *, version: int = 1, active: bool = True, since: datetime = NOW, origin: int = 1) -> KnownFact:
    return KnownFact(fact, UUID(int=origin), version, since, active)


def assessed(*facts: KnownFact) -> Assessment:
    return risk.first_assessment(UUID(int=8), UUID(int=9), risk.with_facts((), facts), POLICY, now=NOW, due=DUE)


def decided(assessment: Assessment, tier: Tier = Tier.MEDIUM) -> Assessment:
    return risk.decide(assessment, tier, reason="known well", by="station", now=NOW, due=NextDue("R-R", NOW))


FACTS = st.lists(
    st.builds(
        KnownFact,
        fact=st.sampled_from(Fact),
        origin=st.integers(1, 3).map(lambda number: UUID(int=number)),
        origin_version=st.integers(1, 4),
        since=st.integers(0, 2000).map(lambda days: NOW - timedelta(days=days)),
        active=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda one: (one.fact, one.origin, one.origin_version),
)


@given(FACTS, st.randoms(use_true_random=False))
def test_facts_are_the_same_in_whatever_order_and_however_often_they_come(
    facts: list[KnownFact], random: object
) -> None:
    shuffled = [*facts, *facts]
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one_by_one: tuple[KnownFact, ...] = ()
    for fact in shuffled:
        one_by_one = risk.with_facts(one_by_one, [fact])
    assert one_by_one == risk.with_facts((), facts)


@given(FACTS)
def test_no_tier_above_low_without_a_reason_that_asks_for_just_that_tier(facts: list[KnownFact]) -> None:
    tier, reasons = risk.proposal(risk.with_facts((), facts), TIER_RULES)
    asking = {rule.id: rule for rule in TIER_RULES}
    assert all(asking[reason].tier is tier for reason in reasons)
    assert bool(reasons) == (tier is not Tier.LOW)


def test_every_fact_has_its_rule_and_every_tier_its_measures() -> None:
    assert {rule.fact for rule in TIER_RULES} == set(Fact)
    assert {one.tier for one in MEASURES} == set(Tier)


def test_the_highest_tier_counts_and_a_fact_that_is_over_does_not() -> None:
    both = assessed(known(Fact.IN_COMMUNITY_MEASURE), known(Fact.WHEREABOUTS_UNKNOWN))
    assert (both.proposed_tier, both.reasons) == (Tier.HIGH, ("R6",))
    found = risk.assess_again(
        both,
        risk.with_facts(both.facts, [known(Fact.WHEREABOUTS_UNKNOWN, version=2, active=False)]),
        POLICY,
        now=NOW,
        due=DUE,
    )
    assert found is not None
    assert (found.proposed_tier, found.reasons) == (Tier.MEDIUM, ("R7",))


def test_a_proposal_changes_nothing_until_a_person_decides() -> None:
    before = decided(assessed(known(Fact.IN_COMMUNITY_MEASURE)))
    again = risk.assess_again(before, risk.with_facts(before.facts, [known(Fact.VIOLENCE)]), POLICY, now=NOW, due=DUE)
    assert again is not None
    assert (again.state, again.proposed_tier, again.tier) == (State.PROPOSED, Tier.HIGH, Tier.MEDIUM)


def test_news_that_change_nothing_are_no_news() -> None:
    before = decided(assessed(known(Fact.IN_COMMUNITY_MEASURE)))
    assert risk.assess_again(before, before.facts, POLICY, now=NOW, due=DUE) is None
    more = risk.with_facts(before.facts, [known(Fact.IN_COMMUNITY_MEASURE, version=2)])
    same = risk.assess_again(before, more, POLICY, now=NOW, due=DUE)
    assert same is not None
    assert (same.state, same.version) == (State.DECIDED, before.version + 1)


@pytest.mark.parametrize("tier", [Tier.HIGH, Tier.LOW])
def test_another_tier_than_the_proposed_one_needs_a_reason_up_and_down_alike(tier: Tier) -> None:
    proposed = assessed(known(Fact.IN_COMMUNITY_MEASURE))
    with pytest.raises(InvalidInput) as refused:
        risk.decide(proposed, tier, reason=None, by="station", now=NOW, due=DUE)
    assert refused.value.fields[0].code == "risk.reason_missing"
    assert decided(proposed, tier).tier is tier
    assert risk.decide(proposed, Tier.MEDIUM, reason=None, by="station", now=NOW, due=DUE).decided_by == "station"


def test_three_clean_years_are_counted_from_the_latest_start_and_not_while_nobody_knows_where() -> None:
    early, late = datetime(2024, 2, 29, 4, tzinfo=UTC), datetime(2025, 5, 1, 4, tzinfo=UTC)
    facts = (known(Fact.LEFT_CUSTODY, since=early), known(Fact.POSITIVE_TEST, since=late))
    until = risk.clean_until(facts, 3)
    assert until is not None
    assert until.isoformat() == "2028-05-01T00:00:00+08:00"
    assert risk.clean_until((known(Fact.LEFT_CUSTODY, since=early),), 3) == datetime(2027, 2, 27, 16, tzinfo=UTC)
    assert risk.clean_until((*facts, known(Fact.WHEREABOUTS_UNKNOWN)), 3) is None
    assert risk.clean_until((known(Fact.MAINTENANCE_TREATMENT),), 3) is None


def test_after_three_clean_years_the_platform_lets_go_until_something_new_happens() -> None:
    ended = risk.let_go(decided(assessed(known(Fact.LEFT_CUSTODY))))
    assert (ended.state, ended.tier, ended.due_at) == (State.ENDED, None, None)
    with pytest.raises(Conflict) as refused:
        decided(ended)
    assert refused.value.code == "risk.ended"
    with pytest.raises(Conflict):
        risk.let_go(ended)
    anew = risk.with_facts(ended.facts, [known(Fact.POSITIVE_TEST, since=NOW + timedelta(days=1), origin=2)])
    again = risk.assess_again(ended, anew, POLICY, now=NOW, due=DUE)
    assert again is not None
    assert again.state is State.PROPOSED


def test_a_decision_whose_time_is_over_is_asked_for_again_and_stays_in_force() -> None:
    again = risk.review(decided(assessed(known(Fact.LEFT_CUSTODY))), now=NOW, due=DUE)
    assert (again.state, again.tier) == (State.PROPOSED, Tier.MEDIUM)
    with pytest.raises(Conflict) as refused:
        risk.review(replace(again), now=NOW, due=DUE)
    assert refused.value.code == "risk.not_decided"


class AssessmentMachine(RuleBasedStateMachine):
    """Facts come in any order, people decide, time passes: beside a model of the facts and of the tier in force."""

    @initialize(fact=st.sampled_from(Fact))
    def begin(self, fact: Fact) -> None:
        self.now = NOW
        self.facts = {(fact, 1): known(fact)}
        self.assessment = assessed(known(fact))
        self.before = self.assessment
        self.tier: Tier | None = None  # the model: what a person decided last

    def step(self, act: Callable[[], Assessment | None]) -> bool:
        self.before = self.assessment
        try:
            after = act()
        except BatonError as refusal:
            assert refusal.code in ("risk.ended", "risk.merged", "risk.not_decided", "risk.reason_missing")
            return False
        if after is None:
            return False
        self.assessment = after
        assert after.version == self.before.version + 1
        return True

    @rule(days=st.integers(0, 500))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule(fact=st.sampled_from(Fact), origin=st.integers(1, 2), version=st.integers(1, 5), active=st.booleans())
    def something_becomes_known(self, fact: Fact, origin: int, version: int, active: bool) -> None:
        news = known(fact, version=version, active=active, since=self.now, origin=origin)
        facts = risk.with_facts(self.assessment.facts, [news])
        due = NextDue("R-D", self.now + timedelta(days=3))
        merged = self.assessment.state is State.MERGED
        self.step(lambda: risk.assess_again(self.assessment, facts, POLICY, now=self.now, due=due))
        before = self.facts.get((fact, origin))
        if not merged and (before is None or before.origin_version < version):
            self.facts[fact, origin] = news

    @rule(tier=st.sampled_from(Tier), reason=st.sampled_from([None, "known well"]))
    def a_person_decides(self, tier: Tier, reason: str | None) -> None:
        due = NextDue("R-R", self.now + timedelta(days=180))
        if self.step(lambda: risk.decide(self.assessment, tier, reason=reason, by="county", now=self.now, due=due)):
            self.tier = tier

    @rule()
    def the_decision_is_old(self) -> None:
        due = NextDue("R-D", self.now + timedelta(days=3))
        self.step(lambda: risk.review(self.assessment, now=self.now, due=due))

    @rule()
    def three_years_are_over(self) -> None:
        if self.step(lambda: risk.let_go(self.assessment)):
            self.tier = None

    @rule()
    def the_file_is_merged(self) -> None:
        if self.step(lambda: risk.merge(self.assessment)):
            self.tier = None

    @invariant()
    def every_step_is_a_legal_one(self) -> None:
        if hasattr(self, "assessment"):
            before = self.before.state
            follows = frozenset().union(*(ways[before] for ways in risk.TRANSITIONS.values() if before in ways))
            assert self.assessment.state in follows | {before}

    @invariant()
    def the_newest_word_on_each_fact_is_kept(self) -> None:
        if hasattr(self, "assessment"):
            kept = {(one.fact, one.origin.int): one for one in self.assessment.facts}
            assert kept == self.facts

    @invariant()
    def only_a_person_sets_a_tier_and_it_stays_in_force_until_the_next_decision(self) -> None:
        if hasattr(self, "assessment"):
            assert self.assessment.tier is self.tier

    @invariant()
    def a_live_assessment_has_a_next_deadline_and_an_ended_one_has_none(self) -> None:
        if hasattr(self, "assessment"):
            is_live = self.assessment.state in (State.PROPOSED, State.DECIDED)
            assert (self.assessment.due_at is not None) == is_live
            assert (self.assessment.due_rule is not None) == is_live

    @invariant()
    def what_is_proposed_follows_from_the_facts(self) -> None:
        if hasattr(self, "assessment") and self.assessment.state is not State.MERGED:
            proposed = risk.proposal(self.assessment.facts, TIER_RULES)
            assert (self.assessment.proposed_tier, self.assessment.reasons) == proposed


TestAssessmentMachine = AssessmentMachine.TestCase
