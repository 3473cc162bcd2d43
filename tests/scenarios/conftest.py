"""The platform on which scenarios are played: real processes, a real broker, a clock that is set."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from deploy.local.broker import PrivateBroker
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import SERVICES, Stack
from shared.runtime.clock import set_clock
from shared.web.tokens import TokenIssuer
from tests.scenarios.stage import Stage


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def stage(
    request: pytest.FixtureRequest, broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """All services, on each database."""
    folder: Path = tmp_path_factory.mktemp(f"stage-{request.param}")
    vhost = f"stage-{request.param}"
    broker.rabbitmqctl("add_vhost", vhost)
    broker.rabbitmqctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
    url = None
    if request.param == "postgres":
        postgres: PrivatePostgres = request.getfixturevalue("postgres")
        url = postgres.create_database("stage")
    clock_file = folder / "clock"
    set_clock(clock_file, datetime(2026, 1, 1, tzinfo=UTC))
    stack = Stack(
        folder,
        amqp_uri=broker.uri.removesuffix("//") + f"/{vhost}",
        database_url=url,
        ports={name: free_port() for name in SERVICES},
        extra_env={"CLOCK_FILE": str(clock_file)},
    )
    with stack:
        stage = Stage(stack.urls, TokenIssuer.from_file(folder / "keys" / "private.jwk"), clock_file)
        stage.furnish()
        yield stage
