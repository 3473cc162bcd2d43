"""Ports: free ones for private nodes, and a clear word about busy ones.

Free ports are taken below the range that systems use for outgoing connections: there, a client that keeps trying to
reach a node that is away can be given the node's own port by chance, and the node cannot come back.
"""

import random
import socket
from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
FREE_RANGE = range(20_000, 30_000)


class PortBusy(Exception):
    """A port cannot be used. The text says which variable chooses another."""


def free_port() -> int:
    """A port that nobody uses now."""
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> tuple[int, ...]:
    """Different ports that nobody uses now."""
    found: list[int] = []
    for port in random.sample(FREE_RANGE, len(FREE_RANGE)):
        if _can_listen(port):
            found.append(port)
        if len(found) == count:
            return tuple(found)
    raise PortBusy(f"fewer than {count} free ports between {FREE_RANGE.start} and {FREE_RANGE.stop}")


def is_listening(port: int) -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def chosen_ports(env: Mapping[str, str], defaults: Mapping[str, int]) -> dict[str, int]:
    """The port of each service: ``<SERVICE>_PORT``, else its default. All different, all free.

    Raises: PortBusy.
    """
    chosen: dict[str, int] = {}
    for name, default in defaults.items():
        variable = f"{name.upper()}_PORT"
        port = _number(env.get(variable) or str(default), variable)
        if port in chosen.values():
            raise PortBusy(f"port {port} is wanted twice; choose another with {variable}=…")
        chosen[name] = port
    for name, port in chosen.items():
        must_be_free(port, f"{name.upper()}_PORT")
    return chosen


def must_be_free(port: int, variable: str) -> None:
    """Check before anything is started.

    Raises: PortBusy.
    """
    # Some systems let two listen on one port when one of them listens on all addresses, so ask as well.
    if is_listening(port) or not _can_listen(port):
        raise PortBusy(f"port {port} is busy; choose another with {variable}=…")


def _number(text: str, variable: str) -> int:
    if not text.isdecimal() or not 0 < int(text) < 65_536:
        raise PortBusy(f"{variable} must be a port number between 1 and 65535, not {text!r}")
    return int(text)


def _can_listen(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
            probe.listen(1)
        except OSError:
            return False
        return True
