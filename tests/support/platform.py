"""The running platform, for end-to-end tests."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.accounts import ensure_accounts
from deploy.local.chain import PEOPLE
from deploy.local.client import Platform
from deploy.local.ports import free_port
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES, Stack


@dataclass
class RunningPlatform:
    """All processes, and the demonstration accounts' password."""

    stack: Stack
    password: str

    def client(self, *usernames: str) -> Platform:
        """A client of the public APIs, signed in as the given users (default: all that a chain needs)."""
        platform = Platform(self.stack.urls, patience=60)
        for username in usernames or PEOPLE:
            platform.sign_in(username, self.password)
        return platform


@contextmanager
def running_platform(folder: Path, *, amqp_uri: str, database_url: str | None) -> Iterator[RunningPlatform]:
    """Start everything, stop everything."""
    password = ensure_accounts(folder)
    ports = {name: free_port() for name in (*SERVICES, IDENTITY, CONSOLE)}
    stack = Stack(folder, amqp_uri=amqp_uri, database_url=database_url, ports=ports)
    try:
        stack.start()
        yield RunningPlatform(stack, password)
    finally:
        stack.stop()
