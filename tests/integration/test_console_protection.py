"""The console's pages do nothing that the console did not write: headers, forged forms, hostile texts, broken input."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from shared.kernel.ids import new_id
from shared.web import Role
from shared.web.access import ROLES, access_of
from shared.web.rate_limits import RateLimit
from tests.support.console import ConsoleUnderTest, Page, console_under_test
from tests.support.hostile import MOMENTS, RAW_BODIES, SCRIPT, TEXTS

FILES = ("asset", "static")
TO_PROVIDER = ("identity.login", "identity.signed_in", "identity.logout")  # they need somebody who answers
NAMES = {
    "name": "pico.css",
    "filename": "console.css",
    "service": "oversight",
    "key": "pickup_rate",
    "step": "acceptance",
    "act": "documents",
    "what": "discard",
    "decision": "cancellation",
    "file_format": "csv",
}
KINDS = ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "text/plain")
QUERIES = ("month", "year", "level", "cursor", "subject", "actor", "action", "refused", "service", "next", "state")


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleUnderTest]:
    with console_under_test(tmp_path_factory.mktemp("console")) as opened:
        yield opened


def routes(console: ConsoleUnderTest, method: str) -> Iterator[tuple[str, str]]:
    """Endpoint and path, with made-up ids, of each route that takes the method."""
    for rule in console.app.url_map.iter_rules():
        if method in (rule.methods or ()):
            yield rule.endpoint, _path(rule)


def _path(rule: Rule) -> str:
    made_up: dict[str, Any] = {
        name: NAMES.get(name) or (1 if name == "position" else new_id()) for name in rule.arguments
    }
    built = rule.build(made_up)
    assert built is not None
    return built[1]


class Staff:
    """Somebody in each role, to ask for each page as one who may have it."""

    def __init__(self, console: ConsoleUnderTest) -> None:
        self._views = console.app.view_functions
        self._browsers = {role: console.browser(role) for role in ROLES}
        self._tokens: dict[Role, str] = {}

    def role_for(self, endpoint: str) -> Role:
        """A role that may have the page."""
        access = access_of(self._views[endpoint])
        assert access is not None, endpoint
        return next(role for role in ROLES if access.is_public or access.permits(role))

    def browser_for(self, endpoint: str) -> FlaskClient:
        """The browser of somebody in that role."""
        return self._browsers[self.role_for(endpoint)]

    def token_for(self, endpoint: str) -> str:
        """A token for that browser's forms."""
        role = self.role_for(endpoint)
        if role not in self._tokens:
            page = Page(self._browsers[role].get("/stages").get_data(as_text=True))
            self._tokens[role] = next(form.fields["csrf_token"] for form in page.forms if form.method == "post")
        return self._tokens[role]


def pages(console: ConsoleUnderTest) -> Iterator[tuple[str, Any]]:
    """Each page as each role gets it."""
    for role in ROLES:
        browser = console.browser(role)
        for endpoint, path in routes(console, "GET"):
            if endpoint not in (*FILES, *TO_PROVIDER):
                yield f"{role.value} {path}", browser.get(path)


def test_no_page_lets_a_hostile_text_act_and_every_form_carries_a_token(console: ConsoleUnderTest) -> None:
    shown, forms = 0, 0
    for where, answer in pages(console):
        assert answer.status_code < 500, where
        if answer.mimetype != "text/html":
            continue
        text = answer.get_data(as_text=True)
        page = Page(text)
        assert page.acting == [], where
        shown += "hostile()" in text.replace("title", "")
        for form in page.forms:
            if form.method == "post":
                assert form.fields.get("csrf_token"), f"{where}: {form}"
                forms += 1
    assert shown > 50, "hostile texts were shown"
    assert forms > 100


def test_every_answer_has_the_headers_that_protect_it(console: ConsoleUnderTest) -> None:
    for role in (None, Role.CITY_SUPERVISOR):
        browser = console.browser(role)
        found = [(path, browser.get(path)) for endpoint, path in routes(console, "GET") if endpoint not in TO_PROVIDER]
        found += [("/nowhere", browser.get("/nowhere")), ("/tasks", browser.delete("/tasks"))]
        for path, answer in found:
            headers = answer.headers
            assert "script-src" not in headers["Content-Security-Policy"], path
            assert headers["Content-Security-Policy"].startswith("default-src 'self';"), path
            assert "unsafe" not in headers["Content-Security-Policy"], path
            assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path
            assert headers["X-Content-Type-Options"] == "nosniff", path
            assert headers["Referrer-Policy"] == "same-origin", path
            assert headers["Cross-Origin-Opener-Policy"] == "same-origin", path
            assert "camera=()" in headers["Permissions-Policy"], path
            assert "Server" not in headers
            assert "Access-Control-Allow-Origin" not in headers
            if not path.startswith(("/assets", "/static")):
                assert headers["Cache-Control"] == "no-store", path


