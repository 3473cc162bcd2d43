"""Tables of community_handover."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    Table,
    Text,
    Uuid,
    exists,
    func,
    or_,
    select,
    text,
)

from services.community_handover.domain.task import (
    CloseReason,
    Ground,
    HolderKind,
    Kind,
    Outcome,
    PartyMember,
    PauseReason,
    Task,
    TraceStep,
)
from services.community_handover.domain.transitions import State
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.types import JsonValue
from shared.storage.work import Transaction

metadata = new_metadata()

tasks = Table(
    "task",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("kind", EnumText(Kind), nullable=False),
    Column("release_id", Uuid, unique=True),  # one release, one task
    Column("order_id", Uuid, unique=True),  # one community detox order, one task
    Column("release_version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("legal_ground", EnumText(Ground), nullable=False),
    Column("state", EnumText(State), nullable=False),
    Column("holder_kind", EnumText(HolderKind), nullable=False),
    Column("holder", Text, nullable=False),
    Column("office", Text),
    Column("division", Text),
    Column("release_at", UtcDateTime, nullable=False),
    Column("released_at", UtcDateTime),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("escalation_level", Integer, nullable=False),
    Column("wake_at", UtcDateTime),
    Column("offered_at", UtcDateTime),
    Column("accept_due_at", UtcDateTime),
    Column("accepted_at", UtcDateTime),
    Column("accepted_by", Text),
    Column("assigned", Boolean, nullable=False),
    Column("assigned_reason", Text),
    Column("rejections", Integer, nullable=False),
    Column("rejected_by", Text),
    Column("rejection_reason", Text),
    Column("proposed_office", Text),
    Column("party", JsonValue(tuple[PartyMember, ...])),
    Column("met_at", UtcDateTime),
    Column("outcome", EnumText(Outcome)),
    Column("outcome_note", Text),
    Column("contacted_at", UtcDateTime),
    Column("trace", JsonValue(tuple[TraceStep, ...])),
    Column("unknown_at", UtcDateTime),
    Column("unknown_signed_by", Text),
    Column("report_due_at", UtcDateTime),
    Column("registered_at", UtcDateTime),
    Column("agreement_signed_at", UtcDateTime),
    Column("contact_done_at", UtcDateTime),
    Column("consents_to_contact", Boolean),
    Column("refused_at", UtcDateTime),
    Column("referred_at", UtcDateTime),
    Column("referral_number", Text),
    Column("remote_office", Text),
    Column("letter_number", Text),
    Column("letter_sent_at", UtcDateTime),
    Column("receipt_at", UtcDateTime),
    Column("paused_at", UtcDateTime),
    Column("pause_reason", EnumText(PauseReason)),
    Column("closed_at", UtcDateTime),
    Column("close_reason", EnumText(CloseReason)),
    Column("withdrawn_reason", Text),
    Column("unresolved_reason", Text),
    Index("ix_task_office_state", "office", "state", "release_at"),
    Index("ix_task_person", "person_id"),
    Index("ix_task_rejected_by", "rejected_by", "release_at", postgresql_where=text("rejected_by is not null")),
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

tiers = Table(
    "known_tier",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("tier", Text),
)

rosters = Table(
    "roster",
    metadata,
    Column("key", Text, primary_key=True),  # office and day: one row says who is on duty
    Column("office", Text, nullable=False),
    Column("day", Date, nullable=False, index=True),
    Column("officer", Text, nullable=False),
    Column("deputy", Text, nullable=False),
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
class KnownTier:
    """The risk tier that a person decided for somebody, learnt from events; None when none is in force."""

    person_id: UUID
    version: int
    tier: str | None


@dataclass(frozen=True, slots=True)
class Duty:
    """Who of an office is on duty on a day, holidays included, and who stands in. Account ids, no names."""

    key: str
    office: str
    day: date
    officer: str
    deputy: str


def duty_of(office: str, day: date, officer: str, deputy: str) -> Duty:
    """The one row of an office and a day."""
    return Duty(f"{office} {day.isoformat()}", office, day, officer, deputy)


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


# What its events do not tell: what is for the office alone, and what follows from the rest.
_HIDDEN = frozenset(
    {
        "id",
        "version",
        "wake_at",
        "assigned",
        "assigned_reason",
        "rejection_reason",
        "proposed_office",
        "party",
        "outcome_note",
        "trace",
        "unknown_signed_by",
        "consents_to_contact",
        "referral_number",
        "letter_number",
        "letter_sent_at",
        "receipt_at",
        "offered_at",
    }
)
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
        self.tiers = self.records(tiers, KnownTier)
        self.rosters = self.records(rosters, Duty)
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
