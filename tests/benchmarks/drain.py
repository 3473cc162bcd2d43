"""Draining a backlog of releases into handover tasks, side by side.

All take the same messages from a queue and fill the same tables with the same rows: inbox, task, event log, outbox.
Baton is the real service process with everything on: validation, routing, calendar, relay, timers. A rate is what is
committed between the first messages and the last, so that starting a process does not count.
"""

import sys
import time
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from deploy.local.ports import free_port
from deploy.local.processes import ManagedProcess
from services.community_handover import store
from services.community_handover.store import Coverage, KnownPerson, Office
from shared.kernel.ids import new_id
from shared.messaging.topology import events_queue
from shared.storage.bulk import insert_rows
from shared.storage.engine import Storage
from shared.storage.migrations import upgrade
from tests.benchmarks import backlog
from tests.benchmarks.figures import interleaved, medians, ratio, spreads
from tests.benchmarks.peers import plain_nameko, rows
from tests.benchmarks.setting import PEERS_PYTHON, Setting, plain_url

SERVICE = "community_handover"
FASTSTREAM_QUEUE, BARE_QUEUE = "faststream.events", "bare.events"
PEOPLE = 500
DEADLINE_SECONDS = 240
POLL_SECONDS = 0.1
FAIR = {
    "plain_nameko": "event_handler, 10 workers, so prefetch 10, a pool of 10, one transaction a message, classic queue",
    "faststream": "subscriber, asyncpg pool of 10, prefetch 40, uvloop, one transaction a message, quorum queue",
    "bare": "py-amqp and psycopg2, batches of 500 by arrays, prefetch 1000, the lookups of the real work, quorum queue",
    "baton": "one process of community_handover as it is deployed, default configuration, quorum queue",
}


def run(setting: Setting) -> dict[str, Any]:
    """Messages a second of each, and their ratios."""
    bench = _Bench(setting)
    figures = interleaved(
        {
            "baton": bench.baton,
            "plain_nameko": bench.plain_nameko,
            "faststream": bench.faststream,
            "bare": bench.bare,
        },
        setting.size.rounds,
    )
    return {
        **medians(figures),
        "spread": spreads(figures),
        "times_plain_nameko": ratio(figures, "baton", "plain_nameko"),
        "times_faststream": ratio(figures, "baton", "faststream"),
        "share_of_bare": ratio(figures, "baton", "bare"),
        "backlog": {"baton_and_bare": setting.size.backlog, "plain_nameko_and_faststream": setting.size.slow_backlog},
        "how": FAIR,
        "unit": "messages a second, from a standing queue to committed rows",
    }


class _Bench:
    """A fresh database for each measurement; the messages are made once."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._people = [new_id() for _ in range(PEOPLE)]
        self._many = backlog.planned_releases(setting.size.backlog, self._people)
        self._few = self._many[: setting.size.slow_backlog]
        self._databases = 0
        backlog.declare_topology(setting.broker)
        for queue in (FASTSTREAM_QUEUE, BARE_QUEUE):
            backlog.declare_queue(setting.broker, queue)
        with self._nameko("postgresql+psycopg2://unused"):  # its queue comes into being when it first starts
            backlog.wait_for_queue(setting.broker, plain_nameko.QUEUE)

    def baton(self) -> float:
        """The service's process."""
        url, engine = self._database()
        backlog.fill(self._setting.broker, events_queue(SERVICE), self._many)
        with handover_process(self._setting, url):
            return self._rate(engine, len(self._many))

    def plain_nameko(self) -> float:
        """See `peers.plain_nameko`."""
        url, engine = self._database()
        backlog.fill(self._setting.broker, plain_nameko.QUEUE, self._few, content_type="application/json")
        with self._nameko(url):
            return self._rate(engine, len(self._few))

    def faststream(self) -> float:
        """See `peers.faststream_asyncpg`."""
        return self._peer("faststream_asyncpg", FASTSTREAM_QUEUE, self._few, python=PEERS_PYTHON)

    def bare(self) -> float:
        """See `peers.bare`."""
        return self._peer("bare", BARE_QUEUE, self._many)

    def _peer(self, module: str, queue: str, bodies: list[bytes], python: Path | None = None) -> float:
        url, engine = self._database()
        backlog.fill(self._setting.broker, queue, bodies, content_type="application/json")
        with self._setting.peer(module, self._setting.broker.uri, plain_url(url), python=python):
            return self._rate(engine, len(bodies))

    def _nameko(self, url: str) -> AbstractContextManager[Any]:
        return self._setting.peer("plain_nameko", self._setting.broker.uri, url)

    def _database(self) -> tuple[str, Engine]:
        self._databases += 1
        self._began_at = datetime.now(UTC)
        url = self._setting.postgres.create_database(f"drain_{self._databases}")
        return url, prepare(url, self._people)

    def _rate(self, engine: Engine, number: int) -> float:
        try:
            return committed_rate(engine, number, self._began_at)
        finally:
            engine.dispose()
            self._setting.postgres.drop_database(f"drain_{self._databases}")


def prepare(url: str, people: list[UUID]) -> Engine:
    """The tables of community_handover, one office that covers a township, and people who live there."""
    storage: Storage[store.Work] = Storage(service=SERVICE, url=url, work=store.Work)
    upgrade(storage.engine, SERVICE)
    with storage.work() as work:
        work.offices.put(Office(rows.OFFICE, "office", "township", rows.DIVISION))
        work.coverage.put(Coverage(rows.DIVISION, rows.OFFICE))
        known = [work.persons.values(KnownPerson(p, 1, rows.COUNTY, rows.DIVISION)) for p in people]
        insert_rows(work.connection, store.known_persons, known)
    return storage.engine


def handover_process(setting: Setting, url: str, *, name: str = SERVICE) -> AbstractContextManager[ManagedProcess]:
    """The process of community_handover, as it is deployed."""
    return service_process(setting, SERVICE, url, name=name)


def service_process(setting: Setting, service: str, url: str, *, name: str) -> AbstractContextManager[ManagedProcess]:
    """The process of a service, as it is deployed."""
    port = free_port()
    return _Running(
        ManagedProcess(
            name,
            [sys.executable, "-m", "shared.runtime", service],
            env={**setting.service_environment(url), "HTTP_PORT": str(port)},
            log=setting.folder / f"{name}.log",
            url=f"http://127.0.0.1:{port}",
        )
    )


class _Running(AbstractContextManager[ManagedProcess]):
    def __init__(self, process: ManagedProcess) -> None:
        self._process = process

    def __enter__(self) -> ManagedProcess:
        self._process.start()
        return self._process

    def __exit__(self, *_error: object) -> None:
        self._process.stop()


def committed_rate(engine: Engine, number: int, began_at: datetime) -> float:
    """Messages a second between the first that are seen and the last, of those that came since ``began_at``.

    Raises: TimeoutError when the last does not come.
    """
    seen: list[tuple[float, int]] = []
    until = time.monotonic() + DEADLINE_SECONDS
    # Not the whole inbox, which may hold millions: only what came since.
    count = text("select count(*) from community_handover.inbox where received_at > :began")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        while time.monotonic() < until:
            found = connection.execute(count, {"began": began_at}).scalar_one()
            if found:
                seen.append((time.monotonic(), found))
            if found >= number:
                (began, first), (ended, last) = seen[0], seen[-1]
                return (last - first) / max(ended - began, POLL_SECONDS)
            time.sleep(POLL_SECONDS)  # counting costs the database something, too
    raise TimeoutError(f"{seen[-1:]} of {number}")
