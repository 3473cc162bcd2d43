"""The community officer's pages, as a telephone asks the console for them, with few and with many tasks there.

The whole way: session, the services' answers, names that are decrypted and whose looks are audited, the page,
compressed. The officer's office has a hundredth of all tasks, and people who came by the platform's own messages, so
that there are names to show.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import httpx

from deploy.local.accounts import ACCOUNTS_FILE, CENTRE, OFFICE_TOWNSHIP, ensure_accounts
from deploy.local.browsing import csrf_token
from deploy.local.client import Platform
from deploy.local.ports import free_port
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES, Stack
from tests.benchmarks import drain, growth
from tests.benchmarks.figures import milliseconds, rounded
from tests.benchmarks.load import closed_loop
from tests.benchmarks.setting import Setting

OFFICE = "OFFICE-7"  # of the history's hundred offices
PEOPLE = 40
SECONDS = 8.0
LARGEST_P95_MS = 50.0
LEAST_SHOWN_MS = 1.0
PAGES = ("list_of_tasks", "one_task")


def run(setting: Setting) -> dict[str, Any]:
    """Percentiles of both pages by number of tasks, and whether the list keeps what is promised."""
    found: dict[str, Any] = {}
    for number in setting.size.history:
        found[f"{number:,}".replace(",", "_")] = _measured(setting, number)
    most = list(found.values())[-1]
    return {
        "by_tasks": found,
        "promised": {"list_p95_ms_at_most": LARGEST_P95_MS, "kept": most["list_of_tasks"]["p95_ms"] < LARGEST_P95_MS},
        "how": f"one request after the other for {SECONDS:.0f} s each, names of {PEOPLE} people among the tasks, "
        "everything on this machine",
        "unit": "milliseconds from the request to the whole page, brotli",
    }


def _measured(setting: Setting, number: int) -> Mapping[str, Any]:
    url = setting.postgres.create_database(f"officer_{number}")
    engine = drain.prepare(url, [])
    growth.fill(engine, number)
    engine.dispose()
    with _platform(setting, url, number) as (stack, password):
        task = _enter_people(stack, password)
        cookie = _signed_in(stack.urls[CONSOLE], password)
        paths = dict(zip(PAGES, ("/tasks", f"/tasks/{task}"), strict=True))
        shown = {name: _percentiles(stack, path, cookie) for name, path in paths.items()}
    setting.postgres.drop_database(f"officer_{number}")
    print(f"  {number:,} tasks: {json.dumps(shown)}", flush=True)
    return shown


@contextmanager
def _platform(setting: Setting, url: str, number: int) -> Iterator[tuple[Stack, str]]:
    folder = setting.folder / f"officer_{number}"
    password = ensure_accounts(folder)
    accounts = json.loads((folder / ACCOUNTS_FILE).read_text())
    for account in accounts["accounts"]:
        if account["username"] == "officer":
            account["organisation"] = OFFICE
    (folder / ACCOUNTS_FILE).write_text(json.dumps(accounts))
    ports = {name: free_port() for name in (*SERVICES, IDENTITY, CONSOLE)}
    with Stack(folder, amqp_uri=setting.broker.uri, database_url=url, ports=ports) as stack:
        yield stack, password


def _enter_people(stack: Stack, password: str) -> str:
    """People with names whose releases the office has to receive; the task of one of them."""
    platform = Platform(stack.urls)
    for username in ("station-system", "centre-system", "city", "officer"):
        platform.sign_in(username, password)
    office = {"name": "office", "level": "township", "division": OFFICE_TOWNSHIP}
    platform.put("city", "community_handover", f"/offices/{OFFICE}", office)
    platform.put("city", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})
    persons = [_enter_person(platform, number) for number in range(PEOPLE)]
    platform.wait_for("the last task", lambda: _tasks_of(platform, persons[-1]))
    platform.wait_for("all names", lambda: _names(platform, persons) == PEOPLE)
    return str(_tasks_of(platform, persons[-1])[0]["id"])


def _enter_person(platform: Platform, number: int) -> str:
    body = {
        "identity_kind": "none",
        "full_name": f"示例{number}",
        "sex": "male",
        "residence_division": OFFICE_TOWNSHIP,
    }
    person: str = platform.post("station-system", "person_registry", "/persons", body)["id"]
    release_at = datetime.now(UTC) + timedelta(days=2, minutes=number)
    release = {"person_id": person, "centre": CENTRE, "kind": "converted", "release_at": release_at.isoformat()}
    platform.post("centre-system", "release_notification", "/releases", release)
    return person


def _tasks_of(platform: Platform, person: str) -> list[Any]:
    found: list[Any] = platform.get("officer", "community_handover", "/tasks", person_id=person)["items"]
    return found


def _names(platform: Platform, persons: list[str]) -> int:
    return len(platform.post("officer", "person_registry", "/persons/lookup", {"ids": persons})["items"])


def _signed_in(console: str, password: str) -> str:
    """The cookie of a session, got as a browser gets it."""
    with httpx.Client(follow_redirects=True, timeout=30, trust_env=False) as browser:
        page = browser.get(f"{console}/login")
        form = {"csrf_token": csrf_token(page), "username": "officer", "password": password}
        browser.post(str(page.url), data=form).raise_for_status()
        return f"baton_console={browser.cookies['baton_console']}"


def _percentiles(stack: Stack, path: str, cookie: str) -> dict[str, Any]:
    """Of one page, and what each process computed for it."""
    console = stack.urls[CONSOLE]
    host = console.removeprefix("http://")
    request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nAccept-Encoding: br\r\n\r\n".encode()
    closed_loop(console, repeat(request), connections=1, seconds=SECONDS / 4)  # until caches and pools are warm
    before = _computed(stack)
    load = closed_loop(console, repeat(request), connections=1, seconds=SECONDS)
    load.require_all_accepted()
    computed = {name: 1000 * (after - before[name]) / load.accepted for name, after in _computed(stack).items()}
    return {
        **milliseconds(one.answered - one.due for one in load.answers),
        "bytes": len(load.answers[-1].body),
        "computed_ms": {name: rounded(value) for name, value in computed.items() if value >= LEAST_SHOWN_MS},
    }


def _computed(stack: Stack) -> dict[str, float]:
    """Seconds of processor time that each process has used; of those whose system tells it."""
    found = {}
    for name, process in stack.processes.items():
        told = Path(f"/proc/{process.pid}/stat")
        if told.exists():
            user, system = told.read_text().rpartition(")")[2].split()[11:13]
            found[name] = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return found
