"""Risk tiers: proposed by rules from facts, each with its reason, and in force only when a person has decided. Pure.

禁毒办通〔2016〕37号 has three tiers; a person may ask for an explanation and refuse a decision that only a machine made
(个人信息保护法 art. 24). Three years without relapse end dynamic control (戒毒条例 art. 7).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.kernel.clock import china_day
from shared.kernel.deadlines import Confidence, NextDue, add_months, start_of_day
from shared.kernel.errors import Conflict, invalid_field


class Tier(StrEnum):
    """How closely a person is accompanied."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Fact(StrEnum):
    """What is known of a person and bears on the tier."""

    REFUSED_MEASURE = "refused_measure"
    GRAVE_BREACH = "grave_breach"
    SELF_HARM_OR_DISORDER = "self_harm_or_disorder"
    ILLNESS_BARS_CUSTODY = "illness_bars_custody"
    VIOLENCE = "violence"
    WHEREABOUTS_UNKNOWN = "whereabouts_unknown"
    IN_COMMUNITY_MEASURE = "in_community_measure"
    MAINTENANCE_TREATMENT = "maintenance_treatment"
    LEFT_CUSTODY = "left_custody"
    POSITIVE_TEST = "positive_test"


# What somebody enters; the others follow from events.
ENTERED = frozenset(
    {
        Fact.GRAVE_BREACH,
        Fact.SELF_HARM_OR_DISORDER,
        Fact.ILLNESS_BARS_CUSTODY,
        Fact.VIOLENCE,
        Fact.MAINTENANCE_TREATMENT,
    }
)
# From when the three years without relapse are counted: the latest of these (戒毒条例 art. 7).
STARTS_CLEAN_TIME = frozenset(
    {Fact.POSITIVE_TEST, Fact.LEFT_CUSTODY, Fact.IN_COMMUNITY_MEASURE, Fact.REFUSED_MEASURE, Fact.GRAVE_BREACH}
)


class State(StrEnum):
    """Where an assessment is."""

    PROPOSED = "proposed"  # waits for a person's decision; a tier decided before stays in force
    DECIDED = "decided"
    ENDED = "ended"  # three years clean: the platform lets go
    MERGED = "merged"  # its facts are in the assessment of the person's other file


class Act(StrEnum):
    """What can happen to an assessment, as said of it: the assessment is …"""

    ASSESSED = "assessed again"
    DECIDED = "decided"
    REVIEWED = "due for review"
    LET_GO = "ended after three clean years"
    MERGED = "merged into another one"


_LIVE = (State.PROPOSED, State.DECIDED)
TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.ASSESSED: {
        State.PROPOSED: frozenset({State.PROPOSED}),
        State.DECIDED: frozenset({State.DECIDED, State.PROPOSED}),
        State.ENDED: frozenset({State.PROPOSED}),
    },
    Act.DECIDED: dict.fromkeys(_LIVE, frozenset({State.DECIDED})),
    Act.REVIEWED: {State.DECIDED: frozenset({State.PROPOSED})},
    Act.LET_GO: dict.fromkeys(_LIVE, frozenset({State.ENDED})),
    Act.MERGED: dict.fromkeys((*_LIVE, State.ENDED), frozenset({State.MERGED})),
}
BEGINNINGS = (State.PROPOSED,)


