"""Draining a backlog of releases into handover tasks: ``community_handover`` against plain nameko.

Both take the same events from a quorum queue and write, for each, an inbox row, a task and an outbox row to
PostgreSQL. Baton is the real service process with everything on: validation, routing, event log, relay. Plain nameko
is an ``event_handler`` as its documentation shows it, one transaction a message, ten workers, a connection pool of
ten, and no validation.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, text

from deploy.local.broker import PrivateBroker
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.processes import ManagedProcess
from deploy.local.stack import ROOT
from services.community_handover import store
from services.community_handover.store import Coverage, KnownPerson, Office
from shared.contracts.envelope import Event, encode
from shared.kernel.ids import new_id
from shared.messaging.broker import Broker, drop
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.topology import declare, events_queue
from shared.storage.bulk import insert_rows
from shared.storage.engine import Storage, make_engine
from shared.storage.migrations import upgrade
from shared.web.tokens import create_keys
from tests.benchmarks.plain_nameko import CREATE_TABLES, EVENT_TYPE, QUEUE, SOURCE

BACKLOG = 20_000
WINDOW = 1000
DEADLINE_SECONDS = 240
TOWNSHIP = "430802001"


def run(broker: PrivateBroker, postgres: PrivatePostgres, folder: Path) -> dict[str, Any]:
    """Messages a second of each, and their ratio."""
    people = [new_id() for _ in range(500)]
    events = [_release(people[number % len(people)]) for number in range(BACKLOG)]
    baton = _baton(broker, postgres, folder, people, events)
    plain = _plain_nameko(broker, postgres, folder, events)
    return {
        "backlog": BACKLOG,
        "baton": round(baton),
        "plain_nameko": round(plain),
        "ratio": round(baton / plain, 1),
        "unit": "events a second, from a standing queue to committed tasks",
    }


def _baton(
    broker: PrivateBroker, postgres: PrivatePostgres, folder: Path, people: list[UUID], events: list[Event]
) -> float:
    url = postgres.create_database("drain_baton")
    storage: Storage[store.Work] = Storage(service="community_handover", url=url, work=store.Work)
    upgrade(storage.engine, "community_handover")
    with storage.work() as work:
        work.offices.put(Office("OFFICE-1", "office", "township", TOWNSHIP))
        work.coverage.put(Coverage(TOWNSHIP, "OFFICE-1"))
        rows = [work.persons.values(KnownPerson(p, 1, "430822", TOWNSHIP)) for p in people]
        insert_rows(work.connection, store.known_persons, rows)
    _fill(broker, events_queue("community_handover"), events, "application/cloudevents+json", encode, topology=True)
    create_keys(folder / "private.jwk", folder / "public.jwks")
    port = free_port()
    process = ManagedProcess(
        "community_handover",
        [sys.executable, "-m", "shared.runtime", "community_handover"],
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AMQP_URI": broker.uri,
            "DATABASE_URL": url,
            "TOKEN_JWKS": str(folder / "public.jwks"),
            "HTTP_PORT": str(port),
            "BATCH_SIZE": "500",
        },
        log=folder / "community_handover.log",
        url=f"http://127.0.0.1:{port}",
    )
    process.start()
    try:
        return _rate(storage.engine, "community_handover.task")
    finally:
        process.stop()
        storage.dispose()


def _plain_nameko(broker: PrivateBroker, postgres: PrivatePostgres, folder: Path, events: list[Event]) -> float:
    url = postgres.create_database("drain_plain")
    engine = make_engine(url, schema="public")
    with engine.begin() as connection:
        for statement in CREATE_TABLES:
            connection.execute(text(statement))
    command = [sys.executable, "-m", "tests.benchmarks.plain_nameko", broker.uri, url]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    # Its queue comes into being when it first starts; then it is stopped, the queue is filled, and it starts again.
    with open(folder / "plain_nameko.log", "ab") as log:
        first = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        _wait_for_queue(broker, QUEUE)
        first.terminate()
        first.wait()
        _fill(broker, QUEUE, events, "application/json", _plain_body, topology=False)
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        return _rate(engine, "task")
    finally:
        process.terminate()
        process.wait()
        engine.dispose()


def _rate(engine: Engine, table: str) -> float:
    """Rows a second between the first ones and the last one: starting a process does not count."""
    counted: list[tuple[float, int]] = []
    until = time.monotonic() + DEADLINE_SECONDS
    while time.monotonic() < until:
        with engine.connect() as connection:
            number = connection.execute(text(f"select count(*) from {table}")).scalar_one()
        if number:
            counted.append((time.monotonic(), number))
        if number >= BACKLOG:
            (began, first), (ended, last) = counted[0], counted[-1]
            return (last - first) / (ended - began)
        time.sleep(0.1)  # counting costs the database something, too
    raise TimeoutError(f"{table}: {counted[-1:]} of {BACKLOG}")


def _fill(
    broker: PrivateBroker,
    queue: str,
    events: list[Event],
    content_type: str,
    body: Callable[[Event], bytes],
    *,
    topology: bool,
) -> None:
    connection = Broker(broker.uri, name="bench").connect()
    if topology:
        declare(connection)
    publisher = ConfirmingPublisher(connection, app_id="bench")
    messages = [_Message(queue, str(event.id), content_type, body(event)) for event in events]
    for start in range(0, len(messages), WINDOW):
        window = publisher.publish(messages[start : start + WINDOW], deadline=60)
        if window.interrupted or window.refused or window.returned:
            raise RuntimeError(f"the backlog could not be published: {window.interrupted}")
    drop(connection)


def _wait_for_queue(broker: PrivateBroker, queue: str) -> None:
    until = time.monotonic() + 60
    while queue not in broker.rabbitmqctl("list_queues", "name"):
        if time.monotonic() > until:
            raise TimeoutError(queue)
        time.sleep(0.2)


def _release(person_id: UUID) -> Event:
    release_id, now = new_id(), datetime.now(UTC)
    data = {
        "release_id": release_id,
        "person_id": person_id,
        "stay_id": None,
        "order_id": None,
        "centre": "CENTRE",
        "kind": "converted",
        "state": "planned",
        "release_at": now + timedelta(days=7),
        "term_last_day": None,
        "executed_at": None,
        "certificate_number": None,
        "needs_handover": True,
        "legal_ground": "community_detox_order",
        "reason": None,
    }
    return Event(new_id(), SOURCE, EVENT_TYPE, release_id, 1, now, data)


def _plain_body(event: Event) -> bytes:
    return encode(event)


class _Message:
    exchange = ""

    def __init__(self, queue: str, message_id: str, content_type: str, body: bytes) -> None:
        self.type = queue
        self.message_id = message_id
        self.content_type = content_type
        self.body = body
