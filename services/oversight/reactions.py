"""What oversight does about everything it hears: remembers it, and keeps what it compares."""

from collections.abc import Sequence

import orjson

from services.oversight import projecting
from services.oversight.domain.case import AggregateState, Line, asked_of, division_of, holder_of, next_due
from services.oversight.store import MergedFile, Version, Work
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Outcome
from shared.messaging.reactions import Reactions


def on_event(event: Event, work: Work) -> Outcome:
    """One line of the person's timeline, if it is about one; the state of the aggregate, if this is the newest."""
    kind, data = CATALOGUE[event.type].aggregate, event.data
    person_id = data.get("person_id")
    projecting.note_gap(event, kind, work)
    projecting.note_fork(event, kind, work)
    if person_id is not None:
        work.timeline.add(
            Line(
                event_id=event.id,
                person_id=person_id,
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
            person_id=person_id,
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
            person_id=person_id,
            state=data["state"],
            division=division_of(data),
            holder=holder_of(data),
            due_at=next_due(data),
            changed_at=event.time,
            asked=asked_of(data),
        )
    )
    if data.get("merged_into") is not None:
        work.merged.put(MergedFile(event.subject, data["merged_into"]))
    projecting.keep(event, kind, work)
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read the aggregates of a batch: one query for each table."""
    work.states.prefetch("aggregate_id", (event.subject for event in events))
    projecting.prefetch(events, work)


REACTIONS = Reactions(dict.fromkeys(CATALOGUE, on_event), prefetch=prefetch)
