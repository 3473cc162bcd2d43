"""Accepting a release by POST, durably: Baton, a plain Flask handler, and PostgreSQL alone.

One process each, as many connections each. Baton authenticates, validates, takes an idempotency key, checks that the
person is known, and writes the release, its event, the outbox and the audit row; the Flask handler inserts one row.
pgbench sends the statements that Baton sends, and nothing else: the limit.
"""

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from deploy.local.ports import free_port
from deploy.local.processes import ManagedProcess
from deploy.local.system_packages import program
from services.release_notification import store
from services.release_notification.store import KnownPerson
from shared.kernel.ids import new_id
from shared.storage.bulk import insert_rows
from shared.storage.engine import Storage
from shared.storage.migrations import upgrade
from tests.benchmarks import backlog
from tests.benchmarks.figures import interleaved, medians, ratio, rounded, spreads
from tests.benchmarks.load import Load, closed_loop
from tests.benchmarks.requests import plan_requests, token_of
from tests.benchmarks.setting import PEERS_PYTHON, Setting, plain_url

SERVICE = "release_notification"
CONNECTIONS = 8
PEOPLE = 500
WARM_UP_SECONDS = 0.5
PGBENCH_SCRIPT = Path(__file__).with_name("acceptance.sql")
FAIR = {
    "baton": "one process of release_notification as it is deployed: HTTP, relay, timers and consumers in it",
    "plain_flask": "gunicorn, 1 gthread worker with 8 threads, Flask, SQLAlchemy Core, pool of 8, one insert",
    "pgbench": "8 connections, the statements of Baton's transaction, in as many round trips, simple protocol",
    "load": "8 keep-alive connections, each sends when it has its answer; one thread of plain sockets",
}


def run(setting: Setting) -> dict[str, Any]:
    """Requests a second of each, and their ratios."""
    bench = _Bench(setting)
    with bench.baton() as baton, bench.flask() as flask:
        bench.measure(baton)  # warm
        bench.measure(flask)
        figures = interleaved(
            {
                "baton": lambda: bench.measure(baton),
                "plain_flask": lambda: bench.measure(flask),
                "pgbench": bench.pgbench,
            },
            setting.size.rounds,
        )
    return {
        **medians(figures),
        "spread": spreads(figures),
        "times_plain_flask": ratio(figures, "baton", "plain_flask"),
        "share_of_pgbench": ratio(figures, "baton", "pgbench"),
        "connections": CONNECTIONS,
        "load_generator_share_of_a_core": rounded(max(bench.generator_shares)),
        "how": FAIR,
        "unit": "accepted releases a second and process, answered after the commit",
    }


class _Bench:
    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._people = [new_id() for _ in range(PEOPLE)]
        self._url = setting.postgres.create_database("acceptance")
        self._flask_url = setting.postgres.create_database("acceptance_flask")
        self._limit_url = setting.postgres.create_database("acceptance_limit")
        for url in (self._url, self._flask_url, self._limit_url):
            _prepare(url, self._people)
        backlog.declare_topology(setting.broker)
        self.generator_shares: list[float] = []

    def baton(self) -> "_Server":
        """The service's process."""
        port = free_port()
        environment = {**self._setting.service_environment(self._url), "HTTP_PORT": str(port)}
        command = [sys.executable, "-m", "shared.runtime", SERVICE]
        return self._server("baton", command, environment, port, "/health/ready")

    def flask(self) -> "_Server":
        """See `peers.plain_flask`."""
        port = free_port()
        options = ["--workers=1", "--worker-class=gthread", f"--threads={CONNECTIONS}", "--keep-alive=60"]
        command = [str(PEERS_PYTHON), "-m", "gunicorn", *options, f"--bind=127.0.0.1:{port}"]
        environment = {**self._setting.service_environment(self._url), "DATABASE_URL": self._flask_url}
        return self._server("flask", [*command, "tests.benchmarks.peers.plain_flask:app"], environment, port, "/")

    def measure(self, server: "_Server") -> float:
        """Accepted a second."""
        load = self._load(server.url)
        load.require_all_accepted()
        self.generator_shares.append(load.cpu_seconds / load.seconds)
        return load.accepted / load.seconds

    def _load(self, url: str) -> Load:
        requests = plan_requests(self._people, token_of(self._setting))
        return closed_loop(url, requests, connections=CONNECTIONS, seconds=self._setting.size.accept_seconds)

    def pgbench(self) -> float:
        """Transactions a second of PostgreSQL alone."""
        command = [program("pgbench"), "-n", "-M", "simple", "-c", str(CONNECTIONS), "-j", "1", "-f", PGBENCH_SCRIPT]
        seconds = max(1, round(self._setting.size.accept_seconds))
        done = subprocess.run(
            [*command, "-T", str(seconds), f"{plain_url(self._limit_url)}?options=-csearch_path%3D{SERVICE}"],
            capture_output=True,
            text=True,
            check=True,
        )
        found = re.search(r"tps = ([0-9.]+)", done.stdout)
        assert found is not None
        return float(found.group(1))

    def _server(self, name: str, command: list[str], environment: dict[str, str], port: int, probe: str) -> "_Server":
        log = self._setting.folder / f"{name}.log"
        url = f"http://127.0.0.1:{port}"
        return _Server(ManagedProcess(name, command, env=environment, log=log, url=url), url, probe)


class _Server:
    """A process that answers."""

    def __init__(self, process: ManagedProcess, url: str, probe: str) -> None:
        self.process = process
        self.url = url
        self._probe = probe

    def __enter__(self) -> "_Server":
        self.process.start()
        until = time.monotonic() + 60
        while time.monotonic() < until and self.process.alive:
            try:
                if httpx.get(f"{self.url}{self._probe}", trust_env=False).status_code in (200, 404):
                    return self
            except httpx.HTTPError:
                time.sleep(0.1)
        raise TimeoutError(self.process.log_tail())

    def __exit__(self, *_error: object) -> None:
        self.process.stop()


def _prepare(url: str, people: list[Any]) -> None:
    storage: Storage[store.Work] = Storage(service=SERVICE, url=url, work=store.Work)
    upgrade(storage.engine, SERVICE)
    with storage.work() as work:
        known = [work.persons.values(KnownPerson(person, 1)) for person in people]
        insert_rows(work.connection, store.known_persons, known)
        work.note_heard("CENTRE")
    with storage.engine.begin() as connection:  # pgbench's one person
        connection.execute(text("insert into known_person (person_id, version) values (:id, 1)"), {"id": _NOBODY})
    storage.dispose()


_NOBODY = "00000000-0000-7000-8000-000000000001"
