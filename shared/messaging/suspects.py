"""Finding the message that kills whoever works on it, and no other.

A process that is killed takes all it works on with it, so what is suspicious is worked on alone: it stands alone in
its batch (see `cut_before_suspects`), and meanwhile no other consumer of the process works. Who is found to have
begun several times and never ended was killed by nobody else.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from shared.messaging.delivery import DeadLetter, Delivery
from shared.storage.engine import Storage
from shared.storage.suspects import begin_attempt, end_attempts

SUSPICIOUS_AFTER_RETURNS = 2  # come back so often: note each attempt
KILLER_AFTER_ATTEMPTS = 3  # begun so often and never ended: it kills whoever works on it


def is_suspicious(delivery: Delivery) -> bool:
    """Whether a message came back so often that it may be what kills its consumers."""
    return delivery.returns >= SUSPICIOUS_AFTER_RETURNS


def cut_before_suspects(deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
    """The beginning of what was delivered that may be one batch: what is suspicious stands alone."""
    for place, delivery in enumerate(deliveries):
        if is_suspicious(delivery):
            return deliveries[: max(1, place)]
    return deliveries


class Suspects:
    """The suspicious messages of one process: all its consumers have the same one of these."""

    def __init__(self, storage: Storage[Any]) -> None:
        self._storage = storage
        self._room = Room()
        # Attempts of this process that ended by an error: their notes stand, and the next attempt needs no other.
        self._failed: set[str] = set()

    @contextmanager
    def watched(self, deliveries: Sequence[Delivery]) -> Iterator[tuple[list[Delivery], list[DeadLetter]]]:
        """The deliveries that may be worked on, and those that must not; the work is the body of the ``with``."""
        watched = sorted({d.message_id for d in deliveries if is_suspicious(d) and d.message_id})
        if not watched:
            with self._room.shared():
                yield list(deliveries), []
            return
        with self._room.alone():
            killers = self._begin(watched)
            dead = [DeadLetter(d, "kills_the_consumer", "") for d in deliveries if d.message_id in killers]
            try:
                yield [d for d in deliveries if d.message_id not in killers], dead
                with self._storage.work() as work:
                    end_attempts(work.connection, watched)
            except Exception:
                self._failed.update(watched)
                raise

    def _begin(self, ids: list[str]) -> set[str]:
        """Note the attempts; which messages are killers."""
        with self._storage.work() as work:
            begun = {one: begin_attempt(work.connection, one, noted=one in self._failed) for one in ids}
        self._failed.difference_update(ids)
        return {one for one, number in begun.items() if number >= KILLER_AFTER_ATTEMPTS}


class Room:
    """Where many work side by side, or one alone. Who wants to be alone is waited for by who comes later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._want_alone = 0
        self._is_alone = False

    @property
    def is_wanted_alone(self) -> bool:
        """Whether somebody waits to be alone."""
        return self._want_alone > 0

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Work beside others."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_alone and not self._want_alone)
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work while nobody else does."""
        with self._changed:
            self._want_alone += 1
            self._changed.wait_for(lambda: not self._is_alone and not self._inside)
            self._want_alone -= 1
            self._is_alone = True
        try:
            yield
        finally:
            with self._changed:
                self._is_alone = False
                self._changed.notify_all()
