"""Which faults a run has, when, and to whom: laid down by the seed before anything begins. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from random import Random


class Fault(StrEnum):
    """What can be done to the platform."""

    KILL = "kill"  # a process, SIGKILL
    PAUSE = "pause"  # a process, SIGSTOP and SIGCONT
    TERMINATE = "terminate"  # a process, SIGTERM
    CLOCK = "clock"  # a process's clock jumps, and back
    CUT = "cut"  # between a process and a server: nobody gets through
    RESET = "reset"  # connections break
    DELAY = "delay"  # everything arrives late
    FREEZE = "freeze"  # a black hole, one way or both
    TEAR = "tear"  # a connection breaks in the middle of a frame
    BROKER_KILL = "broker_kill"
    BROKER_BLOCK = "broker_block"  # a memory alarm: publishers wait
    DATABASE_KILL = "database_kill"
    DISK_FULL = "disk_full"  # a service's SQLite folder
    POISON = "poison"  # messages that can never work
    REPLAY = "replay"  # copies of old events, shuffled
    LEADER_KILL = "leader_kill"  # the cluster's node that leads a queue
    NODE_KILL = "node_kill"  # any node of the cluster
    PARTITION = "partition"  # one node of the cluster from the others


_ANYWHERE = {
    Fault.KILL: 18,
    Fault.PAUSE: 12,
    Fault.TERMINATE: 8,
    Fault.CLOCK: 8,
    Fault.CUT: 8,
    Fault.RESET: 8,
    Fault.DELAY: 6,
    Fault.FREEZE: 8,
    Fault.TEAR: 8,
    Fault.POISON: 8,
    Fault.REPLAY: 8,
}
_ONE_NODE = {Fault.BROKER_KILL: 8, Fault.BROKER_BLOCK: 3}
_CLUSTER = {Fault.LEADER_KILL: 12, Fault.NODE_KILL: 12, Fault.PARTITION: 8}
_POSTGRES = {Fault.DATABASE_KILL: 8}
_SQLITE = {Fault.DISK_FULL: 8}
NETWORK = frozenset({Fault.CUT, Fault.RESET, Fault.DELAY, Fault.FREEZE, Fault.TEAR})
LONGEST_SECONDS = {
    Fault.KILL: 3.0,
    Fault.PAUSE: 12.0,
    Fault.CLOCK: 15.0,
    Fault.CUT: 8.0,
    Fault.DELAY: 10.0,
    Fault.FREEZE: 15.0,
    Fault.TEAR: 3.0,
    Fault.BROKER_KILL: 4.0,
    Fault.BROKER_BLOCK: 8.0,
    Fault.DATABASE_KILL: 4.0,
    Fault.DISK_FULL: 8.0,
    Fault.LEADER_KILL: 6.0,
    Fault.NODE_KILL: 6.0,
    Fault.PARTITION: 15.0,
}
SHORTEST_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault. Times are in seconds, ``at`` after the beginning of the run; ``seed`` decides the details."""

    number: int
    at: float
    kind: Fault
    process: str
    seconds: float
    seed: str


def weights(*, postgres: bool, cluster: bool) -> dict[Fault, int]:
    """How often each kind comes, where it can."""
    return _ANYWHERE | (_CLUSTER if cluster else _ONE_NODE) | (_POSTGRES if postgres else _SQLITE)


def plan(seed: int, *, faults: int, seconds: float, processes: Sequence[str], kinds: dict[Fault, int]) -> list[Planned]:
    """Faults by weight, spread over the run's time."""
    chance = Random(f"{seed} faults")
    chosen = chance.choices(list(kinds), list(kinds.values()), k=faults)
    return laid_out(seed, chosen, seconds=seconds, processes=processes)


def laid_out(
    seed: int, kinds: Sequence[Fault], *, seconds: float, processes: Sequence[str], longest: float = inf
) -> list[Planned]:
    """The given faults in this order, spread over the run's time, none lasting longer than ``longest`` seconds."""
    chance = Random(f"{seed} places")
    step = seconds / max(1, len(kinds))
    return [
        Planned(
            number=number,
            at=(number + chance.random()) * step,
            kind=kind,
            process=chance.choice(processes),
            seconds=min(longest, chance.uniform(SHORTEST_SECONDS, LONGEST_SECONDS.get(kind, SHORTEST_SECONDS))),
            seed=f"{seed} fault {number}",
        )
        for number, kind in enumerate(kinds)
    ]
