"""Decisions and stays: driven at random against what must always hold; the arithmetic of terms by property."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from services.detention_intake.domain import deciding
from services.detention_intake.domain import stay as staying
from services.detention_intake.domain.deciding import Decision
from services.detention_intake.domain.order import (
    Addressee,
    Circumstance,
    IsolationGround,
    Kind,
    Notice,
    Order,
    RefusalReason,
)
from services.detention_intake.domain.order_transitions import FINISHED, ORDER_TRANSITIONS, OrderState
from services.detention_intake.domain.stay import Assessment, Grade, Proposal, Stay
from services.detention_intake.domain.stay_transitions import STAY_TRANSITIONS, StayAct, StayState
from services.detention_intake.policy import CONVERTS, TERMS
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, last_day_of_term
from shared.kernel.errors import BatonError, InvalidInput

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)
DECIDED = date(2026, 11, 23)
ORDER = Order(UUID(int=1), 1, UUID(int=2), None, "430802001", OrderState.DECISION_DUE)


def decision(kind: Kind, *circumstances: Circumstance) -> Decision:
    return Decision(
        kind=kind,
        deciding_organ="GA",
        decided_on=DECIDED,
        legal_reviewer="FZ",
        detention_days=10 if kind is Kind.ADMINISTRATIVE_DETENTION else None,
        isolation_ground=IsolationGround.SEVERE_ADDICTION,
        circumstances=circumstances,
        spared_reason="x",
    )


def at(now: datetime, days: int = 1, rule_id: str = "X") -> NextDue:
    return NextDue(rule_id, now + timedelta(days=days))


def begun() -> Order:
    due = at(NOW)
    return deciding.replacement(ORDER, order_id=UUID(int=3), due=due)


def served(kind: Kind = Kind.COMPULSORY_ISOLATION) -> Order:
    issued = deciding.decide(begun(), decision(kind), isolation_months=24, service_due=at(NOW))
    return deciding.serve(
        issued, at=NOW, notify=at(NOW, 1, "D1"), admission=at(NOW, 2), reconsider_until=NOW, sue_until=NOW
    )


def admitted() -> Stay:
    _, stay = staying.admit(
        served(),
        at=NOW,
        centre="c1",
        stay_id=UUID(int=9),
        special=None,
        family_due=at(NOW, 5, "D2"),
        move_due=at(NOW, 180, "D3"),
    )
    return stay


def codes(refusal: BatonError) -> list[str]:
    return [field.code for field in refusal.fields] if isinstance(refusal, InvalidInput) else [refusal.code]


class OrderMachine(RuleBasedStateMachine):
    """Everything that can happen to a decision, in any order."""

    @initialize(situation=st.sampled_from([begun, served, lambda: served(Kind.COMMUNITY_DETOX)]))
    def begin(self, situation: Callable[[], Order]) -> None:
        self.now = NOW
        self.order = self.before = situation()
        self.reviews = 0
        self.stays = 0

    def step(self, act: Callable[[], Order]) -> bool:
        self.before = self.order
        try:
            self.order = act()
        except BatonError as refusal:
            prefixes = ("order.", "decision.", "review.", "time.", "notice.", "refusal.")
            assert all(code.startswith(prefixes) for code in codes(refusal))
            return False
        assert self.order.version == self.before.version + 1
        return True

    @rule(hours=st.integers(0, 100))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)

    @rule(kind=st.sampled_from(Kind), circumstances=st.lists(st.sampled_from(Circumstance), max_size=1))
    def it_is_decided(self, kind: Kind, circumstances: list[Circumstance]) -> None:
        made = decision(kind, *circumstances)
        self.step(lambda: deciding.decide(self.order, made, isolation_months=24, service_due=at(self.now)))

    @rule()
    def it_is_served(self) -> None:
        self.step(
            lambda: deciding.serve(
                self.order,
                at=self.now,
                notify=at(self.now, 1, "D1"),
                admission=at(self.now, 2),
                reconsider_until=self.now,
                sue_until=self.now,
            )
        )

    @rule(addressee=st.sampled_from(Addressee))
    def somebody_is_told(self, addressee: Addressee) -> None:
        self.step(lambda: deciding.notify(self.order, Notice(addressee, self.now, "post", "R")))

    @rule()
    def the_centre_takes_the_person_in(self) -> None:
        def admit() -> Order:
            order, _ = staying.admit(
                self.order,
                at=self.now,
                centre="c",
                stay_id=UUID(int=9),
                special=None,
                family_due=None,
                move_due=None,
            )
            return order

        self.stays += self.step(admit)

    @rule(reason=st.sampled_from(RefusalReason), retries=st.booleans())
    def the_centre_refuses(self, reason: RefusalReason, retries: bool) -> None:
        retry = at(self.now, 10) if retries else None
        self.step(
            lambda: deciding.refuse_admission(self.order, reason=reason, note="x", retry=retry, converts=CONVERTS)
        )

    @rule()
    def the_person_evades(self) -> None:
        self.step(lambda: deciding.abscond(self.order, due=at(self.now)))

    @rule()
    def the_test_falls(self) -> None:
        if self.order.state is OrderState.DECISION_DUE:
            self.step(lambda: deciding.lapse(self.order))
        else:
            self.reviews += self.step(
                lambda: deciding.open_review(self.order, now=self.now, reason="x", due=at(self.now, 1, "V1"))
            )

    @rule()
    def the_review_upholds(self) -> None:
        self.step(lambda: deciding.uphold(self.order, note="x"))

    @rule()
    def it_is_revoked(self) -> None:
        self.step(lambda: deciding.revoke(self.order, now=self.now, note="x"))

    @invariant()
    def only_drawn_ways_are_gone(self) -> None:
        was, now = self.before.state, self.order.state
        assert was == now or any(now in ways.get(was, ()) for ways in ORDER_TRANSITIONS.values())

    @invariant()
    def what_is_to_be_done_has_its_deadline(self) -> None:
        order = self.order
        open_duties = [order.step_due, order.notify_due, order.review_due]
        assert (order.due_at is None) == (not any(open_duties))
        assert (order.step_due is None) == (order.state in FINISHED)

    @invariant()
    def it_is_reviewed_and_executed_at_most_once(self) -> None:
        assert self.reviews <= 1
        assert self.stays <= 1

    @invariant()
    def nobody_nursing_is_isolated(self) -> None:
        isolated = self.order.kind is Kind.COMPULSORY_ISOLATION
        assert not (isolated and Circumstance.PREGNANT_OR_NURSING in self.order.circumstances)


TestOrderMachine = OrderMachine.TestCase


class StayMachine(RuleBasedStateMachine):
    """Everything that can happen to a stay, in any order; a plain count of days at large stands beside it."""

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.stay = self.before = admitted()
        self.days_at_large = 0
        self.allowed_last_day = self.stay.term_last_day

    def step(self, act: Callable[[], Stay]) -> bool:
        self.before = self.stay
        try:
            self.stay = act()
        except BatonError as refusal:
            assert all(code.startswith(("stay.", "term.", "time.", "transfer.")) for code in codes(refusal))
            return False
        assert self.stay.version == self.before.version + 1
        return True

    @rule(days=st.integers(0, 200))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def the_family_is_told(self) -> None:
        self.step(lambda: staying.tell_family(self.stay, at=self.now))

    @rule(to=st.sampled_from(["c1", "c2"]))
    def the_person_is_moved(self, to: str) -> None:
        self.step(lambda: staying.transfer(self.stay, at=self.now, to=to, move_due=None))

    @rule(
        act=st.sampled_from([StayAct.LEFT_FOR_TREATMENT, StayAct.LEFT_FOR_COURT, StayAct.ESCAPED, StayAct.TAKEN_AWAY])
    )
    def the_person_leaves(self, act: StayAct) -> None:
        since = self.stay.away_since if self.stay.state is StayState.ESCAPED else None
        if self.step(lambda: staying.leave(self.stay, act, at=self.now, review=at(self.now, 30, "D14"))):
            self.count_at_large(since)

    @rule()
    def the_person_is_back(self) -> None:
        since = self.stay.away_since if self.stay.state is StayState.ESCAPED else None
        if self.step(lambda: staying.come_back(self.stay, at=self.now)):
            self.count_at_large(since)

    def count_at_large(self, since: datetime | None) -> None:
        if since is not None:
            days = (china_day(self.now) - china_day(since)).days
            self.days_at_large += days
            self.allowed_last_day += timedelta(days=days)

    @rule(grade=st.sampled_from(Grade))
    def an_assessment_is_made(self, grade: Grade) -> None:
        self.step(lambda: staying.assess(self.stay, Assessment(china_day(self.now), grade)))

    @rule(kind=st.sampled_from(Proposal), months=st.integers(6, 40))
    def another_end_is_proposed(self, kind: Proposal, months: int) -> None:
        last_day = last_day_of_term(DECIDED, months)
        self.step(
            lambda: staying.propose(
                self.stay, kind, last_day=last_day, now=self.now, due=at(self.now, 7, "D5"), policy=TERMS
            )
        )

    @rule(approved=st.booleans())
    def the_organ_answers(self, approved: bool) -> None:
        if self.step(lambda: staying.decide_term(self.stay, approved=approved, note="x", now=self.now)) and approved:
            self.allowed_last_day = max(self.allowed_last_day, self.stay.term_last_day)

    @rule()
    def the_person_goes(self) -> None:
        self.step(lambda: staying.end(self.stay, at=self.now, kind="term_expired", release_id=None))

    @invariant()
    def only_drawn_ways_are_gone(self) -> None:
        was, now = self.before.state, self.stay.state
        assert was == now or any(now in ways.get(was, ()) for ways in STAY_TRANSITIONS.values())

    @invariant()
    def an_open_stay_has_one_deadline_and_an_ended_one_none(self) -> None:
        assert (self.stay.due_at is None) == (self.stay.state is StayState.ENDED)

    @invariant()
    def nobody_is_kept_longer_than_the_law_allows(self) -> None:
        assert self.stay.days_at_large == self.days_at_large
        longest = last_day_of_term(DECIDED, TERMS.isolation + TERMS.most_extension)
        assert self.stay.term_last_day <= longest + timedelta(days=self.days_at_large)
        assert self.stay.term_last_day <= self.allowed_last_day

    @invariant()
    def nobody_goes_early_before_a_year_or_after_an_escape(self) -> None:
        proposal = self.stay.proposal
        if proposal is not None and proposal.approved and proposal.kind is Proposal.EARLY_RELEASE:
            assert proposal.last_day is not None
            assert proposal.last_day >= last_day_of_term(DECIDED, TERMS.early_release_after)


TestStayMachine = StayMachine.TestCase


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.booleans()), max_size=6),
)
def test_the_end_moves_by_the_days_at_large_and_by_nothing_else(trips: list[tuple[int, int, bool]]) -> None:
    stay, now, at_large = admitted(), NOW, 0
    for inside, outside, escaped in trips:
        now += timedelta(days=inside)
        act: Any = StayAct.ESCAPED if escaped else StayAct.LEFT_FOR_TREATMENT
        stay = staying.leave(stay, act, at=now, review=at(now))
        now += timedelta(days=outside)
        stay = staying.come_back(stay, at=now)
        at_large += outside if escaped else 0
    assert stay.term_last_day == last_day_of_term(DECIDED, 24) + timedelta(days=at_large)


def test_every_state_can_be_reached() -> None:
    for transitions, states, first in (
        (ORDER_TRANSITIONS, OrderState, OrderState.DECISION_DUE),
        (STAY_TRANSITIONS, StayState, StayState.IN_CUSTODY),
    ):
        reached = {first} | {s for ways in transitions.values() for after in ways.values() for s in after}
        assert reached == set(states)
