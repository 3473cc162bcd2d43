"""Where messages go that could not work: from the dead-letter queue into the service's database, and back on demand.

A queue can only be consumed; an operator wants to list, look, give again and discard. So each service keeps its dead
letters as rows. The row is committed before the message is acknowledged, and a letter counts as given again only when
the broker has confirmed it.
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID

import structlog
from kombu import Connection
from sqlalchemy.exc import SQLAlchemyError

from shared.contracts.envelope import CONTENT_TYPE
from shared.kernel.ids import derived_id
from shared.messaging.backoff import Backoff
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.delivery import (
    DETAIL_HEADER,
    KEY_HEADER,
    LETTER_HEADER,
    QUEUE_HEADER,
    REASON_HEADER,
    DeadLetter,
    Delivery,
    PublishableLetter,
)
from shared.messaging.processor import Unavailable
from shared.messaging.publisher import ConfirmingPublisher
from shared.observability.metrics import Metrics
from shared.storage import dead_letters
from shared.storage.dead_letters import Letter
from shared.storage.engine import Storage
from shared.storage.errors import is_unavailable
from shared.storage.outbox import EVENTS_EXCHANGE

AT_ONCE = 100
CONFIRM_DEADLINE_SECONDS = 10.0
IDLE_SECONDS = 1.0
UNROUTED = "unrouted"
LONGEST_TEXT = 2000

_TROUBLE: tuple[type[BaseException], ...] = (*CONNECTION_ERRORS, SQLAlchemyError)

log = structlog.get_logger(__name__)


class Morgue:
    """Takes dead letters into the database (a `Processor`).

    ``events_only``: of what no queue took, an event is a letter; an answer that its centre does not fetch is only
    counted, for whoever sends the command again gets the answer again.
    """

    def __init__(self, storage: Storage[Any], metrics: Metrics, *, events_only: bool = False) -> None:
        self._storage = storage
        self._metrics = metrics
        self._events_only = events_only

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """See `Processor.process`; nothing dies here."""
        kept = [one for one in deliveries if not self._events_only or one.content_type == CONTENT_TYPE]
        self._metrics.unclaimed_answers.inc(len(deliveries) - len(kept))
        try:
            with self._storage.work() as work:
                dead_letters.enter(work.connection, [_letter(one, self._storage) for one in kept])
                waiting = dead_letters.waiting(work.connection)
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable(type(error).__name__) from error
            raise
        self._metrics.dead_letters_waiting.set(waiting)
        return []


def _letter(delivery: Delivery, storage: Storage[Any]) -> Letter:
    headers, died = delivery.headers, delivery.headers.get("x-death") or []
    broker_says = str(headers.get("x-first-death-reason", "")) if died else ""
    return Letter(
        id=_id_of(delivery),
        message_id=_text(delivery.message_id) or "",
        queue=_text(headers.get(QUEUE_HEADER) or headers.get("x-first-death-queue")),
        routing_key=_text(headers.get(KEY_HEADER) or _first_key(died) or delivery.routing_key) or "",
        content_type=_text(delivery.content_type),
        headers={_text(name) or "": _text(value) or "" for name, value in delivery.plain_headers.items()},
        reply_to=_text(delivery.reply_to),
        body=delivery.body,
        reason=_text(headers.get(REASON_HEADER)) or (f"broker_{broker_says}" if broker_says else UNROUTED),
        detail=_text(headers.get(DETAIL_HEADER)) or "",
        died_at=storage.clock.now(),
    )


def _id_of(delivery: Delivery) -> UUID:
    """The same for the same death, however often the copy is delivered."""
    try:
        return UUID(str(delivery.headers.get(LETTER_HEADER)))
    except ValueError:
        died = delivery.headers.get("x-death") or [{}]
        return derived_id(NAMESPACE_URL, "letter", delivery.message_id or "", str(died[0].get("count", 0)))


def _first_key(died: Any) -> str | None:
    keys = died[0].get("routing-keys") if died else None
    return str(keys[0]) if keys else None


def _text(value: Any) -> str | None:
    """What every database can store of a text that anybody may have sent."""
    return None if value is None else str(value)[:LONGEST_TEXT].replace("\0", "")


class Replayer:
    """Gives letters again that an operator wants given again. `run` returns after `stop`.

    Two replicas may give the same letter, and a crash before it is marked gives it twice: it has one effect.
    """

    def __init__(self, storage: Storage[Any], broker: Broker, metrics: Metrics) -> None:
        self._storage = storage
        self._broker = broker
        self._metrics = metrics
        self._backoff = Backoff()
        self._stopping = False

    def run(self) -> None:
        """Look for such letters every second; trouble with broker or database is waited for."""
        while not self._stopping:
            try:
                done = self.replay_once()
                self._backoff.reset()
            except _TROUBLE as trouble:
                log.warning("replayer.waiting", cause=type(trouble).__name__)
                time.sleep(self._backoff.next())
            else:
                if not done:
                    self._pause(IDLE_SECONDS)

    def stop(self) -> None:
        """End after the letters under way."""
        self._stopping = True

    def replay_once(self) -> int:
        """Give what waits for it; how many the broker confirmed.

        Raises: one of CONNECTION_ERRORS or SQLAlchemyError; what was not confirmed stays to be given.
        """
        with self._storage.work(read_only=True) as work:
            letters = dead_letters.to_replay(work.connection, AT_ONCE)
        if not letters:
            return 0
        given = self._give(letters)
        with self._storage.work() as work:
            dead_letters.mark_replayed(work.connection, [letter.id for letter in given])
        self._metrics.dead_letters_replayed.inc(len(given))
        return len(given)

    def _give(self, letters: Sequence[Letter]) -> list[Letter]:
        connection: Connection = self._broker.connect()
        try:
            publisher = ConfirmingPublisher(connection, app_id=self._storage.service)
            window = publisher.publish(map(_again, letters), deadline=CONFIRM_DEADLINE_SECONDS)
        finally:
            drop(connection)
        if window.interrupted is not None and not window.confirmed:
            raise window.interrupted
        return [letters[place] for place in window.confirmed]

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._stopping:
            time.sleep(0.1)


def _again(letter: Letter) -> PublishableLetter:
    """The message as it came: to the queue in which it died, or to everybody where no queue took it."""
    nobody_took_it = letter.queue is None
    exchange = EVENTS_EXCHANGE if nobody_took_it and letter.content_type == CONTENT_TYPE else ""
    return PublishableLetter(
        message_id=letter.message_id,
        exchange=exchange,
        type=letter.routing_key if nobody_took_it else str(letter.queue),
        content_type=letter.content_type or "application/octet-stream",
        body=letter.body,
        headers={**letter.headers, KEY_HEADER: letter.routing_key},
        reply_to=letter.reply_to,
    )
