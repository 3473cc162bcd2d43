"""The identity provider under test, without network: its application, its clock, and a browser that signs in to it."""

import html
import json
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from services.identity.accounts import Client
from services.identity.app import create_provider, open_provider
from services.identity.settings import ProviderSettings
from services.identity.store import Work
from shared.kernel.clock import FixedClock
from shared.observability.metrics import Metrics
from shared.storage.chassis import AUDIT
from shared.storage.engine import Storage
from shared.web.keys import FileKeys
from shared.web.tokens import Expected, TokenVerifier, create_keys
from tests.support.schema import migrate
from tests.support.service import START

ISSUER = "http://127.0.0.1:8007"
CONSOLE = "http://127.0.0.1:8000"
SECRET, PASSWORD = "console-secret", "correct horse"
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
_HASHED = generate_password_hash(PASSWORD, method="scrypt:1024:8:1")  # cheap, for there are many tests
_OF_OFFICER = {"role": "community_officer", "organisation": "office-1", "division": "430802001"}
PEOPLE = {
    "accounts": [
        {"username": name, **_OF_OFFICER, "title_zh": "专干", "title_en": "Officer", "password": _HASHED}
        for name in ("officer", "officer2")
    ],
    "clients": [
        {
            "client_id": "station-system",
            "secret": _HASHED,
            "role": "station_officer",
            "organisation": "station-1",
            "division": "430802",
        },
        {"client_id": "command-line", "redirect_uris": ["http://127.0.0.1/signed-in"]},
    ],
}


def provider_settings(folder: Path, *, issuer: str = ISSUER, console: str = CONSOLE) -> ProviderSettings:
    """What a provider in a folder is told; its files are made there."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "accounts.json").write_text(json.dumps(PEOPLE))
    create_keys(folder / "private.jwk", folder / "public.jwks")
    client = Client(
        "console",
        SECRET,
        is_plain=True,
        redirect_uris=(f"{console}/signed-in",),
        post_logout_redirect_uris=(f"{console}/signed-out",),
    )
    return ProviderSettings(
        issuer=issuer,
        accounts=folder / "accounts.json",
        private_jwk=folder / "private.jwk",
        public_jwks=folder / "public.jwks",
        console=client,
        cookie_secret="cookie-secret",
        shows_accounts=True,
        forwarded_hops=1,
    )


@dataclass
class ProviderUnderTest:
    """See the module."""

    app: Flask
    settings: ProviderSettings
    storage: Storage[Work]
    clock: FixedClock

    def browser(self, address: str = "192.0.2.1") -> "Browser":
        """A new browser, without cookies."""
        http = self.app.test_client()
        http.environ_base["REMOTE_ADDR"] = address
        return Browser(self, http)

    def token(self, auth: tuple[str, str] | None = ("console", SECRET), **form: str) -> TestResponse:
        """A request of the token endpoint."""
        return self.app.test_client().post("/token", data=form, auth=auth)

    def verifier(self) -> TokenVerifier:
        """As a service has one."""
        return TokenVerifier(FileKeys(self.settings.public_jwks), self.clock, Expected(self.settings.issuer))

    def audit(self) -> list[tuple[str, str, str | None]]:
        """Who did what, and why it was refused."""
        with self.storage.engine.connect() as connection:
            rows = connection.execute(select(AUDIT).order_by(AUDIT.c.position))
            return [(row.actor, row.action, row.refused) for row in rows]


@dataclass
class Browser:
    """Somebody's browser at the provider's pages."""

    provider: ProviderUnderTest
    http: FlaskClient

    def ask(self, **changed: str | None) -> str:
        """The address where the console sends a browser, with something changed, or left out where it is None."""
        asked: dict[str, str | None] = {
            "response_type": "code",
            "client_id": "console",
            "redirect_uri": f"{CONSOLE}/signed-in",
            "scope": "openid profile",
            "state": "st",
            "nonce": "n-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        asked |= changed
        return f"/authorize?{urlencode({name: value for name, value in asked.items() if value is not None})}"

    def open(self, **changed: str | None) -> TestResponse:
        """Come from the console."""
        return self.http.get(self.ask(**changed))

    def enter(
        self, username: str = "officer", password: str = PASSWORD, *, csrf: str | None = None, **changed: str | None
    ) -> TestResponse:
        """Fill the form in and send it."""
        if csrf is None:
            csrf = csrf_token(self.open(prompt="login", **changed))
        form = {"username": username, "password": password, "csrf_token": csrf}
        return self.http.post(self.ask(**changed), data=form)

    def code(self, **changed: str | None) -> str:
        """Sign in and bring the code back."""
        return code_in(self.enter(**changed))

    def tokens(self) -> dict[str, Any]:
        """Sign in and get everything."""
        form = {"grant_type": "authorization_code", "redirect_uri": f"{CONSOLE}/signed-in", "code_verifier": VERIFIER}
        answer = self.provider.token(code=self.code(), **form)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: dict[str, Any] = answer.get_json()
        return found


def csrf_token(page: TestResponse) -> str:
    """The hidden token of a page's form."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.get_data(as_text=True))
    assert found is not None, page.get_data(as_text=True)
    return html.unescape(found[1])


def code_in(answer: TestResponse) -> str:
    """The code in an address that a browser is sent back to."""
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return parse_qs(urlsplit(answer.location).query)["code"][0]


_APPS: list[Flask] = []


def _app_of(settings: ProviderSettings, storage: Storage[Work]) -> Flask:
    """The application in front of a database. To make one takes long, so it serves one test after another."""
    if not _APPS:
        _APPS.append(create_provider(replace(settings, issuer=ISSUER), storage, Metrics()))
    _APPS[0].extensions["provider"] = open_provider(settings, storage)
    return _APPS[0]


@contextmanager
def provider_under_test(folder: Path, database_url: str, **settings: str) -> Iterator[ProviderUnderTest]:
    """A provider on an empty, migrated database, at 10:00 on a Monday."""
    clock = FixedClock(START)
    storage: Storage[Work] = Storage(service="identity", url=database_url, work=Work, clock=clock)
    try:
        migrate(storage)
        told = provider_settings(folder, **settings)
        yield ProviderUnderTest(_app_of(told, storage), told, storage, clock)
    finally:
        storage.dispose()
