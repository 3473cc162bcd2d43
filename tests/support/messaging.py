"""A broker in use: storages that say events, consumers that run in threads, and a look into queues."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from amqp import Message
from kombu import Connection

from services.person_registry import store
from services.person_registry.domain import IdentityKind, Person, Sex
from shared.kernel.ids import new_id
from shared.messaging.broker import Broker, drop
from shared.messaging.consumer import BatchConsumer
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.processor import Processor
from shared.messaging.topology import declare
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage
from tests.support.schema import migrate

DEADLINE_SECONDS = 30.0


def wait_until(done: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Wait for a condition; fail naming it when its time is over."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        found = done()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"within {seconds:.0f} s: not {what}")


@contextmanager
def registry(database_url: str) -> Iterator[Storage[store.Work]]:
    """A migrated database of person_registry: something that says events."""
    storage = Storage(service="person_registry", url=database_url, work=store.Work)
    try:
        migrate(storage)
        yield storage
    finally:
        storage.dispose()


def somebody(person_id: UUID | None = None) -> Person:
    """A person without papers."""
    return Person(
        id=person_id or new_id(),
        version=1,
        identity_kind=IdentityKind.NONE,
        identity_number=None,
        full_name="somebody",
        sex=Sex.UNKNOWN,
        phone=None,
        registered_division=None,
        residence_division=None,
        residence_detail=None,
    )


def say_events(storage: Storage[store.Work], count: int) -> list[UUID]:
    """Store ``count`` people in one transaction; their ids."""
    people = [somebody() for _ in range(count)]
    with storage.work() as work:
        for person in people:
            work.persons.save(person, "person.registered.v1")
    return [person.id for person in people]


@contextmanager
def topology(amqp_uri: str) -> Iterator[tuple[Broker, Connection]]:
    """The declared topology, and a connection to look at it."""
    broker = Broker(amqp_uri, name="test")
    connection = broker.connect()
    declare(connection)
    try:
        yield broker, connection
    finally:
        drop(connection)


def waiting_in(connection: Connection, queue: str) -> int:
    """How many messages wait in a queue."""
    with connection.channel() as channel:
        count: int = channel.queue_declare(queue, passive=True).message_count
        return count


def take_one(connection: Connection, queue: str) -> Message | None:
    """The queue's first message, taken off it."""
    with connection.channel() as channel:
        return channel.basic_get(queue, no_ack=True)


def publish(
    connection: Connection,
    body: bytes,
    *,
    routing_key: str,
    content_type: str = "application/cloudevents+json",
    exchange: str = "baton.events",
    **properties: Any,
) -> None:
    """Publish something as a stranger could."""
    with connection.channel() as channel:
        channel.basic_publish(
            Message(body, content_type=content_type, delivery_mode=2, **properties),
            exchange=exchange,
            routing_key=routing_key,
        )


class Collecting:
    """A processor that only remembers what it got."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """See `Processor.process`."""
        self.deliveries.extend(deliveries)
        return []


@contextmanager
def consuming(
    broker: Broker,
    queue: str,
    processor: Processor,
    *,
    metrics: Metrics | None = None,
    size: int = 50,
    restarts_after: type[BaseException] = KeyboardInterrupt,
) -> Iterator[BatchConsumer]:
    """A consumer in a thread, stopped gracefully at the end; started again when ``restarts_after`` ended it."""
    consumer = BatchConsumer(
        queue=queue,
        dead_key=queue.replace(".events", ".dead").replace(".intake", ".dead"),
        broker=broker,
        processor=processor,
        metrics=metrics or Metrics(),
        size=size,
    )

    def run() -> None:
        while True:
            try:
                consumer.run()
                return
            except restarts_after:
                continue

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield consumer
    finally:
        consumer.stop()
        thread.join(DEADLINE_SECONDS)
        assert not thread.is_alive()
