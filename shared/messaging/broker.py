"""Connections to RabbitMQ: several hosts, heartbeats, keep-alive, and a broker that says it is blocked."""

import random
import socket
import struct
from collections.abc import Sequence
from typing import Any

from amqp.exceptions import UnexpectedFrame
from amqp.transport import TCPTransport
from kombu import Connection
from kombu.exceptions import OperationalError

CONNECT_TIMEOUT_SECONDS = 5
HEARTBEAT_SECONDS = 20
_READ_AHEAD_BYTES = 262_144
_FRAME_HEADER = struct.Struct(">BHI")  # kind, channel, size
_FRAME_END = 0xCE
_FRAME_OVERHEAD = _FRAME_HEADER.size + 1

# What a lost, refused or misbehaving connection raises, whichever layer notices first.
CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    OperationalError,
    *Connection("amqp://").connection_errors,
    *Connection("amqp://").channel_errors,
)


class Broker:
    """Opens connections to whichever of the hosts answers. ``uri`` lists them, separated by ``;``."""

    def __init__(self, uri: str, *, name: str) -> None:
        self._uris = [part.strip() for part in uri.split(";") if part.strip()]
        self._name = name
        self._blocked: list[Connection] = []

    @property
    def is_blocked(self) -> bool:
        """Whether the broker takes nothing on some connection (memory or disk alarm). One that is lost says no more."""
        self._blocked = [connection for connection in self._blocked if connection.connected]
        return bool(self._blocked)

    def connect(self) -> Connection:
        """A fresh connection.

        Raises: one of CONNECTION_ERRORS when no host answers.
        """
        failures: list[BaseException] = []
        for uri in _shuffled_after_first(self._uris):
            connection = self._connection(uri)
            try:
                connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            except CONNECTION_ERRORS as failure:
                failures.append(failure)
            else:
                return connection
        raise failures[-1]

    def _connection(self, uri: str) -> Connection:
        connection: Connection = Connection(
            uri,
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            heartbeat=HEARTBEAT_SECONDS,
            transport_options={
                "client_properties": {"connection_name": self._name},
                "on_blocked": lambda reason: self._blocked.append(connection),
                "on_unblocked": lambda: self._unblocked(connection),
                "read_timeout": None,
                "write_timeout": CONNECT_TIMEOUT_SECONDS * 2,
                "socket_settings": _keep_alive(),
            },
        )
        return connection

    def _unblocked(self, connection: Connection) -> None:
        self._blocked = [other for other in self._blocked if other is not connection]


class ReadAhead:
    """Takes from a connection's socket what is there, instead of each frame in three parts with a timeout each.

    Only for plain TCP; one thread at a time reads a connection here, so what is read ahead is its own.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.connection
        self._transport = self._connection.transport
        self._is_plain = isinstance(self._transport, TCPTransport)
        self._data = b""
        self._at = 0
        if self._is_plain:
            self._transport._read = self._read

    def drain(self, timeout: float) -> None:
        """Hand every frame that is there to its channel; wait for the first.

        Raises: TimeoutError when none comes; one of CONNECTION_ERRORS.
        """
        if not self._is_plain:
            self._connection.drain_events(timeout=timeout)
            return
        if not self._frame_size():
            with self._transport.having_timeout(timeout):
                while not self._frame_size():
                    self._receive(_READ_AHEAD_BYTES)
        while size := self._frame_size():
            self._connection.on_inbound_frame(self._frame(size))

    def _frame_size(self) -> int:
        """The size of the next frame's payload plus one, or 0 while the frame is not here whole."""
        if self._transport._read_buffer:  # what py-amqp put back when a read of its own timed out
            self._data = self._transport._read_buffer + self._data[self._at :]
            self._transport._read_buffer, self._at = b"", 0
        here = len(self._data) - self._at
        if here < _FRAME_OVERHEAD:
            return 0
        size: int = _FRAME_HEADER.unpack_from(self._data, self._at)[2]
        return size + 1 if here >= size + _FRAME_OVERHEAD else 0

    def _frame(self, size: int) -> tuple[int, int, bytes]:
        kind, channel, _ = _FRAME_HEADER.unpack_from(self._data, self._at)
        start = self._at + _FRAME_HEADER.size
        end = start + size - 1
        if self._data[end] != _FRAME_END:
            raise UnexpectedFrame("a frame does not end where it should")
        self._at = end + 1
        return kind, channel, self._data[start:end]

    def _read(self, wanted: int, _initial: bool = False, _errnos: Any = ()) -> bytes:
        """Stands in for the transport's own reading of ``wanted`` bytes."""
        if self._transport._read_buffer:
            self._frame_size()
        while len(self._data) - self._at < wanted:
            self._receive(max(_READ_AHEAD_BYTES, wanted))
        start, self._at = self._at, self._at + wanted
        return self._data[start : self._at]

    def _receive(self, most: int) -> None:
        received = self._transport.sock.recv(most)
        if not received:
            raise OSError("the broker closed the connection")
        self._data, self._at = self._data[self._at :] + received, 0


def drop(connection: Connection) -> None:
    """End a connection at once, without the polite close that a broker in trouble never answers."""
    try:
        connection.collect(socket_timeout=0.5)
    except Exception:  # noqa: S110 - it is thrown away whatever it says
        pass


def _shuffled_after_first(uris: Sequence[str]) -> list[str]:
    return [uris[0], *random.sample(uris[1:], len(uris) - 1)]


def _keep_alive() -> dict[int, int]:
    settings = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}
    return {getattr(socket, name): value for name, value in settings.items() if hasattr(socket, name)}
