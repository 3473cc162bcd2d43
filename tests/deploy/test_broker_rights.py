"""In the broker a service may do its own work and no other's: asked of a real broker, with the rights we give out."""

import json
import secrets
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest
from amqp.exceptions import AccessRefused
from kombu import Connection, Exchange, Queue

from deploy.compose.rights import (
    TOPOLOGY_USER,
    definitions,
    event_types,
    password_hash,
    permissions,
    topic_permissions,
)
from deploy.local.broker import PrivateBroker
from deploy.local.stack import SERVICES
from shared.contracts.catalogue import CATALOGUE
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.delivery import PublishableLetter
from shared.messaging.publisher import ConfirmingPublisher, Window
from shared.messaging.topology import (
    DEAD,
    INTAKE,
    REPLIES,
    UNROUTED,
    dead_queue,
    entities,
    events_queue,
    intake_queue,
)
from shared.runtime.topology import declare_and_mark, look_for_mark, mark
from shared.storage.outbox import EVENTS_EXCHANGE

VHOST = "rights"


class Users:
    """The broker's users, each with its own connection string."""

    def __init__(self, node: PrivateBroker, passwords: dict[str, str]) -> None:
        self._place = node.uri.rpartition("@")[2].removesuffix("//")
        self._passwords = passwords

    def uri(self, user: str) -> str:
        return f"amqp://{user}:{self._passwords[user]}@{self._place}/{VHOST}"

    def broker(self, user: str) -> Broker:
        return Broker(self.uri(user), name=user)


@pytest.fixture(scope="module")
def users(broker: PrivateBroker, servers: Path) -> Iterator[Users]:
    """A virtual host with the users and rights of an installation, and the topology declared by the one who may."""
    passwords = {user: secrets.token_urlsafe(8) for user in (*SERVICES, TOPOLOGY_USER)}
    told = definitions(passwords) | {
        "vhosts": [{"name": VHOST}],
        "permissions": permissions(VHOST),
        "topic_permissions": topic_permissions(VHOST),
    }
    file = servers / "definitions.json"
    file.write_text(json.dumps(told))
    broker.rabbitmqctl("import_definitions", str(file))
    made = Users(broker, passwords)
    connection = made.broker(TOPOLOGY_USER).connect()
    declare_and_mark(connection)
    drop(connection)
    yield made
    broker.rabbitmqctl("delete_vhost", VHOST)  # the users have no rights elsewhere and end with the node


def letter(exchange: str, key: str, body: str = "{}") -> PublishableLetter:
    return PublishableLetter(
        message_id=str(uuid4()),
        exchange=exchange,
        type=key,
        content_type="application/cloudevents+json",
        body=body.encode(),
        headers={},
        reply_to=None,
    )


def publish(users: Users, user: str, exchange: str, key: str) -> Window:
    connection = users.broker(user).connect()
    try:
        return ConfirmingPublisher(connection, app_id=user).publish([letter(exchange, key)], deadline=10)
    finally:
        drop(connection)


def waiting(users: Users, queue: str) -> int:
    with Connection(users.uri(TOPOLOGY_USER)) as connection, connection.channel() as channel:
        return int(channel.queue_declare(queue, passive=True).message_count)


def test_drug_testing_says_its_own_event(users: Users) -> None:
    window = publish(users, "drug_testing", EVENTS_EXCHANGE, "test.settled.v1")
    assert (window.confirmed, window.interrupted) == ([0], None)


def test_drug_testing_cannot_say_a_release(users: Users) -> None:
    before = waiting(users, events_queue("community_handover"))
    window = publish(users, "drug_testing", EVENTS_EXCHANGE, "release.executed.v1")
    assert window.confirmed == []
    assert isinstance(window.interrupted, AccessRefused)
    assert waiting(users, events_queue("community_handover")) == before
    assert publish(users, "release_notification", EVENTS_EXCHANGE, "release.executed.v1").confirmed == [0]
    assert waiting(users, events_queue("community_handover")) == before + 1


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_says_all_of_its_events_and_none_of_the_others(users: Users, service: str) -> None:
    connection = users.broker(service).connect()
    own = [letter(EVENTS_EXCHANGE, key) for key in event_types(service)]
    window = ConfirmingPublisher(connection, app_id=service).publish(own, deadline=30)
    drop(connection)
    assert len(window.confirmed) + len(window.returned) == len(own)
    for key in sorted(set(CATALOGUE) - set(event_types(service)))[::15]:
        assert isinstance(publish(users, service, EVENTS_EXCHANGE, key).interrupted, AccessRefused), key


