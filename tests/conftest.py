"""What all tests share; the servers they use are in `tests.support.infrastructure`."""

import re
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from shared.observability.logs import configure_logs
from tests.support.keys import use_new_keys

pytest_plugins = ["tests.support.infrastructure"]
LONGEST_FIRST = ("platform", "tests/e2e", "tests/scenarios", "tests/faults", "tests/integration")
_ON_A_PLATFORM = re.compile(r"tests/e2e/.*\[(?:.*-)?(sqlite|postgres)(?:-.*)?\]$")


def group_of(test: str) -> str:
    """What shares servers stays with one worker: the tests of a file, and all those of a running platform."""
    found = _ON_A_PLATFORM.match(test)
    return f"platform on {found[1]}" if found else test.partition("::")[0]


class ByServers(LoadScopeScheduling):
    """Gives each worker whole groups of tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByServers:
    """However many workers there are, this is how tests are given to them."""
    return ByServers(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no worker ends long after the other."""
    items.sort(key=lambda item: _place(group_of(item.nodeid)))


def _place(group: str) -> int:
    return next((place for place, name in enumerate(LONGEST_FIRST) if group.startswith(name)), len(LONGEST_FIRST))


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
