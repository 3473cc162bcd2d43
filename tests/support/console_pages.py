"""The console in front of services in the same process, with somebody signed in: no network, browser or provider."""

import re
import secrets
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from deploy.local.assets import BUILD
from services.console.app import create_console
from services.console.settings import SERVICES, Settings
from shared.web.principal import Principal
from shared.web.tokens import Expected
from tests.support.service import ServiceUnderTest

_HIDDEN = re.compile(r'name="(csrf_token|key)" value="([^"]*)"')


@dataclass
class Pages:
    """One browser's pages."""

    http: FlaskClient
    here: str = "/"

    def open(self, path: str, **options: Any) -> TestResponse:
        """A page; forms are sent from it from now on."""
        self.here = path
        return self.http.get(path, **options)

    def send(self, path: str, **fields: Any) -> TestResponse:
        """Send a form of the page that is open, with what is hidden in it; the page that it leads to."""
        hidden = dict(_HIDDEN.findall(self.http.get(self.here).get_data(as_text=True)))
        data = {**hidden, **fields}
        is_file = any(isinstance(value, tuple) for value in fields.values())
        kind = "multipart/form-data" if is_file else "application/x-www-form-urlencoded"
        answer = self.http.post(path, data=data, content_type=kind)
        if answer.status_code in (302, 303):
            return self.open(answer.headers["Location"])
        return answer


def text_of(answer: TestResponse) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


class _InProcess(httpx.BaseTransport):
    def __init__(self) -> None:
        self.services: Mapping[str, ServiceUnderTest] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host not in self.services:
            return httpx.Response(503, json={})
        answer = httpx.WSGITransport(app=self.services[request.url.host].app).handle_request(request)
        answer.read()
        return answer


@cache
def _console() -> tuple[Flask, _InProcess, Any]:
    """One application for all tests: to make one takes long."""
    folder = tempfile.TemporaryDirectory(prefix="baton-console-")
    transport = _InProcess()
    return create_console(_settings(Path(folder.name)), transport), transport, folder


@contextmanager
def pages_of(services: Mapping[str, ServiceUnderTest], principal: Principal, language: str = "zh") -> Iterator[Pages]:
    """The pages that somebody sees who is signed in."""
    app, transport, _ = _console()
    transport.services = services
    store, number = app.session_interface.store, secrets.token_urlsafe(32)  # type: ignore[attr-defined]
    account = {
        "username": principal.subject,
        "role": principal.role.value,
        "organisation": principal.organisation,
        "division": principal.division,
        "title_zh": "某人",
        "title_en": "somebody",
    }
    token = next(iter(services.values())).client.issuer.issue(principal)
    store.save(number, {"account": account, "language": language}, time.time())
    store.save_tokens(number, {"access_token": token, "expires_at": time.time() + 3600})
    client = app.test_client()
    client.set_cookie("baton_console", number)
    yield Pages(client)
    transport.services = {}


def _settings(folder: Path) -> Settings:
    return Settings(
        host="127.0.0.1",
        port=0,
        urls={name: f"http://{name}" for name in SERVICES},
        issuer="http://identity",
        client_id="console",
        client_secret="none",
        scope="openid",
        expected=Expected(),
        base_url=None,
        sessions_url=f"sqlite:///{folder / 'console.sqlite3'}",
        session_secret="secret",
        session_idle=timedelta(hours=1),
        session_longest=timedelta(hours=2),
        assets=BUILD / "node_modules",
        build=folder,
        forwarded_hops=0,
        rate_limit=None,
    )
