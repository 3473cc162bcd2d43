"""Applying a batch of events: one transaction for all, split only where something in it cannot work.

Nothing here touches the broker: it takes deliveries and says which of them are dead. Whatever is not dead has
had its effect, in a committed transaction, when `process` returns.
"""

import time
import traceback
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import structlog

from shared.contracts.envelope import Event, decode
from shared.kernel.errors import Poison
from shared.kernel.outcomes import Ignored, Outcome
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.reactions import Reactions
from shared.messaging.suspects import Suspects
from shared.observability.metrics import Metrics
from shared.observability.tracing import OFF, Effects, Tracing
from shared.storage.bulk import Writes
from shared.storage.engine import Storage
from shared.storage.errors import is_conflict, is_unavailable
from shared.storage.inbox import first_seen
from shared.storage.turns import take_turns

CONFLICT_RETRIES = 3

log = structlog.get_logger(__name__)


class Unavailable(Exception):
    """The database is away. No message's fault: wait, then give the same deliveries again."""


class Processor(Protocol):
    """Gives deliveries their effect."""

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """All effects committed; what can never work is returned.

        Raises: Unavailable when the database is away; then no delivery of this call may be acknowledged.
        """


class EventProcessor:
    """A service's reactions, applied exactly once for each event id."""

    def __init__(
        self,
        storage: Storage[Any],
        reactions: Reactions,
        metrics: Metrics,
        suspects: Suspects | None = None,
        tracing: Tracing = OFF,
    ) -> None:
        self._storage = storage
        self._reactions = reactions
        self._metrics = metrics
        self._suspects = suspects or Suspects(storage)
        self._tracing = tracing

    def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        """See `Processor.process`."""
        started = time.perf_counter()
        try:
            with self._suspects.watched(deliveries) as (harmless, dead):
                readable, unreadable = self._read(harmless)
                dead += unreadable
                dead += self._apply(readable)
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable(type(error).__name__) from error
            raise
        self._metrics.batch_size.observe(len(deliveries))
        self._metrics.batch_seconds.observe(time.perf_counter() - started)
        return dead

    def _read(self, deliveries: Sequence[Delivery]) -> tuple[list[tuple[Delivery, Event]], list[DeadLetter]]:
        readable, dead = [], []
        for delivery in deliveries:
            try:
                readable.append((delivery, decode(delivery.body, delivery.content_type)))
            except Poison as poison:
                dead.append(DeadLetter(delivery, poison.reason, str(poison)))
        return readable, dead

    def _apply(self, batch: Sequence[tuple[Delivery, Event]]) -> list[DeadLetter]:
        if not batch:
            return []
        try:
            self._in_one_transaction([event for _, event in batch])
        except Exception as error:
            if is_unavailable(error):
                raise
            if len(batch) == 1:
                return [_dead(batch[0][0], error)]
            middle = len(batch) // 2
            return self._apply(batch[:middle]) + self._apply(batch[middle:])
        return []

    def _in_one_transaction(self, events: Sequence[Event]) -> None:
        for attempt in range(1 + CONFLICT_RETRIES):
            try:
                outcomes, duplicates = self._try_transaction(events)
            except Exception as error:
                if attempt == CONFLICT_RETRIES or not is_conflict(error):
                    raise
            else:
                self._count(outcomes, duplicates)
                return

    def _try_transaction(self, events: Sequence[Event]) -> tuple[list[tuple[Event, Outcome]], int]:
        with Effects(self._tracing) as effects, self._storage.work() as work:
            writes = Writes(work.connection)
            take_turns(writes, self._storage.service, (event.subject for event in events))
            fresh_ids = first_seen(writes, [event.id for event in events], now=work.now)
            fresh = [event for event in {event.id: event for event in events}.values() if event.id in fresh_ids]
            self._reactions.prefetch(fresh, work)
            outcomes = [(event, self._react(event, work, effects)) for event in fresh]
        return outcomes, len(events) - len(fresh)

    def _react(self, event: Event, work: Any, effects: Effects) -> Outcome:
        work.traceparent = event.traceparent
        if self._tracing.is_on:
            ids = {"messaging.message.id": str(event.id), "baton.subject": str(event.subject)}
            work.traceparent = effects.begin(event.type, event.traceparent, ids, since=event.time)
        return self._reactions.apply(event, work)

    def _count(self, outcomes: Sequence[tuple[Event, Outcome]], duplicates: int) -> None:
        self._metrics.inbox_duplicates.inc(duplicates)
        now = self._storage.clock.now()
        tally = Counter(
            (event.type, "ignored", outcome.reason) if isinstance(outcome, Ignored) else (event.type, "applied", "")
            for event, outcome in outcomes
        )
        for (event_type, outcome_name, reason), number in tally.items():
            self._metrics.reactions.labels(event_type, outcome_name, reason).inc(number)
        for event, _ in outcomes:
            self._metrics.event_age.observe(max(0.0, (now - event.time).total_seconds()))


def _dead(delivery: Delivery, error: Exception) -> DeadLetter:
    reason = error.reason if isinstance(error, Poison) else "reaction_failed"
    # Frames, not values: an exception's text can quote what was in the message.
    frames = "".join(traceback.format_tb(error.__traceback__)[-6:])
    log.error("message.dead", reason=reason, error=type(error).__name__, type=delivery.routing_key)
    return DeadLetter(delivery, reason, f"{type(error).__name__}\n{frames}")
