"""The layers hold, and each rule about them has been seen to fail: broken on purpose, in a copy, it says so."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from deploy.local.stack import ROOT, SERVICES

PACKAGES = ("shared", "services", "deploy")
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]

# For each contract: the files to which an import is added that breaks it, and the import.
BREAKS = {
    "The chassis is layered": [
        ("shared/storage/work.py", "import shared.messaging.relay"),
        ("shared/contracts/envelope.py", "import shared.storage.engine"),
        ("shared/messaging/relay.py", "import shared.runtime.settings"),
        ("shared/kernel/ids.py", "import shared.contracts.envelope"),
    ],
    "The kernel is pure": [("shared/kernel/clock.py", "import sqlalchemy"), ("shared/kernel/ids.py", "import flask")],
    "Domain code is pure": [
        ("services/drug_testing/domain/order.py", "import shared.storage.types"),
        ("services/community_handover/domain/task.py", "import marshmallow"),
        ("services/notification/domain/timing.py", "import httpx"),
    ],
    "Only the host knows nameko and eventlet": [
        ("shared/messaging/consumer.py", "import eventlet"),
        ("services/oversight/api.py", "import nameko"),
        ("services/console/clients.py", "import eventlet"),
    ],
    "No service imports another": [
        ("services/detention_intake/reactions.py", "import services.drug_testing.domain"),
        ("services/console/clients.py", "import services.person_registry.schemas"),
        ("services/console/clients.py", "import services.identity.store"),
        ("services/identity/store.py", "import services.console.settings"),
    ],
    "Inside a service": [
        ("services/community_handover/store.py", "import services.community_handover.commands"),
        ("services/release_notification/commands.py", "import services.release_notification.api"),
        ("services/oversight/reactions.py", "import services.oversight.service"),
        ("services/notification/tell.py", "import services.notification.sending"),
    ],
    "The console reaches services by HTTP only": [
        ("services/console/clients.py", "import shared.storage.engine"),
        ("services/console/clients.py", "import shared.messaging.broker"),
    ],
    "The platform does not know how it is started": [
        ("shared/runtime/settings.py", "import deploy.local.ports"),
        ("services/oversight/api.py", "import deploy.local.client"),
    ],
}


def check(folder: Path) -> tuple[int, str]:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"PYTHONPATH": str(folder)})
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The code without its data, to be broken."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__", "static"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_every_contract_is_kept() -> None:
    status, said = check(ROOT)
    assert status == 0, said
    assert f"Contracts: {len(CONTRACTS)} kept, 0 broken." in said


def test_every_contract_is_broken_on_purpose_below() -> None:
    assert {name for name in CONTRACTS if not name.startswith(tuple(BREAKS))} == set()
    assert len(BREAKS) == len(CONTRACTS)


@pytest.mark.parametrize(
    ("contract", "file", "line"), [(contract, *way) for contract, ways in BREAKS.items() for way in ways]
)
def test_a_contract_that_is_broken_says_so(copy: Path, contract: str, file: str, line: str) -> None:
    path = copy / file
    path.write_text(path.read_text() + f"\n{line}\n")
    status, said = check(copy)
    assert status == 1, said
    broken = [line for line in said.splitlines() if line.endswith(" BROKEN")]
    assert any(line.startswith(contract) for line in broken), said


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, include_external_packages=True, cache_dir=None)


def foreign(graph: grimp.ImportGraph, module: str, *allowed: str) -> set[str]:
    """What a module imports besides the standard library and what is allowed."""
    imported = graph.find_modules_directly_imported_by(module)
    own = {name for name in imported if name.split(".")[0] in sys.stdlib_module_names or name.startswith(allowed)}
    return imported - own


def test_domain_code_imports_the_standard_library_and_the_kernel_only(graph: grimp.ImportGraph) -> None:
    for service in SERVICES:
        own = f"services.{service}."
        for name in ("domain", "risk", "policy"):
            if own + name in graph.modules:
                pure = (f"{own}domain", f"{own}risk", f"{own}policy")
                assert foreign(graph, own + name, "shared.kernel", *pure) == set(), name


def test_the_kernel_imports_the_standard_library_and_one_maker_of_ids_only(graph: grimp.ImportGraph) -> None:
    for module in graph.find_descendants("shared.kernel"):
        assert foreign(graph, module, "shared.kernel", "uuid_utils") == set(), module


def test_nameko_and_eventlet_are_imported_by_the_runtime_only(graph: grimp.ImportGraph) -> None:
    importers = {module for name in ("nameko", "eventlet") for module in graph.find_modules_that_directly_import(name)}
    assert {module for module in importers if not module.startswith("shared.runtime")} == set()