@dataclass(frozen=True, slots=True)
class Rule:
    """Why a fact asks for a tier."""

    id: str
    fact: Fact
    tier: Tier
    reason_zh: str
    reason_en: str
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules in force, and how long without relapse ends dynamic control."""

    rules: tuple[Rule, ...]
    clean_years: int


@dataclass(frozen=True, slots=True)
class KnownFact:
    """A fact about a person, from one origin (a task, a test, somebody's entry), in its newest version."""

    fact: Fact
    origin: UUID
    origin_version: int
    since: datetime
    active: bool


@dataclass(frozen=True, slots=True)
class Assessment:
    """A person's risk assessment. ``tier`` is the one in force; None before the first decision and after the end."""

    id: UUID
    version: int
    person_id: UUID
    state: State
    facts: tuple[KnownFact, ...]
    clean_until: datetime | None  # when three years without relapse are over
    proposed_tier: Tier
    reasons: tuple[str, ...]  # ids of rules
    proposed_at: datetime
    due_rule: str | None
    due_at: datetime | None
    tier: Tier | None = None
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    due_from: datetime | None = None  # where a provisional deadline began


_ORDER = (Tier.HIGH, Tier.MEDIUM, Tier.LOW)


def proposal(facts: Iterable[KnownFact], rules: Iterable[Rule]) -> tuple[Tier, tuple[str, ...]]:
    """The highest tier that an active fact asks for, and the rules that ask for it; low when none does."""
    active = {known.fact for known in facts if known.active}
    asking = [rule for rule in rules if rule.fact in active]
    tier = min((rule.tier for rule in asking), key=_ORDER.index, default=Tier.LOW)
    return tier, tuple(rule.id for rule in asking if rule.tier is tier)


def with_facts(facts: tuple[KnownFact, ...], news: Iterable[KnownFact]) -> tuple[KnownFact, ...]:
    """The facts with newer versions put in; an older version changes nothing, in whatever order they come."""
    known = {(one.fact, one.origin): one for one in facts}
    for new in news:
        old = known.get((new.fact, new.origin))
        if old is None or old.origin_version < new.origin_version:
            known[new.fact, new.origin] = new
    return tuple(sorted(known.values(), key=lambda one: (one.fact, one.origin)))


def clean_since(facts: Iterable[KnownFact]) -> datetime | None:
    """From when a person is counted as clean: the last use, measure, release, refusal or breach."""
    return max((one.since for one in facts if one.active and one.fact in STARTS_CLEAN_TIME), default=None)


def clean_until(facts: Iterable[KnownFact], years: int) -> datetime | None:
    """When three years without relapse are over; None while nothing is known or nobody knows where the person is."""
    known = tuple(facts)
    since = clean_since(known)
    if since is None or any(one.active and one.fact is Fact.WHEREABOUTS_UNKNOWN for one in known):
        return None
    return start_of_day(add_months(china_day(since), 12 * years))


def first_assessment(
    assessment_id: UUID, person_id: UUID, facts: tuple[KnownFact, ...], policy: Policy, *, now: datetime, due: NextDue
) -> Assessment:
    """The assessment of somebody of whom a fact is known for the first time."""
    tier, reasons = proposal(facts, policy.rules)
    until = clean_until(facts, policy.clean_years)
    return Assessment(
        assessment_id,
        1,
        person_id,
        State.PROPOSED,
        facts,
        until,
        tier,
        reasons,
        now,
        due.rule,
        due.at,
        due_from=due.starts,
    )


def assess_again(
    before: Assessment, facts: tuple[KnownFact, ...], policy: Policy, *, now: datetime, due: NextDue
) -> Assessment | None:
    """Facts changed: a new proposal if the tier or its reasons change; None when not even the facts do, or when the
    assessment was merged into another one.
    """
    if facts == before.facts or before.state not in TRANSITIONS[Act.ASSESSED]:
        return None
    tier, reasons = proposal(facts, policy.rules)
    until = clean_until(facts, policy.clean_years)
    changed = replace(before, version=before.version + 1, facts=facts, clean_until=until)
    if (tier, reasons) == (before.proposed_tier, before.reasons) and before.state is not State.ENDED:
        return changed
    return replace(
        changed,
        state=State.PROPOSED,
        proposed_tier=tier,
        reasons=reasons,
        proposed_at=now,
        due_rule=due.rule,
        due_at=due.at,
        due_from=due.starts,
    )


def decide(before: Assessment, tier: Tier, *, reason: str | None, by: str, now: datetime, due: NextDue) -> Assessment:
    """A person decides; another tier than the proposed one, up or down, needs a reason.

    Raises: InvalidInput ``risk.reason_missing``; Conflict ``risk.ended`` or ``risk.merged``.
    """
    require(before, Act.DECIDED)
    if tier is not before.proposed_tier and not reason:
        raise invalid_field("/reason", "risk.reason_missing", "another tier than the proposed one needs a reason")
    return replace(
        before,
        version=before.version + 1,
        state=State.DECIDED,
        tier=tier,
        decided_by=by,
        decided_at=now,
        decision_reason=reason,
        due_rule=due.rule,
        due_at=due.at,
        due_from=due.starts,
    )


def review(before: Assessment, *, now: datetime, due: NextDue) -> Assessment:
    """The time of a decision is over: it is asked for again; the tier stays in force until then.

    Raises: Conflict ``risk.ended``, ``risk.merged`` or ``risk.not_decided``.
    """
    require(before, Act.REVIEWED)
    return replace(
        before,
        version=before.version + 1,
        state=State.PROPOSED,
        proposed_at=now,
        due_rule=due.rule,
        due_at=due.at,
        due_from=due.starts,
    )


def let_go(before: Assessment) -> Assessment:
    """Three years without relapse: dynamic control ends (戒毒条例 art. 7), and with it the tier.

    Raises: Conflict ``risk.ended`` or ``risk.merged``.
    """
    require(before, Act.LET_GO)
    return replace(
        before, version=before.version + 1, state=State.ENDED, tier=None, due_rule=None, due_at=None, due_from=None
    )


def merge(before: Assessment) -> Assessment:
    """The person's file was merged into another one, whose assessment takes the facts: no tier and no duty here.

    Raises: Conflict ``risk.merged``.
    """
    require(before, Act.MERGED)
    return replace(
        before, version=before.version + 1, state=State.MERGED, tier=None, due_rule=None, due_at=None, due_from=None
    )


def _without_duty(before: Assessment, state: State) -> Assessment:
    over = {"state": state, "tier": None, "due_rule": None, "due_at": None, "due_from": None}
    return replace(before, version=before.version + 1, **over)  # type: ignore[arg-type]


_WHY_NOT = {
    State.ENDED: "three years clean: dynamic control is over",
    State.MERGED: "the person's file was merged into another one, which has the assessment",
}


def require(before: Assessment, act: Act) -> None:
    """Check that something can happen to an assessment now.

    Raises: Conflict ``risk.ended``, ``risk.merged`` or ``risk.not_decided``.
    """
    if before.state not in TRANSITIONS[act]:
        code = "risk.not_decided" if before.state is State.PROPOSED else f"risk.{before.state.value}"
        raise Conflict(code, _WHY_NOT.get(before.state, "there is no decision to review"), act=act.value)
