"""One run: the platform starts, clients come, faults happen, everything is healed, and the promises are checked.

Its folder keeps the clients' history, the faults, the poison and the evidence, so that the checks can be repeated.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.broker import BrokerFailed
from deploy.local.group import ProcessGroup
from deploy.local.stack import ROOT
from tests.faults import evidence as found_in
from tests.faults.by_http import Tokens
from tests.faults.case import Case
from tests.faults.checks import MAY_HOLD, broken_promises, figures
from tests.faults.driver import Driver
from tests.faults.evidence import backlog, gather
from tests.faults.faults import Hands
from tests.faults.furnish import furnish
from tests.faults.messages import Publishing
from tests.faults.plan import Planned
from tests.faults.servers import Database, Rabbit
from tests.faults.traffic import Orders
from tests.faults.world import World

CENTRES = tuple(f"CENTRE-{number}" for number in range(1, 7))
RELEASES_A_PERSON = 10
ANSWERED_WITHIN_SECONDS = 240.0  # after everything is healed
SETTLED_WITHIN_SECONDS = 240.0
POLL_SECONDS = 0.5
LOOKS, PAUSE_SECONDS = 4, 10.0  # together longer than the slowest timer sleeps
SHOWN = 20

Say = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How large a run is."""

    seed: int
    releases: int
    seconds: float  # in which releases begin and faults happen


@dataclass
class Result:
    """What became of a run."""

    figures: dict[str, Any]
    broken: dict[str, list[str]]
    failures: list[str]  # faults that could not be done
    remarks: list[str]  # what is worth knowing and breaks no promise

    @property
    def kept(self) -> bool:
        """Whether every promise was kept, in a run that did what it was to do."""
        return not any(self.broken.values()) and not self.failures

    def complaints(self) -> Iterator[str]:
        """What was wrong, in words."""
        yield from self.failures
        for name, faults in self.broken.items():
            yield from (f"{name}: {fault}" for fault in faults[:SHOWN])
            if len(faults) > SHOWN:
                yield f"{name}: and {len(faults) - SHOWN} more"


def run(folder: Path, size: Size, plan: Sequence[Planned], *, rabbit: Rabbit, database: Database, say: Say) -> Result:
    """See the module. ``folder`` is new."""
    began = time.monotonic()

    def tell(what: str) -> None:
        say(f"{what} after {time.monotonic() - began:.0f} s")

    folder.mkdir(parents=True, exist_ok=True)
    rabbit.prepare()
    with World(folder, rabbit=rabbit, database=database) as world:
        tell(f"{len(world.processes)} processes are ready")
        publishing = Publishing(folder, rabbit, database)
        hands = Hands(world, publishing)
        driver = Driver(hands, folder, say=say)
        with _traffic(world, folder, size) as traffic:
            driver.run(plan)
            world.heal()
            tell("everything is healed")
            status = traffic.wait(max(ANSWERED_WITHIN_SECONDS, size.seconds))
            tell("every client has its answers" if status == 0 else "some clients have no answer")
        case, broken, looks = _look(world, folder)
    told: dict[str, Any] = {
        "seed": size.seed,
        **figures(case, broken),
        **driver.figures(),
        "node_kills": hands.node_kills,
        "copies": publishing.copies,
        "exits": len(world.exits),
        "unclean_stops": len(hands.unclean_stops),
        "looks": looks,
        "seconds": round(time.monotonic() - began),
    }
    return Result(told, broken, driver.failures, [*world.exits, *hands.unclean_stops])


@contextmanager
def _traffic(world: World, folder: Path, size: Size) -> Iterator[ProcessGroup]:
    persons = furnish(world.urls, Tokens(world.private_jwk), persons=max(20, size.releases // RELEASES_A_PERSON))
    orders = Orders(
        folder=str(folder),
        seed=size.seed,
        releases=size.releases,
        seconds=size.seconds,
        centres=CENTRES,
        persons=persons,
        urls=world.urls,
        amqp_uri=world.rabbit.uri(),
        private_jwk=str(world.private_jwk),
    )
    file = folder / "orders.json"
    orders.write(file)
    process = ProcessGroup(folder / "traffic.json")
    command = [sys.executable, "-m", "tests.faults.traffic", str(file)]
    process.start(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, log=folder / "traffic.log")
    try:
        yield process
    finally:
        _end(process)
        file.unlink()


def _end(process: ProcessGroup) -> None:
    process.send(signal.SIGTERM)
    process.wait(30)
    process.kill()


def _look(world: World, folder: Path) -> tuple[Case, dict[str, list[str]], int]:
    """What is found at last, what is wrong with it, and how often it was looked at.

    Timers go on while we look, and no two things are looked at in the same moment. So what seems broken is looked at
    again; a promise that is broken stays so.
    """
    for look in range(1, LOOKS + 1):
        _settle(world, SETTLED_WITHIN_SECONDS if look == 1 else PAUSE_SECONDS)
        gather(world).write(folder / found_in.FILE)
        case = Case.read(folder)
        broken = broken_promises(case)
        if not any(broken.values()) or look == LOOKS:
            break
        time.sleep(PAUSE_SECONDS)
    return case, broken, look


def _settle(world: World, seconds: float) -> None:
    """Wait until nothing waits any more, but not for ever: what is stuck is for the checks to say."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not _is_quiet(world):
        time.sleep(POLL_SECONDS)


def _is_quiet(world: World) -> bool:
    if backlog(world.database):
        return False
    try:
        queues = world.rabbit.queues()
    except BrokerFailed:
        return False
    waiting = sum(messages for name, (messages, _) in queues.items() if name not in MAY_HOLD)
    expected = found_in.expected_consumers(world)
    consuming = all(queues.get(name, (0, 0))[1] == number for name, number in expected.items())
    return waiting == 0 and consuming and not world.not_ready()
