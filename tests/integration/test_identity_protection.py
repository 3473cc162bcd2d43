"""The provider's pages and endpoints: headers, hostile texts, broken input; and no secret in any log line."""

import base64
import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from services.person_registry.service import SERVICE as PERSON_REGISTRY
from shared.kernel.ids import new_id
from shared.observability.logs import configure_logs
from shared.web import Role
from tests.support.console import Page
from tests.support.hostile import HEADERS, RAW_BODIES, SCRIPT, TEXTS
from tests.support.provider import CONSOLE, PASSWORD, SECRET, VERIFIER, ProviderUnderTest, provider_under_test
from tests.support.service import principal_of, service_under_test

FORM = "application/x-www-form-urlencoded"
FIELDS = ("username", "password", "csrf_token", "grant_type", "code", "redirect_uri", "refresh_token", "client_id")
ASKED = ("client_id", "redirect_uri", "scope", "state", "nonce", "prompt", "max_age", "ui_locales", "code_challenge")
NUMBER, PHONE, NAME = "11010519491231002X", "17000000001", "示例某"


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderUnderTest]:
    with provider_under_test(tmp_path / "identity", f"sqlite:///{tmp_path / 'identity.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged at the level of everything, with logging put back as it was."""
    root, written = logging.getLogger(), StringIO()
    handlers, level = root.handlers, root.level
    configure_logs("tests", "DEBUG", stream=written)
    logging.getLogger("authlib").setLevel(logging.INFO)  # as the provider's process does
    yield written
    root.handlers = handlers
    configure_logs("tests", "WARNING")
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


def paths(provider: ProviderUnderTest, method: str) -> list[str]:
    """The provider's own routes that need nothing in their path."""
    rules = provider.app.url_map.iter_rules()
    return [rule.rule for rule in rules if method in (rule.methods or ()) and not rule.arguments]


def test_every_answer_has_the_headers_that_protect_it(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    answers = {path: browser.http.get(path) for path in paths(provider, "GET")}
    answers |= {"sign-in": browser.open(), "/nowhere": browser.http.get("/nowhere")}
    for path, answer in answers.items():
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Referrer-Policy"] == "no-referrer", path
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"], path
        assert "unsafe" not in answer.headers["Content-Security-Policy"], path
        assert "Access-Control-Allow-Origin" not in answer.headers, path
    assert "default-src 'none'" in answers["sign-in"].headers["Content-Security-Policy"]
    assert answers["sign-in"].headers["Cache-Control"] == "no-store"


def test_no_hostile_text_acts_or_causes_a_fault(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    for number, text in enumerate(TEXTS):
        said = text.encode("utf-8", "replace").decode()
        asked = {ASKED[(number + step) % len(ASKED)]: said for step in range(3)}
        answers = [
            browser.open(**asked),
            browser.http.post(browser.ask(**asked), data=dict.fromkeys(FIELDS, said)),
            browser.http.post("/token", data=dict.fromkeys(FIELDS, said), auth=("console", SECRET)),
            browser.http.post("/revoke", data={"token": said}, auth=("console", SECRET)),
            browser.http.get("/logout", query_string=dict.fromkeys(("id_token_hint", "state", "client_id"), said)),
        ]
        for answer in answers:
            assert answer.status_code < 500, f"{said[:60]!r} {answer.request.path}"
            if answer.mimetype == "text/html":
                assert Page(answer.get_data(as_text=True)).acting == [], said


def test_a_name_that_is_typed_wrongly_is_not_shown_as_a_page_of_its_own(provider: ProviderUnderTest) -> None:
    answer = provider.browser().enter(SCRIPT, "wrong")
    assert answer.status_code == 401
    assert "<script>hostile" not in answer.get_data(as_text=True)


def test_no_broken_request_causes_a_fault(provider: ProviderUnderTest) -> None:
    http = provider.browser().http
    for path in paths(provider, "POST"):
        for raw in RAW_BODIES:
            assert http.post(path, data=raw, content_type=FORM).status_code < 500, f"{path} {raw[:40]!r}"
        for headers in HEADERS:
            assert http.post(path, data=b"a=%zz&b=\xff", headers=headers).status_code < 500, f"{path} {headers}"
    for credentials in ("Basic", "Basic !", "Basic " + base64.b64encode(b"\xff:\xff").decode(), "Bearer " + "x" * 9000):
        answer = http.post("/token", data={"grant_type": "client_credentials"}, headers={"Authorization": credentials})
        assert 400 <= answer.status_code < 500, credentials[:20]


def test_no_secret_and_no_personal_data_are_in_any_log_line(
    provider: ProviderUnderTest, lines: StringIO, tmp_path: Path
) -> None:
    secrets = [PASSWORD, SECRET, VERIFIER, "mistyped-secret", *_signing_in(provider), *_looking_up(tmp_path)]
    written = lines.getvalue()
    assert written.count('"event":"request"') > 8
    assert [secret for secret in secrets if secret in written] == []


def _signing_in(provider: ProviderUnderTest) -> list[str]:
    """Sign in and out in every way, rightly and wrongly; what must stay secret."""
    browser = provider.browser()
    browser.enter(password="mistyped-secret")
    code = browser.code()
    form = {"grant_type": "authorization_code", "redirect_uri": f"{CONSOLE}/signed-in", "code_verifier": VERIFIER}
    tokens = provider.token(code=code, **form).get_json()
    provider.token(code=code, **form)  # a second time, which is refused
    provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    machine = provider.token(("station-system", PASSWORD), grant_type="client_credentials").get_json()
    provider.token(("station-system", "mistyped-secret"), grant_type="client_credentials")
    browser.http.get("/logout", query_string={"id_token_hint": tokens["id_token"]})
    cookie = browser.http.get_cookie("baton_identity")
    return [
        code,
        *(tokens[name] for name in ("access_token", "refresh_token", "id_token")),
        machine["access_token"],
    ] + ([cookie.value] if cookie and cookie.value else [])


def _looking_up(folder: Path) -> list[str]:
    """Register somebody, look for them, fail at it; what must stay personal."""
    with service_under_test(PERSON_REGISTRY, f"sqlite:///{folder}/registry.sqlite3") as service:
        told: dict[str, Any] = {"full_name": NAME, "sex": "female", "identity_number": NUMBER, "phone": PHONE}
        told |= {"residence_division": "430802001", "residence_detail": "某路一号"}
        officer = principal_of(Role.STATION_OFFICER)
        made = service.client.post("/persons", told, as_=officer)
        assert made.status_code == 201
        service.client.post("/persons", told | {"identity_number": f"{NUMBER[:-1]}1"}, as_=officer)
        service.client.post("/persons/search", {"identity_number": NUMBER}, as_=officer)
        service.client.post("/persons/lookup", {"ids": [made.get_json()["id"], str(new_id())]}, as_=officer)
        service.client.get(f"/persons/{made.get_json()['id']}?name={NAME}&number={NUMBER}", as_=officer)
        bearer = service.client.headers(officer)["Authorization"]
        service.client.http.get("/persons", headers={"Authorization": f"{bearer}x"})
    return [NAME, NUMBER, PHONE, "某路一号", bearer.removeprefix("Bearer ")]
