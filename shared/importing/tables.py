"""The tables that every service with imports has.

``import`` is one file that somebody sent, ``import_row`` a row of it, with the texts as they were. ``imported`` holds
the digests of the rows that were applied, for kinds whose rows may be applied only once, ever.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Column, Index, Integer, MetaData, Table, Text, Uuid

from shared.storage.types import EnumText, JsonValue, UtcDateTime


class State(StrEnum):
    """How far an import is."""

    CHECKING = "checking"
    READY = "ready"  # checked; somebody has to confirm
    APPLYING = "applying"
    DONE = "done"
    CANCELLED = "cancelled"


class RowState(StrEnum):
    """What is known of a row."""

    WAITING = "waiting"
    GOOD = "good"  # would be applied
    KNOWN = "known"  # is there already; changes nothing
    BAD = "bad"  # cannot be applied
    APPLIED = "applied"
    REFUSED = "refused"  # was good when it was checked, and was refused when it was applied


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a row is not applied: the column, a stable code, a sentence, and what kind of thing the cell holds."""

    column: str | None
    code: str
    detail: str
    holds: str | None = None


@dataclass(frozen=True, slots=True)
class ImportRow:
    """One row of a file."""

    import_id: UUID
    number: int
    state: RowState
    texts: tuple[str, ...]
    faults: tuple[Fault, ...]
    change: str | None
    digest: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """What is to be known before the whole is confirmed."""

    code: str
    subject: str


@dataclass(frozen=True, slots=True)
class Authority:
    """In whose name and with what rights rows are applied: as they were when somebody confirmed."""

    subject: str
    role: str
    organisation: str
    division: str
    origin: str | None


@dataclass(frozen=True, slots=True)
class Import:
    """One file that somebody sent."""

    id: UUID
    kind: str
    state: State
    filename: str
    rows: int
    keys: tuple[str, ...]
    headings: tuple[str, ...]
    counts: dict[str, int]
    changes: dict[str, int]
    notices: tuple[Notice, ...]
    created_at: datetime
    stepped_at: datetime
    subject: str
    role: str
    organisation: str
    division: str
    origin: str | None
    request_id: str | None
    confirmed_at: datetime | None = None
    confirmed_as: Authority | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ImportTables:
    """The tables of one service."""

    imports: Table
    rows: Table
    imported: Table


def add_import_tables(metadata: MetaData) -> ImportTables:
    """Add the tables to a service's metadata."""
    return ImportTables(_imports(metadata), _rows(metadata), _imported(metadata))


def _imports(metadata: MetaData) -> Table:
    return Table(
        "import",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("kind", Text, nullable=False),
        Column("state", EnumText(State), nullable=False),
        Column("filename", Text, nullable=False),
        Column("rows", Integer, nullable=False),
        Column("keys", JsonValue(tuple[str, ...]), nullable=False),
        Column("headings", JsonValue(tuple[str, ...]), nullable=False),
        Column("counts", JsonValue(dict[str, int]), nullable=False),
        Column("changes", JsonValue(dict[str, int]), nullable=False),
        Column("notices", JsonValue(tuple[Notice, ...]), nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        Column("stepped_at", UtcDateTime, nullable=False),
        Column("subject", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("division", Text, nullable=False),
        Column("origin", Text),
        Column("request_id", Text),
        Column("confirmed_at", UtcDateTime),
        Column("confirmed_as", JsonValue(Authority)),
        Column("finished_at", UtcDateTime),
        Index("ix_import_organisation", "organisation", "created_at"),
        Index("ix_import_state", "state", "stepped_at"),
    )


def _rows(metadata: MetaData) -> Table:
    return Table(
        "import_row",
        metadata,
        Column("import_id", Uuid, primary_key=True),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("state", EnumText(RowState), nullable=False),
        Column("texts", JsonValue(tuple[str, ...]), nullable=False),
        Column("faults", JsonValue(tuple[Fault, ...]), nullable=False),
        Column("change", Text),
        Column("digest", Text),
        Index("ix_import_row_state", "import_id", "state", "number"),
    )


def _imported(metadata: MetaData) -> Table:
    return Table(
        "imported",
        metadata,
        Column("digest", Text, primary_key=True),
        Column("import_id", Uuid, nullable=False),
        Column("number", Integer, nullable=False),
        Column("at", UtcDateTime, nullable=False),
    )
