"""Two upgrades under load, with a column renamed: expand, roll, contract. Nothing is lost and nobody waits."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, inspect, text

from deploy.local.ports import free_ports
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import ROOT, Stack, service_of
from shared.contracts.envelope import encode
from shared.kernel.ids import new_id
from shared.messaging.broker import Broker, drop
from shared.messaging.topology import events_queue
from shared.storage.engine import make_engine
from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer, create_keys
from tests.support.builders import person_registered
from tests.support.messaging import publish, wait_until, waiting_in
from tests.support.next_version import NEWER_FIELD, command_of, contracted, expanded

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

RELEASES, TASKS = "release_notification", "community_handover"
CENTRE, TOWNSHIP = "centre-1", "430802001"
PAUSE_SECONDS = 0.03  # between releases: the load is to last, not to weigh
READY_SECONDS = 90


@dataclass
class World:
    """Processes of several versions, on one database and one broker."""

    folder: Path
    amqp_uri: str
    database_url: str
    opened: ExitStack
    processes: dict[str, Any] = field(default_factory=dict)

    def start(self, root: Path, *names: str) -> None:
        """Start processes of a version, and wait until they are ready."""
        stack = self._stack(root, *names)
        self.opened.callback(stack.stop)
        stack.start()
        self.processes |= stack.processes

    def stop(self, name: str) -> None:
        """End one politely."""
        assert self.processes.pop(name).stop() == 0

    def engine(self, service: str) -> Engine:
        return make_engine(self.database_url, schema=service)

    def urls(self, service: str) -> list[str]:
        """Where a service's processes answer."""
        return [process.url for name, process in list(self.processes.items()) if service_of(name) == service]

    def _stack(self, root: Path, *names: str) -> Stack:
        return Stack(
            self.folder,
            amqp_uri=self.amqp_uri,
            database_url=self.database_url,
            ports=dict(zip(names, free_ports(len(names)), strict=True)),
            extra_env={"PYTHONPATH": str(root), "LOG_LEVEL": "INFO"},
            commands={name: command_of(root, service_of(name)) for name in names},
        )


class Load:
    """Centres that plan releases without end, each tried again under its key until it is accepted."""

    def __init__(self, world: World, token: str, persons: list[str]) -> None:
        self._world, self._persons = world, persons
        self._headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(timeout=10, trust_env=False)
        self._end = threading.Event()
        self.accepted: set[str] = set()
        self.refused: list[str] = []

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """While the block runs."""
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._end.set()
            thread.join(30)
        assert not thread.is_alive()

    def more(self, count: int) -> None:
        """Wait until so many more were accepted."""
        enough = len(self.accepted) + count
        wait_until(lambda: len(self.accepted) >= enough, f"{count} more releases")

    def _run(self) -> None:
        while not self._end.is_set():
            self._plan(self._persons[len(self.accepted) % len(self._persons)], str(new_id()))
            time.sleep(PAUSE_SECONDS)

    def _plan(self, person: str, key: str) -> None:
        at = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        body = {"person_id": person, "centre": CENTRE, "kind": "early_release", "release_at": at}
        while True:
            for url in self._world.urls(RELEASES):
                try:
                    answer = self._http.post(
                        f"{url}/releases", json=body, headers=self._headers | {"Idempotency-Key": key}
                    )
                except httpx.TransportError:
                    continue  # it is being stopped; another one answers
                if answer.status_code == 201:
                    self.accepted.add(answer.json()["id"])
                    return
                if answer.status_code < 500:
                    self.refused.append(answer.text)
                    return


@pytest.fixture
def world(amqp_uri: str, postgres: PrivatePostgres, tmp_path: Path) -> Iterator[World]:
    with ExitStack() as opened:
        yield World(tmp_path / "data", amqp_uri, postgres.create_database("upgrades"), opened)


