"""Databases: PostgreSQL (one schema a service) and SQLite (one file a service), behind one `Storage`."""

import math
import threading
import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import InvalidatePoolError, TimeoutError

from shared.kernel.clock import Clock, SystemClock
from shared.storage import driver
from shared.storage.wake import Wake
from shared.storage.work import Actor, Transaction, UnitOfWork

W = TypeVar("W", bound=UnitOfWork)
LOCK_WAIT_SECONDS = 10.0
ASK_AFTER_SECONDS = 1.0  # a connection that was idle for longer may have been lost meanwhile


class Storage(Generic[W]):
    """One service's database. ``work`` opens a unit of work; everything else is for the chassis."""

    def __init__(self, *, service: str, url: str, work: Callable[[Transaction], W], clock: Clock | None = None) -> None:
        self.service = service
        self.clock = clock or SystemClock()
        self.engine = make_engine(url, schema=service)
        self.dialect = self.engine.dialect.name
        self.wake = Wake()
        self._work = work
        # SQLite has one writer. Waiting for our own process happens here, where other green threads go on,
        # and not inside SQLite, where they would not.
        self._writer = threading.Lock()

    def work(
        self,
        actor: Actor | None = None,
        *,
        request_id: str | None = None,
        traceparent: str | None = None,
        read_only: bool = False,
    ) -> W:
        """A new unit of work; use it in a ``with`` statement."""
        return self._work(Transaction(self, self.clock, actor, request_id, traceparent, read_only))

    def begin(self, *, read_only: bool) -> Connection:
        """A connection with its transaction begun."""
        exclusive = self._is_exclusive(read_only)
        if exclusive and not self._writer.acquire(timeout=LOCK_WAIT_SECONDS):
            raise TimeoutError("the embedded database stayed locked")
        try:
            connection = self.engine.connect().execution_options(read_only=read_only)
            connection.begin()
        except BaseException:
            if exclusive:
                self._writer.release()
            raise
        return connection

    def release(self, connection: Connection, *, read_only: bool) -> None:
        """Give back a connection that `begin` gave."""
        try:
            connection.close()
        finally:
            if self._is_exclusive(read_only):
                self._writer.release()

    def _is_exclusive(self, read_only: bool) -> bool:
        return self.dialect == "sqlite" and not read_only

    def notify(self, connection: Connection) -> None:
        """Tell the relay of another process, inside the transaction; our own is told by `wake`."""
        if self.dialect == "postgresql" and not self.wake.listened_to:
            connection.execute(text("select pg_notify(:channel, '')"), {"channel": self.channel})

    @property
    def channel(self) -> str:
        """The LISTEN/NOTIFY channel of this service's outbox."""
        return f"baton_outbox_{self.service}"

    def dispose(self) -> None:
        """Close all connections, and what the relay waits on."""
        self.engine.dispose()
        self.wake.close()


def make_engine(url: str, *, schema: str) -> Engine:
    """An engine with what each database needs to keep its promises."""
    parsed = make_url(url)
    return _sqlite_engine(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql_engine(parsed, schema)


def _postgresql_engine(url: URL, schema: str) -> Engine:
    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=15,
        pool_timeout=10,
        hide_parameters=True,  # an error text is logged; what it is about must not be
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
        connect_args={
            "connection_factory": driver.Connection,
            "cursor_factory": driver.Cursor,
            "options": f"-c search_path={schema} -c idle_in_transaction_session_timeout=60000 -c lock_timeout=10000",
            "application_name": f"baton {schema}",
            "connect_timeout": 5,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        },
    )
    _look_after(engine)
    return engine


def _look_after(engine: Engine) -> None:
    """Ask a connection that was idle whether it is still there; one in use shows it by itself, without a round trip."""

    @event.listens_for(engine, "checkin")
    def note(_connection: Any, record: Any) -> None:
        record.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def ask(connection: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("idle_since", math.inf) < ASK_AFTER_SECONDS:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as lost:
            raise InvalidatePoolError("the server closed its connections") from lost


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        pool_size=5,
        max_overflow=15,
        pool_timeout=10,
        hide_parameters=True,  # an error text is logged; what it is about must not be
        json_serializer=_dump_json,
        json_deserializer=orjson.loads,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=2000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _dump_json(value: Any) -> str:
    return orjson.dumps(value).decode()
