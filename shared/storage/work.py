"""The unit of work: one act, one transaction, its events and its audit rows.

Nothing else commits. Events go to the event log and the outbox in the same transaction as the state
they tell; the relay is the only one that publishes them.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from sqlalchemy import Connection, Table

from shared.contracts.envelope import CONTENT_TYPE, Event, encode
from shared.kernel.clock import Clock
from shared.kernel.ids import new_id
from shared.storage.bulk import Writes
from shared.storage.chassis import AUDIT
from shared.storage.outbox import EVENTS_EXCHANGE, append
from shared.storage.records import Records
from shared.storage.repository import Repository, Versioned

if TYPE_CHECKING:
    from shared.storage.engine import Storage

A = TypeVar("A", bound=Versioned)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks: a pseudonymous subject (account id), the role used, the organisation acted for, and from where."""

    subject: str
    role: str
    organisation: str
    origin: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """What a unit of work is opened with. Made by `Storage.work`."""

    storage: "Storage[Any]"
    clock: Clock
    actor: Actor | None = None
    request_id: str | None = None
    traceparent: str | None = None
    read_only: bool = False


class UnitOfWork:
    """One transaction, begun with the first query. Use as a context manager, which commits at its end."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._connection: Connection | None = None
        self._stores: list[Repository[Any] | Records[Any]] = []
        self._events: list[Event] = []
        self._posted: list[dict[str, Any]] = []
        self._acts: list[dict[str, Any]] = []
        self._last_writes: list[Callable[[Writes], None]] = []
        self._emitted = False
        self._attempt: str | None = None  # begun, or written
        self._finished = False
        self.clock = transaction.clock
        self.now: datetime = transaction.clock.now()
        self.traceparent = transaction.traceparent  # of what is the cause of what is done now

    @property
    def actor(self) -> Actor | None:
        """Who asks; None when an event or a timer is the cause."""
        return self._transaction.actor

    @property
    def service(self) -> str:
        """Whose database this is."""
        return self._transaction.storage.service

    @property
    def dialect(self) -> str:
        """``postgresql`` or ``sqlite``."""
        return self._transaction.storage.dialect

    @property
    def connection(self) -> Connection:
        """The transaction's connection, for queries that no repository has."""
        if self._finished:
            raise RuntimeError("the unit of work is over")
        if self._connection is None:
            self._connection = self._transaction.storage.begin(read_only=self._transaction.read_only)
        return self._connection

    def aggregates(self, table: Table, cls: type[A], describe: Callable[[A], dict[str, Any]]) -> Repository[A]:
        """A repository of aggregates; ``describe`` gives an event's data from the aggregate's state."""
        repository = Repository(self, table, cls, describe)
        self._stores.append(repository)
        return repository

    def records(self, table: Table, cls: type[R]) -> Records[R]:
        """A store of plain records without events."""
        records = Records(self, table, cls)
        self._stores.append(records)
        return records

    def emit(self, event_type: str, subject: UUID, sequence: int, data: Mapping[str, Any]) -> Event:
        """Say an event with this transaction. Called by repositories; services save aggregates instead."""
        event = Event(
            id=new_id(),
            source=f"/baton/{self.service}",
            type=event_type,
            subject=subject,
            sequence=sequence,
            time=self.now,
            data=dict(data),
            actor=self.actor.subject if self.actor else None,
            traceparent=self.traceparent,
        )
        self._events.append(event)
        return event

    def post(self, *, exchange: str, routing_key: str, content_type: str, body: str, subject: UUID) -> None:
        """Send something that is no event (an answer to a centre) with this transaction."""
        self._posted.append(_log_row(new_id(), subject, None, exchange, routing_key, content_type, body, self.now))

    def note_act(self, action: str, subject: UUID | None, version: int = 0, *, basis: str | None = None) -> None:
        """Write an audit row about an act that changes no aggregate; the asker must be known.

        ``basis`` says what gave the right to it, where it is not the role.
        """
        assert self.actor is not None
        self._acts.append(self._audit_row(self.actor, action, subject, version, basis=basis))

    def note_refusal(self, action: str, subject: UUID | None, code: str) -> None:
        """Write an audit row about an act that was refused; the asker must be known."""
        assert self.actor is not None
        self._acts.append(self._audit_row(self.actor, action, subject, 0, refused=code))

    def write_last(self, write: Callable[[Writes], None]) -> None:
        """Have something written together with what the transaction writes last."""
        self._last_writes.append(write)

    def act_for(self, actor: Actor, request_id: str | None) -> None:
        """What is done from now on, an asker asked for earlier, by that request."""
        self.flush()
        self._transaction = replace(self._transaction, actor=actor, request_id=request_id)

    @contextmanager
    def attempt(self, *, keep: bool = True) -> Iterator[None]:
        """An act that may be refused without what else is in the transaction: an exception undoes it and goes on.

        With ``keep=False`` it is undone in any case: so one learns what would be refused.
        """
        self.flush()
        known, emitted = [(store, store.snapshot()) for store in self._stores], self._emitted
        is_kept = False
        self._attempt = "begun"
        try:
            yield
            if keep:
                self.flush()
                is_kept = True
        finally:
            has_written, self._attempt = self._attempt == "written", None
            if not is_kept:
                if has_written:
                    self.connection.exec_driver_sql("rollback to savepoint attempt")
                self._undo(known)
                self._emitted = emitted
            if has_written:
                self.connection.exec_driver_sql("release savepoint attempt")

    def before_writing(self) -> None:
        """Called before anything is written, so that an attempt can be undone; one that writes none costs nothing."""
        if self._attempt == "begun":
            self._attempt = "written"
            self.connection.exec_driver_sql("savepoint attempt")  # SQLAlchemy's own costs ten times as much

    def _undo(self, known: list[tuple[Any, tuple[Any, ...]]]) -> None:
        self._events, self._posted, self._acts, self._last_writes = [], [], [], []
        for store, then in known:
            store.restore(then)

    def flush(self) -> None:
        """Write everything pending: state first, then events and audit; in one round trip where that can be."""
        stores = [store for store in self._stores if store.pending]
        if not (stores or self._events or self._posted or self._acts or self._last_writes):
            return
        self.before_writing()
        writes = Writes(self.connection)
        for store in stores:
            store.flush(writes)
        if self._events or self._posted:
            self._write_events(writes)
        writes.insert(AUDIT, self._acts)
        for write in self._last_writes:
            write(writes)
        self._acts, self._last_writes = [], []
        writes.send()

    def commit(self) -> None:
        """Flush, commit and wake the relay. After it the unit of work is over."""
        self.flush()
        if self._connection is not None:
            if self._emitted:
                self._transaction.storage.notify(self._connection)
            self._connection.commit()
        self._close()
        if self._emitted:
            self._transaction.storage.wake.set()

    def rollback(self) -> None:
        """Give everything up. After it the unit of work is over."""
        if self._connection is not None:
            self._connection.rollback()
        self._close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._finished:
            return
        try:
            if error is None:
                self.commit()
        finally:
            if not self._finished:
                self._abandon()

    def _abandon(self) -> None:
        try:
            self.rollback()
        finally:
            self._close()

    def _close(self) -> None:
        connection, self._connection, self._finished = self._connection, None, True
        if connection is not None:
            self._transaction.storage.release(connection, read_only=self._transaction.read_only)

    def _write_events(self, writes: Writes) -> None:
        rows = [
            _log_row(e.id, e.subject, e.sequence, EVENTS_EXCHANGE, e.type, CONTENT_TYPE, encode(e).decode(), e.time)
            for e in self._events
        ]
        append(self.connection, writes, rows + self._posted)
        if self.actor is not None:
            self._acts += [self._audit_row(self.actor, one.type, one.subject, one.sequence) for one in self._events]
        self._events, self._posted, self._emitted = [], [], True

    def _audit_row(
        self,
        actor: Actor,
        action: str,
        subject: UUID | None,
        version: int,
        *,
        basis: str | None = None,
        refused: str | None = None,
    ) -> dict[str, Any]:
        return {
            "at": self.now,
            "actor": actor.subject,
            "role": actor.role,
            "organisation": actor.organisation,
            "action": action,
            "subject": subject,
            "version": version,
            "request_id": self._transaction.request_id,
            "origin": actor.origin,
            "basis": basis,
            "refused": refused,
        }


def _log_row(
    message_id: UUID,
    subject: UUID,
    sequence: int | None,
    exchange: str,
    type: str,
    content_type: str,
    body: str,
    at: datetime,
) -> dict[str, Any]:
    return {
        "message_id": message_id,
        "subject": subject,
        "sequence": sequence,
        "exchange": exchange,
        "type": type,
        "content_type": content_type,
        "body": body,
        "created_at": at,
    }
