"""What all tests share; the servers they use are in `tests.support.infrastructure`."""

import pytest

from shared.observability.logs import configure_logs

pytest_plugins = ["tests.support.infrastructure"]


@pytest.fixture(scope="session", autouse=True)
def logs() -> None:
    """Log as a service does; unconfigured, structlog draws every exception in full."""
    configure_logs("tests", "WARNING")
