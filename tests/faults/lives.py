"""What happens to whom: every release's life as a list of acts, laid down by the seed before anything begins.

Pure. An act's key is its idempotency key and also stands in what it does (`Act.tag`), so that its effects can be
counted afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from uuid import UUID

RESCHEDULED, CANCELLED, EXECUTED = 0.30, 0.10, 0.75  # shares of releases; the rest stays planned
REGISTERED, ACCEPTED = 0.15, 0.10  # shares that begin with a new person, and whose task an officer accepts
BY_MESSAGE = 0.35
LONGEST_PAUSE_SECONDS = 2.0
FURTHEST_DAYS = 60  # beyond a month a task is announced, before that it is offered


class Kind(StrEnum):
    """What a client does."""

    REGISTER = "register"
    PLAN = "plan"
    ACCEPT = "accept"
    RESCHEDULE = "reschedule"
    CANCEL = "cancel"
    EXECUTE = "execute"


# The event that each act has, exactly once.
EVENT_OF = {
    Kind.REGISTER: "person.registered.v1",
    Kind.PLAN: "release.planned.v1",
    Kind.ACCEPT: "handover.accepted.v1",
    Kind.RESCHEDULE: "release.rescheduled.v1",
    Kind.CANCEL: "release.cancelled.v1",
    Kind.EXECUTE: "release.executed.v1",
}


@dataclass(frozen=True, slots=True)
class Act:
    """One act of a client. ``pause`` is in seconds, after the act before was answered."""

    key: UUID
    kind: Kind
    pause: float
    days: float  # until the release, for plans
    says_when: bool  # whether an execution names its moment or leaves it to the service


@dataclass(frozen=True, slots=True)
class Life:
    """One release, from plan to end. ``starts_at`` is in seconds after the beginning of the run."""

    number: int
    starts_at: float
    centre: str
    by_message: bool
    person: int  # which of those who are registered before
    acts: tuple[Act, ...]


def lives(seed: int, *, releases: int, seconds: float, centres: Sequence[str], persons: int) -> list[Life]:
    """All lives of a run, in the order in which they begin, spread over its time."""
    chance = Random(f"{seed} lives")
    starts = sorted(chance.uniform(0, seconds) for _ in range(releases))
    by_message = {centre: place < round(len(centres) * BY_MESSAGE) for place, centre in enumerate(centres)}
    return [_life(number, at, by_message, persons, chance) for number, at in enumerate(starts)]


def _life(number: int, at: float, by_message: dict[str, bool], persons: int, chance: Random) -> Life:
    centre = chance.choice(list(by_message))
    kinds = _kinds(chance)
    acts = tuple(_act(kind, chance) for kind in kinds)
    return Life(number, at, centre, by_message[centre], chance.randrange(persons), acts)


def _kinds(chance: Random) -> list[Kind]:
    kinds = [Kind.PLAN]
    if chance.random() < REGISTERED:
        kinds.insert(0, Kind.REGISTER)
    if chance.random() < ACCEPTED:
        kinds.append(Kind.ACCEPT)
    if chance.random() < RESCHEDULED:
        kinds += [Kind.RESCHEDULE] * chance.randint(1, 3)
    end = chance.random()
    if end < CANCELLED:
        kinds.append(Kind.CANCEL)
    elif end < CANCELLED + EXECUTED:
        kinds.append(Kind.EXECUTE)
    return kinds


def _act(kind: Kind, chance: Random) -> Act:
    return Act(
        key=UUID(int=chance.getrandbits(128), version=4),
        kind=kind,
        pause=chance.uniform(0, LONGEST_PAUSE_SECONDS),
        days=chance.uniform(1, FURTHEST_DAYS),
        says_when=chance.random() < 0.5,
    )
