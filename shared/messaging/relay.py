"""The relay: the only thing that publishes. Takes what the outbox holds, oldest first, one message of each
aggregate at a time, and forgets a message only when the broker has confirmed that very message.

A crash between publishing and forgetting publishes again: hearers know the message by its id.
"""

import time
from datetime import timedelta
from typing import Any

import structlog
from kombu import Connection
from sqlalchemy.exc import SQLAlchemyError

from shared.messaging.backoff import Backoff
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.leadership import leadership_of
from shared.messaging.pressure import Pressure
from shared.messaging.publisher import ConfirmingPublisher, Window
from shared.observability.metrics import Metrics
from shared.storage import outbox
from shared.storage.engine import Storage
from shared.storage.outbox import Pending

WINDOW = 500
CONFIRM_DEADLINE_SECONDS = 10.0
PACE_SECONDS = 0.02  # from one window to the next, unless there is a backlog
GIVE_WAY_SECONDS = 1.0  # between windows, while the same process works off a backlog
IDLE_SECONDS = 1.0  # a lost notification costs this much, never a message
RETRY_RETURNED_AFTER = timedelta(seconds=5)
MEASURE_EVERY_SECONDS = 2.0

_TROUBLE: tuple[type[BaseException], ...] = (*CONNECTION_ERRORS, SQLAlchemyError)

log = structlog.get_logger(__name__)


class Relay:
    """Publishes one service's outbox. `run` returns after `stop`."""

    def __init__(
        self, storage: Storage[Any], broker: Broker, metrics: Metrics, pressure: Pressure | None = None
    ) -> None:
        self._pressure = pressure or Pressure()
        self._published_at = 0.0
        self._storage = storage
        self._broker = broker
        self._metrics = metrics
        self._leadership = leadership_of(storage)
        self._connection: Connection | None = None
        self._publisher: ConfirmingPublisher | None = None
        self._backoff = Backoff()
        self._measured_at = 0.0
        self._stopping = False

    def run(self) -> None:
        """Relay until stopped; trouble with broker or database is waited for."""
        while not self._stopping:
            try:
                self._turn()
            except _TROUBLE as trouble:
                self._recover(trouble)
        self._disconnect()
        self._leadership.give_up()

    def stop(self) -> None:
        """Finish the window under way, then end."""
        self._stopping = True
        self._storage.wake.set()

    def _turn(self) -> None:
        leads = self._leadership.held()
        self._metrics.relay_leader.set(int(leads))
        if not leads:
            self._disconnect()
            self._leadership.wait(IDLE_SECONDS)
            return
        if self._pressure.is_high and time.monotonic() - self._published_at < GIVE_WAY_SECONDS:
            time.sleep(GIVE_WAY_SECONDS / 10)
            return
        self._keep_pace()
        self._published_at = time.monotonic()
        published = self.publish_once()
        self._measure()
        self._backoff.reset()
        if not published and not self._stopping:
            self._leadership.wait(IDLE_SECONDS)

    def _keep_pace(self) -> None:
        """Let more come together, if the last window is only just out: one message costs as much as fifty."""
        early = self._published_at + PACE_SECONDS - time.monotonic()
        if early > 0:
            time.sleep(early)

    def publish_once(self) -> int:
        """Publish one window; how many messages the broker confirmed.

        Raises: one of CONNECTION_ERRORS or SQLAlchemyError; nothing is forgotten that was not confirmed.
        """
        publisher = self._connected()
        pending = self._due()
        if not pending:
            publisher.heartbeat()
            return 0
        window = publisher.publish(pending, deadline=CONFIRM_DEADLINE_SECONDS)
        self._settle(pending, window)
        if window.interrupted is not None:
            raise window.interrupted
        return len(window.confirmed)

    def _due(self) -> list[Pending]:
        with self._leadership.transaction(read_only=True) as connection:
            return outbox.due(connection, now=self._storage.clock.now(), limit=WINDOW)

    def _settle(self, pending: list[Pending], window: Window) -> None:
        failed = [pending[place].position for place in (*window.returned, *window.refused)]
        self._metrics.relay_published.inc(len(window.confirmed))
        self._metrics.relay_returned.inc(len(window.returned))
        self._metrics.relay_nacked.inc(len(window.refused))
        if not window.confirmed and not failed:
            return
        with self._leadership.transaction(read_only=False) as connection:
            outbox.settle(connection, [pending[place].position for place in window.confirmed])
            outbox.postpone(connection, failed, until=self._storage.clock.now() + RETRY_RETURNED_AFTER)
        if failed:
            log.warning("relay.not_accepted", returned=len(window.returned), refused=len(window.refused))

    def _connected(self) -> ConfirmingPublisher:
        if self._publisher is None:
            self._connection = self._broker.connect()
            self._publisher = ConfirmingPublisher(self._connection, app_id=self._storage.service)
        return self._publisher

    def _disconnect(self) -> None:
        connection, self._connection, self._publisher = self._connection, None, None
        if connection is not None:
            drop(connection)

    def _recover(self, trouble: BaseException) -> None:
        delay = self._backoff.next()
        log.warning("relay.waiting", cause=type(trouble).__name__, seconds=round(delay, 2))
        self._disconnect()
        time.sleep(delay)

    def _measure(self) -> None:
        if time.monotonic() - self._measured_at < MEASURE_EVERY_SECONDS:
            return
        connection = self._storage.begin(read_only=True)
        try:
            count, oldest = outbox.backlog(connection)
        finally:
            self._storage.release(connection, read_only=True)
        age = 0.0 if oldest is None else (self._storage.clock.now() - oldest).total_seconds()
        self._metrics.outbox_rows.set(count)
        self._metrics.outbox_oldest_age.set(age)
        self._measured_at = time.monotonic()
