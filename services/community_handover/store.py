"""Tables of community_handover."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, ColumnElement, Index, Integer, Table, Text, Uuid, exists, func, or_, select

from services.community_handover.domain import Ground, HolderKind, Outcome, State, Task
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.work import Transaction

metadata = new_metadata()

tasks = Table(
    "task",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("release_id", Uuid, nullable=False, unique=True),  # one release, one task
    Column("release_version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("legal_ground", EnumText(Ground), nullable=False),
    Column("state", EnumText(State), nullable=False),
    Column("holder_kind", EnumText(HolderKind), nullable=False),
    Column("holder", Text, nullable=False),
    Column("office", Text),
    Column("division", Text),
    Column("assigned", Boolean, nullable=False),
    Column("release_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("offered_at", UtcDateTime),
    Column("accept_due_at", UtcDateTime),
    Column("accepted_at", UtcDateTime),
    Column("accepted_by", Text),
    Column("met_at", UtcDateTime),
    Column("outcome", EnumText(Outcome)),
    Column("report_due_at", UtcDateTime),
    Column("registered_at", UtcDateTime),
    Column("contact_done_at", UtcDateTime),
    Column("consents_to_contact", Boolean),
    Column("withdrawn_reason", Text),
    Column("unresolved_reason", Text),
    Column("escalation_level", Integer, nullable=False),
    Column("wake_at", UtcDateTime),
    Index("ix_task_office_state", "office", "state", "release_at"),
    Index("ix_task_person", "person_id"),
)
Index("ix_task_wake", tasks.c.wake_at, postgresql_where=tasks.c.wake_at.is_not(None))

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("registered_division", Text),
    Column("residence_division", Text),
)

offices = Table(
    "office",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("division", Text, nullable=False),
)

coverage = Table(
    "coverage",
    metadata,
    Column("division", Text, primary_key=True),
    Column("office", Text, nullable=False),
)

dropped_releases = Table(
    "dropped_release",
    metadata,
    Column("release_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """Where a person lives and is registered, learnt from events."""

    person_id: UUID
    version: int
    registered_division: str | None
    residence_division: str | None


@dataclass(frozen=True, slots=True)
class Office:
    """A body that receives people."""

    code: str
    name: str
    level: str
    division: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which office is responsible for a division and all in it that no nearer row covers."""

    division: str
    office: str


@dataclass(frozen=True, slots=True)
class DroppedRelease:
    """The newest version of a release that needs no task, so that an older one heard later makes none."""

    release_id: UUID
    version: int


def resolvable() -> list[ColumnElement[bool]]:
    """The conditions of an unresolved task for which a receiver, or a nearer reason, can be found now."""
    places = (known_persons.c.residence_division, known_persons.c.registered_division)
    nearest = [code for place in places for code in (place, *(func.substr(place, 1, n) for n in (9, 6, 4)))]
    covered = exists(select(coverage.c.division).where(coverage.c.division.in_(nearest)))
    person = exists(
        select(known_persons.c.person_id).where(
            known_persons.c.person_id == tasks.c.person_id,
            or_(tasks.c.unresolved_reason == "unknown_person", covered),
        )
    )
    return [tasks.c.office.is_(None), tasks.c.state == State.UNRESOLVED, person]


_HIDDEN = frozenset({"version", "id", "wake_at", "consents_to_contact", "assigned"})
_TOLD = tuple(field.name for field in fields(Task) if field.name not in _HIDDEN)


def task_data(task: Task) -> dict[str, Any]:
    """The task's state as its events tell it."""
    data = {name: getattr(task, name) for name in _TOLD}
    data["task_id"] = task.id
    return data


class Work(UnitOfWork):
    """A transaction of community_handover."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.tasks = self.aggregates(tasks, Task, task_data)
        self.persons = self.records(known_persons, KnownPerson)
        self.offices = self.records(offices, Office)
        self.coverage = self.records(coverage, Coverage)
        self.dropped = self.records(dropped_releases, DroppedRelease)
        self._waiting_for: set[UUID] | None = None

    def note_unresolved(self, person_id: UUID) -> None:
        """A task of this transaction waits for news of the person."""
        if self._waiting_for is not None:
            self._waiting_for.add(person_id)

    def prefetch_unresolved(self, person_ids: Iterable[UUID]) -> None:
        """Learn in one query which of the persons some unresolved task waits for."""
        wanted = list(set(person_ids))
        statement = select(tasks.c.person_id).where(tasks.c.state == State.UNRESOLVED, tasks.c.person_id.in_(wanted))
        self._waiting_for = set(self.connection.execute(statement).scalars()) if wanted else set()

    def unresolved_of(self, person_id: UUID) -> list[Task]:
        """The unresolved tasks of a person."""
        if self._waiting_for is not None and person_id not in self._waiting_for:
            return []
        return self.tasks.select(tasks.c.person_id == person_id, tasks.c.state == State.UNRESOLVED)
