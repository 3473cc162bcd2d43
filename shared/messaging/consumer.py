"""Taking batches from a queue: as much as is there, one transaction, one acknowledgement.

Promises: a message is acknowledged only after its effect is committed (or its copy is confirmed in the
dead-letter queue); a database that is away costs no message and burns no delivery; a message that kills the
process costs its neighbours a few deliveries at most, because a consumer starts with one message in its hands
and takes more only when what it gets was not left behind by a crash; stopping hands nothing back.
"""

import time
from typing import Any

import structlog
from amqp import Message
from kombu import Connection

from shared.messaging.backoff import Backoff
from shared.messaging.broker import CONNECTION_ERRORS, Broker, ReadAhead, drop
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.pressure import Pressure
from shared.messaging.processor import Processor, Unavailable
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.suspects import cut_before_suspects, is_suspicious
from shared.messaging.topology import DEAD
from shared.observability.metrics import Metrics

IDLE_SECONDS = 1.0
PACE_SECONDS = 0.02  # from one batch to the next, unless it is full
LET_GO_AFTER_SECONDS = 60.0  # hold a batch no longer than this while the database is away
DEAD_LETTER_DEADLINE_SECONDS = 10.0

log = structlog.get_logger(__name__)


class BatchConsumer:
    """One queue, one connection, one channel. `run` returns after `stop`."""

    def __init__(
        self,
        *,
        queue: str,
        dead_key: str,
        broker: Broker,
        processor: Processor,
        metrics: Metrics,
        size: int,
        linger: float = 0.0,
        pressure: Pressure | None = None,
    ) -> None:
        self._pressure = pressure or Pressure()
        self._queue = queue
        self._dead_key = dead_key
        self._broker = broker
        self._processor = processor
        self._metrics = metrics
        self._size = size
        self._linger = linger
        self._backoff = Backoff()
        self._stopping = False
        self._connection: Connection | None = None
        self._channel: Any = None
        self._consumer_tag: str | None = None
        self._buffer: list[Message] = []
        self._one_by_one = True
        self._took_at = 0.0

    def run(self) -> None:
        """Consume until stopped; trouble with broker or database is waited for."""
        while not self._stopping:
            try:
                self._connect()
                while not self._stopping:
                    self._turn()
                self._finish()
            except CONNECTION_ERRORS as trouble:
                self._pause(trouble)
            except Unavailable as trouble:
                self._pause(trouble)
            finally:
                self._disconnect()

    def stop(self) -> None:
        """Finish the batch under way, acknowledge it, hand back the rest."""
        self._stopping = True

    def _connect(self) -> None:
        self._connection = self._broker.connect()
        self._reader = ReadAhead(self._connection)
        self._channel = self._connection.connection.channel()
        self._channel.auto_decode = False
        self._buffer = []
        self._consume(one_by_one=True)

    def _consume(self, *, one_by_one: bool) -> None:
        self._one_by_one = one_by_one
        self._channel.basic_qos(0, 1 if one_by_one else self._size * 2, False)
        self._consumer_tag = self._channel.basic_consume(self._queue, callback=self._buffer.append)

    def _turn(self) -> None:
        batch = self._take()
        if not batch:
            return
        if len(batch) == self._size:
            self._pressure.full_batch()
        dead = self._process(batch)
        if dead:
            self._bury(dead)
        widen = not self._stopping and self._one_by_one and not any(is_suspicious(d) for d in batch)
        if widen:
            # Before the acknowledgement: with one message in hand, nothing else can be on its way to us.
            self._channel.basic_cancel(self._consumer_tag)
        self._channel.basic_ack(batch[-1].tag, multiple=True)
        if widen:
            self._consume(one_by_one=False)
        self._metrics.consumer_last_ack.set_to_current_time()
        self._backoff.reset()

    def _finish(self) -> None:
        """Work off what was delivered already; handing it back would count as a crash of ours."""
        self._channel.basic_cancel(self._consumer_tag)
        while self._buffer:
            self._turn()

    def _take(self) -> list[Delivery]:
        """What the socket holds, at most a batch; waits at most `IDLE_SECONDS` for the first message.

        Right after another batch it waits a moment for more: one message costs nearly as much as fifty.
        """
        self._heartbeat()
        if not self._buffer:
            self._drain(IDLE_SECONDS)
        now = time.monotonic()
        until = max(now + self._linger, self._took_at + PACE_SECONDS)
        while self._buffer and len(self._buffer) < self._size and not self._one_by_one:
            if not self._drain(max(0.0005, until - time.monotonic())):
                break
        batch = cut_before_suspects([Delivery.of(message) for message in self._buffer[: self._size]])
        del self._buffer[: len(batch)]
        self._took_at = time.monotonic()
        return list(batch)

    def _drain(self, timeout: float) -> bool:
        try:
            self._reader.drain(timeout)
        except TimeoutError:
            return False
        return True

    def _process(self, batch: list[Delivery]) -> list[DeadLetter]:
        """The batch's effect; a database that is away is waited for with the batch in hand, but not for long.

        Raises: Unavailable when it stays away; dropping the connection hands the batch back.
        """
        let_go_at = time.monotonic() + LET_GO_AFTER_SECONDS
        while True:
            try:
                return self._processor.process(batch)
            except Unavailable as trouble:
                if self._stopping or time.monotonic() > let_go_at:
                    raise
                self._wait_alive(trouble)

    def _wait_alive(self, trouble: Unavailable) -> None:
        delay = self._backoff.next()
        log.warning("consumer.waiting", queue=self._queue, cause=str(trouble), seconds=round(delay, 2))
        until = time.monotonic() + delay
        while time.monotonic() < until:
            self._heartbeat()
            time.sleep(min(0.2, delay))

    def _bury(self, dead: list[DeadLetter]) -> None:
        """Copy dead messages to the dead-letter queue and wait for the confirm of each."""
        connection = self._broker.connect()
        try:
            publisher = ConfirmingPublisher(connection, app_id=self._queue)
            for letter in dead:
                copy = letter.publishable(exchange=DEAD, key=self._dead_key, queue=self._queue)
                window = publisher.publish([copy], deadline=DEAD_LETTER_DEADLINE_SECONDS)
                if not window.confirmed:
                    raise window.interrupted or ConnectionError("the dead-letter queue did not take a message")
                self._metrics.dead_letters.labels(letter.reason).inc()
        finally:
            drop(connection)

    def _heartbeat(self) -> None:
        self._transport.heartbeat_tick()

    @property
    def _transport(self) -> Any:
        assert self._connection is not None
        return self._connection.connection

    def _pause(self, trouble: BaseException) -> None:
        if self._stopping:
            return
        delay = self._backoff.next()
        log.warning("consumer.reconnecting", queue=self._queue, cause=type(trouble).__name__, seconds=round(delay, 2))
        time.sleep(delay)

    def _disconnect(self) -> None:
        connection, self._connection, self._channel, self._consumer_tag = self._connection, None, None, None
        if connection is None:
            return
        try:
            if self._stopping:
                connection.release()  # politely, so that the last acknowledgement is sent
        except CONNECTION_ERRORS:
            pass
        finally:
            drop(connection)
