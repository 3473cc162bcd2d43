"""One active relay for each service, however many replicas run.

PostgreSQL: a session's advisory lock, which the server drops with the session; the same session listens for
the outbox's notifications. SQLite: a lock on a file, which the kernel drops with the process.
"""

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import IO, Any, Protocol

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shared.storage.engine import Storage


class Leadership(Protocol):
    """The right to relay."""

    def held(self) -> bool:
        """Take the lock if it is free; whether it is ours."""

    def transaction(self, *, read_only: bool) -> AbstractContextManager[Connection]:
        """Where the leader reads and writes the outbox; committed at the end. Fails when the lock is lost."""

    def wait(self, timeout: float) -> None:
        """Wait until there may be something to publish, at most ``timeout`` seconds."""

    def give_up(self) -> None:
        """Let another replica have it."""


def leadership_of(storage: Storage[Any]) -> Leadership:
    """The kind that the service's database offers."""
    return _AdvisoryLock(storage) if storage.dialect == "postgresql" else _FileLock(storage)


class _AdvisoryLock:
    def __init__(self, storage: Storage[Any]) -> None:
        self._storage = storage
        self._key = zlib.crc32(f"relay {storage.service}".encode())
        self._session: Connection | None = None

    def held(self) -> bool:
        return self._session is not None or self._take()

    @contextmanager
    def transaction(self, *, read_only: bool) -> Iterator[Connection]:
        # The session that holds the lock, each statement committed by itself: a lost session is a lost lock, and
        # nothing can be read from the outbox, or forgotten in it, without it.
        assert self._session is not None
        try:
            yield self._session
        except DBAPIError:
            self.give_up()
            raise

    def wait(self, timeout: float) -> None:
        if self._session is None:
            self._storage.wake.wait(timeout)
            return
        raw: Any = self._session.connection.dbapi_connection
        if not raw.notifies:  # one that came with the answer to a query is no more to be seen on the socket
            self._storage.wake.wait(timeout, also=(raw,))
        try:
            raw.poll()
        except self._storage.engine.dialect.loaded_dbapi.Error:
            self.give_up()  # the driver's own error, past SQLAlchemy: the session is lost
        else:
            raw.notifies.clear()

    def give_up(self) -> None:
        session, self._session = self._session, None
        self._storage.wake.listened_to = False
        if session is not None:
            session.invalidate()
            session.close()

    def _take(self) -> bool:
        # Not in autocommit yet: to leave that mode is a word to the server, and one that is away would raise
        # where nobody expects it. The lock is the session's and outlives the transaction.
        session = self._storage.engine.connect()
        try:
            taken = bool(session.execute(text("select pg_try_advisory_lock(:key)"), {"key": self._key}).scalar_one())
            session.commit()
            if taken:
                session.execution_options(isolation_level="AUTOCOMMIT")
                session.execute(text(f"listen {self._storage.channel}"))
        except BaseException:
            session.invalidate()
            session.close()
            raise
        if not taken:
            session.close()
            return False
        self._session = session
        self._storage.wake.listened_to = True
        return True


class _FileLock:
    def __init__(self, storage: Storage[Any]) -> None:
        self._storage = storage
        self._path = f"{storage.engine.url.database}.relay-lock"
        self._file: IO[str] | None = None

    def held(self) -> bool:
        if self._file is not None:
            return True
        file = open(self._path, "w")  # noqa: SIM115 - held for as long as we lead
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        return True

    @contextmanager
    def transaction(self, *, read_only: bool) -> Iterator[Connection]:
        connection = self._storage.begin(read_only=read_only)
        try:
            yield connection
            connection.commit()
        finally:
            self._storage.release(connection, read_only=read_only)

    def wait(self, timeout: float) -> None:
        self._storage.wake.wait(timeout)

    def give_up(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
