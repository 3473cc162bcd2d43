"""Who is signed in, and tokens for people and systems. The embedded issuer, until a provider is configured."""

import json
from dataclasses import dataclass
from pathlib import Path

from flask import Blueprint, Response, current_app, g, jsonify, request, session
from werkzeug.security import check_password_hash, generate_password_hash

from shared.web.principal import Principal, Role
from shared.web.tokens import LIFETIME, TokenIssuer

bp = Blueprint("identity", __name__)
# Compared against for unknown names, so that the time to answer tells nobody which names exist.
_NOBODY = generate_password_hash("nobody")


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who can sign in."""

    username: str
    role: Role
    organisation: str
    division: str
    title_zh: str
    title_en: str
    password: str

    @property
    def principal(self) -> Principal:
        """As the services see the account."""
        return Principal(self.username, self.role, self.organisation, self.division)


class Accounts:
    """The accounts of the accounts file."""

    def __init__(self, accounts: dict[str, Account]) -> None:
        self._accounts = accounts

    @classmethod
    def from_file(cls, path: Path) -> "Accounts":
        """Read the file."""
        rows = json.loads(path.read_text())
        return cls({row["username"]: Account(**{**row, "role": Role(row["role"])}) for row in rows})

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._accounts.values())

    def get(self, username: str | None) -> Account | None:
        """An account by its name."""
        return self._accounts.get(username or "")

    def check(self, username: str, password: str) -> Account | None:
        """The account, if name and password are right."""
        account = self._accounts.get(username)
        right = check_password_hash(account.password if account else _NOBODY, password)
        return account if right else None


def accounts() -> Accounts:
    """The application's accounts."""
    found: Accounts = current_app.extensions["accounts"]
    return found


def current_account() -> Account | None:
    """Who is signed in."""
    if "account" not in g:
        g.account = accounts().get(session.get("username"))
    found: Account | None = g.account
    return found


def current_token() -> str:
    """A fresh token of the signed-in user, for calls to the services."""
    account = current_account()
    assert account is not None
    if "token" not in g:
        issuer: TokenIssuer = current_app.extensions["token_issuer"]
        g.token = issuer.issue(account.principal)
    token: str = g.token
    return token


@bp.post("/oauth/token")
def token() -> tuple[Response, int]:
    """OAuth 2 client credentials, for systems (RFC 6749 section 4.4)."""
    if request.form.get("grant_type") != "client_credentials":
        return jsonify(error="unsupported_grant_type"), 400
    given = request.authorization
    name = (given.username if given else request.form.get("client_id")) or ""
    secret = (given.password if given else request.form.get("client_secret")) or ""
    account = accounts().check(name, secret)
    if account is None:
        return jsonify(error="invalid_client"), 401
    issuer: TokenIssuer = current_app.extensions["token_issuer"]
    lifetime = int(LIFETIME.total_seconds())
    return jsonify(access_token=issuer.issue(account.principal), token_type="Bearer", expires_in=lifetime), 200  # noqa: S106
