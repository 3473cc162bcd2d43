"""The broker and the database of a run: private servers that may be killed."""

import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from kombu import Connection
from sqlalchemy.engine import make_url

from deploy.local.broker import USER, PrivateBroker
from deploy.local.cluster import PrivateCluster
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import SERVICES
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop

MEMORY_LIMIT = ("absolute", "1GB")  # what a private node is configured with


class Rabbit:
    """One node or several that form a cluster, and the virtual host in which the run lives."""

    def __init__(self, where: PrivateBroker | PrivateCluster, vhost: str) -> None:
        self.cluster = where if isinstance(where, PrivateCluster) else None
        self.nodes: list[PrivateBroker] = [where] if isinstance(where, PrivateBroker) else list(where.nodes)
        self.vhost = vhost

    def prepare(self) -> None:
        """Make the virtual host."""
        self.ctl("add_vhost", self.vhost)
        self.ctl("set_permissions", "-p", self.vhost, USER, ".*", ".*", ".*")

    @property
    def ports(self) -> list[int]:
        """Where the nodes listen."""
        return [int(urlsplit(node.uri).port or 0) for node in self.nodes]

    def uri(self, ports: Sequence[int] | None = None) -> str:
        """The addresses, of the nodes themselves or of what stands before them."""
        base = urlsplit(self.nodes[0].uri)
        login = f"{base.username}:{base.password}@{base.hostname}"
        return ";".join(f"amqp://{login}:{port}/{self.vhost}" for port in ports or self.ports)

    def broker(self) -> Broker:
        """Connections that no fault of the network touches."""
        return Broker(self.uri(), name="faults")

    def ctl(self, *arguments: str) -> str:
        """Run the command line tool of a node that runs.

        Raises: BrokerFailed.
        """
        node = next((node for node in self.nodes if node.alive), self.nodes[0])
        return node.rabbitmqctl(*arguments)

    def heal(self) -> None:
        """Start what does not run, and lift every alarm.

        Raises: BrokerFailed.
        """
        for node in self.nodes:
            if not node.alive:
                node.start()
        if self.cluster is not None:
            self.cluster.wait_together()
        for node in self.nodes:
            node.rabbitmqctl("set_vm_memory_high_watermark", *MEMORY_LIMIT)

    def queues(self) -> dict[str, tuple[int, int]]:
        """Of each queue, the messages in it, whoever holds them, and its consumers.

        Raises: BrokerFailed.
        """
        lines = self.ctl("list_queues", "-p", self.vhost, "--quiet", "name", "messages", "consumers").splitlines()
        rows = [line.split("\t") for line in lines if "\t" in line]
        return {name: (int(messages), int(consumers)) for name, messages, consumers in rows if messages.isdigit()}

    def with_connection(self, act: Callable[[Connection], None], *, patience: float) -> None:
        """Do something over a connection, again and again until it succeeds.

        Raises: one of CONNECTION_ERRORS when it did not within ``patience`` seconds.
        """
        until = time.monotonic() + patience
        while True:
            connection = None
            try:
                connection = self.broker().connect()
                act(connection)
                return
            except CONNECTION_ERRORS:
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)
            finally:
                if connection is not None:
                    drop(connection)


class Database:
    """PostgreSQL for all services, or SQLite files, a folder for each service."""

    def __init__(self, postgres: PrivatePostgres | None, urls: dict[str, str]) -> None:
        self.postgres = postgres
        self.urls = urls

    @property
    def port(self) -> int | None:
        """Where the server listens; None for files."""
        return None if self.postgres is None else make_url(self.urls[SERVICES[0]]).port

    def url(self, service: str, port: int | None = None) -> str:
        """A service's database, at the server itself or at what stands before it."""
        url = make_url(self.urls[service])
        return (url if port is None else url.set(port=port)).render_as_string(hide_password=False)

    def heal(self) -> None:
        """Start the server if it does not run.

        Raises: PostgresFailed.
        """
        if self.postgres is not None and not self.postgres.alive:
            self.postgres.start()
