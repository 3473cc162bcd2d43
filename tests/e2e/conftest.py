"""The platform of the end-to-end tests, one on SQLite and one on PostgreSQL for the whole run, and a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from deploy.local.system_packages import program
from tests.support.browser import ARGUMENTS
from tests.support.platform import RunningPlatform, running_platform


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def platform(
    request: pytest.FixtureRequest, broker: PrivateBroker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningPlatform]:
    """All services and the console, on each database."""
    folder: Path = tmp_path_factory.mktemp(f"platform-{request.param}")
    vhost = f"platform-{request.param}"
    broker.rabbitmqctl("add_vhost", vhost)
    broker.rabbitmqctl("set_permissions", "-p", vhost, "guest", ".*", ".*", ".*")
    url = None
    if request.param == "postgres":
        postgres: PrivatePostgres = request.getfixturevalue("postgres")
        url = postgres.create_database("platform")
    amqp_uri = broker.uri.removesuffix("//") + f"/{vhost}"
    with running_platform(folder, amqp_uri=amqp_uri, database_url=url) as running:
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The operating system's Chromium."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        yield opened
        opened.close()
