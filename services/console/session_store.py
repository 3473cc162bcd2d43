"""Where sessions are kept: at the server, encrypted, found by a hash of what the browser's cookie holds.

A session is worth nothing after half a day, so this table has no migrations: its name carries its form, and another
form is another table. Tokens have a column of their own, which only the one who refreshes writes: two requests of one
page never put back each other's old token.
"""

import fcntl
import threading
import zlib
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken
from sqlalchemy import (
    Column,
    Engine,
    Float,
    LargeBinary,
    MetaData,
    Table,
    Text,
    create_engine,
    event,
    make_url,
    select,
    text,
)

SCHEMA = "console"
LOCK_SECONDS = 10
LOCKS = 64  # sessions share them by chance
_metadata = MetaData()
sessions = Table(
    "session_v1",
    _metadata,
    Column("id", Text, primary_key=True),
    Column("contents", LargeBinary, nullable=False),
    Column("tokens", LargeBinary),
    Column("began_at", Float, nullable=False),  # seconds since 1970
    Column("seen_at", Float, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Stored:
    """A session as it is kept."""

    contents: dict[str, Any]
    began_at: float
    seen_at: float


class SessionStore:
    """The sessions of all processes of the console."""

    def __init__(self, url: str, secret: str) -> None:
        """``url`` is a database's; ``secret`` is what sessions are encrypted with."""
        self._cipher = Fernet(urlsafe_b64encode(sha256(f"sessions {secret}".encode()).digest()))
        self._engine = _engine(url)
        self._locks = [threading.Lock() for _ in range(LOCKS)]
        _create(self._engine)

    def load(self, session_id: str) -> Stored | None:
        """The session, or None."""
        row = self._row(session_id)
        contents = self._opened(row.contents) if row else None
        return None if row is None or contents is None else Stored(contents, row.began_at, row.seen_at)

    def tokens(self, session_id: str) -> dict[str, Any] | None:
        """Its tokens, as they are now."""
        row = self._row(session_id)
        return self._opened(row.tokens) if row and row.tokens else None

    def save(self, session_id: str, contents: dict[str, Any], now: float) -> None:
        """Keep the contents, of a new session or of one that is there; the tokens stay."""
        closed = self._closed(contents)
        here = sessions.c.id == hashed(session_id)
        with self._engine.begin() as connection:
            if connection.execute(sessions.update().where(here).values(contents=closed)).rowcount == 0:
                row = {"id": hashed(session_id), "contents": closed, "began_at": now, "seen_at": now}
                connection.execute(sessions.insert().values(row))

    def save_tokens(self, session_id: str, tokens: dict[str, Any] | None) -> None:
        """Keep new tokens, or none."""
        self._change(session_id, tokens=self._closed(tokens) if tokens else None)

    def see(self, session_id: str, now: float) -> None:
        """Its user is there."""
        self._change(session_id, seen_at=now)

    def delete(self, session_id: str) -> None:
        """End it."""
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.id == hashed(session_id)))

    def forget(self, before: float) -> None:
        """Delete sessions whose users were not there since."""
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.seen_at < before))

    @contextmanager
    def alone(self, session_id: str) -> Iterator[None]:
        """Nobody else changes this session's tokens meanwhile, in this process or, on PostgreSQL, in another."""
        key = zlib.crc32(session_id.encode())
        lock = self._locks[key % LOCKS]
        if not lock.acquire(timeout=LOCK_SECONDS):
            raise TimeoutError("a session stayed locked")
        try:
            with self._alone_in_database(key):
                yield
        finally:
            lock.release()

    def dispose(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _alone_in_database(self, key: int) -> Iterator[None]:
        if self._engine.dialect.name != "postgresql":
            yield
            return
        with self._engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key})
            yield

    def _change(self, session_id: str, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(sessions.update().where(sessions.c.id == hashed(session_id)).values(values))

    def _row(self, session_id: str) -> Any:
        with self._engine.connect() as connection:
            return connection.execute(select(sessions).where(sessions.c.id == hashed(session_id))).first()

    def _closed(self, value: dict[str, Any]) -> bytes:
        return self._cipher.encrypt(orjson.dumps(value))

    def _opened(self, closed: bytes) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = orjson.loads(self._cipher.decrypt(closed))
        except InvalidToken:
            return None  # of another secret
        return found


def hashed(session_id: str) -> str:
    """What is stored of a cookie, so that whoever reads the table is in nobody's session."""
    return sha256(session_id.encode()).hexdigest()


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        Path(str(parsed.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, hide_parameters=True)
        event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA journal_mode=WAL") and None)
        return engine
    options = {"options": f"-c search_path={SCHEMA} -c lock_timeout=10000", "connect_timeout": 5}
    return create_engine(parsed, pool_pre_ping=True, hide_parameters=True, connect_args=options)


def _create(engine: Engine) -> None:
    """Make the table unless it is there; several processes may start at once."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(SCHEMA.encode())})
            connection.execute(text(f"create schema if not exists {SCHEMA}"))
            _metadata.create_all(connection)
        return
    with open(f"{engine.url.database}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _metadata.create_all(engine)
