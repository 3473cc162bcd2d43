"""A broker whose memory is full says so on each connection that publishes; one that is lost says no more."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from amqp import Message

from deploy.local.broker import PrivateBroker
from shared.messaging.broker import Broker, drop
from tests.support.messaging import wait_until


@contextmanager
def memory_alarm(node: PrivateBroker) -> Iterator[None]:
    """The node takes no messages."""
    node.rabbitmqctl("set_vm_memory_high_watermark", "0")
    try:
        yield
    finally:
        node.rabbitmqctl("set_vm_memory_high_watermark", "0.4")


@pytest.mark.parametrize("ends_by", ["the alarm's end", "a lost connection"])
def test_a_blocked_broker_is_blocked_until_it_takes_again_or_the_connection_is_lost(
    broker: PrivateBroker, amqp_uri: str, ends_by: str
) -> None:
    ours = Broker(amqp_uri, name="blocked")
    connection = ours.connect()
    channel = connection.connection.channel()

    def says() -> bool:
        """What the broker has said by now."""
        with suppress(TimeoutError):
            connection.drain_events(timeout=0.2)
        return ours.is_blocked

    assert not ours.is_blocked
    with memory_alarm(broker):
        channel.basic_publish(Message(b"x"), routing_key="nobody")
        wait_until(says, "blocked")
        if ends_by == "a lost connection":
            drop(connection)
            assert not ours.is_blocked
            return
    wait_until(lambda: not says(), "unblocked")
    drop(connection)
