"""The console without network: somebody is signed in, and the services answer whatever their documents allow.

Every text that a service may choose freely is hostile, so that a page shows what somebody typed as somebody would who
wants to do harm.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import httpx
from flask import Flask
from flask.testing import FlaskClient

from deploy.local.assets import BUILD
from deploy.local.stack import ROOT
from services.console.app import create_console
from services.console.settings import SERVICES, Settings
from shared.kernel.ids import new_id
from shared.web import Role
from shared.web.rate_limits import RateLimit
from shared.web.tokens import Expected
from tests.support.hostile import SCRIPT

PLACE = "430802001"
MOMENT = "2026-11-22T10:00:00+08:00"
_PLACES = ("division", "code", "office", "area", "holder")
_FIXED = {
    "service": "oversight",
    "owner": "oversight",
    "key": "pickup_rate",
    "verdict": "missing",
}  # what pages look up


class Answers:
    """Answers by the OpenAPI documents; what is an enumeration is drawn by chance."""

    def __init__(self) -> None:
        folder = ROOT / "docs" / "api"
        self._documents = {name: json.loads((folder / f"{name}.openapi.json").read_text()) for name in SERVICES}
        self._chance = Random(1)
        self.heard: list[tuple[str, str, str]] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the service that is asked would say."""
        service, verb, path = request.url.host, request.method.lower(), request.url.path
        self.heard.append((service, request.method, path))
        document = self._documents[service]
        for template, item in document["paths"].items():
            if verb in item and _fits(template, path):
                return self._of(document, item[verb])
        raise AssertionError(f"{service} has no {request.method} {path}")

    def _of(self, document: dict[str, Any], operation: dict[str, Any]) -> httpx.Response:
        status = min(code for code in operation["responses"] if code.startswith("2"))
        kind, content = next(iter(operation["responses"][status]["content"].items()))
        if kind != "application/json":
            return httpx.Response(int(status), text=SCRIPT, headers={"Content-Type": kind})
        return httpx.Response(int(status), json=self._value(document, content["schema"], ""))

    def _value(self, document: dict[str, Any], schema: dict[str, Any], name: str) -> Any:
        while "$ref" in schema or "anyOf" in schema:
            schema = schema["anyOf"][0] if "anyOf" in schema else schema
            if "$ref" not in schema:
                break
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        kind = schema.get("type", "object" if "properties" in schema else "string")
        kind = next((one for one in kind if one != "null"), "null") if isinstance(kind, list) else kind
        if "enum" in schema:
            return self._chance.choice([one for one in schema["enum"] if one is not None])
        match kind:
            case "object":
                return {key: self._value(document, one, key) for key, one in schema.get("properties", {}).items()}
            case "array":
                return [self._value(document, schema["items"], name) for _ in range(2)]
            case "integer" | "number":
                return 1
            case "boolean":
                return self._chance.random() < 0.5
        return self._text(schema, name)

    def _text(self, schema: dict[str, Any], name: str) -> str:
        formats = {"uuid": str(new_id()), "date-time": MOMENT, "date": MOMENT[:10]}
        if schema.get("format") in formats:
            return formats[schema["format"]]
        if name.endswith(_PLACES):
            return PLACE
        return _FIXED.get(name) or SCRIPT


def _fits(template: str, path: str) -> bool:
    parts, given = template.split("/"), path.split("/")
    return len(parts) == len(given) and all(p.startswith("{") or p == g for p, g in zip(parts, given, strict=True))


@dataclass
class Form:
    """A form of a page."""

    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What a browser would find in a page: its forms, and whatever would act by itself."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.acting: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note it."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("method", "get").lower(), given.get("action", "")))
        elif "name" in given and self.forms:
            self.forms[-1].fields[given["name"]] = given.get("value", "")
        self.acting += [f"<{tag} {name}>" for name in given if name.startswith("on") or name in ("style", "srcdoc")]
        self.acting += [f"<{tag} {name}={value[:40]}>" for name, value in given.items() if _leads_out(name, value)]
        if tag in ("style", "iframe", "object", "embed", "base") or (tag == "script" and "src" not in given):
            self.acting.append(f"<{tag}>")


def _leads_out(name: str, value: str) -> bool:
    leads = name in ("href", "src", "action", "formaction", "hx-get", "hx-post")
    return leads and value != "data:," and not (value.startswith(("/", "#", "?")) and not value.startswith("//"))


@dataclass
class ConsoleUnderTest:
    """See the module."""

    app: Flask
    answers: Answers

    def browser(self, role: Role | None) -> FlaskClient:
        """Somebody's browser, signed in if a role is given."""
        http = self.app.test_client()
        if role is not None:
            session_id, sessions = str(new_id()), self.app.session_interface
            account = {"username": f"test.{role.value}", "role": role.value, "organisation": "org-1"}
            account |= {"division": PLACE, "title_zh": SCRIPT, "title_en": SCRIPT}
            sessions.store.save(session_id, {"account": account}, sessions.now())  # type: ignore[attr-defined]
            tokens = {"access_token": "secret-token", "expires_at": sessions.now() + 3600}  # type: ignore[attr-defined]
            sessions.store.save_tokens(session_id, tokens)  # type: ignore[attr-defined]
            http.set_cookie("baton_console", session_id)
        return http


@contextmanager
def console_under_test(folder: Path, *, rate_limit: RateLimit | None = None) -> Iterator[ConsoleUnderTest]:
    """A console with an empty table of sessions."""
    answers = Answers()
    settings = Settings(
        host="127.0.0.1",
        port=0,
        urls={name: f"http://{name}" for name in SERVICES},
        issuer="http://127.0.0.1:9",  # nobody is there
        client_id="console",
        client_secret="secret",
        scope="openid profile",
        expected=Expected(),
        base_url=None,
        sessions_url=f"sqlite:///{folder / 'console.sqlite3'}",
        session_secret="secret",
        session_idle=timedelta(hours=1),
        session_longest=timedelta(hours=12),
        assets=BUILD / "node_modules",
        build=folder,
        forwarded_hops=0,
        rate_limit=rate_limit,
    )
    app = create_console(settings, httpx.MockTransport(answers.answer))
    yield ConsoleUnderTest(app, answers)
    app.session_interface.store.dispose()  # type: ignore[attr-defined]
