"""What oversight does about everything it hears: remembers it."""

from collections.abc import Sequence

import orjson

from services.oversight.domain import AggregateState, Line, division_of, holder_of, next_due
from services.oversight.store import MergedFile, Version, Work
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Outcome
from shared.messaging.reactions import Reactions


def on_event(event: Event, work: Work) -> Outcome:
    """One line of the timeline, always; the state of the aggregate, if this is the newest."""
    kind, data = CATALOGUE[event.type].aggregate, event.data
    work.timeline.add(
        Line(
            event_id=event.id,
            person_id=data["person_id"],
            kind=kind,
            aggregate_id=event.subject,
            sequence=event.sequence,
            type=event.type,
            occurred_at=event.time,
            actor=event.actor,
            state=data["state"],
        )
    )
    work.versions.add(
        Version(
            event_id=event.id,
            aggregate_id=event.subject,
            sequence=event.sequence,
            kind=kind,
            person_id=data["person_id"],
            division=division_of(data),
            occurred_at=event.time,
            known_at=work.now,
            data=orjson.loads(orjson.dumps(data)),
        )
    )
    work.states.put_newer(
        AggregateState(
            aggregate_id=event.subject,
            version=event.sequence,
            kind=kind,
            person_id=data["person_id"],
            state=data["state"],
            division=division_of(data),
            holder=holder_of(data),
            due_at=next_due(data),
            changed_at=event.time,
        )
    )
    if data.get("merged_into") is not None:
        work.merged.put(MergedFile(event.subject, data["merged_into"]))
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read the aggregates of a batch in one query."""
    work.states.prefetch("aggregate_id", (event.subject for event in events))


REACTIONS = Reactions(dict.fromkeys(CATALOGUE, on_event), prefetch=prefetch)
