"""From the POST of a release to its task: the whole platform runs, and the load comes on a fixed schedule.

Every latency counts from the moment at which the request was due, not from when it was sent, so a stall is seen by all
who would have come meanwhile. A task is there when a query of community_handover's database finds it.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
import psycopg2
from sqlalchemy.engine import make_url

from deploy.local.accounts import CENTRE, OFFICE, OFFICE_TOWNSHIP
from deploy.local.client import Platform
from deploy.local.stack import IDENTITY
from shared.web.principal import Principal, Role
from shared.web.tokens import LIFETIME, TokenIssuer
from tests.benchmarks.figures import milliseconds, rounded
from tests.benchmarks.load import Answer, Load, open_loop
from tests.benchmarks.requests import plan_requests
from tests.benchmarks.setting import Setting, plain_url
from tests.support.platform import RunningPlatform, running_platform

CONNECTIONS = 32
PEOPLE = 50
LOOK_EVERY_SECONDS = 0.002
PATIENCE_SECONDS = 60
WARM_UP_REQUESTS = 50


def run(setting: Setting) -> dict[str, Any]:
    """Percentiles in milliseconds at each rate."""
    url = setting.postgres.create_database("latency")
    with running_platform(setting.folder, amqp_uri=setting.broker.uri, database_url=url) as running:
        bench = Bench(setting, running, url)
        bench.measure(rate=20, number=WARM_UP_REQUESTS)
        at = {
            f"at_{rate}": bench.measure(rate, max(50, round(rate * setting.size.latency_seconds)))
            for rate in setting.size.rates
        }
    return {
        **at,
        "how": "all services, one process each; open loop, latency from the scheduled moment; the task is looked for"
        f" every {LOOK_EVERY_SECONDS * 1000:.0f} ms in the database",
        "unit": "milliseconds from the scheduled POST of a release to its committed task",
    }


class Bench:
    """A platform that runs, with people in it who can be released."""

    def __init__(self, setting: Setting, running: RunningPlatform, url: str) -> None:
        self._url = url
        self._target = running.stack.urls["release_notification"]
        platform = running.client("county", "station-system")
        self._people = _prepare(platform)
        keys = setting.folder / "keys"
        issuer = TokenIssuer.from_file(keys / "private.jwk", issuer=running.stack.urls[IDENTITY])
        self._token = issuer.issue(Principal("bench", Role.CENTRE_CLERK, CENTRE), 4 * LIFETIME)
        self._wait_for_people()

    def measure(self, rate: int, number: int) -> dict[str, Any]:
        """``number`` releases, ``rate`` a second."""
        requests = plan_requests(self._people, self._token, CENTRE)
        with _watching(self._url) as watch:
            load = open_loop(
                self._target, requests, connections=CONNECTIONS, rate=rate, number=number, on_answer=watch.expect
            )
            load.require_all_accepted()
            watch.wait()
        return {
            **milliseconds(watch.latencies),
            "answer": milliseconds(answer.answered - answer.due for answer in load.answers),
            "offered_a_second": rate,
            "answered_a_second": rounded(_rate(load)),
        }

    def _wait_for_people(self) -> None:
        """Until release_notification has heard of all of them."""
        until = time.monotonic() + PATIENCE_SECONDS
        with psycopg2.connect(plain_url(self._url)) as connection, connection.cursor() as cursor:
            while time.monotonic() < until:
                cursor.execute("select count(*) from release_notification.known_person")
                if cursor.fetchone() == (PEOPLE,):
                    return
                connection.rollback()
                time.sleep(0.1)
        raise TimeoutError("the people did not become known")


def _rate(load: Load) -> float:
    return len(load.answers) / load.seconds


def _prepare(platform: Platform) -> list[str]:
    office = {"name": "office", "level": "township", "division": OFFICE_TOWNSHIP}
    platform.put("county", "community_handover", f"/offices/{OFFICE}", office)
    platform.put("county", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})
    body = {"identity_kind": "none", "full_name": "x", "sex": "male", "residence_division": OFFICE_TOWNSHIP}
    return [str(platform.post("station-system", "person_registry", "/persons", body)["id"]) for _ in range(PEOPLE)]


@dataclass
class _Watch:
    """Notes when each expected task is there."""

    database: str
    latencies: list[float] = field(default_factory=list)
    _due: dict[str, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stopping: bool = False

    def expect(self, answer: Answer) -> None:
        """A release was accepted; its task is to come."""
        if answer.status == 201:
            with self._lock:
                self._due[orjson.loads(answer.body)["id"]] = answer.due

    def wait(self) -> None:
        """Wait until every expected task was there.

        Raises: TimeoutError.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while self._due:
            if time.monotonic() > until:
                raise TimeoutError(f"{len(self._due)} tasks did not come")
            time.sleep(0.01)

    def look(self) -> None:
        """Until stopped."""
        with psycopg2.connect(self.database) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not self._stopping:
                    self._look_once(cursor)
                    time.sleep(LOOK_EVERY_SECONDS)

    def stop(self) -> None:
        """End `look`."""
        self._stopping = True

    def _look_once(self, cursor: Any) -> None:
        with self._lock:
            missing = list(self._due)
        if not missing:
            return
        query = "select release_id::text from community_handover.task where release_id = any(%s::uuid[])"
        cursor.execute(query, ("{" + ",".join(missing) + "}",))
        now = time.perf_counter()
        with self._lock:
            self.latencies += [now - self._due.pop(found) for (found,) in cursor.fetchall()]


@contextmanager
def _watching(url: str) -> Iterator[_Watch]:
    watch = _Watch(make_url(plain_url(url)).render_as_string(hide_password=False))
    thread = threading.Thread(target=watch.look, daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        watch.stop()
        thread.join()
