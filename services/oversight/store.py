"""Tables of oversight."""

from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid, func, select

from services.oversight.domain.case import AggregateState, Line
from services.oversight.domain.comparison import KnownRelease, KnownTask
from services.oversight.domain.discrepancy import Discrepancy, Kind, SubjectKind
from services.oversight.domain.transitions import State
from services.oversight.indicators import Snapshot
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.types import JsonValue
from shared.storage.work import Transaction

metadata = new_metadata()

timeline = Table(
    "timeline",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("person_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("actor", Text),
    Column("state", Text, nullable=False),
    Index("ix_timeline_person", "person_id", "occurred_at", "event_id"),
)

aggregate_states = Table(
    "aggregate_state",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Uuid),  # null of what is about no person: statements, headcounts
    Column("state", Text, nullable=False),
    Column("division", Text),
    Column("holder", Text),
    Column("asked", Text),  # the office that is asked to take it
    Column("due_at", UtcDateTime),
    Column("changed_at", UtcDateTime, nullable=False),
    Index("ix_aggregate_state_person", "person_id"),
    Index("ix_aggregate_state_stage", "kind", "state", "division"),
)


versions = Table(
    "version",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("aggregate_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Uuid),
    Column("division", Text),
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("known_at", UtcDateTime, nullable=False),
    Column("data", JsonValue(dict[str, Any]), nullable=False),
    Index("ix_version_latest", "kind", "aggregate_id", "sequence"),
)


merged_files = Table(
    "merged_file",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("merged_into", Uuid, nullable=False, index=True),
)


known_releases = Table(
    "known_release",
    metadata,
    Column("release_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("centre", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("needs_handover", Boolean, nullable=False),
    Column("release_at", UtcDateTime, nullable=False),
    Column("executed_at", UtcDateTime),
    Column("day", Date, nullable=False, index=True),  # on which the person left, or is to leave
    Column("alarm", Text),
    Column("heard_at", UtcDateTime, nullable=False),
)
_alarm = known_releases.c.alarm
Index("ix_known_release_alarm", _alarm, postgresql_where=_alarm.is_not(None), sqlite_where=_alarm.is_not(None))

known_tasks = Table(
    "known_task",
    metadata,
    Column("task_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("release_id", Uuid, nullable=False, index=True),  # not unique: two tasks of one release are to be found
    Column("person_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("division", Text),
    Column("release_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("day", Date, nullable=False, index=True),
    Column("said_at", UtcDateTime, nullable=False),
    Column("heard_at", UtcDateTime, nullable=False),
)

known_headcounts = Table(
    "known_headcount",
    metadata,
    Column("headcount_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("centre", Text, nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("counted", Integer),
    Column("expected", Integer, nullable=False),
)

stated_parts = Table(
    "stated_part",
    metadata,
    Column("statement_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("scope", Text, nullable=False),  # a centre; "" of tasks
    Column("day", Date, nullable=False),
    Column("part", Integer, nullable=False),
    Column("parts", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    Column("digest", Text, nullable=False),
    Column("entries", JsonValue(list[dict[str, Any]]), nullable=False),
    Column("stated_at", UtcDateTime, nullable=False),
    Index("ix_stated_part_day", "day", "kind"),
)

# What must have been said and was not heard yet. Most of it arrives a moment later.
awaited_events = Table(
    "awaited_event",
    metadata,
    Column("key", Text, primary_key=True),  # the aggregate and the number of its event
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("aggregate_id", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("type", Text),  # null where only the number is known
    Column("event_id", Uuid),
    Column("since", UtcDateTime, nullable=False),
)

# Of which a number was said twice, by two events: its service was restored, and forgot what it had said.
forked_aggregates = Table(
    "forked_aggregate",
    metadata,
    Column("aggregate_id", Uuid, primary_key=True),
    Column("service", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("person_id", Uuid),
    Column("sequence", Integer, nullable=False),  # the first number that was said twice
    Column("newest", Integer, nullable=False),  # of the history that is forgotten; hearers follow what is newer
)

discrepancies = Table(
    "discrepancy",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", EnumText(Kind), nullable=False),
    Column("state", EnumText(State), nullable=False),
    Column("subject_kind", EnumText(SubjectKind), nullable=False),
    Column("subject", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("person_id", Uuid, index=True),
    Column("division", Text),
    Column("day", Date),
    Column("detail", Text),
    Column("number", Integer),
    Column("found_at", UtcDateTime, nullable=False),
    Column("urgency", Text, nullable=False),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("explanation", Text),
    Column("explained_at", UtcDateTime),
    Column("explained_by", Text),
    Column("resolved_at", UtcDateTime),
    Index("ix_discrepancy_state", "state", "urgency"),
)

comparisons = Table(
    "comparison",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownHeadcount:
    """What a centre counted on a day, and how many should have been there."""

    headcount_id: UUID
    version: int
    centre: str
    day: date
    counted: int | None
    expected: int


@dataclass(frozen=True, slots=True)
class StatedPart:
    """A part of what a service stated of a day."""

    statement_id: UUID
    version: int
    kind: str
    scope: str
    day: date
    part: int
    parts: int
    count: int
    digest: str
    entries: list[dict[str, Any]]
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class AwaitedEvent:
    """An event that must have been said, and was not heard yet."""

    key: str
    service: str
    kind: str
    aggregate_id: UUID
    sequence: int
    type: str | None
    event_id: UUID | None
    since: datetime


@dataclass(frozen=True, slots=True)
class ForkedAggregate:
    """An aggregate of which its service, restored to an earlier moment, says numbers again with other events."""

    aggregate_id: UUID
    service: str
    kind: str
    person_id: UUID | None
    sequence: int
    newest: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """When everything was last compared."""

    name: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MergedFile:
    """A person's file that was given up, and the one into which it was merged."""

    person_id: UUID
    merged_into: UUID


@dataclass(frozen=True, slots=True)
class Version:
    """An aggregate's state as one event told it, and when we learnt of it: any past day can be computed again."""

    event_id: UUID
    aggregate_id: UUID
    sequence: int
    kind: str
    person_id: UUID | None
    division: str | None
    occurred_at: datetime
    known_at: datetime
    data: dict[str, Any]


def discrepancy_data(discrepancy: Discrepancy) -> dict[str, Any]:
    """The discrepancy as its events tell it: that and when it was explained, not the words."""
    hidden = ("id", "version", "urgency", "explanation")
    data = {field.name: getattr(discrepancy, field.name) for field in fields(discrepancy) if field.name not in hidden}
    data["discrepancy_id"] = discrepancy.id
    return data


class Work(UnitOfWork):
    """A transaction of oversight."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.timeline = self.records(timeline, Line)
        self.versions = self.records(versions, Version)
        self.states = self.records(aggregate_states, AggregateState)
        self.merged = self.records(merged_files, MergedFile)
        self.releases = self.records(known_releases, KnownRelease)
        self.tasks = self.records(known_tasks, KnownTask)
        self.headcounts = self.records(known_headcounts, KnownHeadcount)
        self.parts = self.records(stated_parts, StatedPart)
        self.awaited = self.records(awaited_events, AwaitedEvent)
        self.forks = self.records(forked_aggregates, ForkedAggregate)
        self.discrepancies = self.aggregates(discrepancies, Discrepancy, discrepancy_data)
        self.comparisons = self.records(comparisons, Comparison)

    def files_of(self, person_id: UUID) -> list[UUID]:
        """All files of a person: first the one that remains, then those that were merged into it."""
        while (merged := self.merged.find(person_id)) is not None:
            person_id = merged.merged_into
        files = [person_id]
        for file in files:
            files += [one.person_id for one in self.merged.select(merged_files.c.merged_into == file)]
        return files

    def snapshots(self, kind: str, *, known_at: datetime, before: datetime | None = None) -> list[Snapshot]:
        """Each aggregate of a kind in its newest version that was known at a moment, and said before another one."""
        columns = versions.c
        where = [columns.kind == kind, columns.known_at <= known_at]
        if before is not None:
            where.append(columns.occurred_at < before)
        newest = (
            select(columns.aggregate_id, func.max(columns.sequence).label("sequence"))
            .where(*where)
            .group_by(columns.aggregate_id)
            .subquery()
        )
        statement = (
            select(columns.aggregate_id, columns.person_id, columns.kind, columns.division, columns.data)
            .join(
                newest,
                (newest.c.aggregate_id == columns.aggregate_id) & (newest.c.sequence == columns.sequence),
            )
            .order_by(columns.aggregate_id)
        )
        return [Snapshot(*row) for row in self.connection.execute(statement)]
