"""Tables of community_handover."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    exists,
    func,
    or_,
    select,
    text,
)

from services.community_handover.domain.measure import (
    Absence,
    BreachGround,
    EvadedTest,
    Measure,
    MeasureKind,
    TerminationReason,
    evasions,
)
from services.community_handover.domain.measure_transitions import IN_FORCE, MeasureState
from services.community_handover.domain.searching import TraceStep
from services.community_handover.domain.task import (
    CloseReason,
    Correction,
    Ground,
    HolderKind,
    Kind,
    Outcome,
    PartyMember,
    PauseReason,
    RejectionGround,
    Task,
)
from services.community_handover.domain.transitions import ENDED, State
from shared.importing import add_import_tables
from shared.kernel.deadlines import NextDue
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.people import Moving, merged_into_column
from shared.storage.statements import Statement, statement_table
from shared.storage.types import JsonValue
from shared.storage.work import Transaction

metadata = new_metadata()
import_tables = add_import_tables(metadata)

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
    Column("due_from", UtcDateTime),
    Column("reminded_at", UtcDateTime),
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
    Column("rejection_ground", EnumText(RejectionGround)),
    Column("rejection_reason", Text),
    Column("proposed_office", Text),
    Column("party", JsonValue(tuple[PartyMember, ...])),
    Column("met_at", UtcDateTime),
    Column("outcome", EnumText(Outcome)),
    Column("outcome_note", Text),
    Column("correction", JsonValue(Correction)),
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
Index("ix_task_release_at", tasks.c.release_at, tasks.c.id)  # the order of every list of tasks
is_open = tasks.c.state.not_in(sorted(ENDED))
Index("ix_task_open", tasks.c.release_at, tasks.c.id, postgresql_where=is_open)
Index("ix_task_wake", tasks.c.wake_at, postgresql_where=tasks.c.wake_at.is_not(None))
Index("ix_task_released", tasks.c.released_at, postgresql_where=tasks.c.released_at.is_not(None))
Index("ix_task_foreseen", tasks.c.release_at, postgresql_where=tasks.c.released_at.is_(None))


@dataclass(frozen=True, slots=True)
class StatedTask:
    """A task that exists, and the version of the release that it follows."""

    task_id: UUID
    release_id: UUID
    release_version: int


statements = statement_table(metadata, tuple[StatedTask, ...])

measures = Table(
    "measure",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("task_id", Uuid, nullable=False, unique=True),  # one registration, one measure
    Column("order_id", Uuid, index=True),
    Column("person_id", Uuid, nullable=False, index=True),
    Column("kind", EnumText(MeasureKind), nullable=False),
    Column("state", EnumText(MeasureState), nullable=False),
    Column("office", Text, nullable=False),
    Column("division", Text),
    Column("started_on", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("last_contact_at", UtcDateTime, nullable=False),
    Column("agreement_signed_at", UtcDateTime),
    Column("agreement_due", JsonValue(NextDue)),
    Column("visit_due", JsonValue(NextDue)),
    Column("step_due", JsonValue(NextDue)),
    Column("tell_due", JsonValue(NextDue)),
    Column("absences", JsonValue(tuple[Absence, ...]), nullable=False),
    Column("evaded_tests", JsonValue(tuple[EvadedTest, ...]), nullable=False),
    Column("breach_grounds", JsonValue(tuple[BreachGround, ...]), nullable=False),
    Column("breached_at", UtcDateTime),
    Column("breach_told_at", UtcDateTime),
    Column("breach_report_number", Text),
    Column("relapsed_at", UtcDateTime),
    Column("relapse_test_id", Uuid),
    Column("moving_to_office", Text),
    Column("moving_to_division", Text),
    Column("suspended_at", UtcDateTime),
    Column("suspended_reason", Text),
    Column("trace", JsonValue(tuple[TraceStep, ...]), nullable=False),
    Column("lost_at", UtcDateTime),
    Column("unknown_at", UtcDateTime),
    Column("unknown_signed_by", Text),
    Column("found_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("end_reason", EnumText(TerminationReason)),
    Column("end_note", Text),
    Column("end_notice_number", Text),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("due_from", UtcDateTime),
    Column("wake_at", UtcDateTime),
    Index("ix_measure_office_due", "office", "due_at"),
)
Index("ix_measure_wake", measures.c.wake_at, postgresql_where=measures.c.wake_at.is_not(None))

known_stays = Table(
    "known_stay",
    metadata,
    Column("stay_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("registered_division", Text),
    Column("residence_division", Text),
    merged_into_column(),
    Column("state", Text),
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
    Column("contact_every_days", Integer),
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

officers = Table(
    "officer",
    metadata,
    Column("account", Text, primary_key=True),
    Column("office", Text, nullable=False, index=True),
    Column("active", Boolean, nullable=False),
)

attachments = Table(
    "attachment",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("task_id", Uuid, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("content_type", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    Column("added_by", Text, nullable=False),
)

attachment_contents = Table(  # apart, so that a list reads no photographs
    "attachment_content",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
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
    merged_into: UUID | None = None
    state: str | None = None  # None of one that was learnt before this was kept


@dataclass(frozen=True, slots=True)
class Attachment:
    """A photograph of a paper at a task; its content is kept apart, encrypted."""

    id: UUID
    task_id: UUID
    kind: str
    content_type: str
    size: int  # bytes
    sha256: str
    added_at: datetime
    added_by: str


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
    contact_every_days: int | None = None


@dataclass(frozen=True, slots=True)
class KnownStay:
    """A stay in custody that this service has heard of, in its newest version."""

    stay_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class Duty:
    """Who of an office is on duty on a day, holidays included, and who stands in. Account ids, no names."""

    key: str
    office: str
    day: date
    officer: str
    deputy: str


@dataclass(frozen=True, slots=True)
class Officer:
    """Who works in an office, by account; no name. Who is not active any more is on no new roster."""

    account: str
    office: str
    active: bool


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
        "due_from",
        "correction",
        "assigned",
        "assigned_reason",
        "rejection_ground",
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
# What its events do tell.
TOLD = tuple(field.name for field in fields(Task) if field.name not in _HIDDEN)
_told_values = attrgetter(*TOLD)


def task_data(task: Task) -> dict[str, Any]:
    """The task's state as its events tell it."""
    data = dict(zip(TOLD, _told_values(task), strict=True))
    data["task_id"] = task.id
    return data


