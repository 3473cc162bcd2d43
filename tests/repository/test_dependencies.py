"""Dependencies are pinned with their hashes, for running and for developing alike."""

import json
import re
import tomllib
from typing import Any

import pytest

from deploy.local.stack import ROOT

PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[\w.!+-]+)(?P<marker> ;[^\\]*)?", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    return {normal(found["name"]): found["version"] for found in PIN.finditer(text)}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: str | None = None) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = project["optional-dependencies"][extra] if extra else project["dependencies"]
    return {normal(re.split(r"[<>=!~ \[;]", line)[0]) for line in listed}


@pytest.mark.parametrize("name", ["run.txt", "dev.txt"])
def test_every_pinned_package_has_hashes(name: str) -> None:
    blocks = re.split(r"\n(?=\S)", (ROOT / "requirements" / name).read_text().strip())
    assert [block.splitlines()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_declared_dependency_is_pinned() -> None:
    assert declared() - set(pins("run.txt")) == set()
    assert declared("dev") - set(pins("dev.txt")) == set()


def test_tests_run_with_the_versions_that_run() -> None:
    run, dev = pins("run.txt"), pins("dev.txt")
    assert {name: (version, dev.get(name)) for name, version in run.items() if dev.get(name) != version} == {}


def page_packages() -> tuple[dict[str, Any], dict[str, Any]]:
    return tuple(json.loads((ROOT / name).read_text()) for name in ("package.json", "package-lock.json"))  # type: ignore[return-value]


def test_page_packages_are_pinned_with_their_hashes_and_without_a_host() -> None:
    wanted, lock = page_packages()
    assert lock["packages"][""]["dependencies"] == wanted["dependencies"]
    packages = {path: package for path, package in lock["packages"].items() if path}
    assert [path for path, package in packages.items() if "integrity" not in package] == []
    assert [path for path, package in packages.items() if "resolved" in package] == []
    exact = re.compile(r"\d+\.\d+\.\d+")
    every = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert {name: version for name, version in every.items() if not exact.fullmatch(version)} == {}
