"""What person_registry learns from others that bears on a person's risk tier."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.person_registry.assessing import assessment_id, learn
from services.person_registry.duties import KINDS, keys_of, take_up
from services.person_registry.risk import Fact, KnownFact
from services.person_registry.store import Work
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.deadlines import start_of_day
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reaction, Reactions

_HANDOVERS = (
    "handover.met.v1",
    "handover.not_met.v1",
    "handover.contacted.v1",
    "handover.closed.v1",
    "handover.refused_to_report.v1",
    "handover.whereabouts_unknown.v1",
)

_MEASURES = (
    "measure.begun.v1",
    "measure.breached.v1",
    "measure.evasion_counted.v1",
    "measure.whereabouts_unknown.v1",
    "measure.found.v1",
    "measure.moved.v1",
    "measure.suspended.v1",
    "measure.expired.v1",
    "measure.terminated.v1",
)


def on_test_settled(event: Event, work: Work) -> Outcome:
    """A positive result that is final, or fell after all."""
    data = event.data
    stands = data["result"] == "positive" and data["overturned_at"] is None
    return _learnt(event, [_fact(event, Fact.POSITIVE_TEST, data["settled_at"] or event.time, active=stands)], work)


def on_handover(event: Event, work: Work) -> Outcome:
    """How a handover went: its whole state says which facts hold, so the newest version decides."""
    data = event.data
    return _learnt(
        event,
        [
            _fact(event, Fact.LEFT_CUSTODY, data["released_at"], active=data["kind"] == "release"),
            _fact(event, Fact.REFUSED_MEASURE, data["refused_at"], active=data["registered_at"] is None),
            _fact(event, Fact.WHEREABOUTS_UNKNOWN, data["unknown_at"], active=data["state"] == "whereabouts_unknown"),
        ],
        work,
    )


def on_measure(event: Event, work: Work) -> Outcome:
    """How a community measure goes, in the same way."""
    data = event.data
    in_force = data["ended_at"] is None
    return _learnt(
        event,
        [
            _fact(event, Fact.IN_COMMUNITY_MEASURE, start_of_day(data["started_on"]), active=in_force),
            _fact(event, Fact.GRAVE_BREACH, data["breached_at"]),
            _fact(event, Fact.WHEREABOUTS_UNKNOWN, data["unknown_at"], active=data["state"] == "whereabouts_unknown"),
        ],
        work,
    )


def _fact(event: Event, fact: Fact, since: datetime | None, *, active: bool = True) -> KnownFact:
    return KnownFact(fact, event.subject, event.sequence, since or event.time, active and since is not None)


def _learnt(event: Event, news: Sequence[KnownFact], work: Work) -> Outcome:
    return Applied() if learn(event.data["person_id"], news, work=work) else Ignored("nothing_new")


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    work.persons.prefetch(event.data["person_id"] for event in events)
    work.duties.prefetch("key", (key for event in events for key in keys_of(event)))
    work.assessments.prefetch("id", (assessment_id(work.remaining(event.data["person_id"])) for event in events))


def _with_duties(react: Reaction | None) -> Reaction:
    """Every event about a person says who has a duty toward the person now; some bear on the tier as well."""

    def reaction(event: Event, work: Work) -> Outcome:
        new_duties = take_up(event, work)
        outcome = react(event, work) if react is not None else Ignored("nothing_new")
        return Applied() if new_duties else outcome

    return reaction


_OF_TIER: Mapping[str, Reaction] = {
    **dict.fromkeys(("test.settled.v1", "test.overturned.v1"), on_test_settled),
    **dict.fromkeys(_HANDOVERS, on_handover),
    **dict.fromkeys(_MEASURES, on_measure),
}
HEARD = tuple(event for event, contract in CATALOGUE.items() if contract.aggregate in KINDS)
REACTIONS = Reactions({event: _with_duties(_OF_TIER.get(event)) for event in HEARD}, prefetch=prefetch)
