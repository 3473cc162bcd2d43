"""The relay: what is said is published once confirmed, in order, and never forgotten unconfirmed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import psycopg2.extensions
import psycopg2.extras
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from deploy.local.broker import PrivateBroker
from services.person_registry.store import Work
from shared.contracts.envelope import decode
from shared.kernel.clock import SystemClock
from shared.messaging import relay as relay_module
from shared.messaging.broker import Broker
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.relay import Relay
from shared.observability.metrics import Metrics
from shared.storage import outbox
from shared.storage.engine import Storage
from tests.faults.proxy import Network, Proxy
from tests.support.messaging import (
    publish,
    registry,
    say_events,
    somebody,
    take_one,
    topology,
    wait_until,
    waiting_in,
)

QUEUE = "drug_testing.events"
LEADERS = """
    select pid from pg_locks
    where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())
"""  # of this database: the same server may serve a whole platform at the same time


@contextmanager
def relaying(storage: Storage[Work], broker: Broker, metrics: Metrics | None = None) -> Iterator[Metrics]:
    metrics = metrics or Metrics()
    relay = Relay(storage, broker, metrics)
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield metrics
    finally:
        relay.stop()
        thread.join(30)
        assert not thread.is_alive()


def backlog(storage: Storage[Work]) -> int:
    connection = storage.begin(read_only=True)
    try:
        return outbox.backlog(connection)[0]
    finally:
        storage.release(connection, read_only=True)


def test_what_is_stored_is_published_and_then_forgotten(database_url: str, amqp_uri: str) -> None:
    with registry(database_url) as storage, topology(amqp_uri) as (broker, connection):
        ids = say_events(storage, 30)
        with relaying(storage, broker) as metrics:
            wait_until(lambda: backlog(storage) == 0, "everything published")
        assert waiting_in(connection, QUEUE) == len(ids)
        message = take_one(connection, QUEUE)
        assert message is not None
        event = decode(message.body.encode(), message.properties["content_type"])
        assert event.subject == ids[0]
        assert message.properties["message_id"] == str(event.id)
        assert message.properties["delivery_mode"] == 2
        assert metrics.registry.get_sample_value("baton_relay_published_total") == len(ids)


def test_a_commit_wakes_the_relay_long_before_its_poll(
    database_url: str, amqp_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 60.0)
    with registry(database_url) as storage, topology(amqp_uri) as (broker, _), relaying(storage, broker):
        wait_until(lambda: storage.wake.listened_to or storage.dialect == "sqlite", "the relay waiting")
        for _ in range(3):
            say_events(storage, 1)
            wait_until(lambda: backlog(storage) == 0, "published without a poll", seconds=20)


def test_a_commit_of_another_process_wakes_the_relay(
    postgres_url: str, amqp_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay_module, "IDLE_SECONDS", 60.0)
    with (
        registry(postgres_url) as leader,
        registry(postgres_url) as other,
        topology(amqp_uri) as (broker, _),
        relaying(leader, broker),
    ):
        wait_until(lambda: leader.wake.listened_to, "the relay listening")
        say_events(other, 1)
        wait_until(lambda: backlog(other) == 0, "published on notification", seconds=20)


def test_only_one_relay_is_active_and_the_other_takes_over(postgres_url: str, amqp_uri: str) -> None:
    def leads(metrics: Metrics) -> bool:
        return metrics.registry.get_sample_value("baton_relay_leader") == 1

    with registry(postgres_url) as one, registry(postgres_url) as two, topology(amqp_uri) as (broker, _):
        with relaying(two, broker, standby := Metrics()):
            wait_until(lambda: leads(standby), "the first relay leading")
            with relaying(one, broker) as late:
                say_events(one, 5)
                wait_until(lambda: backlog(one) == 0, "published by the leader")
                assert not leads(late)
        with relaying(one, broker) as successor:
            wait_until(lambda: leads(successor), "the second relay leading")


def test_an_aggregates_events_leave_one_after_the_other(database_url: str) -> None:
    with registry(database_url) as storage:
        person = somebody()
        with storage.work() as work:
            work.persons.save(person, "person.registered.v1")
            work.persons.save(replace(person, version=2), "person.changed.v1")
        say_events(storage, 1)
        connection = storage.begin(read_only=False)
        now = SystemClock().now()
        first = outbox.due(connection, now=now, limit=10)
        assert [pending.type for pending in first] == ["person.registered.v1", "person.registered.v1"]
        outbox.postpone(connection, [first[0].position], until=now + timedelta(minutes=1))
        held = outbox.due(connection, now=now, limit=10)
        assert [pending.subject for pending in held] == [first[1].subject], "what comes after it waits too"
        later = outbox.due(connection, now=now + timedelta(minutes=2), limit=10)
        assert later[0].subject == person.id
        connection.rollback()
        storage.release(connection, read_only=False)


def test_a_wait_that_was_set_by_a_wrong_clock_is_not_waited_for(database_url: str) -> None:
    with registry(database_url) as storage:
        say_events(storage, 1)
        now = storage.clock.now()
        connection = storage.begin(read_only=False)
        (pending,) = outbox.due(connection, now=now, limit=10)
        outbox.postpone(connection, [pending.position], until=now + timedelta(hours=6))
        assert outbox.due(connection, now=now, limit=10) == [pending]
        outbox.postpone(connection, [pending.position], until=now + timedelta(seconds=5))
        assert outbox.due(connection, now=now, limit=10) == []
        assert outbox.due(connection, now=now + timedelta(seconds=6), limit=10) == [pending]
        assert outbox.due(connection, now=now - timedelta(hours=6), limit=10) == [pending]
        connection.rollback()
        storage.release(connection, read_only=False)


def test_an_event_that_commits_late_with_a_small_number_is_not_skipped(postgres_url: str, amqp_uri: str) -> None:
    with registry(postgres_url) as storage, topology(amqp_uri) as (broker, connection):
        slow = storage.work()
        slow.persons.save(somebody(), "person.registered.v1")
        slow.flush()
        say_events(storage, 1)
        with relaying(storage, broker):
            wait_until(lambda: waiting_in(connection, QUEUE) == 1, "the later event published")
            slow.commit()
            wait_until(lambda: waiting_in(connection, QUEUE) == 2, "the earlier event published too")


def test_each_message_of_a_window_gets_its_own_outcome(amqp_uri: str) -> None:
    """py-amqp's own confirm would take any ack for its own."""
    with topology(amqp_uri) as (broker, connection):
        full = {"x-max-length": 1, "x-overflow": "reject-publish"}
        connection.default_channel.queue_declare("full", durable=True, auto_delete=False, arguments=full)
        publish(connection, b"fills it", routing_key="full", exchange="")
        wait_until(lambda: waiting_in(connection, "full") == 1, "the queue full")
        connection.default_channel.queue_declare("open", durable=True, auto_delete=False)
        publisher = ConfirmingPublisher(broker.connect(), app_id="test")
        window = publisher.publish([_Letter(key) for key in ("open", "full", "nowhere", "open", "full")], deadline=10)
        assert sorted(window.confirmed) == [0, 3]
        assert sorted(window.refused) == [1, 4]
        assert window.returned == [2]
        assert window.interrupted is None


