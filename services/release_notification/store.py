"""Tables of release_notification."""

from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid, func, or_, select

from services.release_notification.domain.release import (
    Alarm,
    CancelledBy,
    Ground,
    Kind,
    Notice,
    Present,
    Rehab,
    Release,
)
from services.release_notification.domain.transitions import State
from shared.kernel.deadlines import NextDue
from shared.storage import EnumText, JsonValue, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.bulk import is_one_of
from shared.storage.chassis import EVENT_LOG
from shared.storage.people import Moving, merged_into_column
from shared.storage.statements import Statement, statement_table
from shared.storage.work import Transaction

metadata = new_metadata()
HEARD_STEP = timedelta(hours=1)

releases = Table(
    "release",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("stay_id", Uuid, unique=True),  # a stay ends with one release
    Column("order_id", Uuid, index=True),
    Column("centre", Text, nullable=False),
    Column("kind", EnumText(Kind), nullable=False),
    Column("state", EnumText(State), nullable=False),
    Column("release_at", UtcDateTime, nullable=False),
    Column("term_last_day", Date),
    Column("needs_handover", Boolean, nullable=False),
    Column("legal_ground", EnumText(Ground), nullable=False),
    Column("rehab", EnumText(Rehab)),
    Column("notices", JsonValue(tuple[Notice, ...]), nullable=False),
    Column("notice_due", JsonValue(NextDue)),
    Column("alarm", EnumText(Alarm)),
    Column("executed_at", UtcDateTime),
    Column("certificate_number", Text),
    Column("present", JsonValue(tuple[Present, ...]), nullable=False),
    Column("left_alone_at", UtcDateTime),
    Column("organ_due", JsonValue(NextDue)),
    Column("papers_due", JsonValue(NextDue)),
    Column("papers_sent_at", UtcDateTime),
    Column("reason", Text),
    Column("cancelled_by", EnumText(CancelledBy)),
    Column("due_rule", Text),
    Column("due_at", UtcDateTime),
    Column("due_from", UtcDateTime),
    Column("wake_at", UtcDateTime),
    Index("ix_release_centre_state", "centre", "state", "release_at"),
    Index("ix_release_state_at", "state", "release_at"),
    Index("ix_release_person", "person_id"),
)
Index("ix_release_wake", releases.c.wake_at, postgresql_where=releases.c.wake_at.is_not(None))
Index("ix_release_executed", releases.c.executed_at, postgresql_where=releases.c.executed_at.is_not(None))

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    merged_into_column(),
    Column("registered_division", Text),
    Column("residence_division", Text),
)

