"""One message by one channel to one recipient, from its making until it arrived, failed for good, or was not needed.

Invariants: whatever is neither arrived, failed nor spared has a moment at which it is looked at again, so none is
forgotten; an attempt is noted before it is made, so one that never ended is known. The guards ask the table of
transitions, and the diagram is drawn from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from services.notification.domain.rules import Channel

LEASE = timedelta(minutes=5)  # longer than any attempt lasts; after it, whoever tried has died


class State(StrEnum):
    """How far a message is."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"  # the other side took it
    FAILED = "failed"  # for good
    SPARED = "spared"  # it was read elsewhere, or the matter is past


class Act(StrEnum):
    """What can happen to a message, as said of it: it is …"""

    TAKEN = "taken to be sent"
    TAKEN_OVER = "taken over after a crash"
    CONFIRMED = "confirmed"
    PUT_OFF = "put off"
    GIVEN_UP = "given up"
    SPARED = "not needed any more"
    ASKED_AGAIN = "asked for again"


TRANSITIONS: Mapping[Act, Mapping[State, frozenset[State]]] = {
    Act.TAKEN: {State.WAITING: frozenset({State.SENDING})},
    Act.TAKEN_OVER: {State.SENDING: frozenset({State.SENDING})},
    Act.CONFIRMED: {State.SENDING: frozenset({State.SENT})},
    Act.PUT_OFF: {State.SENDING: frozenset({State.WAITING})},
    Act.GIVEN_UP: {State.SENDING: frozenset({State.FAILED})},
    Act.SPARED: {State.WAITING: frozenset({State.SPARED})},
    Act.ASKED_AGAIN: dict.fromkeys((State.SENT, State.FAILED), frozenset({State.WAITING})),
}
BEGINNINGS = (State.WAITING,)
UNDONE = (State.WAITING, State.SENDING)


class Kind(StrEnum):
    """What an attempt came to."""

    ACCEPTED = "accepted"
    LATER = "later"  # it may work another time
    NEVER = "never"  # it cannot work


@dataclass(frozen=True, slots=True)
class Answer:
    """What the other side said. ``reason`` is a stable word, never what it wrote."""

    kind: Kind
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """See the module. ``recipient`` is the key of who is told."""

    id: UUID
    notice_id: UUID
    recipient: str
    channel: Channel
    urgent: bool
    state: State
    attempts: int
    made_at: datetime
    next_try_at: datetime | None
    sent_at: datetime | None = None
    digest_id: UUID | None = None  # the message it went out with, together with others
    reason: str | None = None


D = TypeVar("D", bound=Delivery)


class WrongState(Exception):
    """What was tried cannot happen in this state: a fault, or a race that somebody else won."""


def take(delivery: D, *, digest_id: UUID, now: datetime) -> D:
    """Note that an attempt begins; should it never end, somebody takes it over when the lease is over.

    Raises: WrongState.
    """
    act = Act.TAKEN if delivery.state is State.WAITING else Act.TAKEN_OVER
    _require(act, delivery)
    if delivery.next_try_at is None or now < delivery.next_try_at:
        raise WrongState(f"{delivery.id} is not due")
    return _to(delivery, State.SENDING, attempts=delivery.attempts + 1, next_try_at=now + LEASE, digest_id=digest_id)


def settle(delivery: D, answer: Answer, *, backoff: tuple[timedelta, ...], now: datetime) -> D:
    """What follows from an attempt: done, tried again later, or given up after the last pause.

    Raises: WrongState.
    """
    if answer.kind is Kind.ACCEPTED:
        _require(Act.CONFIRMED, delivery)
        return _to(delivery, State.SENT, next_try_at=None, sent_at=now, reason=None)
    if answer.kind is Kind.LATER and delivery.attempts <= len(backoff):
        _require(Act.PUT_OFF, delivery)
        again = now + backoff[delivery.attempts - 1]
        return _to(delivery, State.WAITING, next_try_at=again, digest_id=None, reason=answer.reason)
    _require(Act.GIVEN_UP, delivery)
    return _to(delivery, State.FAILED, next_try_at=None, reason=answer.reason)


def spare(delivery: D) -> D:
    """It is not needed any more. One that is being sent goes on.

    Raises: WrongState.
    """
    _require(Act.SPARED, delivery)
    return _to(delivery, State.SPARED, next_try_at=None)


def ask_again(delivery: D, *, now: datetime) -> D:
    """Somebody wants it once more, as new.

    Raises: WrongState.
    """
    _require(Act.ASKED_AGAIN, delivery)
    return _to(delivery, State.WAITING, attempts=0, next_try_at=now, digest_id=None, reason=None)


def _require(act: Act, delivery: Delivery) -> None:
    if delivery.state not in TRANSITIONS[act]:
        raise WrongState(f"{delivery.id} is {delivery.state.value}: it cannot be {act.value}")


def _to(delivery: D, state: State, **changes: Any) -> D:
    return replace(delivery, state=state, **changes)
