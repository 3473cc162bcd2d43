"""How each fault is done, and undone. What cannot be hurt twice at once is locked meanwhile."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

from deploy.local.broker import PrivateBroker
from deploy.local.cluster import PrivateCluster
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.messaging.topology import events_queue
from tests.faults.link import DOWN, UP
from tests.faults.messages import Publishing
from tests.faults.plan import NETWORK, Fault, Planned
from tests.faults.proxy import Proxy
from tests.faults.servers import MEMORY_LIMIT
from tests.faults.world import Process, World

LONGEST_DELAY_SECONDS = 0.6
JUMPS_MINUTES = (3, 60, 6 * 60, 26 * 60)
POISON_AT_ONCE = 4

Details = dict[str, Any]


class Hands:
    """What hurts the platform. `do` returns when the fault is over and healed."""

    def __init__(self, world: World, publishing: Publishing) -> None:
        self._world = world
        self._publishing = publishing
        self._locks: dict[str, threading.Lock] = {}
        self._acts: dict[Fault, Callable[[Planned, Random], Details]] = {
            Fault.KILL: self._kill,
            Fault.PAUSE: self._pause,
            Fault.TERMINATE: self._terminate,
            Fault.CLOCK: self._clock,
            Fault.BROKER_KILL: self._kill_broker,
            Fault.BROKER_BLOCK: self._block_broker,
            Fault.DATABASE_KILL: self._kill_database,
            Fault.DISK_FULL: self._fill_disk,
            Fault.POISON: self._poison,
            Fault.REPLAY: self._replay,
            Fault.LEADER_KILL: self._kill_leader,
            Fault.NODE_KILL: self._kill_node,
            Fault.PARTITION: self._partition,
            **dict.fromkeys(NETWORK, self._network),
        }
        self.unclean_stops: list[str] = []
        self.node_kills = 0

    def do(self, planned: Planned) -> Details:
        """Begin, hold for the planned time, end; what was done in detail."""
        return self._acts[planned.kind](planned, Random(planned.seed))

    def _process(self, planned: Planned) -> Process:
        return self._world.processes[planned.process]

    @property
    def _cluster(self) -> PrivateCluster:
        assert self._world.rabbit.cluster is not None
        return self._world.rabbit.cluster

    @contextmanager
    def _only(self, thing: str) -> Iterator[None]:
        with self._locks.setdefault(thing, threading.Lock()):
            yield

    def _kill(self, planned: Planned, chance: Random) -> Details:
        process = self._process(planned)
        with process.hand:
            process.managed.kill()
            time.sleep(planned.seconds)
            process.managed.start()
        return {"process": process.name}

    def _pause(self, planned: Planned, chance: Random) -> Details:
        process = self._process(planned)
        with process.hand:
            process.managed.send(signal.SIGSTOP)
            time.sleep(planned.seconds)
            process.managed.send(signal.SIGCONT)
        return {"process": process.name}

    def _terminate(self, planned: Planned, chance: Random) -> Details:
        process = self._process(planned)
        with process.hand:
            status = process.managed.stop()
            process.managed.start()
        if status != 0:
            self.unclean_stops.append(f"{process.name}: {status}")
        return {"process": process.name, "status": status}

    def _clock(self, planned: Planned, chance: Random) -> Details:
        process = self._process(planned)
        minutes = chance.choice(JUMPS_MINUTES) * chance.choice((-1, 1)) * chance.uniform(0.5, 1.5)
        with self._only(f"clock {process.name}"):
            process.clock.jump(timedelta(minutes=minutes))
            time.sleep(planned.seconds)
            process.clock.jump(timedelta(0))
        return {"process": process.name, "minutes": round(minutes)}

    def _network(self, planned: Planned, chance: Random) -> Details:
        process = self._process(planned)
        to_broker = process.to_database is None or chance.random() < 0.5
        ways = process.to_broker if to_broker or process.to_database is None else [process.to_database]
        towards = "broker" if to_broker else "database"
        with self._only(f"{process.name} {towards}"):
            direction = chance.choice(((UP,), (DOWN,), (UP, DOWN)))
            for way in ways:
                _begin(planned.kind, way, direction, chance)
            time.sleep(planned.seconds if planned.kind is not Fault.RESET else 0)
            broken = planned.kind is Fault.FREEZE and chance.random() < 0.5
            for way in ways:
                way.heal(reset=broken)
        return {"process": process.name, "towards": towards, "ways": direction, "broken": broken}

    def _kill_broker(self, planned: Planned, chance: Random) -> Details:
        with self._only("broker"):
            return self._restart_node(self._world.rabbit.nodes[0], planned.seconds)

    def _restart_node(self, node: PrivateBroker, seconds: float) -> Details:
        node.kill()
        self.node_kills += 1
        time.sleep(seconds)
        node.start()
        return {"node": node.node}

    def _block_broker(self, planned: Planned, chance: Random) -> Details:
        with self._only("broker"):
            self._world.rabbit.ctl("set_vm_memory_high_watermark", "0")
            time.sleep(planned.seconds)
            self._world.rabbit.ctl("set_vm_memory_high_watermark", *MEMORY_LIMIT)
        return {}

    def _kill_database(self, planned: Planned, chance: Random) -> Details:
        postgres = self._world.database.postgres
        assert postgres is not None
        with self._only("database"):
            postgres.kill()
            time.sleep(planned.seconds)
            postgres.start()
        return {}

    def _fill_disk(self, planned: Planned, chance: Random) -> Details:
        service = self._process(planned).service
        disk = self._world.disks[service]
        with self._only(f"disk {service}"):
            disk.fill()
            time.sleep(planned.seconds)
            disk.free()
        return {"service": service, "disk": type(disk).__name__}

    def _poison(self, planned: Planned, chance: Random) -> Details:
        return {"kinds": self._publishing.send_poison(chance, chance.randint(1, POISON_AT_ONCE))}

    def _replay(self, planned: Planned, chance: Random) -> Details:
        with self._only("database"):  # it must be there to be read
            return {"copies": self._publishing.replay(chance)}

    def _kill_leader(self, planned: Planned, chance: Random) -> Details:
        with self._only("broker"):
            queue = events_queue(chance.choice(sorted(SUBSCRIPTIONS)))
            leader = self._cluster.leader_of(queue, self._world.rabbit.vhost)
            return {"queue": queue, **self._restart_node(leader, planned.seconds)}

    def _kill_node(self, planned: Planned, chance: Random) -> Details:
        with self._only("broker"):
            return self._restart_node(chance.choice(self._world.rabbit.nodes), planned.seconds)

    def _partition(self, planned: Planned, chance: Random) -> Details:
        with self._only("broker"):
            alone = chance.choice(self._cluster.nodes)
            self._cluster.separate(alone)
            time.sleep(planned.seconds)
            self._cluster.join(alone)
        return {"node": alone.node}


def _begin(kind: Fault, way: Proxy, direction: tuple[str, ...], chance: Random) -> None:
    match kind:
        case Fault.CUT:
            way.cut()
        case Fault.RESET:
            way.reset()
        case Fault.DELAY:
            way.slow(chance.uniform(0.02, LONGEST_DELAY_SECONDS))
        case Fault.FREEZE:
            way.freeze(*direction)
        case Fault.TEAR:
            way.tear(direction[0])
