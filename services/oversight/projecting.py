"""What comparisons need of the events that are heard: releases, tasks, headcounts, statements, what must still come.

Each row is its aggregate's newest version, so duplicates and reordering change nothing. An event that must have been
said and was not heard is noted; that most of them arrive a moment later costs nothing, for the notes are compared with
what was heard before anything follows from them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from services.oversight import policy
from services.oversight.domain.comparison import KnownRelease, KnownTask
from services.oversight.store import AwaitedEvent, ForkedAggregate, KnownHeadcount, StatedPart, Work, versions
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.envelope import Event
from shared.kernel.clock import china_day
from shared.storage.bulk import is_one_of

_SERVICE_OF_SOURCE = len("/baton/")


def keep(event: Event, kind: str, work: Work) -> None:
    """Keep what comparisons need of an event."""
    if kind in _KEEPERS:
        _KEEPERS[kind](event, work)


def note_gap(event: Event, kind: str, work: Work) -> None:
    """Note the numbers before an event's that were not heard: every version of an aggregate is said once."""
    known = work.states.find(event.subject)
    next_number = known.version + 1 if known else 1
    missing = range(max(next_number, event.sequence - policy.MOST_MISSING), event.sequence)
    for sequence in missing:
        _await(work, service_of(event), kind, event.subject, sequence)


def note_fork(event: Event, kind: str, work: Work) -> None:
    """Note an event whose number another one had: its service forgot that one, and hearers ignore this one."""
    known = work.states.find(event.subject)
    if known is None or event.sequence > known.version:
        return
    work.flush()  # what this batch heard counts
    columns = versions.c
    same_number = columns.kind == kind, columns.aggregate_id == event.subject, columns.sequence == event.sequence
    rival = select(columns.event_id).where(*same_number, columns.event_id != event.id).limit(1)
    if work.connection.execute(rival).one_or_none() is None:
        return
    before = work.forks.find(event.subject)
    work.forks.put(
        ForkedAggregate(
            aggregate_id=event.subject,
            service=service_of(event),
            kind=kind,
            person_id=known.person_id,
            sequence=min(event.sequence, before.sequence) if before else event.sequence,
            newest=known.version,
        )
    )


def service_of(event: Event) -> str:
    """Who says it."""
    return event.source[_SERVICE_OF_SOURCE:]


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    by_kind: dict[str, list[UUID]] = {}
    for event in events:
        by_kind.setdefault(CATALOGUE[event.type].aggregate, []).append(event.subject)
    work.releases.prefetch("release_id", by_kind.get("release", ()))
    work.tasks.prefetch("task_id", by_kind.get("handover_task", ()))
    work.headcounts.prefetch("headcount_id", by_kind.get("headcount", ()))
    statements = by_kind.get("statement", []) + by_kind.get("task_statement", [])
    work.parts.prefetch("statement_id", statements)


def _release(event: Event, work: Work) -> None:
    data = event.data
    work.releases.put_newer(
        KnownRelease(
            release_id=event.subject,
            version=event.sequence,
            person_id=data["person_id"],
            centre=data["centre"],
            state=data["state"],
            needs_handover=data["needs_handover"],
            release_at=data["release_at"],
            executed_at=data["executed_at"],
            day=china_day(data["executed_at"] or data["release_at"]),
            alarm=data["alarm"] if data["state"] == "planned" else None,
            heard_at=work.now,
        )
    )


def _task(event: Event, work: Work) -> None:
    data = event.data
    if data["release_id"] is None:
        return
    work.tasks.put_newer(
        KnownTask(
            task_id=event.subject,
            version=event.sequence,
            release_id=data["release_id"],
            person_id=data["person_id"],
            state=data["state"],
            division=data["division"],
            release_at=data["release_at"],
            released_at=data["released_at"],
            day=china_day(data["released_at"] or data["release_at"]),
            said_at=event.time,
            heard_at=work.now,
        )
    )


def _headcount(event: Event, work: Work) -> None:
    data = event.data
    work.headcounts.put_newer(
        KnownHeadcount(event.subject, event.sequence, data["centre"], data["day"], data["counted"], data["expected"])
    )


def _statement(event: Event, work: Work) -> None:
    """Who left a centre. What the register has and no event told must have been said."""
    data = event.data
    if _put_part(event, work, data["centre"], data["executed"], data["releases"]):
        wanted = {(entry["release_id"], entry["version"]) for entry in data["releases"]}
        for release_id, version in sorted(wanted - _heard_versions(work, "release", wanted)):
            _await(work, "release_notification", "release", release_id, version)


def _task_statement(event: Event, work: Work) -> None:
    """Which tasks there are. One of which nothing was heard must have been said."""
    data = event.data
    if _put_part(event, work, "", data["count"], data["tasks"]):
        work.states.prefetch("aggregate_id", (entry["task_id"] for entry in data["tasks"]))
        for entry in data["tasks"]:
            if work.states.find(entry["task_id"]) is None:
                _await(work, "community_handover", "handover_task", entry["task_id"], 1)


def _stream(event: Event, work: Work) -> None:
    """A page of a service's log: each of its events was said."""
    entries = {entry["event_id"]: entry for entry in event.data["events"]}
    heard = _heard_events(work, entries)
    for event_id in entries.keys() - heard:
        entry = entries[event_id]
        contract = CATALOGUE.get(entry["type"])
        kind = contract.aggregate if contract else entry["type"].partition(".")[0]
        _await(work, event.data["service"], kind, entry["subject"], entry["sequence"], entry)


_KEEPERS: Mapping[str, Callable[[Event, Work], None]] = {
    "release": _release,
    "handover_task": _task,
    "headcount": _headcount,
    "statement": _statement,
    "task_statement": _task_statement,
    "stream": _stream,
}


def _put_part(event: Event, work: Work, scope: str, count: int, entries: Any) -> bool:
    data = event.data
    return work.parts.put_newer(
        StatedPart(
            statement_id=event.subject,
            version=event.sequence,
            kind=CATALOGUE[event.type].aggregate,
            scope=scope,
            day=data["day"],
            part=data["part"],
            parts=data["parts"],
            count=count,
            digest=data["digest"],
            entries=orjson.loads(orjson.dumps(entries)),
            stated_at=data["stated_at"],
        )
    )


def _heard_versions(work: Work, kind: str, wanted: Iterable[tuple[UUID, int]]) -> set[tuple[UUID, int]]:
    ids = [aggregate_id for aggregate_id, _ in wanted]
    work.flush()  # what this batch heard counts
    columns = versions.c
    heard = select(columns.aggregate_id, columns.sequence).where(
        columns.kind == kind, is_one_of(work.dialect, versions, "aggregate_id", ids)
    )
    return {(row[0], row[1]) for row in work.connection.execute(heard)} if ids else set()


def _heard_events(work: Work, ids: Iterable[UUID]) -> set[UUID]:
    wanted = list(ids)
    work.flush()
    heard = select(versions.c.event_id).where(is_one_of(work.dialect, versions, "event_id", wanted))
    return set(work.connection.execute(heard).scalars()) if wanted else set()


def _await(work: Work, service: str, kind: str, aggregate_id: UUID, sequence: int, said: Any = None) -> None:
    """Note an event that must have been said; ``said`` is its entry on a page of the log, where it has one."""
    event_type, event_id = (said["type"], said["event_id"]) if said else (None, None)
    key = f"{aggregate_id}/{sequence}"
    work.awaited.add(AwaitedEvent(key, service, kind, aggregate_id, sequence, event_type, event_id, work.now))
