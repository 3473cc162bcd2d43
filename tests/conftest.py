"""Fixtures of all tests: private broker and database servers, started once for each run and never the machine's."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from shared.observability.logs import configure_logs


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as a service does; unconfigured, structlog draws every exception in full."""
    configure_logs("tests", "WARNING")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that an unprivileged server process may enter."""
    folder = tmp_path_factory.mktemp("servers")
    for part in (folder, *folder.parents[:2]):
        part.chmod(0o755)
    return folder


@pytest.fixture(scope="session")
def broker(servers: Path) -> Iterator[PrivateBroker]:
    """A private RabbitMQ node."""
    with PrivateBroker(servers / "rabbitmq", name="batontest") as node:
        yield node


@pytest.fixture(scope="session")
def postgres(servers: Path) -> Iterator[PrivatePostgres]:
    """A private PostgreSQL server."""
    with PrivatePostgres(servers / "postgres") as server:
        yield server


@pytest.fixture
def amqp_uri(broker: PrivateBroker) -> Iterator[str]:
    """An empty virtual host on the private node, so that tests do not see each other's queues."""
    name = f"test-{uuid4().hex[:12]}"
    broker.rabbitmqctl("add_vhost", name)
    broker.rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    yield broker.uri.removesuffix("//") + f"/{name}"
    broker.rabbitmqctl("delete_vhost", name)


@pytest.fixture
def postgres_url(postgres: PrivatePostgres) -> str:
    """An empty PostgreSQL database."""
    return postgres.create_database(f"test_{uuid4().hex[:12]}")


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database: each test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.sqlite3'}"
    url: str = request.getfixturevalue("postgres_url")
    return url
