"""Tables of oversight."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid, func, select

from services.oversight.domain import AggregateState, Line
from services.oversight.indicators import Snapshot
from shared.storage import UnitOfWork, UtcDateTime, new_metadata
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
    Column("person_id", Uuid, nullable=False),
    Column("state", Text, nullable=False),
    Column("division", Text),
    Column("holder", Text),
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
    Column("person_id", Uuid, nullable=False),
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
    person_id: UUID
    division: str | None
    occurred_at: datetime
    known_at: datetime
    data: dict[str, Any]


class Work(UnitOfWork):
    """A transaction of oversight."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.timeline = self.records(timeline, Line)
        self.versions = self.records(versions, Version)
        self.states = self.records(aggregate_states, AggregateState)
        self.merged = self.records(merged_files, MergedFile)

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