def test_what_no_queue_is_bound_for_is_kept_and_not_dropped(amqp_uri: str) -> None:
    with topology(amqp_uri) as (_, connection):
        publish(connection, b"{}", routing_key="weather.changed.v1")
        wait_until(lambda: waiting_in(connection, "baton.unrouted") == 1, "kept")
        message = take_one(connection, "baton.unrouted")
        assert message is not None
        assert message.delivery_info["routing_key"] == "weather.changed.v1"


def test_a_broker_that_takes_nothing_loses_nothing(
    database_url: str, amqp_uri: str, broker: PrivateBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A memory alarm blocks publishers without an error; the relay gives up, keeps the rows and tries again."""
    monkeypatch.setattr(relay_module, "CONFIRM_DEADLINE_SECONDS", 0.5)
    with registry(database_url) as storage, topology(amqp_uri) as (connecting, connection):
        broker.rabbitmqctl("set_vm_memory_high_watermark", "absolute", "1MB")
        try:
            ids = say_events(storage, 10)
            with relaying(storage, connecting):
                with pytest.raises(AssertionError):
                    wait_until(lambda: backlog(storage) == 0, "published", seconds=2)
                assert backlog(storage) == len(ids)
                broker.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
                wait_until(lambda: backlog(storage) == 0, "published after the alarm")
        finally:
            broker.rabbitmqctl("set_vm_memory_high_watermark", "0.4")
        assert waiting_in(connection, QUEUE) >= len(ids)


def test_a_lost_relay_session_is_a_lost_lock(postgres_url: str, amqp_uri: str) -> None:
    with registry(postgres_url) as storage, topology(amqp_uri) as (broker, _), relaying(storage, broker):
        wait_until(lambda: storage.wake.listened_to, "the relay leading")
        with storage.engine.begin() as connection:
            connection.execute(text(f"select pg_terminate_backend(pid) from ({LEADERS}) leaders"))
        say_events(storage, 3)
        wait_until(lambda: backlog(storage) == 0, "published after taking the lock again")


@pytest.fixture
def green() -> Iterator[None]:
    """psycopg2 as the services have it: it waits through a callback, and so speaks to the server at other moments."""
    psycopg2.extensions.set_wait_callback(psycopg2.extras.wait_select)
    yield
    psycopg2.extensions.set_wait_callback(None)


@contextmanager
def breakable(postgres_url: str) -> Iterator[tuple[Storage[Work], Proxy]]:
    """A registry on a database that is reached through a network that can break."""
    url = make_url(postgres_url)
    with Network() as network:
        proxy = network.proxy(url.port or 0)
        with registry(url.set(port=proxy.port).render_as_string(hide_password=False)) as storage:
            yield storage, proxy


def leader(storage: Storage[Work], not_one_of: set[int]) -> int | None:
    """The server process of the session that holds the relay's lock, if it is a new one."""
    with storage.engine.connect() as connection:
        found = connection.execute(text(LEADERS)).scalar()
    return None if found is None or found in not_one_of else int(found)


def test_an_idle_relay_survives_the_loss_of_its_session(green: None, postgres_url: str, amqp_uri: str) -> None:
    with registry(postgres_url) as direct, topology(amqp_uri) as (broker, _), breakable(postgres_url) as (storage, way):
        led_by: list[int] = []
        with relaying(storage, broker):
            for _ in range(5):
                led_by.append(wait_until(lambda: leader(direct, {*led_by}), "the relay leading, in a new session"))
                way.reset()
            say_events(storage, 3)
            wait_until(lambda: backlog(storage) == 0, "published after taking the lock again")


class _Letter:
    exchange = ""
    content_type = "text/plain"
    body = b"x"
    headers: ClassVar[dict[str, str]] = {}
    reply_to = None

    def __init__(self, key: str) -> None:
        self.type = key
        self.message_id = f"{key}-{id(self)}"
