"""What the run itself publishes: poison, which must end among the dead letters of all who hear it, and copies of
real events, shuffled, which must change nothing.

Every poison message is written down before it is published, with the queues in which it is expected.
"""

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from uuid import UUID

import orjson
from kombu import Connection
from sqlalchemy import create_engine, text

from shared.contracts.envelope import CONTENT_TYPE, encode
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.messaging.topology import INTAKE
from shared.storage.outbox import EVENTS_EXCHANGE
from tests.faults.servers import Database, Rabbit
from tests.support.builders import event, release_planned

FILE = "poison.jsonl"
PATIENCE_SECONDS = 40.0
CONFIRM_SECONDS = 10.0
PRODUCERS = ("person_registry", "release_notification", "community_handover")
MOST_COPIES = 200


@dataclass(frozen=True, slots=True)
class Letter:
    """A message to publish."""

    message_id: str
    type: str
    body: bytes
    content_type: str = CONTENT_TYPE
    exchange: str = EVENTS_EXCHANGE
    headers: Mapping[str, str] = field(default_factory=dict)
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Poison:
    """A message that can never work, and the services among whose dead letters it must end.

    Who else hears it takes it for an event (``is_event``).
    """

    letter: Letter
    kind: str
    refused_by: frozenset[str]
    is_event: bool = False


Maker = Callable[[UUID, Random], Poison]


def poison(chance: Random, kind: str | None = None) -> Poison:
    """One of a kind, or of some kind, with an id of its own."""
    return _MAKERS[kind or chance.choice(POISON_KINDS)](UUID(int=chance.getrandbits(128), version=4), chance)


def _heard_key(chance: Random) -> str:
    return chance.choice(sorted(frozenset().union(*SUBSCRIPTIONS.values())))


def hearers(key: str) -> frozenset[str]:
    """The services whose queues are bound for a routing key."""
    return frozenset(service for service, types in SUBSCRIPTIONS.items() if key in types)


def _unreadable(kind: str, make: Callable[[dict[str, object]], bytes], content_type: str = CONTENT_TYPE) -> Maker:
    """Poison that nobody can read, under the routing key of an event that somebody hears."""

    def made(message_id: UUID, chance: Random) -> Poison:
        key = _heard_key(chance)
        body = make(orjson.loads(encode(release_planned(id=message_id))))
        return Poison(Letter(str(message_id), key, body, content_type), kind, hearers(key))

    return made


def _refused(message_id: UUID, _chance: Random) -> Poison:
    """Well formed, and no day on which anybody could leave: only who plans the release finds that out."""
    stay = event("stay.admitted.v1", id=message_id, term_last_day=date(1, 1, 1))
    letter = Letter(str(message_id), "stay.admitted.v1", encode(stay))
    return Poison(letter, "refused", frozenset({"release_notification"}), is_event=True)


def _senderless(message_id: UUID, _chance: Random) -> Poison:
    """A command that names nobody who could be answered."""
    letter = Letter(str(message_id), "release.plan", b"{}", "application/json", INTAKE)
    return Poison(letter, "senderless", frozenset({"release_notification"}))


_MAKERS: dict[str, Maker] = {
    "not_json": _unreadable("not_json", lambda envelope: b"{not json"),
    "truncated": _unreadable("truncated", lambda envelope: orjson.dumps(envelope)[:-20]),
    "no_envelope": _unreadable("no_envelope", lambda envelope: orjson.dumps({"hello": "world"})),
    "wrong_schema": _unreadable("wrong_schema", lambda envelope: orjson.dumps(envelope | {"data": {"state": "?"}})),
    "unknown_type": _unreadable("unknown_type", lambda envelope: orjson.dumps(envelope | {"type": "no.such.v1"})),
    "unknown_version": _unreadable(
        "unknown_version", lambda envelope: orjson.dumps(envelope | {"type": "release.planned.v9"})
    ),
    "other_content": _unreadable("other_content", orjson.dumps, "text/plain"),
    "refused": _refused,
    "senderless": _senderless,
}
POISON_KINDS = tuple(_MAKERS)


class Publishing:
    """Publishes with confirms, again and again until they come, and keeps the list of poison."""

    def __init__(self, folder: Path, rabbit: Rabbit, database: Database) -> None:
        self._path = folder / FILE
        self._rabbit = rabbit
        self._database = database
        self._lock = threading.Lock()
        self.copies = 0

    def send_poison(self, chance: Random, count: int) -> list[str]:
        """Publish so many poison messages; their kinds."""
        made = [poison(chance) for _ in range(count)]
        self._write_down(made)
        self._publish([one.letter for one in made])
        return [one.kind for one in made]

    def replay(self, chance: Random) -> int:
        """Publish copies of events that were said, old and quite new, in any order and some twice; how many."""
        letters = [letter for service in PRODUCERS for letter in self._said(service, chance)]
        copies = chance.sample(letters, min(MOST_COPIES, len(letters)))
        copies += chance.sample(copies, len(copies) // 5)
        chance.shuffle(copies)
        for start in range(0, len(copies), MOST_COPIES):
            self._publish(copies[start : start + MOST_COPIES])
        self.copies += len(copies)
        return len(copies)

    def _said(self, service: str, chance: Random) -> list[Letter]:
        engine = create_engine(self._database.url(service))
        schema = "" if self._database.port is None else f"{service}."
        columns = f"select message_id, type, body from {schema}event_log where exchange = :exchange"
        try:
            with engine.connect() as connection:
                where = {"exchange": EVENTS_EXCHANGE, "most": MOST_COPIES}
                newest = connection.execute(text(f"{columns} order by position desc limit :most"), where).all()
                oldest = connection.execute(text(f"{columns} order by position limit :most"), where).all()
        finally:
            engine.dispose()
        rows = chance.sample(newest + oldest, min(MOST_COPIES, len(newest + oldest)))
        return [Letter(str(UUID(str(row.message_id))), row.type, row.body.encode()) for row in rows]

    def _publish(self, letters: Sequence[Letter]) -> None:
        def attempt(connection: Connection) -> None:
            window = ConfirmingPublisher(connection, app_id="faults").publish(letters, deadline=CONFIRM_SECONDS)
            if len(window.confirmed) < len(letters):
                raise window.interrupted or ConnectionError(f"{len(window.returned)} returned")

        if letters:
            self._rabbit.with_connection(attempt, patience=PATIENCE_SECONDS)

    def _write_down(self, made: Sequence[Poison]) -> None:
        with self._lock, open(self._path, "a", encoding="utf-8") as file:
            for one in made:
                line = {"id": one.letter.message_id, "kind": one.kind, "is_event": one.is_event}
                file.write(json.dumps({**line, "key": one.letter.type, "refused_by": sorted(one.refused_by)}) + "\n")
