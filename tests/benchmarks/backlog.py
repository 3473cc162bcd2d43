"""A backlog of real messages: releases as release_notification says them, waiting in a quorum queue."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from kombu import Queue

from deploy.local.broker import PrivateBroker
from services.release_notification.deadlines import notice_due
from services.release_notification.domain import release as domain
from services.release_notification.domain.release import Ground, Kind, Release
from services.release_notification.domain.transitions import State
from services.release_notification.store import release_data
from shared.contracts.envelope import CONTENT_TYPE, Event, encode
from shared.kernel.ids import new_id
from shared.messaging.broker import Broker, drop
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.topology import declare
from tests.benchmarks.peers.rows import EVENT_TYPE

WINDOW = 1000
SOURCE = "/baton/release_notification"


def planned_releases(number: int, people: Sequence[UUID]) -> list[bytes]:
    """So many releases that are planned, as messages' bodies."""
    now = datetime.now(UTC)
    return [encode(_planned(people[place % len(people)], now)) for place in range(number)]


def _planned(person_id: UUID, now: datetime) -> Event:
    release_at = now + timedelta(days=7)
    release = Release(
        id=new_id(),
        version=1,
        person_id=person_id,
        stay_id=None,
        order_id=None,
        centre="CENTRE",
        kind=Kind.CONVERTED,
        state=State.PLANNED,
        release_at=release_at,
        term_last_day=None,
        needs_handover=True,
        legal_ground=domain.ground_of(Kind.CONVERTED, Ground.COMMUNITY_DETOX_ORDER),
    )
    planned = domain.plan(release, notice_due=notice_due(Kind.CONVERTED, release_at))
    return Event(new_id(), SOURCE, EVENT_TYPE, planned.id, planned.version, now, release_data(planned))


@dataclass(frozen=True, slots=True)
class _Message:
    type: str
    message_id: str
    content_type: str
    body: bytes
    exchange: str = ""
    reply_to: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        return {}


def fill(broker: PrivateBroker, queue: str, bodies: Iterable[bytes], *, content_type: str = CONTENT_TYPE) -> None:
    """Put the messages into a queue that exists, each confirmed."""
    with publishing(broker, queue, content_type) as publish:
        publish(list(bodies))


@contextmanager
def publishing(
    broker: PrivateBroker, queue: str, content_type: str = CONTENT_TYPE
) -> Iterator[Callable[[Sequence[bytes]], None]]:
    """What publishes messages into a queue that exists and waits for the confirms."""
    connection = Broker(broker.uri, name="bench").connect()
    publisher = ConfirmingPublisher(connection, app_id="bench")

    def publish(bodies: Sequence[bytes]) -> None:
        messages = [_Message(queue, str(new_id()), content_type, body) for body in bodies]
        for start in range(0, len(messages), WINDOW):
            window = publisher.publish(messages[start : start + WINDOW], deadline=60)
            if window.interrupted or window.refused or window.returned:
                raise RuntimeError(f"the backlog could not be published: {window.interrupted}")

    try:
        yield publish
    finally:
        drop(connection)


def declare_topology(broker: PrivateBroker) -> None:
    """Baton's own exchanges and queues."""
    connection = Broker(broker.uri, name="bench").connect()
    declare(connection)
    drop(connection)


def declare_queue(broker: PrivateBroker, name: str) -> None:
    """A quorum queue of a peer."""
    connection = Broker(broker.uri, name="bench").connect()
    Queue(name, durable=True, queue_arguments={"x-queue-type": "quorum"})(connection).declare()
    drop(connection)


def purge(broker: PrivateBroker, queue: str) -> None:
    """Empty a queue that exists."""
    connection = Broker(broker.uri, name="bench").connect()
    connection.default_channel.queue_purge(queue)
    drop(connection)


def wait_for_queue(broker: PrivateBroker, queue: str, seconds: float = 60) -> None:
    """Wait until somebody declared it.

    Raises: TimeoutError.
    """
    until = time.monotonic() + seconds
    while queue not in broker.rabbitmqctl("list_queues", "name").split():
        if time.monotonic() > until:
            raise TimeoutError(queue)
        time.sleep(0.2)
