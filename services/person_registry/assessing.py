"""What is done with risk assessments: by people, by events, by time."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, or_

from services.person_registry import domain, policy, risk
from services.person_registry.risk import Assessment, Fact, KnownFact, State, Tier
from services.person_registry.store import Work, assessments
from shared.kernel.errors import invalid_field
from shared.kernel.ids import derived_id
from shared.reference.calendar import next_due

AT_ONCE = 200


def assessment_id(person_id: UUID) -> UUID:
    """The one assessment of a person."""
    return derived_id(person_id, "risk")


def learn(person_id: UUID, news: Iterable[KnownFact], *, work: Work) -> bool:
    """Take facts in and propose a tier again where they change it; whether anything was new. What is learnt of a file
    that was merged is learnt of the one that remains.
    """
    person_id = work.remaining(person_id)
    before = work.assessments.find(assessment_id(person_id))
    due = next_due(policy.DECIDE, work.now)
    if before is None:
        facts = risk.with_facts((), news)
        if not any(known.active for known in facts):
            return False
        first = risk.first_assessment(assessment_id(person_id), person_id, facts, policy.POLICY, now=work.now, due=due)
        work.assessments.save(first, "risk.proposed.v1")
        return True
    again = risk.assess_again(before, risk.with_facts(before.facts, news), policy.POLICY, now=work.now, due=due)
    if again is None:
        return False
    work.assessments.save(again, "risk.proposed.v1" if again.state is State.PROPOSED else "risk.facts_changed.v1")
    return True


def enter_fact(person_id: UUID, fact: Fact, *, active: bool, since: datetime | None, work: Work) -> Assessment:
    """Enter a fact that no event tells, or that it is over.

    Raises: NotFound ``person.not_found``; Conflict ``person.merged``, ``person.sealed``; InvalidInput
    ``risk.fact_from_events``, ``risk.nothing_known`` or ``time.in_future``.
    """
    domain.require(work.persons.get(person_id), domain.Act.CHANGED)
    if fact not in risk.ENTERED:
        raise invalid_field("/fact", "risk.fact_from_events", "this follows from what is entered elsewhere")
    if since is not None and since > work.now:
        raise invalid_field("/since", "time.in_future", "this lies in the future")
    before = work.assessments.find(assessment_id(person_id))
    origin = derived_id(person_id, "entered")
    entered = [one for one in (before.facts if before else ()) if (one.fact, one.origin) == (fact, origin)]
    version = entered[0].origin_version + 1 if entered else 1
    learn(person_id, [KnownFact(fact, origin, version, since or work.now, active)], work=work)
    after = work.assessments.find(assessment_id(person_id))
    if after is None:
        raise invalid_field("/active", "risk.nothing_known", "no such fact is known of this person")
    return after


def decide(person_id: UUID, tier: Tier, *, reason: str | None, by: str, work: Work) -> Assessment:
    """Decide the tier.

    Raises: NotFound ``risk_assessment.not_found``; see `risk.decide`.
    """
    before = work.assessments.get(assessment_id(person_id))
    decided = risk.decide(before, tier, reason=reason, by=by, now=work.now, due=next_due(policy.REVIEW, work.now))
    return work.assessments.save(decided, "risk.decided.v1")


def hand_over(given_up: UUID, remaining: UUID, *, work: Work) -> None:
    """A file was merged into another one: the facts known of it count there, and its own assessment is over."""
    before = work.assessments.find(assessment_id(given_up))
    if before is None or before.state is State.MERGED:
        return
    work.assessments.save(risk.merge(before), "risk.merged.v1")
    learn(remaining, before.facts, work=work)


def review_due(work: Work) -> int:
    """Ask again for decisions whose time is over, and let go of who is three years clean."""
    decided = assessments.c.state == State.DECIDED
    decided_or_proposed = assessments.c.state.in_((State.PROPOSED, State.DECIDED))
    due = work.assessments.select(
        decided_or_proposed,
        or_(assessments.c.clean_until <= work.now, and_(decided, assessments.c.due_at <= work.now)),
        order_by=assessments.c.due_at,
        limit=AT_ONCE,
    )
    for one in due:
        if one.clean_until is not None and one.clean_until <= work.now:
            work.assessments.save(risk.let_go(one), "risk.ended.v1")
        else:
            again = risk.review(one, now=work.now, due=next_due(policy.DECIDE, work.now))
            work.assessments.save(again, "risk.proposed.v1")
    return len(due)
