"""A network that can fail: TCP proxies between one process and one server, each of which can be cut by itself.

A healthy proxy hands on every byte in order. A sick one refuses, resets, delays, freezes (a black hole: nothing comes
through and nobody is told) or tears a connection in the middle of what it carries. `Proxy.heal` ends whatever there is.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from deploy.local.ports import LOOPBACK
from tests.faults.link import UP, End, Link

T = TypeVar("T")


class Network:
    """The thread in which proxies live. Use as a context manager."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network", daemon=True)
        self._proxies: list[Proxy] = []

    def proxy(self, port: int) -> "Proxy":
        """A new way to the server that listens at ``port`` of this machine."""
        made = Proxy(self, port)
        self._proxies.append(made)
        return made

    def heal(self) -> None:
        """End all faults of all proxies."""
        for proxy in self._proxies:
            proxy.heal()

    def run(self, act: Callable[[], T]) -> T:
        """Do something in the network's thread and wait for it."""

        async def once() -> T:
            return act()

        return asyncio.run_coroutine_threadsafe(once(), self._loop).result(30)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The thread's event loop."""
        return self._loop

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self._proxies:
            proxy.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


class Proxy:
    """One port in front of another. Made by `Network.proxy`; every method may be called from any thread."""

    def __init__(self, network: Network, target: int) -> None:
        self.target = target
        self._network = network
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listening.getsockname()[1]
        self.links: set[Link] = set()
        self.refuses = False
        self.delay = 0.0  # seconds, for each piece and direction
        self.frozen: frozenset[str] = frozenset()
        self.tears: str | None = None
        self.carried = 0  # bytes that came from clients
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), network.loop).result(30)

    async def _listen(self) -> asyncio.AbstractServer:
        return await self._network.loop.create_server(lambda: End(Link(self), UP), sock=self._listening)

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return len(self.links)

    def cut(self) -> None:
        """Break what is open and let nobody through until healed."""
        self._network.run(lambda: self._refuse(True))
        self.reset()

    def _refuse(self, refuses: bool) -> None:
        self.refuses = refuses

    def reset(self) -> None:
        """Break what is open, once; who connects again gets through."""
        self._network.run(lambda: [link.reset() for link in list(self.links)])

    def slow(self, seconds: float) -> None:
        """Let everything arrive so much later, in order, until healed."""

        def begin() -> None:
            self.delay = seconds

        self._network.run(begin)

    def freeze(self, *directions: str) -> None:
        """Let nothing through in these directions until healed, and tell nobody."""

        def begin() -> None:
            self.frozen = frozenset(directions)
            for link in list(self.links):
                link.obey()

        self._network.run(begin)

    def tear(self, direction: str) -> None:
        """Break the next connection that carries something that way, after half of it."""

        def begin() -> None:
            self.tears = direction

        self._network.run(begin)

    def heal(self, *, reset: bool = False) -> None:
        """Everything gets through again; what was held back arrives, or with ``reset`` is lost with its connection."""

        def end() -> None:
            self.refuses, self.delay, self.frozen, self.tears = False, 0.0, frozenset(), None
            for link in list(self.links):
                link.reset() if reset else link.obey()

        self._network.run(end)

    def close(self) -> None:
        """Break everything and listen no more."""
        self.reset()
        self._network.run(self._server.close)
