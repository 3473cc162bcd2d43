"""A pin with a known vulnerability fails the check; that nobody could be asked is said, and fails where told to."""

import json
from collections.abc import Sequence
from typing import Any

from deploy.audit_dependencies import PINS, ROOT, main

CLEAN = {"dependencies": [{"name": "flask", "version": "3.1.3", "vulns": []}]}
FLAWED = {
    "dependencies": [
        {"name": "flask", "version": "3.1.3", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3.1.4"]}]},
        {"name": "own", "skip_reason": "not known there"},
    ]
}
UNKNOWN = {"dependencies": [{"name": "flask", "skip_reason": "not known there"}]}
NODE_CLEAN = {"vulnerabilities": {}, "metadata": {"dependencies": {"total": 3}}}
NODE_FLAWED = {"vulnerabilities": {"htmx.org": {"severity": "high"}}, "metadata": {"dependencies": {"total": 3}}}


def audited(python: Any, node: Any, *arguments: str) -> tuple[int, str]:
    """Exit status and report, where the two sources say this; None: they do not answer."""

    def run(command: Sequence[str]) -> tuple[str, str]:
        said = python if "pip_audit" in command else node
        return ("", "cannot reach https://somewhere.example/v1") if said is None else (json.dumps(said), "")

    lines: list[str] = []
    status = main(arguments, run, lines.append)
    return status, "\n".join(lines)


def test_what_has_no_known_vulnerability_passes() -> None:
    status, report = audited(CLEAN, NODE_CLEAN)
    assert status == 0
    assert "1 packages audited, 0 vulnerabilities" in report


def test_a_vulnerable_pin_fails_and_is_named_with_what_mends_it() -> None:
    status, report = audited(FLAWED, NODE_CLEAN)
    assert status == 1
    assert "flask 3.1.3: PYSEC-1, mended in 3.1.4" in report
    assert audited(CLEAN, NODE_FLAWED)[0] == 1


def test_that_nobody_could_be_asked_is_said_without_an_address_and_does_not_fail() -> None:
    for python in (None, UNKNOWN):
        status, report = audited(python, None)
        assert status == 0
        assert report.count("NOT AUDITED") == 2
        assert "://" not in report


def test_where_it_is_required_that_nobody_could_be_asked_fails() -> None:
    assert audited(None, NODE_CLEAN, "--require")[0] == 1
    assert audited(CLEAN, None, "--require")[0] == 1
    assert audited(CLEAN, NODE_CLEAN, "--require")[0] == 0


def test_the_file_that_is_audited_has_all_that_runs() -> None:
    pins = [
        {line.split()[0] for line in (ROOT / name).read_text().splitlines() if "==" in line and line[0].isalnum()}
        for name in ("requirements/run.txt", PINS)
    ]
    assert pins[0]
    assert pins[0] <= pins[1]
