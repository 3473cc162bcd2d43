"""What a model of the delivery is made of: its messages, its sizes, the faults it may meet, and the mechanisms.

A mechanism is a thing the platform does so that a promise holds. Each can be left out by its name.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from shared.messaging.processor import CONFLICT_RETRIES
from shared.messaging.suspects import KILLER_AFTER_ATTEMPTS, SUSPICIOUS_AFTER_RETURNS

GOOD, POISON, KILLER = "good", "poison", "killer"
WORK, DEAD, UNROUTED = "work", "dead", "unrouted"  # the bindings
WINDOW = 2  # messages that a relay has under way at once
BATCH = 2  # messages in one transaction of a consumer

MECHANISMS = {
    "outbox": "the event is written in the transaction of the state it tells",
    "idempotency_key": "a repeated request is known by its key and has one effect",
    "answer_after_commit": "the answer 2xx is given after the commit",
    "publisher_confirm": "an outbox row is deleted on the broker's confirm, not on sending",
    "own_tag": "a confirm settles the message whose delivery tag it names, and no other",
    "fresh_channel": "a channel that timed out is thrown away",
    "one_relay": "an advisory lock: one active relay for each service",
    "aggregate_order": "at most one message of an aggregate is on its way",
    "alternate_exchange": "what no queue is bound for is kept in `baton.unrouted`",
    "mandatory": "what cannot be routed is returned to the publisher",
    "put_back": "an operator puts what is in `baton.unrouted` into the queue it was meant for",
    "inbox": "a message that had its effect is known by its id",
    "one_transaction": "the inbox row is written in the transaction of the effect",
    "version_check": "a task follows newer versions of its release only",
    "dropped_note": "the version that needs no task is noted, so that an older one heard later makes none",
    "turns": "two transactions never react to the same aggregate at the same time",
    "optimistic_lock": "a task that was changed since it was read is not written",
    "business_key": "one task for each release (unique `release_id`)",
    "derived_id": "the id of a task is derived from its release",
    "conflict_retry": "a transaction that lost a race runs again",
    "ack_after_commit": "a message is acknowledged after its effect is committed",
    "dead_letter_confirm": "a dead message is acknowledged after its copy is confirmed",
    "split": "a batch that fails is split until the bad message stands alone",
    "suspects": "attempts at a message that keeps coming back are noted before they begin",
    "suspect_single": "a suspicious message stands alone in its batch",
    "suspect_alone": "while a suspicious message is worked on, the process works on nothing else",
    "attempt_once": "trying again after the database was away is not another attempt",
    "one_by_one": "a consumer takes single messages until one did not come from a crash",
    "delivery_limit": "the broker gives up a message that came back too often",
}

FAULTS = {
    "crash_service": "the service ends during an act, or its answer is lost",
    "refuse": "the broker refuses a message (nack)",
    "crash_relay": "the relay's process ends",
    "cut_relay": "the relay's connection to the broker is lost",
    "session": "the relay's database session, and its lock, is lost while it is paused",
    "crash_consumer": "the consumer's process ends",
    "cut_consumer": "the consumer's connection to the broker is lost while it works",
    "database": "the database fails a transaction",
    "commit": "the consumer's commit succeeds but the answer is lost",
    "unbind": "a binding is missing until some service starts and declares it",
}


@dataclass(frozen=True)
class Message:
    """One version of a release's aggregate, as its event. A twin is what a repeated request would create."""

    release: str
    version: int = 1
    kind: str = GOOD
    twin: bool = False
    needs_task: bool = True  # else the version is that of a cancelled release

    @property
    def name(self) -> str:
        """E.g. ``a2``, or ``poison b1``."""
        suffix = "-again" if self.twin else "" if self.needs_task else "-cancelled"
        plain = f"{self.release}{self.version}{suffix}"
        return plain if self.kind == GOOD else f"{self.kind} {plain}"


@dataclass(frozen=True)
class Setup:
    """One configuration. In the model a message is its place in ``messages``."""

    messages: tuple[Message, ...]
    faults: int = 0
    kinds: frozenset[str] = frozenset()  # of faults that may happen, ``faults`` of them in all
    relays: int = 1
    consumers: int = 1
    published: bool = False  # everything is in the queue already: only the consumers' half is looked at
    in_front: bool = False  # the queue is first in, first out, and what comes back is in front; else any order
    at_work: bool = False  # the consumers have been at work for a while, so they take batches
    one_process: bool = False  # the consumers die together
    plain_effect: bool = False  # a reaction that would do it again if asked again
    suspicious_after: int = SUSPICIOUS_AFTER_RETURNS
    killer_after: int = KILLER_AFTER_ATTEMPTS
    conflict_retries: int = CONFLICT_RETRIES
    delivery_limit: int | None = None  # None: so high that no run in the model gets there
    without: frozenset[str] = frozenset()  # mechanisms left out

    def has(self, mechanism: str) -> bool:
        """Whether a mechanism is in use."""
        return mechanism in self.mechanisms

    @cached_property
    def mechanisms(self) -> frozenset[str]:
        """All that are in use."""
        return frozenset(MECHANISMS) - self.without

    @cached_property
    def aggregates(self) -> tuple[tuple[int, ...], ...]:
        """The messages of each aggregate, oldest first."""
        keys = dict.fromkeys((m.release, m.twin) for m in self.messages)
        return tuple(tuple(n for n, m in enumerate(self.messages) if (m.release, m.twin) == key) for key in keys)

    @cached_property
    def aggregate_of(self) -> tuple[int, ...]:
        """For each message, the number of its aggregate."""
        places = {n: place for place, members in enumerate(self.aggregates) for n in members}
        return tuple(places[n] for n in range(len(self.messages)))

    @cached_property
    def predecessor(self) -> tuple[int | None, ...]:
        """For each message, the one of the version before."""
        before = {later: earlier for chain in self.aggregates for earlier, later in pairwise(chain)}
        return tuple(before.get(n) for n in range(len(self.messages)))
