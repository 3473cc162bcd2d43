"""Tables of release_notification."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Column, Date, Index, Integer, Table, Text, Uuid

from services.release_notification.domain import Ground, Kind, Release, State
from shared.storage import EnumText, UnitOfWork, UtcDateTime, new_metadata
from shared.storage.work import Transaction

metadata = new_metadata()

releases = Table(
    "release",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("stay_id", Uuid, unique=True),  # a stay ends with one release
    Column("order_id", Uuid),
    Column("centre", Text, nullable=False),
    Column("kind", EnumText(Kind), nullable=False),
    Column("state", EnumText(State), nullable=False),
    Column("release_at", UtcDateTime, nullable=False),
    Column("term_last_day", Date),
    Column("needs_handover", Boolean, nullable=False),
    Column("legal_ground", EnumText(Ground), nullable=False),
    Column("executed_at", UtcDateTime),
    Column("certificate_number", Text),
    Column("reason", Text),
    Index("ix_release_centre_state", "centre", "state", "release_at"),
    Index("ix_release_state_at", "state", "release_at"),
    Index("ix_release_person", "person_id"),
)

known_persons = Table(
    "known_person",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
)

known_stays = Table(
    "known_stay",
    metadata,
    Column("stay_id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("admitted_at", UtcDateTime, nullable=False),
)


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A person that this service has heard of."""

    person_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class KnownStay:
    """A stay that this service has heard of."""

    stay_id: UUID
    version: int
    person_id: UUID
    admitted_at: datetime


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
    }


class Work(UnitOfWork):
    """A transaction of release_notification."""

    def __init__(self, transaction: Transaction) -> None:
        super().__init__(transaction)
        self.releases = self.aggregates(releases, Release, release_data)
        self.persons = self.records(known_persons, KnownPerson)
        self.stays = self.records(known_stays, KnownStay)
