"""The private RabbitMQ node: its data outlive it, only this machine reaches it, and nothing of it stays behind."""

import socket
from pathlib import Path

import pytest
from kombu import Connection, Exchange, Queue

from deploy.local.broker import BrokerFailed, PrivateBroker
from deploy.local.orphans import began
from deploy.local.ports import free_port, is_listening
from tests.support.crashing import crash_running
from tests.support.messaging import wait_until

pytestmark = pytest.mark.timeout(600)

QUEUE = Queue("kept", Exchange("kept", durable=True), "kept", durable=True, queue_arguments={"x-queue-type": "quorum"})


def put(uri: str, body: str) -> None:
    with Connection(uri) as connection, connection.Producer() as producer:
        producer.publish(
            body,
            exchange=QUEUE.exchange,
            routing_key="kept",
            declare=[QUEUE],
            delivery_mode=2,
            confirm_timeout=30,
            mandatory=True,
        )


def take_all(uri: str) -> list[str]:
    with Connection(uri) as connection, connection.SimpleQueue(QUEUE) as queue:
        found = []
        for _ in range(queue.qsize()):
            message = queue.get(timeout=30)
            found.append(str(message.payload))
            message.ack()
        return found


def waiting(uri: str) -> int:
    with Connection(uri) as connection, connection.channel() as channel:
        return int(channel.queue_declare("kept", passive=True).message_count)


def test_messages_survive_a_stop_a_kill_and_a_crash_of_who_started_the_node(servers: Path) -> None:
    folder = servers / "张家界 node"  # what a folder may be called

    with PrivateBroker(folder) as node:
        put(node.uri, "before the stop")
        assert not (folder / "rabbitmq.conf").stat().st_mode & 0o077  # it holds the password
    assert not node.alive

    with PrivateBroker(folder) as node:
        uri = node.uri
        put(uri, "before the kill")
        node.restart()
        assert node.uri == uri
        put(uri, "before the crash")

    orphan = crash_running("deploy.local.broker", "PrivateBroker", folder, note="node.json")
    assert began(orphan) is not None
    with PrivateBroker(folder) as node:
        assert began(orphan) is None
        wait_until(lambda: waiting(node.uri) == 3, "the messages are back")
        assert take_all(node.uri) == ["before the stop", "before the kill", "before the crash"]


def test_a_start_that_fails_leaves_nothing_running(servers: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        node = PrivateBroker(servers / "failing", amqp_port=other.getsockname()[1])
        with pytest.raises(BrokerFailed, match="RabbitMQ did not start; see .*failing/log"):
            node.start()
    assert not node.alive
    assert not list((servers / "failing").glob("*.json"))
    with pytest.raises(BrokerFailed, match="^the node does not run$"):
        node.rabbitmqctl("status")


def test_its_ports_are_closed_to_other_machines(broker: PrivateBroker) -> None:
    """AMQP, Erlang's distribution and epmd; 127.0.0.2 stands for another address of this machine."""
    ports = [int(broker.uri.split(":")[3].strip("/")), broker._dist_port, broker._names.port]
    assert all(is_listening(port) for port in ports)
    for port in ports:
        with socket.socket() as probe:
            probe.settimeout(2)
            assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_the_machines_own_settings_do_not_reach_it(servers: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RABBITMQ_NODENAME", "rabbit@elsewhere")
    monkeypatch.setenv("RABBITMQ_NODE_PORT", "1")
    monkeypatch.setenv("ERL_EPMD_PORT", "1")
    port = free_port()
    with PrivateBroker(servers / "own settings", amqp_port=port) as node:
        assert node.uri.endswith(f"@127.0.0.1:{port}//")
        assert node.rabbitmqctl("eval", "{node(), nodes()}.").strip() == "{baton@localhost,[]}"


def test_a_command_that_fails_says_why(broker: PrivateBroker) -> None:
    with pytest.raises(BrokerFailed, match=r"^rabbitmqctl delete_vhost: .*no-such-host"):
        broker.rabbitmqctl("delete_vhost", "no-such-host")
