"""The composed platform as those see it who come through the front door: what is there, and what is not for them."""

import html
import http.client
import re

import httpx

from deploy.docker.composed import Composed
from deploy.docker.holding import require
from deploy.local.stack import CONSOLE, IDENTITY

# A request that a careless proxy would let through to what is for operators.
EVASIONS = (
    "/metrics", "/ops/status", "/audit", "/%6detrics", "/./metrics", "/x/../metrics", "//metrics", "/ops/../ops/status",
)  # fmt: skip


def check_door(composed: Composed) -> None:
    """TLS, a redirect to it, and nothing of what is for operators."""
    answer = httpx.get(f"http://127.0.0.1:{composed.http_port}/tasks", trust_env=False)
    require(answer.status_code == 308, f"plain HTTP is answered with {answer.status_code}")
    require(_ask(composed, "/login")[0] == 302, "the console is not there")
    for place in ("/api/oversight", f"/{IDENTITY}"):
        require(_ask(composed, f"{place}/health/ready")[0] == 200, f"{place} is not there")
        for path in EVASIONS:
            status, body = _ask(composed, f"{place}{path}")
            require(status in (308, 404) and "baton_" not in body, f"{place}{path} is answered with {status}")


def check_sign_in(composed: Composed) -> None:
    """Somebody signs in at the console, on the provider's page as a browser shows it, and out again."""
    wanted, asked = f"{composed.door}/stages?from=here", f"/{IDENTITY}/authorize"
    with httpx.Client(verify=composed.trusted, follow_redirects=True, trust_env=False, timeout=20) as browser:
        page = browser.get(wanted)
        require(page.url.path == asked, f"one signs in at {page.url.path}")
        for style in re.findall(r'<link rel="stylesheet" href="([^"]+)"', page.text):
            require(browser.get(page.url.join(style)).is_success, f"{style} is not there")
        page = _send(browser, page, asked, username="city", password=composed.password)
        require(str(page.url) == wanted and page.is_success, f"signed in, one comes to {page.url}: {page.status_code}")
        page = _send(browser, page, "/logout")
        (there,) = re.findall(r'content="0; url=([^"]+)"', page.text) or [""]
        page = browser.get(page.url.join(html.unescape(there)))
        require(page.url.path == "/signed-out", f"signed out, one comes to {page.url}")
        page = browser.get(wanted)
        require(page.url.path == asked, "signing out leaves one signed in")


def check_console_away(composed: Composed) -> None:
    """A console that is away is an error of the front door, which counts it; back again, it is found."""
    composed.docker("stop", composed.container(CONSOLE))
    status, _ = _ask(composed, "/login")
    require(status == 502, f"without the console, the front door answers {status}")
    composed.docker("start", composed.container(CONSOLE))
    composed.wait_for(CONSOLE)
    require(_ask(composed, "/login")[0] == 302, "the console is not found again")


def check_sessions_away(composed: Composed) -> None:
    """A console whose database is away says so on a page of its own, and finds it again."""
    composed.docker("stop", composed.container("postgres"))
    status, body = _ask(composed, "/login")
    require(status == 503 and "<h1>" in body, f"without the database, the console answers {status}")
    composed.docker("start", composed.container("postgres"))
    composed.wait_for("postgres")
    require(_ask(composed, "/login")[0] == 302, "the database is not found again")


def _send(browser: httpx.Client, page: httpx.Response, path: str, **fields: str) -> httpx.Response:
    """Fill in the form of a page that leads to ``path``, and send it."""
    for leads_to, inner in re.findall(r'<form method="post" action="([^"]+)">(.*?)</form>', page.text, re.DOTALL):
        address = page.url.join(html.unescape(leads_to))
        tokens = re.findall(r'name="csrf_token" value="([^"]+)"', inner)
        if address.path == path and tokens:
            form = {"csrf_token": html.unescape(tokens[0]), **fields}
            return browser.post(address, data=form, headers={"Referer": str(page.url)})
    require(False, f"{page.url} has no form that leads to {path}: {page.status_code}")
    return page


def _ask(composed: Composed, path: str) -> tuple[int, str]:
    """Ask for exactly this path, which a polite client would tidy up first."""
    port = int(composed.door.rpartition(":")[2])
    connection = http.client.HTTPSConnection("localhost", port, context=composed.trusted, timeout=20)
    try:
        connection.putrequest("GET", path, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()