known_stays = Table(
    "known_stay",
    metadata,
    Column("stay_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("admitted_at", UtcDateTime, nullable=False),
    Column("state", Text, nullable=False),
)

rehab_orders = Table(
    "rehab_order",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("served_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class StatedRelease:
    """A release that took place, in the version in which that was told."""

    release_id: UUID
    version: int
    needs_handover: bool


statements = statement_table(metadata, tuple[StatedRelease, ...])

heard_centres = Table(
    "heard_centre",
    metadata,
    Column("centre", Text, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person that this service has heard of."""

    person_id: UUID
    version: int
    merged_into: UUID | None = None
    registered_division: str | None = None
    residence_division: str | None = None


@dataclass(frozen=True, slots=True)
class KnownStay:
    """A stay that this service has heard of."""

    stay_id: UUID
    version: int
    person_id: UUID
    admitted_at: datetime
    state: str


@dataclass(frozen=True, slots=True)
class RehabOrder:
    """An order of community rehabilitation that was served."""

    person_id: UUID
    version: int
    order_id: UUID
    served_at: datetime


@dataclass(frozen=True, slots=True)
class ExecutedRelease:
    """Somebody left a centre."""

    centre: str
    executed_at: datetime
    release_id: UUID
    told_version: int
    needs_handover: bool


@dataclass(frozen=True, slots=True)
class HeardCentre:
    """When a centre last said anything, to the hour."""

    centre: str
    at: datetime


# What this process has read of each database, so that it is not asked with every release.
_heard_lately: WeakKeyDictionary[Any, dict[str, datetime]] = WeakKeyDictionary()


def release_data(release: Release) -> dict[str, Any]:
    """The release's state as its events tell it."""
    return {
        "release_id": release.id,
        "person_id": release.person_id,
        "stay_id": release.stay_id,
        "order_id": release.order_id,
        "centre": release.centre,
        "kind": release.kind,
        "state": release.state,
        "release_at": release.release_at,
        "term_last_day": release.term_last_day,
        "executed_at": release.executed_at,
        "certificate_number": release.certificate_number,
        "needs_handover": release.needs_handover,
        "legal_ground": release.legal_ground,
        "reason": release.reason,
        "rehab": release.rehab,
        "notified": release.notice_due is None,
        "alarm": release.alarm,
        "left_alone_at": release.left_alone_at,
        "papers_sent_at": release.papers_sent_at,
        "cancelled_by": release.cancelled_by,
        "due_rule": release.due_rule,
        "due_at": release.due_at,
    }


def statement_data(one: Statement) -> dict[str, Any]:
    """A part of a centre's day as its events tell it."""
    return {
        "statement_id": one.id,
        "centre": one.scope,
        "day": one.day,
        "state": "issued" if one.version == 1 else "corrected",
        "part": one.part,
        "parts": one.parts,
        "executed": one.count,
        "to_be_met": one.compared,
        "digest": one.digest,
        "stated_at": one.stated_at,
        "releases": [asdict(entry) for entry in one.entries],
    }


class Work(UnitOfWork):
    """A transaction of release_notification."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.releases = self.aggregates(releases, Release, release_data)
        self.persons = self.records(known_persons, KnownPerson)
        self.stays = self.records(known_stays, KnownStay)
        self.rehab_orders = self.records(rehab_orders, RehabOrder)
        self.heard = self.records(heard_centres, HeardCentre)
        self.statements = self.aggregates(statements, Statement, statement_data)

    def note_heard(self, centre: str) -> None:
        """Remember that a centre said something; once an hour is enough, and keeps transactions apart."""
        lately = _heard_lately.setdefault(self._transaction.storage, {})
        if centre in lately and self.now - lately[centre] < HEARD_STEP:
            return
        known = self.heard.find(centre)
        if known is None or self.now - known.at >= HEARD_STEP:
            self.heard.put(HeardCentre(centre, self.now))
        else:
            lately[centre] = known.at  # as it was read, so it is committed

    def quiet_centres(self, before: datetime, until: datetime) -> list[tuple[str, datetime | None]]:
        """The centres with people to release until a moment from which nothing was heard since another one."""
        self.flush()
        waiting = (
            select(releases.c.centre)
            .where(releases.c.state == State.PLANNED, releases.c.release_at < until)
            .distinct()
            .subquery()
        )
        heard = heard_centres.c
        statement = (
            select(waiting.c.centre, heard.at)
            .join(heard_centres, heard.centre == waiting.c.centre, isouter=True)
            .where(or_(heard.at.is_(None), heard.at < before))
            .order_by(waiting.c.centre)
        )
        return [(row.centre, row.at) for row in self.connection.execute(statement).all()]

    def executed_between(self, begins: datetime, ends: datetime) -> list[ExecutedRelease]:
        """Who left in a time, with the version that told it: of the log, else, if none did, of the register."""
        self.flush()
        columns = releases.c
        wanted = (columns.id, columns.version, columns.centre, columns.executed_at, columns.needs_handover)
        within = columns.executed_at >= begins, columns.executed_at < ends
        rows = self.connection.execute(
            select(*wanted).where(columns.state == State.EXECUTED, *within).order_by(columns.id)
        ).all()
        told = self._told_versions([row.id for row in rows])
        return [
            ExecutedRelease(row.centre, row.executed_at, row.id, told.get(row.id, row.version), row.needs_handover)
            for row in rows
        ]

    def _told_versions(self, ids: list[UUID]) -> dict[UUID, int]:
        if not ids:
            return {}
        log = EVENT_LOG.c
        newest = (
            select(log.subject, func.max(log.sequence))
            .where(is_one_of(self.dialect, EVENT_LOG, "subject", ids), log.type == "release.executed.v1")
            .group_by(log.subject)
        )
        return {row[0]: row[1] for row in self.connection.execute(newest)}

    def speaking_centres(self) -> set[str]:
        """The centres from which something was heard, or that have people to release."""
        planned = select(releases.c.centre).where(releases.c.state == State.PLANNED).distinct()
        heard = select(heard_centres.c.centre)
        return {*self.connection.execute(planned).scalars(), *self.connection.execute(heard).scalars()}

    def first_stated(self) -> dict[str, date]:
        """The first day that was stated of each centre."""
        columns = statements.c
        first = select(columns.scope, func.min(columns.day)).group_by(columns.scope)
        return {row[0]: row[1] for row in self.connection.execute(first)}


# What names a person, and is moved when the person's file is merged into another one.
MOVINGS = (Moving(lambda work: work.releases, "release.person_merged.v1"),)
