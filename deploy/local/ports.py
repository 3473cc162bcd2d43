"""Ports: free ones for private nodes, and a clear word about busy ones."""

import socket


class PortBusy(Exception):
    """Somebody else listens there. The text says which variable chooses another port."""


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_listening(port: int, host: str = "127.0.0.1") -> bool:
    """Whether somebody answers there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def must_be_free(port: int, variable: str) -> None:
    """Check before anything is started.

    Raises: PortBusy.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise PortBusy(f"port {port} is busy; choose another with {variable}=…") from error
