"""One connection through a proxy: its two ends, and what happens to what they carry."""

import asyncio
import socket
import struct
from typing import TYPE_CHECKING, Any

from deploy.local.ports import LOOPBACK

if TYPE_CHECKING:
    from tests.faults.proxy import Proxy

UP, DOWN = "up", "down"  # towards the server, and back
BUFFER_BYTES = 262_144
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """One connection through a proxy: two ends."""

    def __init__(self, proxy: "Proxy") -> None:
        self.proxy = proxy
        self.ends: dict[str, End] = {}

    def accepted(self, client: "End") -> None:
        """A client has come; connect to the server for it."""
        self.ends[UP] = client
        self.proxy.links.add(self)
        if self.proxy.refuses:
            self.reset()
            return
        client.hold("connecting")
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.create_connection(lambda: End(self, DOWN), LOOPBACK, self.proxy.target)
        except OSError:
            self.reset()

    def connected(self, server: "End") -> None:
        """The server has answered."""
        self.ends[DOWN] = server
        if self not in self.proxy.links:
            self.reset()  # the client has left meanwhile
            return
        self.obey()
        self.ends[UP].release("connecting")

    def obey(self) -> None:
        """Stop or go on reading, as the proxy says now."""
        for direction, end in list(self.ends.items()):
            end.hold("frozen") if direction in self.proxy.frozen else end.release("frozen")

    def other(self, end: "End") -> "End | None":
        """The end at which what comes in at ``end`` goes out."""
        return self.ends.get(DOWN if end.direction == UP else UP)

    def tear(self, end: "End", data: bytes) -> None:
        """Hand on half, then end: an orderly end for the one who gets it, a reset for the one who sent it."""
        self.proxy.tears = None
        out = self.other(end)
        if out is not None:
            out.transport.write(data[: len(data) // 2])
            out.transport.close()
        end.reset()
        self.proxy.links.discard(self)

    def reset(self) -> None:
        """Break both ends."""
        self.proxy.links.discard(self)
        for end in list(self.ends.values()):
            end.reset()

    def ended(self, end: "End") -> None:
        """One end is gone; so is the other, once what came before has arrived. A frozen way does not tell even that."""
        self.proxy.links.discard(self)
        out = self.other(end)
        if out is not None:
            end.deliver(out, None)


class End(asyncio.Protocol):
    """One socket of a link. ``direction`` is the way that what it reads goes."""

    transport: Any

    def __init__(self, link: Link, direction: str) -> None:
        self._link = link
        self.direction = direction
        self._holds: set[str] = set()
        self._arrives_at = 0.0  # of the piece on its way now

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport.set_write_buffer_limits(high=BUFFER_BYTES)
        self._link.accepted(self) if self.direction == UP else self._link.connected(self)

    def data_received(self, data: bytes) -> None:
        self._link.proxy.carried += len(data) if self.direction == UP else 0
        if self._link.proxy.tears == self.direction:
            self._link.tear(self, data)
            return
        out = self._link.other(self)
        if out is not None:
            self.deliver(out, data)

    def deliver(self, out: "End", data: bytes | None) -> None:
        """Hand on now or, where the way is slow, later but in order; None is the end."""
        loop = asyncio.get_running_loop()
        self._arrives_at = max(loop.time() + self._link.proxy.delay, self._arrives_at)
        if self._arrives_at <= loop.time():
            out.take(data)
        else:
            loop.call_at(self._arrives_at, out.take, data)

    def take(self, data: bytes | None) -> None:
        """What the other end has read."""
        if self.transport.is_closing():
            return
        if data is None:
            self.transport.close()
        else:
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._link.ended(self)

    def eof_received(self) -> bool:
        return False  # nobody here goes on reading after having said all

    def pause_writing(self) -> None:
        other = self._link.other(self)
        if other is not None:
            other.hold("full")

    def resume_writing(self) -> None:
        other = self._link.other(self)
        if other is not None:
            other.release("full")

    def hold(self, reason: str) -> None:
        """Read no more for this reason."""
        if not self._holds and not self.transport.is_closing():
            self.transport.pause_reading()
        self._holds.add(reason)

    def release(self, reason: str) -> None:
        """This reason is over."""
        self._holds.discard(reason)
        if not self._holds and not self.transport.is_closing():
            self.transport.resume_reading()

    def reset(self) -> None:
        """End the connection with a reset."""
        sock = self.transport.get_extra_info("socket")
        if not self.transport.is_closing():
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.transport.abort()
