"""The console as a relying party: signing in at a provider, tokens that stay at the server, sessions that end.

As in an installation, browsers find the provider behind a front door that it shares, and the console by another way.
"""

import html
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from flask.testing import FlaskClient
from sqlalchemy import create_engine
from werkzeug.serving import BaseWSGIServer, make_server
from werkzeug.test import TestResponse

from deploy.local.assets import BUILD
from deploy.local.ports import free_port
from services.console.app import create_console
from services.console.session_store import SessionStore, sessions
from services.console.settings import SERVICES, Settings
from services.identity.app import create_provider
from services.identity.store import Work
from shared.kernel.clock import SystemClock
from shared.kernel.ids import new_id
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage
from shared.web.keys import FileKeys
from shared.web.tokens import Expected, TokenVerifier, create_keys, rotate_keys
from tests.support.provider import PASSWORD, SECRET, csrf_token, provider_settings
from tests.support.schema import migrate

CONSOLE = "http://localhost"
ISSUER = "https://baton.example/identity"
REFUSAL = f"/tasks/{new_id()}/refusal"
IDLE, LONGEST = timedelta(minutes=30), timedelta(hours=12)


class Now:
    """The console's idea of the time."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def pass_by(self, by: timedelta) -> None:
        self.ahead += by.total_seconds()


@dataclass
class Heard:
    """The services, which answer to whoever has a token. ``refuses``: no token is good any more."""

    verifier: TokenVerifier
    requests: list[httpx.Request] = field(default_factory=list)
    refuses: bool = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.refuses:
            return httpx.Response(401, json={"code": "authority.invalid_token"})
        self.verifier.verify(request.headers["Authorization"].removeprefix("Bearer "))
        return httpx.Response(200, json={"items": [], "next_cursor": None, "open": [], "done": []})

    @property
    def tokens(self) -> list[str]:
        return [request.headers["Authorization"].removeprefix("Bearer ") for request in self.requests]


class FrontDoor(httpx.HTTPTransport):
    """Leads browsers to the provider, whose path it takes off."""

    def __init__(self, way: str) -> None:
        super().__init__(trust_env=False)
        self._way = way

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url).startswith(f"{ISSUER}/")
        url = self._way + str(request.url).removeprefix(ISSUER)
        return super().handle_request(
            httpx.Request(request.method, url, headers=request.headers, stream=request.stream)
        )


@dataclass
class Console:
    """The console's application before a provider that answers over the network."""

    make: Callable[[], Any]
    way: str
    folder: Path
    services: Heard
    now: Now = field(default_factory=Now)
    app: Any = None

    def start(self) -> None:
        """A new process on the same data."""
        if self.app is not None:
            self.app.session_interface.store.dispose()
        self.app = self.make()
        self.app.session_interface.now = self.now

    def browser(self) -> "Browser":
        return Browser(self, self.app.test_client(), httpx.Client(transport=FrontDoor(self.way)))

    def rows(self) -> list[Any]:
        with self.app.session_interface.store._engine.connect() as connection:
            return list(connection.execute(sessions.select()).all())


