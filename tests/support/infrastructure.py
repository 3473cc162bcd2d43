"""Real servers for tests, started once for each run and never the machine's: a RabbitMQ node, a PostgreSQL server.

Each test that asks gets a virtual host or a database of its own, so that tests do not see each other's.
"""

import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest

from deploy.local.broker import USER, PrivateBroker
from deploy.local.postgres import PrivatePostgres

VHOSTS_AT_ONCE = 10


class VirtualHosts:
    """Empty virtual hosts of one node. The command line tool is slow, so they are made, and thrown away, by tens."""

    def __init__(self, broker: PrivateBroker, folder: Path) -> None:
        self._broker = broker
        self._file = folder / "vhosts.json"
        self._made = 0
        self._fresh: list[str] = []
        self._used: list[str] = []

    def take(self) -> str:
        """The address of one that nobody has used. It lives until its test is over, no longer."""
        if not self._fresh:
            self._make()
        name = self._fresh.pop()
        self._used.append(name)
        return f"{self._broker.uri.removesuffix('//')}/{quote(name, safe='')}"

    def _make(self) -> None:
        if self._used:
            names = ",".join(f'<<"{name}">>' for name in self._used)
            self._broker.rabbitmqctl("eval", f'[rabbit_vhost:delete(Name, <<"tests">>) || Name <- [{names}]].')
            self._used.clear()
        names = [f"test-{self._made + number}" for number in range(VHOSTS_AT_ONCE)]
        self._made += len(names)
        everything = {"user": USER, "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "vhosts": [{"name": name} for name in names],
            "permissions": [{"vhost": name, **everything} for name in names],
        }
        self._file.write_text(json.dumps(definitions))
        self._broker.rabbitmqctl("import_definitions", str(self._file))
        self._fresh = names


@pytest.fixture(scope="session")
def servers() -> Iterator[Path]:
    """A folder with a short path that an unprivileged server process may enter."""
    folder = Path(tempfile.mkdtemp(prefix="baton-servers-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def broker(servers: Path) -> Iterator[PrivateBroker]:
    """A private RabbitMQ node."""
    with PrivateBroker(servers / "rabbitmq", name="batontest") as node:
        yield node


@pytest.fixture(scope="session")
def postgres(servers: Path) -> Iterator[PrivatePostgres]:
    """A private PostgreSQL server. Not to wait for the disk loses nothing, as long as the machine stays up."""
    with PrivatePostgres(servers / "postgres", fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def virtual_hosts(broker: PrivateBroker, servers: Path) -> VirtualHosts:
    """Where `amqp_uri` comes from."""
    return VirtualHosts(broker, servers)


@pytest.fixture
def amqp_uri(virtual_hosts: VirtualHosts) -> str:
    """The address of an empty virtual host on the private node."""
    return virtual_hosts.take()


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> Iterator[str]:
    """An empty PostgreSQL database."""
    name = f"test_{uuid4().hex[:12]}"
    yield postgres.create_database(name)
    postgres.drop_database(name)


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: each test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
