"""The state of everything: what is stored, on its way, queued, in hands, done. Messages are numbers here.

Named tuples, and not dataclasses: a search makes millions of them, and they are made, hashed and compared in half the
time.
"""

from collections.abc import Container
from typing import Any, NamedTuple

NONE: frozenset[int] = frozenset()

# What became of a message in a relay's window.
HAND, WIRE, CONFIRMED, RETURNED, REFUSED = "in hand", "on the wire", "confirmed", "returned", "refused"

# Where a consumer is: nothing taken; taken but not begun; working through the parts of its batch;
# in a transaction; everything committed, so what is left is to bury the dead and to acknowledge.
IDLE, TAKEN, WORKING, OPEN, DONE = "idle", "taken", "working", "open", "done"

Delivery = tuple[int, int]  # a message and how often it came back


class Relay(NamedTuple):
    """One replica's relay: its lock, and its window of messages with what became of each."""

    leads: bool = False
    window: tuple[tuple[int, str], ...] = ()
    late: tuple[tuple[int, int], ...] = ()  # without fresh_channel: message and place of confirms still to come


class Consumer(NamedTuple):
    """One consumer of the queue."""

    phase: str = IDLE
    wide: bool = False  # takes batches; else single messages
    cut: bool = False  # what it has in hand is no longer its own at the broker
    begun: bool = False  # the attempt at its suspicious messages is noted
    batch: tuple[Delivery, ...] = ()
    parts: tuple[tuple[int, ...], ...] = ()  # still to be applied, each in one transaction
    fresh: tuple[int, ...] = ()  # of the open transaction: not in the inbox
    read: tuple[tuple[int, ...], ...] = ()  # of the open transaction: the tasks as it read them
    read_dropped: tuple[int, ...] = ()  # of the open transaction: the dropped releases as it read them
    dead: tuple[int, ...] = ()  # to be buried
    tries: int = 0


class World(NamedTuple):
    """Everything. Consumers and relays are kept sorted: which is which makes no difference."""

    faults: int  # that may still happen
    told: frozenset[int] = NONE  # acts answered 2xx
    stored: frozenset[int] = NONE  # acts whose state is committed
    outbox: tuple[int, ...] = ()  # in the order of the commits
    relays: tuple[Relay, ...] = ()
    adrift: tuple[tuple[int, ...], ...] = ()  # for each lost connection, what the broker may still read from it
    bound: frozenset[str] = frozenset()
    queue: tuple[Delivery, ...] = ()
    unrouted: frozenset[int] = NONE
    dead: frozenset[int] = NONE
    consumers: tuple[Consumer, ...] = ()
    inbox: frozenset[int] = NONE
    tasks: tuple[tuple[int, ...], ...] = ()  # for each aggregate, the release version of each of its tasks
    dropped: tuple[int, ...] = ()  # for each aggregate, the newest version that needs no task
    suspects: tuple[int, ...] = ()  # for each message, the attempts begun and not ended
    dealt: frozenset[int] = NONE  # for the promises: messages whose reaction ran in a committed transaction
    said: tuple[int, ...] = ()  # for the promises: for each message, the own events its reaction said

    def with_relay(self, place: int, relay: Relay, **changes: Any) -> "World":
        """The world with another relay in a place, and other changes."""
        return self._replace(relays=_sorted(self.relays, place, relay), **changes)

    def with_consumer(self, place: int, consumer: Consumer, **changes: Any) -> "World":
        """The world with another consumer in a place, and other changes."""
        return self._replace(consumers=_sorted(self.consumers, place, consumer), **changes)

    def forgetting(self, settled: Container[int]) -> "World":
        """The world without some rows of the outbox."""
        return self._replace(outbox=tuple(number for number in self.outbox if number not in settled))


def _sorted(items: tuple[Any, ...], place: int, item: Any) -> tuple[Any, ...]:
    if len(items) == 1:
        return (item,)
    return tuple(sorted((*items[:place], item, *items[place + 1 :])))