@dataclass
class Browser:
    """One browser: at the console, and at the provider."""

    console: Console
    http: FlaskClient
    there: httpx.Client

    def to_provider(self, path: str = "/tasks") -> str:
        """Ask for a page and follow to where one signs in."""
        answer = self.http.get(path)
        assert (answer.status_code, answer.location.split("?")[0]) == (302, "/login"), answer.location
        answer = self.http.get(answer.location)
        assert answer.location.startswith(f"{ISSUER}/authorize?")
        return str(answer.location)

    def back(self, address: str, username: str = "officer") -> str:
        """Sign in at the provider; the address it sends back to."""
        page = self.there.get(address)
        if page.status_code == 200:
            found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
            assert found is not None
            form = {"csrf_token": html.unescape(found[1]), "username": username, "password": PASSWORD}
            page = self.there.post(address, data=form)
        assert page.status_code == 303
        return page.headers["Location"].removeprefix(CONSOLE)

    def sign_in(self, path: str = "/tasks", username: str = "officer") -> TestResponse:
        return self.http.get(self.back(self.to_provider(path), username))

    def post(self, path: str, *, origin: str = CONSOLE, **form: str) -> TestResponse:
        headers = {"Origin": origin, "Referer": f"{CONSOLE}/tasks/1?x=1"}
        return self.http.post(path, data=form, headers=headers)

    @property
    def cookie(self) -> str:
        found = self.http.get_cookie("baton_console")
        assert found is not None
        return found.value


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Where the embedded provider answers, and its folder."""
    folder, port = tmp_path_factory.mktemp("provider"), free_port()
    storage: Storage[Work] = Storage(service="identity", url=f"sqlite:///{folder / 'identity.sqlite3'}", work=Work)
    migrate(storage)
    app = create_provider(provider_settings(folder, issuer=ISSUER, console=CONSOLE), storage, Metrics())
    with serving(make_server("127.0.0.1", port, app, threaded=True)):
        yield f"http://127.0.0.1:{port}", folder
    storage.dispose()


def serving(server: BaseWSGIServer) -> Any:
    class Serving:
        def __enter__(self) -> None:
            self.thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            self.thread.start()

        def __exit__(self, *_: object) -> None:
            server.shutdown()
            self.thread.join()
            server.server_close()

    return Serving()


@pytest.fixture(scope="module")
def only_console(provider: tuple[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """To make an application takes long; each test has a browser and a time of its own."""
    way, folder = provider
    build = tmp_path_factory.mktemp("console")
    keys = FileKeys(folder / "public.jwks")
    services = Heard(TokenVerifier(keys, SystemClock(), Expected(ISSUER)))
    settings = Settings(
        host="127.0.0.1",
        port=0,
        urls={name: f"http://{name}" for name in SERVICES},
        issuer=ISSUER,
        client_id="console",
        client_secret=SECRET,
        scope="openid profile",
        expected=Expected(),
        base_url=None,
        sessions_url=f"sqlite:///{build / 'console.sqlite3'}",
        session_secret="secret",
        session_idle=IDLE,
        session_longest=LONGEST,
        assets=BUILD / "node_modules",
        build=build,
        forwarded_hops=0,
        backchannel=way,
    )
    opened = Console(lambda: create_console(settings, httpx.MockTransport(services.answer)), way, folder, services)
    opened.start()
    yield opened
    opened.app.session_interface.store.dispose()


@pytest.fixture
def console(only_console: Console) -> Console:
    only_console.now.ahead = 0.0
    only_console.services.requests.clear()
    only_console.services.refuses = False
    return only_console


def test_signing_in_leads_to_the_page_that_was_asked_for(console: Console) -> None:
    browser = console.browser()
    answer = browser.sign_in("/tasks?state=offered")
    assert (answer.status_code, answer.location) == (302, "/tasks?state=offered")
    page = browser.http.get("/tasks")
    assert page.status_code == 200
    assert "专干" in page.get_data(as_text=True)
    assert console.services.requests != []


def test_the_request_asks_with_everything_that_guards_it(console: Console) -> None:
    asked = parse_qs(urlsplit(console.browser().to_provider()).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{CONSOLE}/signed-in"]
    assert asked["ui_locales"] == ["zh-CN"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    "next_page", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\t/evil.example"]
)
def test_signing_in_leads_to_no_other_site(console: Console, next_page: str) -> None:
    browser = console.browser()
    there = browser.http.get(f"/login?{urlencode({'next': next_page})}").location
    assert browser.http.get(browser.back(there)).location == "/"


def test_an_answer_that_nobody_asked_for_signs_nobody_in(console: Console) -> None:
    attacker, victim = console.browser(), console.browser()
    planted = attacker.back(attacker.to_provider())
    assert victim.http.get(planted).status_code == 400
    victim.to_provider()
    assert victim.http.get(planted).status_code == 400
    assert victim.http.get("/tasks").status_code == 302


def test_an_answer_is_good_for_one_use(console: Console) -> None:
    browser = console.browser()
    answer = browser.back(browser.to_provider())
    assert browser.http.get(answer).status_code == 302
    assert browser.http.get(answer).status_code == 400


@pytest.mark.parametrize("wrong", ["code=invented", "iss=http%3A%2F%2Fevil.example"])
def test_an_answer_that_was_tampered_with_signs_nobody_in(console: Console, wrong: str) -> None:
    browser = console.browser()
    name, _, value = wrong.partition("=")
    answer = re.sub(f"{name}=[^&]+", f"{name}={value}", browser.back(browser.to_provider()))
    assert browser.http.get(answer).status_code == 400
    assert browser.http.get("/tasks").status_code == 302


def test_a_refusal_of_the_provider_is_told(console: Console) -> None:
    browser = console.browser()
    state = parse_qs(urlsplit(browser.to_provider()).query)["state"][0]
    answer = browser.http.get(f"/signed-in?error=access_denied&state={state}")
    assert answer.status_code == 400
    assert "登录没有成功" in answer.get_data(as_text=True)


def test_an_id_token_that_was_got_for_another_sign_in_signs_nobody_in(console: Console) -> None:
    browser = console.browser()
    answer = browser.back(browser.to_provider())
    store = console.app.session_interface.store
    kept = store.load(browser.cookie).contents
    (state,) = [name for name in kept if name.startswith("_state_")]
    kept[state]["data"]["nonce"] = "another"
    store.save(browser.cookie, kept, console.now())
    assert browser.http.get(answer).status_code == 400
    assert browser.http.get("/tasks").status_code == 302


def test_an_id_token_of_a_key_that_is_not_published_signs_nobody_in(console: Console) -> None:
    published = console.folder / "public.jwks"
    ours = published.read_text()
    create_keys(console.folder / "other.jwk", console.folder / "other.jwks")
    published.write_text((console.folder / "other.jwks").read_text())
    console.start()  # it knows no key yet
    try:
        browser = console.browser()
        assert browser.http.get(browser.back(browser.to_provider())).status_code == 400
    finally:
        published.write_text(ours)
        console.start()


def test_nothing_of_the_session_is_in_the_browser_but_a_number(console: Console) -> None:
    browser = console.browser()
    set_cookies = browser.sign_in().headers.getlist("Set-Cookie")
    assert len(set_cookies) == 1
    assert all(word in set_cookies[0] for word in ("HttpOnly", "SameSite=Lax", "Path=/"))
    assert len(browser.cookie) < 60
    page = browser.http.get("/tasks").get_data(as_text=True)
    assert console.services.tokens[-1] not in page
    assert console.services.tokens[-1] not in str(browser.http.get("/tasks").headers)


def test_whoever_reads_the_table_of_sessions_is_in_nobody_s(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    browser.http.get("/tasks")
    raw = b"".join(bytes(str(row), "utf-8") for row in console.rows())
    for secret in (browser.cookie, console.services.tokens[-1], "officer", "refresh"):
        assert secret.encode() not in raw
    url = f"sqlite:///{Path(str(console.app.session_interface.store._engine.url.database))}"
    thief = SessionStore(url, "another secret")
    assert thief.load(browser.cookie) is None
    thief.dispose()


def test_a_session_that_was_there_before_is_not_the_one_that_is_signed_in(console: Console) -> None:
    browser = console.browser()
    address = browser.to_provider()
    planted = browser.cookie
    browser.http.get(browser.back(address))
    assert browser.cookie != planted
    attacker = console.browser()
    attacker.http.set_cookie("baton_console", planted)
    assert attacker.http.get("/tasks").status_code == 302


def test_a_restart_signs_nobody_out(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.start()
    again = console.browser()
    again.http.set_cookie("baton_console", browser.cookie)
    assert again.http.get("/tasks").status_code == 200


def test_a_token_is_renewed_before_it_ends(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    browser.http.get("/tasks")
    console.now.pass_by(timedelta(minutes=13))
    browser.http.get("/tasks")
    first = console.services.tokens[-1]
    console.now.pass_by(timedelta(minutes=1, seconds=30))
    assert browser.http.get("/tasks").status_code == 200
    assert console.services.tokens[-1] != first


def test_pages_that_come_at_once_renew_a_token_once(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.now.pass_by(timedelta(minutes=14, seconds=30))
    cookie, answers = browser.cookie, []

    def ask() -> None:
        one = console.browser()
        one.http.set_cookie("baton_console", cookie)
        answers.append(one.http.get("/tasks").status_code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * 4  # a token used twice would have ended the session


def test_a_new_key_signs_nobody_out(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    rotate_keys(console.folder / "private.jwk", console.folder / "public.jwks")
    assert browser.http.get("/tasks").status_code == 200
    console.now.pass_by(timedelta(minutes=14, seconds=30))
    assert browser.http.get("/tasks").status_code == 200
    assert console.browser().sign_in().status_code == 302  # the console learns of the key by itself


def test_a_session_ends_when_nobody_is_there_though_a_page_asks_by_itself(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.now.pass_by(IDLE - timedelta(minutes=1))
    polled = browser.http.get("/tasks", headers={"HX-Request": "true"})
    assert polled.status_code == 200
    console.now.pass_by(timedelta(minutes=2))
    assert browser.http.get("/tasks", headers={"HX-Request": "true"}).status_code == 204  # the page stays as it is
    asked = parse_qs(urlsplit(browser.to_provider()).query)
    assert asked["prompt"] == ["login"]


def test_a_session_ends_after_a_day_s_work(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    for _ in range(int(LONGEST / IDLE)):
        console.now.pass_by(IDLE - timedelta(seconds=1))
        assert browser.http.get("/tasks").status_code == 200
    console.now.pass_by(IDLE - timedelta(seconds=1))
    assert browser.http.get("/tasks").status_code == 302


def test_a_token_that_the_services_refuse_is_the_end_of_the_session(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.services.refuses = True
    assert browser.http.get("/tasks").location.startswith("/login?")
    console.services.refuses = False
    assert browser.http.get("/tasks").status_code == 302


def test_signing_out_ends_the_session_here_and_there(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    old = browser.cookie
    csrf = csrf_token(browser.http.get("/tasks"))
    page = browser.http.post("/logout", data={"csrf_token": csrf}).get_data(as_text=True)
    found = re.search(r'content="0; url=([^"]+)"', page)
    assert found is not None
    answer = browser.there.get(html.unescape(found[1]))
    assert answer.headers["Location"].startswith(f"{CONSOLE}/signed-out")
    assert browser.http.get("/signed-out").status_code == 200
    again = console.browser()
    again.http.set_cookie("baton_console", old)
    assert again.http.get("/tasks").status_code == 302
    assert browser.there.get(browser.to_provider()).status_code == 200  # the provider asks again


def test_whoever_was_signed_out_by_time_can_still_sign_out(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    csrf = csrf_token(browser.http.get("/tasks"))
    console.now.pass_by(IDLE + timedelta(seconds=1))
    answer = browser.http.post("/logout", data={"csrf_token": csrf})
    assert answer.status_code == 200
    assert f"{ISSUER}/logout" in answer.get_data(as_text=True)


def test_nobody_is_signed_out_by_another_site(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    assert browser.http.post("/logout").status_code == 400
    assert browser.http.get("/tasks").status_code == 200


# What was typed while the session ended.


def test_what_was_typed_is_kept_and_sent_when_asked_for(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.now.pass_by(IDLE + timedelta(seconds=1))
    typed = "本人住在邻乡\n<b>第二行</b>"
    told = browser.post(REFUSAL, reason=typed, key="k-1", csrf_token="old")
    assert told.status_code == 401
    assert "已经保留" in told.get_data(as_text=True)
    there = browser.http.get("/login?next=/tasks/1?x=1").location
    assert browser.http.get(browser.back(there)).location == "/kept"
    page = browser.http.get("/kept").get_data(as_text=True)
    assert html.escape(typed) in page
    assert f'action="{REFUSAL}"' in page
    assert "k-1" in page  # the same act, however often it is sent
    assert 'href="/tasks/1?x=1"' in page
    assert browser.http.get("/kept").location == "/"


def test_what_was_typed_is_shown_to_nobody_else(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.now.pass_by(IDLE + timedelta(seconds=1))
    browser.post(REFUSAL, reason="张三住在邻乡")
    there = browser.http.get("/login").location
    assert browser.http.get(browser.back(there, "officer2")).location == "/"
    assert browser.http.get("/kept").location == "/"


def test_what_another_site_sends_is_never_put_before_anybody(console: Console) -> None:
    browser = console.browser()
    browser.sign_in()
    console.now.pass_by(IDLE + timedelta(seconds=1))
    told = browser.post(REFUSAL, origin="https://evil.example", reason="x")
    assert "已经保留" not in told.get_data(as_text=True)
    assert browser.sign_in().location == "/tasks"
    fresh = console.browser()
    assert "已经保留" not in fresh.post(REFUSAL, reason="x").get_data(as_text=True)  # nobody's session


# The provider is away.


def test_a_provider_that_is_away_is_told_and_ends_no_session(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = console.browser()
    browser.sign_in()
    client = console.app.extensions["authlib.integrations.flask_client"].provider
    monkeypatch.setitem(client.server_metadata, "token_endpoint", f"http://127.0.0.1:{free_port()}/token")
    assert browser.http.get("/tasks").status_code == 200
    console.now.pass_by(timedelta(minutes=14, seconds=30))
    assert browser.http.get("/tasks").status_code == 200  # good for a moment
    console.now.pass_by(timedelta(minutes=1))
    assert browser.http.get("/tasks").status_code == 503
    monkeypatch.undo()
    assert browser.http.get("/tasks").status_code == 200


# The database of the sessions is away.


@pytest.fixture
def away(console: Console) -> Iterator[Callable[[], None]]:
    """Takes the database of the sessions away; it comes back after."""
    store = console.app.session_interface.store
    there = store._engine

    def take() -> None:
        store._engine = create_engine("sqlite:////nowhere/console.sqlite3")

    yield take
    store._engine = there


def test_a_database_of_sessions_that_is_away_is_told_and_ends_no_session(
    console: Console, away: Callable[[], None]
) -> None:
    browser, store = console.browser(), console.app.session_interface.store
    browser.sign_in()
    signed_in, there = browser.cookie, store._engine
    away()
    told = [browser.http.get("/tasks"), browser.post(REFUSAL, reason="x"), browser.http.get("/login")]
    for answer in (*told, console.browser().http.get("/tasks"), console.browser().http.get("/login")):
        assert answer.status_code == 503
        assert "暂时无法连接" in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers
    needed = re.findall(r'(?:href|src)="(/assets/[^"]+)"', told[0].get_data(as_text=True))
    assert len(needed) > 1
    for path in (*needed, "/health/live"):  # what the page needs, too
        assert browser.http.get(path).status_code == 200
    store._engine = there
    assert browser.cookie == signed_in
    assert browser.http.get("/tasks").status_code == 200


def test_a_database_of_sessions_that_goes_meanwhile_is_told(console: Console, away: Callable[[], None]) -> None:
    browser = console.browser()
    browser.sign_in()
    console.app.session_interface.store.see = lambda *_: away()  # just after the session was read
    console.now.pass_by(timedelta(minutes=2))
    try:
        assert browser.http.get("/tasks").status_code == 503
    finally:
        del console.app.session_interface.store.see