def measure_data(measure: Measure) -> dict[str, Any]:
    """The measure's state as its events tell it: that and when, not the words that were written down."""
    return {
        "measure_id": measure.id,
        "task_id": measure.task_id,
        "person_id": measure.person_id,
        "kind": measure.kind,
        "state": measure.state,
        "holder": measure.office,
        "division": measure.division,
        "started_on": measure.started_on,
        "last_day": measure.last_day,
        "last_contact_at": measure.last_contact_at,
        "agreement_signed_at": measure.agreement_signed_at,
        "visit_due_at": measure.visit_due.at if measure.visit_due else None,
        "evasions": evasions(measure),
        "breached_at": measure.breached_at,
        "breach_told_at": measure.breach_told_at,
        "relapsed_at": measure.relapsed_at,
        "moving_to": measure.moving_to_office,
        "suspended_at": measure.suspended_at,
        "lost_at": measure.lost_at,
        "unknown_at": measure.unknown_at,
        "found_at": measure.found_at,
        "ended_at": measure.ended_at,
        "end_reason": measure.end_reason,
        "due_rule": measure.due_rule,
        "due_at": measure.due_at,
    }


def statement_data(one: Statement) -> dict[str, Any]:
    """A part of a day's tasks as its events tell it."""
    return {
        "task_statement_id": one.id,
        "day": one.day,
        "state": "issued" if one.version == 1 else "corrected",
        "part": one.part,
        "parts": one.parts,
        "count": one.count,
        "digest": one.digest,
        "stated_at": one.stated_at,
        "tasks": [asdict(entry) for entry in one.entries],
    }


class Work(UnitOfWork):
    """A transaction of community_handover."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.tasks = self.aggregates(tasks, Task, task_data)
        self.measures = self.aggregates(measures, Measure, measure_data)
        self.stays = self.records(known_stays, KnownStay)
        self.persons = self.records(known_persons, KnownPerson)
        self.attachments = self.records(attachments, Attachment)
        self.offices = self.records(offices, Office)
        self.coverage = self.records(coverage, Coverage)
        self.tiers = self.records(tiers, KnownTier)
        self.rosters = self.records(rosters, Duty)
        self.officers = self.records(officers, Officer)
        self.dropped = self.records(dropped_releases, DroppedRelease)
        self.statements = self.aggregates(statements, Statement, statement_data)
        self._waiting_for: set[UUID] | None = None

    def measures_in_force(self, person_id: UUID) -> list[Measure]:
        """The measures that bind a person now."""
        return self.measures.select(measures.c.person_id == person_id, measures.c.state.in_(sorted(IN_FORCE)))

    def tasks_of_releases(self, begins: datetime, ends: datetime) -> Iterator[tuple[datetime, StatedTask]]:
        """The tasks whose person left, or else is to leave, in a time, with that moment; read from the table."""
        self.flush()
        columns = tasks.c
        entry = (columns.id, columns.release_id, columns.release_version)
        left, foreseen = columns.released_at, columns.release_at
        of_who_left = select(left, *entry).where(left >= begins, left < ends)
        of_who_will = select(foreseen, *entry).where(left.is_(None), foreseen >= begins, foreseen < ends)
        for found in (of_who_left, of_who_will):
            for at, *row in self.connection.execute(found.where(columns.release_id.is_not(None))):
                yield at, StatedTask(*row)

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


# What names a person, and is moved when the person's file is merged into another one.
MOVINGS = (
    Moving(lambda work: work.tasks, "handover.person_merged.v1"),
    Moving(lambda work: work.measures, "measure.person_merged.v1"),
)
