"""Tables of oversight."""

from sqlalchemy import Column, Index, Integer, Table, Text, Uuid

from services.oversight.domain import AggregateState, Line
from shared.storage import UnitOfWork, UtcDateTime, new_metadata
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


class Work(UnitOfWork):
    """A transaction of oversight."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.timeline = self.records(timeline, Line)
        self.states = self.records(aggregate_states, AggregateState)