def furnished(world: World) -> Load:
    """Persons who are known, an office that is responsible; what asks for releases."""
    keys = world.folder / "keys"
    create_keys(keys / "private.jwk", keys / "public.jwks")
    issuer = TokenIssuer(json.loads((keys / "private.jwk").read_text()))
    county = issuer.issue(Principal("county", Role.COUNTY_SUPERVISOR, "NCO-430802", "430802"))
    with httpx.Client(headers={"Authorization": f"Bearer {county}"}, trust_env=False) as http:
        office = {"name": "office", "level": "township", "division": TOWNSHIP}
        (url,) = world.urls(TASKS)[:1]
        http.put(f"{url}/offices/OFFICE-1", json=office).raise_for_status()
        http.put(f"{url}/coverage/{TOWNSHIP}", json={"office": "OFFICE-1"}).raise_for_status()
    persons = [person_registered(residence_division=TOWNSHIP) for _ in range(5)]
    connection = Broker(world.amqp_uri, name="test").connect()
    for person in persons:
        publish(connection, encode(person), routing_key=person.type, message_id=str(person.id))
    drop(connection)
    for service in (RELEASES, TASKS):
        wait_until(lambda: count(world, service, "known_person") == len(persons), "everybody known")  # noqa: B023
    clerk = issuer.issue(Principal("clerk", Role.CENTRE_CLERK, CENTRE, "4308"))
    return Load(world, clerk, [str(person.subject) for person in persons])


def count(world: World, service: str, table: str, where: str = "true") -> int:
    engine = world.engine(service)
    try:
        with engine.connect() as connection:
            return int(connection.execute(text(f"select count(*) from {table} where {where}")).scalar_one())
    finally:
        engine.dispose()


def all_is_done(world: World, accepted: int) -> bool:
    """Nothing is on its way, and what was taken off the queue is worked off, too."""
    return count(world, RELEASES, "outbox") == waiting_tasks(world) == 0 and count(world, TASKS, "task") >= accepted


def waiting_tasks(world: World) -> int:
    connection = Broker(world.amqp_uri, name="test").connect()
    try:
        return waiting_in(connection, events_queue(TASKS))
    finally:
        drop(connection)


def test_two_upgrades_under_load_lose_nothing(world: World, tmp_path: Path) -> None:
    second = expanded(tmp_path / "second")
    third = contracted(tmp_path / "third", second)
    world.start(ROOT, RELEASES, TASKS, f"{TASKS}-2")
    load = furnished(world)
    with load.going_on():
        load.more(5)
        world.start(second, f"{RELEASES}-2", f"{TASKS}-3")  # expands, while the first version writes
        load.more(5)
        world.stop(RELEASES)
        world.stop(TASKS)
        load.more(5)
        world.stop(f"{TASKS}-2")
        load.more(5)
        assert "offered_at" in columns(world)
        world.start(third, f"{TASKS}-4")  # contracts, while the second version writes
        assert "offered_at" not in columns(world)
        load.more(5)
        world.stop(f"{TASKS}-3")
        load.more(5)
    assert load.refused == []
    wait_until(lambda: all_is_done(world, len(load.accepted)), "everything heard")
    nothing_lost(world, load)


def columns(world: World) -> set[str]:
    engine = world.engine(TASKS)
    try:
        return {column["name"] for column in inspect(engine).get_columns("task", schema=TASKS)}
    finally:
        engine.dispose()


def nothing_lost(world: World, load: Load) -> None:
    """Every accepted release has its one task, whose renamed moment is there whoever wrote it; no letter is dead."""
    engine = world.engine(TASKS)
    with engine.connect() as connection:
        tasks = connection.execute(text("select release_id, state, asked_at from task")).all()
    engine.dispose()
    assert sorted(str(task.release_id) for task in tasks) == sorted(load.accepted)
    assert [task for task in tasks if task.state != "offered" or task.asked_at is None] == []
    assert [count(world, service, "dead_letter") for service in (RELEASES, TASKS)] == [0, 0]
    newer = f"body::json->'data'->>'{NEWER_FIELD}' = '2'"
    of_both = [
        count(world, RELEASES, "event_log", f"type = 'release.planned.v1' and {not_} ({newer}) is true")
        for not_ in ("", "not")
    ]
    assert sum(of_both) == len(load.accepted)
    assert min(of_both) > 0
