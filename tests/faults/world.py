"""The platform of a run: every service, some of them twice, each process behind proxies of its own and with its own
clock, and a keeper that starts again what ended by itself, as any supervisor would.
"""

import signal
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.ports import free_ports
from deploy.local.processes import ManagedProcess
from deploy.local.stack import SERVICES, Stack, service_of
from tests.faults.clocks import Clock, Clocks
from tests.faults.disk import Disk, disk
from tests.faults.proxy import Network, Proxy
from tests.faults.servers import Database, Rabbit

REPLICATED = ("release_notification", "community_handover")
PROCESSES = (*SERVICES, *(f"{service}-2" for service in REPLICATED))
LOOK_SECONDS = 0.3
READY_SECONDS = 90.0


@dataclass
class Process:
    """One process of a service, and all that can be done to it. Who holds ``hand`` answers for its life."""

    name: str
    managed: ManagedProcess
    clock: Clock
    to_broker: list[Proxy]
    to_database: Proxy | None
    hand: threading.Lock = field(default_factory=threading.Lock)

    @property
    def service(self) -> str:
        """What it is a process of."""
        return service_of(self.name)


class World:
    """Use as a context manager: enters with every process ready, leaves with nothing running."""

    def __init__(self, folder: Path, *, rabbit: Rabbit, database: Database) -> None:
        self.folder = folder
        self.rabbit = rabbit
        self.database = database
        self.network = Network()
        self.clocks = Clocks(folder / "clocks")
        self.processes: dict[str, Process] = {}
        self.disks: dict[str, Disk] = {}
        self.exits: list[str] = []  # what ended by itself
        self._stack: Stack | None = None
        self._opened = ExitStack()
        self._healed = threading.Event()

    def __enter__(self) -> Self:
        with ExitStack() as opened:
            opened.enter_context(self.network)
            opened.enter_context(self.clocks)
            self._open_disks(opened)
            self._stack = self._make_stack()
            opened.enter_context(self._stack)
            keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
            keeper.start()
            opened.callback(self._end_keeping, keeper)
            self._opened = opened.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes.values():
            process.managed.send(signal.SIGCONT)  # who is stopped cannot hear that it should end
        self._opened.close()

    @property
    def private_jwk(self) -> Path:
        """The key with which tokens are signed."""
        assert self._stack is not None
        return Path(self._stack.env["TOKEN_PRIVATE_JWK"])

    @property
    def urls(self) -> Mapping[str, list[str]]:
        """The addresses of each service's processes."""
        found: dict[str, list[str]] = {}
        for process in self.processes.values():
            found.setdefault(process.service, []).append(process.managed.url)
        return found

    def of(self, service: str) -> list[Process]:
        """A service's processes."""
        return [process for process in self.processes.values() if process.service == service]

    def heal(self) -> None:
        """End every fault, whoever began it."""
        self.network.heal()
        self.clocks.heal()
        for one in self.disks.values():
            one.free()
        self.database.heal()
        self.rabbit.heal()
        for process in self.processes.values():
            process.managed.send(signal.SIGCONT)

    def not_ready(self) -> list[str]:
        """The processes that do not say that they are ready."""
        return [name for name, process in self.processes.items() if not process.managed.is_ready()]

    def _open_disks(self, opened: ExitStack) -> None:
        if self.database.port is not None:
            return
        for service in SERVICES:
            folder = Path(self.database.url(service).removeprefix("sqlite:///")).parent
            self.disks[service] = disk(folder, self._pids_of(service))
            opened.callback(self.disks[service].close)

    def _pids_of(self, service: str) -> Callable[[], Iterable[int]]:
        return lambda: [process.managed.pid for process in self.of(service) if process.managed.alive]

    def _make_stack(self) -> Stack:
        ports = dict(zip(PROCESSES, free_ports(len(PROCESSES)), strict=True))
        made = {name: self._surroundings(place, name) for place, name in enumerate(PROCESSES)}
        env = {name: self._env(name, *around) for name, around in made.items()}
        stack = Stack(self.folder / "data", amqp_uri="", database_url=None, ports=ports, env_of=env)
        self.processes = {name: Process(name, stack.processes[name], *around) for name, around in made.items()}
        return stack

    def _surroundings(self, place: int, name: str) -> tuple[Clock, list[Proxy], Proxy | None]:
        to_broker = [self.network.proxy(port) for port in self.rabbit.ports]
        turn = place % len(to_broker)  # not all of them begin with the same node of a cluster
        database = self.database.port
        to_database = None if database is None else self.network.proxy(database)
        return self.clocks.clock(name), to_broker[turn:] + to_broker[:turn], to_database

    def _env(self, name: str, clock: Clock, to_broker: list[Proxy], to_database: Proxy | None) -> dict[str, str]:
        port = None if to_database is None else to_database.port
        return {
            "AMQP_URI": self.rabbit.uri([proxy.port for proxy in to_broker]),
            "DATABASE_URL": self.database.url(service_of(name), port),
            "CLOCK_FILE": str(clock.path),
        }

    def _keep(self) -> None:
        while not self._healed.wait(LOOK_SECONDS):
            for process in self.processes.values():
                if process.hand.acquire(blocking=False):
                    try:
                        self._look(process)
                    finally:
                        process.hand.release()

    def _look(self, process: Process) -> None:
        if process.managed.alive:
            return
        status = process.managed.wait_stopped(0)
        self.exits.append(f"{process.name} ended with status {status}: {process.managed.log_tail(3)}")
        process.managed.start()

    def _end_keeping(self, keeper: threading.Thread) -> None:
        self._healed.set()
        keeper.join(30)