def test_what_looks_like_an_own_event_is_not_one(users: Users) -> None:
    for key in ("test.settled.v1.x", "xtest.settled.v1", "testXsettled.v1", "test.settled.v2"):
        assert isinstance(publish(users, "drug_testing", EVENTS_EXCHANGE, key).interrupted, AccessRefused), key


def test_dead_letters_and_letters_given_again_pass(users: Users) -> None:
    for service in SERVICES:
        assert publish(users, service, DEAD, dead_queue(service)).confirmed == [0]
        assert publish(users, service, "", events_queue(service)).confirmed == [0]


def test_only_the_one_that_takes_commands_answers_them(users: Users) -> None:
    assert publish(users, "release_notification", REPLIES, "ZJJ-QZGLJDS").interrupted is None
    assert isinstance(publish(users, "oversight", REPLIES, "ZJJ-QZGLJDS").interrupted, AccessRefused)
    assert isinstance(publish(users, "oversight", INTAKE, "release.execute").interrupted, AccessRefused)


def queues_it_consumes(service: str) -> set[str]:
    """What the host makes consumers for, of a service as it is declared."""
    definition = import_module(f"services.{service}.service").SERVICE
    queues = {dead_queue(service), events_queue(service)}
    queues |= {UNROUTED} if definition.takes_unrouted else set()
    return queues | ({intake_queue(service)} if definition.intake is not None else set())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_reads_the_queues_that_it_consumes_and_no_other(users: Users, service: str) -> None:
    readable = set()
    with Connection(users.uri(service)) as connection:
        for queue in (entity.name for entity in entities() if isinstance(entity, Queue)):
            channel = connection.channel()
            try:
                channel.basic_get(queue)
                channel.close()
                readable.add(queue)
            except AccessRefused:
                continue
    assert readable == queues_it_consumes(service)


def test_a_service_configures_nothing(users: Users) -> None:
    with Connection(users.uri("drug_testing")) as connection:
        for entity in (Queue("mine"), Exchange("mine", "topic")):
            with pytest.raises(AccessRefused):
                entity(connection.channel()).declare()
        with pytest.raises(AccessRefused):
            connection.channel().queue_delete(events_queue("drug_testing"))
        with pytest.raises(AccessRefused):
            connection.channel().queue_bind(events_queue("drug_testing"), EVENTS_EXCHANGE, "release.#")


def test_a_service_needs_no_right_to_see_that_the_topology_is_there(users: Users) -> None:
    connection = users.broker("drug_testing").connect()
    look_for_mark(connection)
    drop(connection)


def test_without_the_mark_a_service_goes_on_waiting(amqp_uri: str) -> None:
    connection = Broker(amqp_uri, name="test").connect()
    with pytest.raises(CONNECTION_ERRORS, match="NOT_FOUND"):
        look_for_mark(connection)
    declare_and_mark(connection)
    look_for_mark(connection)
    drop(connection)


def test_another_topology_has_another_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    before = mark().name
    subscriptions = {"oversight": frozenset({"test.settled.v1"})}
    monkeypatch.setattr("shared.messaging.topology.SUBSCRIPTIONS", subscriptions)
    assert mark().name != before


def test_a_password_is_kept_as_a_salted_hash() -> None:
    told = definitions({"drug_testing": "very-secret"})
    assert "very-secret" not in json.dumps(told)
    assert password_hash("very-secret") != password_hash("very-secret")
    # The example of RabbitMQ's own documentation of the algorithm.
    assert password_hash("test12", bytes.fromhex("908DC60A")) == "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR"
