"""The private RabbitMQ cluster: it goes on without any one of its nodes, and a node that is alone answers nobody."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.cluster import PrivateCluster
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.publisher import ConfirmingPublisher
from tests.faults.messages import Letter
from tests.support.messaging import take_one, topology, wait_until, waiting_in

pytestmark = pytest.mark.timeout(600)

QUEUE = "release_notification.intake"


@pytest.fixture(scope="module")
def cluster(servers: Path) -> Iterator[PrivateCluster]:
    """Three nodes."""
    with PrivateCluster(servers / "cluster") as nodes:
        yield nodes


def send(broker: Broker, body: bytes) -> bool:
    """Whether some node confirmed a message."""
    connection = broker.connect()
    try:
        letter = Letter("1", "release.plan", body, "text/plain", "baton.intake.releases")
        return bool(ConfirmingPublisher(connection, app_id="test").publish([letter], deadline=20).confirmed)
    finally:
        drop(connection)


def test_it_takes_and_keeps_messages_while_a_node_is_killed_or_alone(cluster: PrivateCluster) -> None:
    with topology(cluster.uri) as (broker, _):
        leader = cluster.leader_of(QUEUE, "/")
        leader.kill()
        # Until another node leads, the queue refuses.
        wait_until(lambda: send(broker, b"without the leader"), "a message is confirmed")
        assert cluster.leader_of(QUEUE, "/") is not leader
        leader.start()
        cluster.wait_together()

        alone = cluster.leader_of(QUEUE, "/")
        cluster.separate(alone)
        wait_until(lambda: not answers(alone.uri), "a node that is alone answers nobody")
        wait_until(lambda: send(broker, b"without the one that is alone"), "another message is confirmed")
        cluster.join(alone)
        wait_until(lambda: answers(alone.uri), "it answers again")

        connection = broker.connect()
        wait_until(lambda: waiting_in(connection, QUEUE) == 2, "both messages are there")
        bodies = [message.body for message in (take_one(connection, QUEUE), take_one(connection, QUEUE)) if message]
        assert bodies == ["without the leader", "without the one that is alone"]
        drop(connection)


def answers(uri: str) -> bool:
    try:
        drop(Broker(uri, name="test").connect())
    except CONNECTION_ERRORS:
        return False
    return True
