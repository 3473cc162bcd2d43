"""The tables that every service has beside its own.

``event_log`` is append-only: every event (and broker answer) the service ever said. ``outbox`` holds only the
positions of what is not yet confirmed by the broker, so its size is the backlog and never the history.
``inbox`` holds the ids of messages whose effect is committed. ``suspect`` counts attempts at messages that were in
the hands of a consumer that was lost. ``idempotency`` holds answers to be given again.
``audit`` holds who did what. ``dead_letter`` holds messages that could not work, until an operator has dealt with them.
``stream`` holds how far the service has stated what it logged. ``schema_revision`` holds which migrations were applied,
and what code must know to work after each. ``audit_seal`` is the chain that the audit rows are
linked into, ``audit_anchor`` its signed end of each day. The audit's tables are append-only: the database refuses more.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    Uuid,
)

from shared.storage.types import JsonValue, UtcDateTime


@dataclass(frozen=True, slots=True)
class StreamEntry:
    """One event that was logged."""

    event_id: UUID
    type: str
    subject: UUID
    sequence: int


CHASSIS = "chassis"  # what its own migrations are called
NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
_Position = BigInteger().with_variant(Integer, "sqlite")


def new_metadata() -> MetaData:
    """A service's metadata, with the chassis tables already in it."""
    metadata = MetaData(naming_convention=NAMING)
    _add_chassis_tables(metadata)
    _add_dead_letters(metadata)
    _add_stream(metadata)
    _add_seals(metadata)
    _add_revisions(metadata)
    return metadata


def _add_chassis_tables(metadata: MetaData) -> None:
    Table(
        "event_log",
        metadata,
        Column("position", _Position, primary_key=True, autoincrement=True),
        Column("message_id", Uuid, nullable=False),
        Column("subject", Uuid, nullable=False),
        Column("sequence", Integer),  # null for a broker answer, which is no event
        Column("exchange", Text, nullable=False),
        Column("type", Text, nullable=False),
        Column("content_type", Text, nullable=False),
        Column("body", Text, nullable=False),
        Column("created_at", UtcDateTime, nullable=False),
        # Every version of an aggregate has exactly one event: what makes stream gaps visible.
        Index("uq_event_log_subject_sequence", "subject", "sequence", unique=True),
        sqlite_autoincrement=True,
    )
    log = metadata.tables["event_log"]
    is_answer = log.c.sequence.is_(None)
    Index("ix_event_log_answers", log.c.created_at, postgresql_where=is_answer, sqlite_where=is_answer)
    attempts = Column("attempts", Integer, nullable=False, server_default="0")
    outbox = Table(
        "outbox",
        metadata,
        Column("position", _Position, primary_key=True, autoincrement=False),
        Column("subject", Uuid, nullable=False),
        attempts,
        Column("next_attempt_at", UtcDateTime),
    )
    Index("ix_outbox_failing", outbox.c.subject, postgresql_where=attempts > 0, sqlite_where=attempts > 0)
    Table(
        "inbox",
        metadata,
        Column("message_id", Uuid, primary_key=True),
        Column("received_at", UtcDateTime, nullable=False, index=True),
    )
    Table(
        "suspect",
        metadata,
        Column("message_id", Text, primary_key=True),
        Column("attempts", Integer, nullable=False),
    )
    Table(
        "idempotency",
        metadata,
        Column("scope", Text, primary_key=True),
        Column("key", Text, primary_key=True),
        Column("fingerprint", Text, nullable=False),
        Column("status", Integer),
        Column("headers", JsonValue(dict[str, str])),
        Column("body", LargeBinary),
        Column("created_at", UtcDateTime, nullable=False, index=True),
    )
    Table(
        "audit",
        metadata,
        Column("position", _Position, primary_key=True, autoincrement=True),
        Column("at", UtcDateTime, nullable=False),
        Column("actor", Text, nullable=False),
        Column("role", Text, nullable=False),
        Column("organisation", Text, nullable=False),
        Column("action", Text, nullable=False),
        Column("subject", Uuid, index=True),  # null where something was refused that was about nobody in particular
        Column("version", Integer, nullable=False),  # of the subject's stream of events; 0 where none was said
        Column("request_id", Text),
        Column("origin", Text),  # from where: the caller's address, or the way of a message
        Column("basis", Text),  # what gave the right to it, where it is not the role: a duty, a stated reason
        Column("refused", Text),  # the code of the refusal; null of what was done
        sqlite_autoincrement=True,
    )


def _add_dead_letters(metadata: MetaData) -> None:
    state = Column("state", Text, nullable=False)
    letters = Table(
        "dead_letter",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("message_id", Text, nullable=False, index=True),
        Column("queue", Text),  # in which it died; null of one that no queue took
        Column("routing_key", Text, nullable=False),
        Column("content_type", Text),
        Column("headers", JsonValue(dict[str, str]), nullable=False),
        Column("reply_to", Text),
        Column("body", LargeBinary, nullable=False),
        Column("reason", Text, nullable=False),
        Column("detail", Text, nullable=False),  # type and frames of the error, never a value
        Column("died_at", UtcDateTime, nullable=False),
        state,
        Column("decided_at", UtcDateTime),
        Column("decided_by", Text),
        Column("note", Text),
    )
    Index("ix_dead_letter_state", letters.c.state, letters.c.died_at)


def _add_stream(metadata: MetaData) -> None:
    Table(
        "stream",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("service", Text, nullable=False),
        Column("first_position", _Position, nullable=False),
        Column("last_position", _Position, nullable=False),
        Column("stated_at", UtcDateTime, nullable=False),
        Column("events", JsonValue(tuple[StreamEntry, ...]), nullable=False),
    )


def _add_seals(metadata: MetaData) -> None:
    Table(
        "audit_seal",
        metadata,
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("previous", Text, nullable=False),
        Column("positions", JsonValue(tuple[int, ...]), nullable=False),
        Column("row_hashes", LargeBinary, nullable=False),
        Column("sealed_at", UtcDateTime, nullable=False),
        Column("hash", Text, nullable=False),
    )
    Table(
        "audit_anchor",
        metadata,
        Column("day", Date, primary_key=True),
        Column("number", Integer, nullable=False),
        Column("signed", Text, nullable=False),
    )


def _add_revisions(metadata: MetaData) -> None:
    Table(
        "schema_revision",
        metadata,
        Column("revision", Text, primary_key=True),
        Column("needs", Text),  # a revision that code must know to work after this one; null of one that expands
    )


_CHASSIS = new_metadata()
EVENT_LOG = _CHASSIS.tables["event_log"]
OUTBOX = _CHASSIS.tables["outbox"]
INBOX = _CHASSIS.tables["inbox"]
SUSPECT = _CHASSIS.tables["suspect"]
IDEMPOTENCY = _CHASSIS.tables["idempotency"]
AUDIT = _CHASSIS.tables["audit"]
DEAD_LETTER = _CHASSIS.tables["dead_letter"]
STREAM = _CHASSIS.tables["stream"]
AUDIT_SEAL = _CHASSIS.tables["audit_seal"]
AUDIT_ANCHOR = _CHASSIS.tables["audit_anchor"]
SCHEMA_REVISION = _CHASSIS.tables["schema_revision"]