def test_a_form_that_is_not_ours_does_nothing(console: ConsoleUnderTest) -> None:
    staff = Staff(console)
    console.answers.heard.clear()
    for form in ({"reason": "x"}, {"csrf_token": "x"}):
        forged = [
            (path, staff.browser_for(endpoint).post(path, data=form)) for endpoint, path in routes(console, "POST")
        ]
        assert len(forged) > 10
        assert {answer.status_code for _, answer in forged} == {400}, [p for p, a in forged if a.status_code != 400]
    assert console.answers.heard == []


def test_who_is_not_signed_in_reaches_no_service(console: ConsoleUnderTest) -> None:
    browser = console.browser(None)
    console.answers.heard.clear()
    for endpoint, path in routes(console, "GET"):
        access = access_of(console.app.view_functions[endpoint])
        if access is None or not access.is_public:
            answer = browser.get(path)
            assert (answer.status_code, answer.location.partition("?")[0]) == (302, "/login"), path
    assert console.answers.heard == []


def test_no_address_causes_a_fault(console: ConsoleUnderTest) -> None:
    staff = Staff(console)
    for place, (endpoint, path) in enumerate(routes(console, "GET")):
        if endpoint in (*FILES, *TO_PROVIDER):
            continue
        for number, text in list(enumerate((*TEXTS, *MOMENTS)))[place % 3 :: 3]:
            query = {QUERIES[(number + step) % len(QUERIES)]: text for step in range(4)}
            browser = staff.browser_for(endpoint)
            answer = browser.get(path, query_string={k: v.encode("utf-8", "surrogatepass") for k, v in query.items()})
            assert answer.status_code < 500, f"{path} {query}"
            if answer.mimetype == "text/html":
                assert Page(answer.get_data(as_text=True)).acting == [], f"{path} {query}"


def test_no_form_causes_a_fault(console: ConsoleUnderTest) -> None:
    staff = Staff(console)
    for endpoint, path in routes(console, "POST"):
        if endpoint in TO_PROVIDER:
            continue
        browser, token = staff.browser_for(endpoint), staff.token_for(endpoint)
        for text in (*TEXTS[::2], "x" * 100_000):
            said = text.encode("utf-8", "replace").decode()
            names = (
                "reason",
                "note",
                "kind",
                "outcome",
                "office",
                "to",
                "ground",
                "approved",
                "next",
                "language",
                "key",
            )
            answer = browser.post(path, data={"csrf_token": token, **dict.fromkeys(names, said)})
            assert answer.status_code < 500, f"{path} {text[:40]}"
            assert answer.location is None or answer.location.startswith("/"), f"{path} {answer.location}"
        for number, raw in enumerate(RAW_BODIES[:12]):
            headers = {"X-CSRFToken": token, "Content-Type": KINDS[number % len(KINDS)]}
            answer = browser.post(path, data=raw, headers=headers)
            assert answer.status_code < 500, f"{path} {headers} {raw[:40]!r}"


def test_a_form_that_is_too_large_is_refused(console: ConsoleUnderTest) -> None:
    browser = console.browser(Role.CITY_SUPERVISOR)
    answer = browser.post(f"/tasks/{new_id()}/rejection", data={"reason": "x" * 2_000_000})
    assert answer.status_code == 413


def test_what_is_typed_leads_to_no_other_place(console: ConsoleUnderTest) -> None:
    browser = console.browser(Role.CITY_SUPERVISOR)
    token = Page(browser.get("/tasks").get_data(as_text=True)).forms[0].fields["csrf_token"]
    for there in (
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/\t/evil.example",
        "javascript:x",
        SCRIPT,
    ):
        answer = browser.post("/language", data={"csrf_token": token, "language": "en", "next": there})
        assert answer.location == "/"


def test_who_presses_too_often_is_told_when_to_come_again(tmp_path_factory: pytest.TempPathFactory) -> None:
    seconds = iter(range(10**6))
    limit = RateLimit("3/1000 seconds", lambda: float(next(seconds)))
    with console_under_test(tmp_path_factory.mktemp("limited"), rate_limit=limit) as console:
        browser, other = console.browser(Role.AUDITOR), console.browser(Role.OPERATOR)
        found = [browser.get("/audit") for _ in range(4)]
        assert [answer.status_code for answer in found] == [200, 200, 200, 429]
        assert 0 < int(found[-1].headers["Retry-After"]) <= 1000
        assert "频繁" in found[-1].get_data(as_text=True)
        assert browser.get("/static/console.css").status_code == 200
        assert other.get("/ops").status_code == 200
        assert [console.browser(None).get("//evil.example/x").status_code for _ in range(4)][-1] in (308, 429)
