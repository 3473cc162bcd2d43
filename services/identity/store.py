"""Tables of identity: who is signed in, codes and refresh tokens (hashed), failures.

Whatever is good for one use is used by one conditional update, so two who come at once are never both the first.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Integer, Table, Text, Uuid, select, update

from services.identity.throttle import FORGOTTEN_AFTER, Scope, longest_of, wait
from shared.kernel.ids import new_id
from shared.storage import UnitOfWork, UtcDateTime, new_metadata
from shared.storage.bulk import insert_rows

metadata = new_metadata()

sign_ins = Table(
    "sign_in",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("secret_hash", Text, nullable=False, unique=True),  # of what the browser's cookie holds
    Column("subject", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime),
)
codes = Table(
    "authorization_code",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("sign_in", Uuid, nullable=False),
    Column("client", Text, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("nonce", Text),
    Column("code_challenge", Text, nullable=False),
    Column("locale", Text),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)
refresh_tokens = Table(
    "refresh_token",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("sign_in", Uuid, nullable=False),
    Column("client", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False, index=True),
    Column("used_at", UtcDateTime),
)
failures = Table(
    "failure",
    metadata,
    Column("key", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", UtcDateTime, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """Somebody is signed in, in one browser."""

    id: UUID
    subject: str
    at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Code:
    """An authorization code; the methods are those that Authlib's server asks."""

    hash: str
    sign_in: UUID
    client: str
    redirect_uri: str
    scope: str
    nonce: str | None
    code_challenge: str
    locale: str | None
    expires_at: datetime
    used_at: datetime | None = None

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        """Where it was sent."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope

    def get_nonce(self) -> str | None:
        """What the client wants to find in the ID token."""
        return self.nonce

    def get_auth_time(self) -> None:
        """Said in the other claims."""

    def get_acr(self) -> None:
        """Not said."""

    def get_amr(self) -> list[str]:
        """By password (RFC 8176)."""
        return ["pwd"]


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, good for one use."""

    hash: str
    sign_in: UUID
    client: str
    scope: str
    expires_at: datetime
    used_at: datetime | None = None

    def check_client(self, client: object) -> bool:
        """Whether it is the client's."""
        return self.client == getattr(client, "client_id", None)

    def get_scope(self) -> str:
        """What it is good for."""
        return self.scope


def hashed(secret: str) -> str:
    """What is stored of something that was made at random, so that the database opens nothing."""
    return sha256(secret.encode()).hexdigest()


class Work(UnitOfWork):
    """A transaction of identity."""

    def begin_sign_in(self, subject: str, secret: str) -> SignIn:
        """Somebody has signed in."""
        begun = SignIn(new_id(), subject, self.now, self.now)
        insert_rows(self.connection, sign_ins, [asdict(begun) | {"secret_hash": hashed(secret)}])
        return begun

    def sign_in_of(self, secret: str) -> SignIn | None:
        """The sign-in of a browser's cookie, unless it has ended."""
        return self._sign_in(sign_ins.c.secret_hash == hashed(secret))

    def sign_in(self, sign_in_id: UUID) -> SignIn | None:
        """A sign-in, unless it has ended."""
        return self._sign_in(sign_ins.c.id == sign_in_id)

    def see(self, sign_in: SignIn) -> None:
        """Its user is still there."""
        self.connection.execute(update(sign_ins).where(sign_ins.c.id == sign_in.id).values(seen_at=self.now))

    def end_sign_in(self, sign_in_id: UUID) -> bool:
        """It is over, and so are its refresh tokens; False when it was over before."""
        is_open = (sign_ins.c.id == sign_in_id, sign_ins.c.ended_at.is_(None))
        return self.connection.execute(update(sign_ins).where(*is_open).values(ended_at=self.now)).rowcount == 1

    def keep(self, table: Table, one: Code | RefreshToken) -> None:
        """Keep a code or a refresh token."""
        insert_rows(self.connection, table, [asdict(one)])

    def use_code(self, secret: str, client: str) -> Code | None:
        """A client's code, used from now on, whatever comes of it; ``used_at`` says whether it was used before."""
        row = self._use(codes, secret, client)
        return None if row is None else Code(**row)

    def use_refresh_token(self, secret: str, client: str) -> RefreshToken | None:
        """The same for a refresh token."""
        row = self._use(refresh_tokens, secret, client)
        return None if row is None else RefreshToken(**row)

    def refresh_token(self, secret: str) -> RefreshToken | None:
        """A refresh token, without using it."""
        row = self.connection.execute(select(refresh_tokens).where(refresh_tokens.c.hash == hashed(secret))).first()
        return None if row is None else RefreshToken(**row._asdict())

    def begin_attempt(self, scopes: Sequence[Scope]) -> timedelta:
        """Count an attempt as failed before it is checked, so that many at once are counted; how long to wait instead.

        What must wait is not counted.
        """
        waits = [self._wait(scope) for scope in sorted(scopes, key=lambda scope: scope.key)]
        if longest := longest_of(waits):
            return longest
        for scope in scopes:
            forgotten = failures.c.last_at < self.now - FORGOTTEN_AFTER
            here = update(failures).where(failures.c.key == scope.key)
            self.connection.execute(here.where(forgotten).values(failures=0))
            self.connection.execute(here.values(failures=failures.c.failures + 1, last_at=self.now))
        return timedelta()

    def forgive(self, scopes: Sequence[Scope]) -> None:
        """The attempt was right."""
        for scope in scopes:
            here = update(failures).where(failures.c.key == scope.key)
            left = 0 if scope.forgives else failures.c.failures - 1
            self.connection.execute(here.where(failures.c.failures > 0).values(failures=left))

    def forget(self, before: datetime) -> int:
        """Delete what has been over since ``before``; how many rows."""
        stale = (
            sign_ins.delete().where(sign_ins.c.at < before),
            codes.delete().where(codes.c.expires_at < before),
            refresh_tokens.delete().where(refresh_tokens.c.expires_at < before),
            failures.delete().where(failures.c.last_at < before),
        )
        return sum(self.connection.execute(statement).rowcount for statement in stale)

    def _wait(self, scope: Scope) -> timedelta:
        new = {"key": scope.key, "failures": 0, "last_at": self.now}
        insert_rows(self.connection, failures, [new], tail="on conflict do nothing")
        locked = select(failures).where(failures.c.key == scope.key).with_for_update()
        row = self.connection.execute(locked).one()
        return wait(scope.rule, row.failures, row.last_at, self.now)

    def _sign_in(self, which: Any) -> SignIn | None:
        row = self.connection.execute(select(sign_ins).where(which, sign_ins.c.ended_at.is_(None))).first()
        return None if row is None else SignIn(row.id, row.subject, row.at, row.seen_at)

    def _use(self, table: Table, secret: str, client: str) -> dict[str, Any] | None:
        here = (table.c.hash == hashed(secret), table.c.client == client)
        first = update(table).where(*here, table.c.used_at.is_(None)).values(used_at=self.now)
        is_first = self.connection.execute(first).rowcount == 1
        row = self.connection.execute(select(table).where(*here)).first()
        if row is None:
            return None
        return row._asdict() | ({"used_at": None} if is_first else {})
