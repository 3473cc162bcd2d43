"""The provider's pages: what the form guards against, and how guessing is slowed down without keeping people out."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from services.identity.app import create_provider
from services.identity.store import Work
from services.identity.throttle import ACCOUNT, ADDRESS, scopes_of_person
from shared.kernel.clock import FixedClock
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage
from tests.support.provider import (
    CONSOLE,
    PASSWORD,
    Browser,
    ProviderUnderTest,
    csrf_token,
    provider_settings,
    provider_under_test,
)
from tests.support.schema import migrate
from tests.support.service import START


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[ProviderUnderTest]:
    with provider_under_test(tmp_path / "identity", f"sqlite:///{tmp_path / 'identity.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def stored(tmp_path: Path, database_url: str) -> Iterator[ProviderUnderTest]:
    with provider_under_test(tmp_path / "identity", database_url) as opened:
        yield opened


def fail(browser: Browser, times: int, username: str = "officer") -> TestResponse:
    csrf = csrf_token(browser.open())
    return [browser.enter(username, "wrong", csrf=csrf) for _ in range(times)][-1]


# The form.


def test_a_wrong_password_is_told_and_a_wrong_name_is_told_the_same(provider: ProviderUnderTest) -> None:
    wrong = [provider.browser().enter("officer", "wrong"), provider.browser().enter("nobody", PASSWORD)]
    for answer in wrong:
        assert (answer.status_code, answer.location) == (401, None)
        assert "用户名或密码不正确" in answer.get_data(as_text=True)
    assert all(PASSWORD not in answer.get_data(as_text=True) for answer in wrong)


@pytest.mark.parametrize(
    ("username", "password"), [("", ""), ("officer", ""), ("o" * 201, "p"), ("officer", "p" * 201), ("\0", "\0")]
)
def test_odd_input_is_a_wrong_password(provider: ProviderUnderTest, username: str, password: str) -> None:
    assert provider.browser().enter(username, password).status_code == 401


@pytest.mark.parametrize("csrf", ["", "invented"])
def test_a_form_of_another_page_signs_nobody_in(provider: ProviderUnderTest, csrf: str) -> None:
    browser = provider.browser()
    browser.open()
    answer = browser.enter(csrf=csrf or "none")
    assert answer.status_code == 400
    assert browser.open(prompt="none").location.find("login_required") > 0
    assert provider.audit() == []


def test_a_token_of_another_browser_s_form_is_refused(provider: ProviderUnderTest) -> None:
    stolen = csrf_token(provider.browser().open())
    victim = provider.browser()
    victim.open()
    assert victim.enter(csrf=stolen).status_code == 400


def test_a_session_that_was_there_before_is_not_the_one_that_is_signed_in(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    csrf = csrf_token(browser.open())
    planted = browser.http.get_cookie("baton_identity")
    assert planted is not None
    browser.enter(csrf=csrf)
    attacker = provider.browser()
    attacker.http.set_cookie("baton_identity", planted.value)
    assert attacker.open().status_code == 200  # asked to sign in


def test_signing_in_anew_ends_the_sign_in_before(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    browser.enter()
    old = browser.http.get_cookie("baton_identity")
    assert old is not None
    browser.enter("officer2")
    again = provider.browser()
    again.http.set_cookie("baton_identity", old.value)
    assert again.open().status_code == 200


def test_cookies_are_for_the_server_only(provider: ProviderUnderTest) -> None:
    for answer in (provider.browser().open(), provider.browser().enter()):
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert "HttpOnly" in cookie
            assert "SameSite=Lax" in cookie


def test_where_browsers_come_by_tls_cookies_go_by_nothing_else(tmp_path: Path) -> None:
    settings = provider_settings(tmp_path / "identity", issuer="https://id.example")
    storage: Storage[Work] = Storage(service="identity", url=f"sqlite:///{tmp_path / 'i.sqlite3'}", work=Work)
    migrate(storage)
    app = create_provider(settings, storage, Metrics())
    asked = Browser(ProviderUnderTest(app, settings, storage, FixedClock(START)), app.test_client()).ask()
    page = app.test_client().get(asked, base_url="https://id.example")
    (cookie,) = page.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-baton_identity=")
    assert all(word in cookie for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"))
    storage.dispose()


def test_behind_a_front_door_that_it_shares_every_address_has_its_path(tmp_path: Path) -> None:
    issuer = "https://baton.example/identity"
    folder, url = tmp_path / "identity", f"sqlite:///{tmp_path / 'identity.sqlite3'}"
    with provider_under_test(folder, url, issuer=issuer) as mounted:
        browser = mounted.browser()
        page = browser.open().get_data(as_text=True)
        (form,) = re.findall(r'<form method="post" action="([^"?]+)', page)
        styles = re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)
        assert (form, len(styles)) == ("/identity/authorize", 2)
        for style in styles:  # the front door takes the path off
            assert browser.http.get(style.removeprefix("/identity")).status_code == 200
        (language,) = re.findall(r'href="([^"?]+)\?[^"]*ui_locales', page)
        assert language == "/identity/authorize"
        answer = browser.enter()
        paths = dict(re.findall(r"^(\w+)=.*?Path=([^;]+)", "\n".join(answer.headers.getlist("Set-Cookie")), re.M))
        assert paths == {"baton_device": "/identity", "baton_identity": "/"}
        assert browser.http.get("/.well-known/openid-configuration").get_json()["jwks_uri"] == f"{issuer}/jwks"
        asked = {"data": {"grant_type": "client_credentials"}, "auth": ("station-system", PASSWORD)}
        by_the_way_inside = browser.http.post("/token", base_url="http://identity:8000", **asked)
        assert by_the_way_inside.status_code == 200


def test_a_database_that_is_away_is_told_on_a_page(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    csrf = csrf_token(browser.open())
    there = provider.app.extensions["provider"]
    away: Storage[Work] = Storage(service="identity", url="sqlite:////nowhere/identity.sqlite3", work=Work)
    provider.app.extensions["provider"] = replace(there, storage=away)
    answer = browser.enter(csrf=csrf, ui_locales="en")
    assert answer.status_code == 503
    assert "please try again later" in answer.get_data(as_text=True)
    assert answer.headers["Retry-After"] == "5"
    provider.app.extensions["provider"] = there
    away.dispose()


def test_the_page_has_no_script_and_leads_to_the_client_only(provider: ProviderUnderTest) -> None:
    answer = provider.browser().open()
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert f"form-action 'self' {CONSOLE}" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy.replace("script-src", "")
    assert "<script" not in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"
    assert provider.browser().http.get("/assets/identity.css").status_code == 200
    assert provider.browser().http.get("/assets/../app.py").status_code == 404


def test_what_is_in_the_address_is_not_taken_for_markup(provider: ProviderUnderTest) -> None:
    page = provider.browser().open(state='"><script>alert(1)</script>', login_hint='"><b>').get_data(as_text=True)
    assert "<script" not in page
    assert "<b>" not in page


@pytest.mark.parametrize(
    ("asked", "word"),
    [(None, "登录"), ("en", "Sign in"), ("fr-FR en-GB", "Sign in"), ("zh-CN", "登录"), ("xx", "登录")],
)
def test_the_page_speaks_both_languages(provider: ProviderUnderTest, asked: str | None, word: str) -> None:
    assert f"<h1>{word}</h1>" in provider.browser().open(ui_locales=asked).get_data(as_text=True)


def test_accounts_are_listed_only_in_a_demonstration(provider: ProviderUnderTest) -> None:
    assert "officer2" in provider.browser().open().get_data(as_text=True)
    object.__setattr__(provider.settings, "shows_accounts", False)
    assert "officer2" not in provider.browser().open().get_data(as_text=True)


# Guessing.


def test_guessing_at_an_account_is_slowed_down(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    assert fail(browser, ACCOUNT.free).status_code == 401
    refused = browser.enter()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
    assert "1 秒" in refused.get_data(as_text=True)
    provider.clock.advance(timedelta(seconds=1))
    assert fail(browser, 1).status_code == 401
    provider.clock.advance(timedelta(seconds=1))
    assert browser.enter().headers["Retry-After"] == "1"  # of two seconds
    provider.clock.advance(timedelta(seconds=1))
    assert browser.enter().status_code == 303
    assert fail(provider.browser(), ACCOUNT.free).status_code == 401  # the success made up for what was before


def test_guessing_from_everywhere_is_slowed_down_too(provider: ProviderUnderTest) -> None:
    for number in range(ACCOUNT.free):
        fail(provider.browser(f"198.51.100.{number}"), 1)
    assert provider.browser("203.0.113.1").enter().status_code == 429


def test_guessing_at_many_accounts_from_one_place_is_slowed_down(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    with provider.storage.work() as work:
        for number in range(ADDRESS.free - 1):  # as if each name had been tried here
            work.begin_attempt(scopes_of_person(f"name{number}", "192.0.2.1", None))
    assert fail(browser, 1, "another name").status_code == 401
    assert browser.enter().status_code == 429
    assert provider.browser("203.0.113.1").enter().status_code == 303


def test_whoever_guesses_elsewhere_keeps_nobody_out_who_is_known_here(provider: ProviderUnderTest) -> None:
    known = provider.browser()
    known.enter()
    fail(provider.browser("203.0.113.1"), ACCOUNT.free + 1)
    assert provider.browser().enter().status_code == 429  # a new browser must wait
    assert known.enter().status_code == 303
    other_account = known.enter("officer2", "wrong")
    assert other_account.status_code == 401


def test_a_known_browser_that_guesses_is_slowed_down_as_well(provider: ProviderUnderTest) -> None:
    known = provider.browser()
    known.enter()
    fail(provider.browser("203.0.113.1"), ACCOUNT.free)
    csrf = csrf_token(known.open(prompt="login"))
    answers = [known.enter(password="wrong", csrf=csrf).status_code for _ in range(ACCOUNT.free + 1)]
    assert answers == [401] * ACCOUNT.free + [429]


def test_an_invented_mark_of_a_known_browser_is_none(provider: ProviderUnderTest) -> None:
    browser = provider.browser()
    browser.http.set_cookie("baton_device", "eyJvZmZpY2VyIjoiZDEifQ.AAAA")
    fail(provider.browser("203.0.113.1"), ACCOUNT.free)
    assert browser.enter().status_code == 429


def test_no_wait_lasts_long(provider: ProviderUnderTest) -> None:
    browser = provider.browser("203.0.113.1")
    csrf = csrf_token(browser.open())
    for _ in range(12):
        browser.enter(password="wrong", csrf=csrf)
        provider.clock.advance(ACCOUNT.longest)
    browser.enter(password="wrong", csrf=csrf)
    assert provider.browser().enter().status_code == 429
    provider.clock.advance(ACCOUNT.longest)
    assert provider.browser().enter().status_code == 303


def test_many_guesses_at_once_are_many_guesses(stored: ProviderUnderTest) -> None:
    browsers = [stored.browser(f"198.51.100.{number}") for number in range(2 * ACCOUNT.free)]
    tokens = [csrf_token(browser.open()) for browser in browsers]
    with ThreadPoolExecutor(4) as pool:
        answers = list(
            pool.map(
                lambda one: one[0].enter(password="wrong", csrf=one[1]).status_code, zip(browsers, tokens, strict=True)
            )
        )
    assert sorted(answers) == [401] * ACCOUNT.free + [429] * ACCOUNT.free


def test_what_must_wait_is_not_written_down_each_time(provider: ProviderUnderTest) -> None:
    fail(provider.browser(), ACCOUNT.free + 5)
    assert len(provider.audit()) == ACCOUNT.free


def test_guessing_at_a_machine_s_secret_is_slowed_down(provider: ProviderUnderTest) -> None:
    wrong = [
        provider.token(auth=("station-system", "wrong"), grant_type="client_credentials").status_code
        for _ in range(ACCOUNT.free + 1)
    ]
    assert wrong == [401] * ACCOUNT.free + [429]
    answer = provider.token(auth=("station-system", PASSWORD), grant_type="client_credentials")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    elsewhere = provider.app.test_client().post(
        "/token",
        data={"grant_type": "client_credentials"},
        auth=("station-system", PASSWORD),
        environ_base={"REMOTE_ADDR": "203.0.113.1"},
    )
    assert elsewhere.status_code == 200
