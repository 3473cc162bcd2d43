"""People who can sign in and programs that can get tokens, as the accounts file names them. Passwords are hashed.

A confidential client has a secret, a public one has none and proves itself by PKCE alone. A machine client speaks for
itself, so it has a role of its own, and is the only kind that may use client credentials.
"""

import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from authlib.oauth2.rfc6749 import ClientMixin
from werkzeug.security import check_password_hash, generate_password_hash

from shared.web.principal import Principal, Role

SCOPES = ("openid", "profile")
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


@dataclass(frozen=True)
class Client(ClientMixin):  # type: ignore[misc]
    """A program that asks for tokens; the methods are those that Authlib's server asks."""

    client_id: str
    secret: str | None = None  # hashed, or plain where ``is_plain``: one of our own, made at random
    is_plain: bool = False
    redirect_uris: tuple[str, ...] = ()
    post_logout_redirect_uris: tuple[str, ...] = ()
    grants: tuple[str, ...] = ("authorization_code", "refresh_token")
    principal: Principal | None = None

    @property
    def client_metadata(self) -> dict[str, Any]:
        """What the logout endpoint reads."""
        return {"post_logout_redirect_uris": list(self.post_logout_redirect_uris)}

    def get_client_id(self) -> str:
        """Its name."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """None: where to go must be said each time."""
        return None

    def get_allowed_scope(self, scope: str | None) -> str:
        """What is given of what was asked for."""
        return " ".join(one for one in (scope or "").split() if one in SCOPES)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Exactly one of those entered."""
        return redirect_uri in self.redirect_uris

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether the secret is right."""
        if self.secret is None:
            return False
        if self.is_plain:
            return hmac.compare_digest(self.secret.encode(), client_secret.encode())
        return check_password_hash(self.secret, client_secret)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whoever has a secret uses it."""
        return (method == "none") is (self.secret is None)

    def check_response_type(self, response_type: str) -> bool:
        """Only the code flow."""
        return response_type == "code" and "authorization_code" in self.grants

    def check_grant_type(self, grant_type: str) -> bool:
        """Only what was entered."""
        return grant_type in self.grants


def machine_client(row: Mapping[str, Any]) -> Client:
    """A system of an organisation, which speaks for itself."""
    principal = Principal(row["client_id"], Role(row["role"]), row["organisation"], row["division"])
    return Client(row["client_id"], row["secret"], grants=("client_credentials",), principal=principal)


def public_client(row: Mapping[str, Any]) -> Client:
    """A program on somebody's own machine, in that person's name."""
    return Client(row["client_id"], redirect_uris=tuple(row["redirect_uris"]))


@dataclass
class Directory:
    """All accounts and clients."""

    accounts: Mapping[str, Account]
    clients: Mapping[str, Client] = field(default_factory=dict)

    @classmethod
    def from_file(cls, path: Path, *more: Client) -> Self:
        """Read the file; ``more`` are clients that are configured elsewhere.

        Raises: ValueError, KeyError, TypeError when it is not an accounts file.
        """
        told = json.loads(path.read_text())
        accounts = [Account(**{**row, "role": Role(row["role"])}) for row in told["accounts"]]
        clients = [machine_client(row) if "role" in row else public_client(row) for row in told["clients"]]
        return cls({one.username: one for one in accounts}, {one.client_id: one for one in (*clients, *more)})

    def __iter__(self) -> Iterator[Account]:
        return iter(self.accounts.values())

    def check(self, username: str, password: str) -> Account | None:
        """The account, if name and password are right. As slow for a name that does not exist."""
        account = self.accounts.get(username)
        right = check_password_hash(account.password if account else _NOBODY, password)
        return account if right else None
