"""What all tests share; the servers they use are in `tests.support.infrastructure`."""

from pathlib import Path

import pytest

from shared.observability.logs import configure_logs
from tests.support.keys import use_new_keys

pytest_plugins = ["tests.support.infrastructure"]
LONGEST_FIRST = ("platform", "e2e", "scenarios", "faults", "integration")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares servers stays with one worker: the tests of a file, and all those of a running platform.

    What takes longest begins first, so that no worker ends long after the other.
    """
    for item in items:
        item.add_marker(pytest.mark.xdist_group(_group(item)))
    items.sort(key=lambda item: _place(_group(item)))


def _group(item: pytest.Item) -> str:
    call = getattr(item, "callspec", None)
    if call is not None and "platform" in call.params:
        return f"platform {call.params['platform']}"
    return item.path.relative_to(Path(__file__).parent).as_posix()


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
