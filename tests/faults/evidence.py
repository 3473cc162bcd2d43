"""What is found when the run is over: through the APIs, in the databases, in the queues.

Written to one file, so that the checks can be repeated on it.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx
import orjson
from sqlalchemy import Column, Engine, Table, func, select
from sqlalchemy.sql import Select

from deploy.local.stack import SERVICES
from services.community_handover.store import dropped_releases
from services.community_handover.store import known_persons as known_to_handover
from services.oversight.store import versions as oversight_versions
from services.person_registry.store import persons
from services.person_registry.vault import vault_beside
from services.release_notification.store import known_persons as known_to_release
from shared.messaging.topology import UNROUTED, dead_queue
from shared.storage.chassis import DEAD_LETTER, EVENT_LOG, INBOX, OUTBOX
from shared.storage.engine import make_engine
from shared.storage.outbox import EVENTS_EXCHANGE
from shared.web.principal import Role
from tests.faults.by_http import Tokens
from tests.faults.servers import Database
from tests.faults.world import World

FILE = "evidence.json"
PAGE = 200
API_SECONDS = 30.0
_TOLD = (
    "state",
    "release_at",
    "executed_at",
    "needs_handover",
    "order_id",
    "reason",
    "certificate_number",
    "release_id",
)


@dataclass
class Said:
    """An event as it stands in its producer's log."""

    id: str
    type: str
    subject: str
    sequence: int
    data: dict[str, Any]


@dataclass
class OfService:
    """What is found in one service's database."""

    said: list[Said] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    waiting: int = 0  # in the outbox


@dataclass
class Evidence:
    """Everything that is found."""

    services: dict[str, OfService] = field(default_factory=dict)
    releases: list[dict[str, Any]] = field(default_factory=list)  # as the API tells them
    tasks: list[dict[str, Any]] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)  # releases that rightly have no task: their newest version
    persons: list[str] = field(default_factory=list)  # their invented names, which hold the acts' keys
    knows: dict[str, dict[str, int]] = field(default_factory=dict)  # service -> person -> version
    remembered: list[str] = field(default_factory=list)  # events of which oversight has the effect
    dead: dict[str, list[str]] = field(default_factory=dict)  # service -> message ids
    queues: dict[str, tuple[int, int]] = field(default_factory=dict)  # name -> messages, consumers
    consumers: dict[str, int] = field(default_factory=dict)  # queue -> how many there should be
    not_ready: list[str] = field(default_factory=list)

    def write(self, path: Path) -> None:
        """To a file."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, path: Path) -> "Evidence":
        """From the file."""
        content = json.loads(path.read_bytes())
        for name, found in content["services"].items():
            said = [Said(**one) for one in found.pop("said")]
            content["services"][name] = OfService(said=said, **found)
        content["queues"] = {name: tuple(numbers) for name, numbers in content["queues"].items()}
        return cls(**content)


def gather(world: World) -> Evidence:
    """Look at everything. What producers said is read before what hearers heard."""
    found = Evidence(not_ready=world.not_ready(), queues=world.rabbit.queues(), consumers=expected_consumers(world))
    found.tasks = _listed(world, "community_handover", "/tasks", found)
    found.releases = _listed(world, "release_notification", "/releases", found)
    for service in SERVICES:
        found.services[service] = OfService(said=_said(world.database, service))
    for service in SERVICES:
        _read_rest(world, service, found)
    return found


def expected_consumers(world: World) -> dict[str, int]:
    """How many consumers each queue should have when all is well: each process has its own."""
    each = 1 if world.database.port is None else 2
    replicas = {service: len(world.of(service)) for service in SERVICES}
    expected = {f"{service}.events": each * number for service, number in replicas.items()}
    expected |= {dead_queue(service): number for service, number in replicas.items()}
    return expected | {
        "release_notification.intake": replicas["release_notification"],
        UNROUTED: replicas["oversight"],
    }


def backlog(database: Database) -> int:
    """How many messages wait in all outboxes."""
    return sum(_count(database, service, OUTBOX) for service in SERVICES)


def _listed(world: World, service: str, path: str, found: Evidence) -> list[dict[str, Any]]:
    """All items of a list. A service that gives none is one that is not ready."""
    token = Tokens(world.private_jwk).of(Role.CITY_SUPERVISOR, "NCO-4308", "4308")
    url, headers = world.urls[service][0] + path, {"Authorization": f"Bearer {token}"}
    try:
        with httpx.Client(timeout=API_SECONDS, trust_env=False, headers=headers) as http:
            return list(_pages(http, url))
    except httpx.HTTPError as trouble:
        found.not_ready.append(f"{service} ({path}: {type(trouble).__name__})")
        return []


def _pages(http: httpx.Client, url: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        page = http.get(url, params={"limit": PAGE, **cursor}).raise_for_status().json()
        yield from page["items"]
        if page["next_cursor"] is None:
            return
        cursor = {"cursor": page["next_cursor"]}


def _said(database: Database, service: str) -> list[Said]:
    log = EVENT_LOG.c
    statement = select(log.message_id, log.type, log.subject, log.sequence, log.body)
    rows = _rows(database, service, statement.where(log.exchange == EVENTS_EXCHANGE).order_by(log.position))
    return [Said(str(row[0]), row[1], str(row[2]), row[3], _told(row[4])) for row in rows]


def _told(body: str) -> dict[str, Any]:
    data = orjson.loads(body)["data"]
    return {name: data[name] for name in _TOLD if data.get(name) is not None}


def _read_rest(world: World, service: str, found: Evidence) -> None:
    database = world.database
    mine = found.services[service]
    mine.heard = _ids(database, service, INBOX.c.message_id)
    mine.waiting = _count(database, service, OUTBOX)
    found.dead[service] = _ids(database, service, DEAD_LETTER.c.message_id)
    if service == "person_registry":
        found.persons = _names(world, service)
    elif service == "oversight":
        found.remembered = _ids(database, service, oversight_versions.c.event_id)
    elif service == "community_handover":
        found.dropped = _versions(database, service, dropped_releases, "release_id")
        found.knows[service] = _versions(database, service, known_to_handover, "person_id")
    elif service == "release_notification":
        found.knows[service] = _versions(database, service, known_to_release, "person_id")


def _names(world: World, service: str) -> list[str]:
    """The invented names, which only the registry's own keys open."""
    rows = _rows(world.database, service, select(persons.c.id, persons.c.identity))
    vault = vault_beside(world.database.url(service), world.private_jwk.parent / "identity.json")
    opened = vault.open({row[0]: row[1] for row in rows})
    return [identity["full_name"] for identity in opened.values()]


def _ids(database: Database, service: str, column: Column[Any]) -> list[str]:
    return [str(row[0]) for row in _rows(database, service, select(column))]


def _versions(database: Database, service: str, table: Table, key: str) -> dict[str, int]:
    return {str(row[0]): row[1] for row in _rows(database, service, select(table.c[key], table.c.version))}


def _count(database: Database, service: str, table: Table) -> int:
    return int(_rows(database, service, select(func.count()).select_from(table))[0][0])


def _rows(database: Database, service: str, statement: Select[Any]) -> list[Any]:
    engine: Engine = make_engine(database.url(service), schema=service)
    try:
        with engine.connect().execution_options(read_only=True) as connection:
            return list(connection.execute(statement).all())
    finally:
        engine.dispose()
