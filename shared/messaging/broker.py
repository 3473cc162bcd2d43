"""Connections to RabbitMQ: several hosts, heartbeats, keep-alive, and a broker that says it is blocked."""

import random
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from amqp.transport import TCPTransport
from kombu import Connection
from kombu.exceptions import OperationalError

CONNECT_TIMEOUT_SECONDS = 5
HEARTBEAT_SECONDS = 20
_READ_AHEAD_BYTES = 65_536

# What a lost, refused or misbehaving connection raises, whichever layer notices first.
CONNECTION_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    OperationalError,
    *Connection("amqp://").connection_errors,
    *Connection("amqp://").channel_errors,
)


class Broker:
    """Opens connections to whichever of the hosts answers. ``uri`` lists them, separated by ``;``."""

    def __init__(self, uri: str, *, name: str, on_blocked: Callable[[bool], None] = lambda blocked: None) -> None:
        self._uris = [part.strip() for part in uri.split(";") if part.strip()]
        self._name = name
        self._on_blocked = on_blocked

    def connect(self) -> Connection:
        """A fresh connection.

        Raises: one of CONNECTION_ERRORS when no host answers.
        """
        failures: list[BaseException] = []
        for uri in _shuffled_after_first(self._uris):
            connection = Connection(
                uri,
                connect_timeout=CONNECT_TIMEOUT_SECONDS,
                heartbeat=HEARTBEAT_SECONDS,
                transport_options=self._transport_options(),
            )
            try:
                connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
            except CONNECTION_ERRORS as failure:
                failures.append(failure)
            else:
                read_ahead(connection)
                return connection
        raise failures[-1]

    def _transport_options(self) -> dict[str, Any]:
        return {
            "client_properties": {"connection_name": self._name},
            "on_blocked": lambda reason: self._on_blocked(True),
            "on_unblocked": lambda: self._on_blocked(False),
            "read_timeout": None,
            "write_timeout": CONNECT_TIMEOUT_SECONDS * 2,
            "socket_settings": _keep_alive(),
        }


def read_ahead(connection: Connection) -> None:
    """Let the transport read what the socket holds, instead of each frame in three parts.

    Only for plain TCP; one thread at a time reads a connection here, so what is read ahead is its own.
    """
    transport = connection.connection.transport
    if isinstance(transport, TCPTransport):
        transport._read = partial(_read_ahead, transport)


def _read_ahead(transport: Any, wanted: int, _initial: bool = False, _errnos: Any = ()) -> bytes:
    buffer: bytes = transport._read_buffer
    while len(buffer) < wanted:
        try:
            received = transport.sock.recv(max(_READ_AHEAD_BYTES, wanted - len(buffer)))
        except BaseException:
            transport._read_buffer = buffer
            raise
        if not received:
            raise OSError("the broker closed the connection")
        buffer += received
    transport._read_buffer = buffer[wanted:]
    return buffer[:wanted]


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
