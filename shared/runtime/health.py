"""Watching the broker for readiness and for the lengths of queues."""

import time

from amqp.exceptions import NotFound
from kombu import Connection

from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.topology import UNROUTED, dead_queue, events_queue, intake_queue
from shared.observability.metrics import Metrics

EVERY_SECONDS = 2.0
STALE_AFTER_SECONDS = 10.0


class BrokerWatch:
    """Measures a service's queues every few seconds; a broker that does not answer shows in `complaint`."""

    def __init__(self, broker: Broker, metrics: Metrics) -> None:
        self._broker = broker
        self._metrics = metrics
        self._answered_at = time.monotonic()

    def complaint(self) -> str | None:
        """What is wrong with the broker, if something is."""
        if self._broker.is_blocked:
            return "the broker is blocked by an alarm"
        silent = time.monotonic() - self._answered_at
        return f"no answer for {silent:.0f} s" if silent > STALE_AFTER_SECONDS else None

    def run(self, service: str) -> None:
        """Measure for ever."""
        connection: Connection | None = None
        while True:
            self._metrics.broker_blocked.set(int(self._broker.is_blocked))
            try:
                connection = connection or self._broker.connect()
                self._measure(connection, service)
            except CONNECTION_ERRORS:
                if connection is not None:
                    drop(connection)
                connection = None
            time.sleep(EVERY_SECONDS)

    def _measure(self, connection: Connection, service: str) -> None:
        connection.heartbeat_check()
        for queue in (events_queue(service), intake_queue(service), dead_queue(service), UNROUTED):
            channel = connection.connection.channel()
            try:
                found = channel.queue_declare(queue, passive=True)
                self._metrics.queue_messages.labels(queue).set(found.message_count)
                self._metrics.queue_consumers.labels(queue).set(found.consumer_count)
                channel.close()
            except NotFound:
                continue  # not every service has each of them
        self._answered_at = time.monotonic()
