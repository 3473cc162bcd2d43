"""What all tests share; the servers they use are in `tests.support.infrastructure`."""

from pathlib import Path

import pytest

from shared.observability.logs import configure_logs
from tests.support.keys import use_new_keys

pytest_plugins = ["tests.support.infrastructure"]


@pytest.fixture(scope="session", autouse=True)
def identity_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with keys for the identities of invented persons, as every installation has its own."""
    folder = tmp_path_factory.mktemp("keys")
    use_new_keys(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as a service does; unconfigured, structlog draws every exception in full."""
    configure_logs("tests", "WARNING")
