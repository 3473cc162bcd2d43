"""``python -m deploy.audit_dependencies``: whether a known vulnerability is in what is pinned.

Asked are the sources of advisories that pip-audit and npm ask, for ``requirements/dev.txt``, which has all that
``requirements/run.txt`` has, and for ``package-lock.json``. What has a known vulnerability fails. Where the source
cannot be asked, or knows none of the packages, that is said, and fails only with ``--require``: a check must not stop
a place that has no way out.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.local.assets import npm

ROOT = Path(__file__).parents[1]
PINS, NODE_PINS = "requirements/dev.txt", "package-lock.json"
DEADLINE_SECONDS = 180


@dataclass(frozen=True, slots=True)
class Found:
    """What a source said: how many packages it knew, and which of them are vulnerable. ``trouble``: it said nothing."""

    known: int = 0
    vulnerable: tuple[str, ...] = ()
    trouble: str | None = field(default=None)


Run = Callable[[Sequence[str]], tuple[str, str]]  # the command's output and its complaints


def of_python(run: Run) -> Found:
    """What pip-audit finds in the file of pins."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--no-deps", "--timeout", "15"]
    said, complaints = run([*command, "--format", "json", "--progress-spinner", "off", "-r", PINS])
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Found(trouble=_told(complaints))
    known = [package for package in packages if "vulns" in package]
    told = tuple(_advice(package, one) for package in known for one in package["vulns"])
    return Found(len(known), told, None if known else "it knows none of the packages")


def _advice(package: dict[str, Any], vulnerability: dict[str, Any]) -> str:
    mended = ", ".join(vulnerability["fix_versions"]) or "no version"
    return f"{package['name']} {package['version']}: {vulnerability['id']}, mended in {mended}"


def of_node(run: Run) -> Found:
    """What npm finds in the lock file."""
    said, complaints = run([*npm(), "audit", "--package-lock-only", "--json"])
    try:
        report = json.loads(said)
        vulnerable = report["vulnerabilities"]
        known = report["metadata"]["dependencies"]["total"]
    except (ValueError, KeyError, TypeError):
        return Found(trouble=_told(complaints))
    return Found(known, tuple(f"{name}: {one['severity']}" for name, one in sorted(vulnerable.items())))


def judged(name: str, found: Found, *, is_required: bool, say: Callable[[str], None]) -> bool:
    """Whether this may pass; and say what was found."""
    if found.trouble is not None:
        say(f"{name}: NOT AUDITED, the source of advisories cannot be asked here ({found.trouble})")
        return not is_required
    for one in found.vulnerable:
        say(f"{name}: {one}")
    say(f"{name}: {found.known} packages audited, {len(found.vulnerable)} vulnerabilities")
    return not found.vulnerable


def main(arguments: Sequence[str], run: Run | None = None, say: Callable[[str], None] = print) -> int:
    """Audit everything."""
    ask, is_required = run or _run, "--require" in arguments
    found = {PINS: of_python(ask), NODE_PINS: of_node(ask)}
    passed = [judged(name, one, is_required=is_required, say=say) for name, one in found.items()]
    return 0 if all(passed) else 1


def _run(command: Sequence[str]) -> tuple[str, str]:
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as trouble:
        return "", type(trouble).__name__
    return done.stdout, done.stderr


def _told(complaints: str) -> str:
    """What was complained of, without addresses, which change from place to place."""
    lines = [line.strip() for line in complaints.splitlines() if line.strip()]
    words = [word for word in (lines[0].split() if lines else ()) if "://" not in word]
    return " ".join(words)[:120] or "it does not answer"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
