"""The commands: each is documented, none is broken before it begins, and the scripts are what shells understand."""

import re
import subprocess

import pytest

from deploy.local.stack import ROOT
from shared.runtime.settings import DEFAULT_PORTS

HIDDEN = {"setup", "setup-dev"}  # what others need, not for people
MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n", " ")  # a line that goes on is one line


def phony() -> set[str]:
    found = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)
    assert found is not None
    return set(found[1].split())


def make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_alone_lists_every_command_with_its_meaning() -> None:
    listed = dict(re.findall(r"^  make (\S+) +(\S.*)$", make(), re.MULTILINE))
    assert set(listed) == phony() - HIDDEN - {"help"}


def test_every_rule_is_declared_to_be_no_file() -> None:
    rules = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
    assert rules == phony()


@pytest.mark.parametrize("command", sorted(phony()))
def test_make_understands_each_command(command: str) -> None:
    make("--dry-run", command, "SERVICE=oversight", "MESSAGE=x")


def test_one_part_of_the_tests_can_be_run() -> None:
    said = make("--dry-run", "test", "ONLY=tests/unit", "WORKERS=3")
    assert re.search(r"-m pytest --numprocesses 3 .* tests/unit\n", said)


def test_the_checks_of_the_repository_run_check_and_test() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert re.findall(r"for step in (.*);", script.read_text()) == ["check test"]
    subprocess.run(["bash", "-n", script], check=True)


def test_the_environment_is_set_up_by_a_plain_shell() -> None:
    subprocess.run(["sh", "-n", ROOT / "deploy" / "local" / "venv.sh"], check=True)


def test_the_readme_names_every_command_and_variable() -> None:
    readme = (ROOT / "README.md").read_text()
    commands = {name for name in phony() - HIDDEN if f"make {name}" not in readme}
    assert commands <= {"help", "clean", "lock", "migration", "docs", "bench", "check"}
    settings = (ROOT / "shared" / "runtime" / "settings.py").read_text()
    internal = {"HTTP_HOST", "HTTP_PORT", "TOKEN_JWKS"}
    for variable in set(re.findall(r'env\.\w+\("(\w+)"', settings)) - internal:
        assert f"`{variable}`" in readme, variable
    for port in DEFAULT_PORTS.values():
        assert str(port) in readme or 8001 < port < 8008
