"""Programs that come from the operating system: found, or installed where that is possible.

Usage: ``python -m deploy.local.system_packages PROGRAM…`` makes sure that they are there.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# With Debian's packages, the first keeps System V scripts and the second keeps systemd from starting a service.
QUIET_ENVIRONMENT = ("RUNLEVEL=1", "SYSTEMD_OFFLINE=1", "DEBIAN_FRONTEND=noninteractive")
POLICY = Path("/usr/sbin/policy-rc.d")


class ProgramMissing(Exception):
    """A program is missing and cannot be installed from here. The text says what to type."""


@dataclass(frozen=True, slots=True)
class Program:
    """Where a program is, besides PATH (globs, the best first), and the packages that bring it."""

    name: str
    folders: tuple[str, ...]
    apt: tuple[str, ...]
    brew: tuple[str, ...]


_RABBITMQ = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/opt/rabbitmq/sbin", "/usr/local/opt/rabbitmq/sbin")
_ERLANG = ("/usr/lib/erlang/bin", "/opt/homebrew/opt/erlang/lib/erlang/bin", "/usr/local/opt/erlang/lib/erlang/bin")
_POSTGRES = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
PROGRAMS = {
    program.name: program
    for program in (
        # Debian's wrapper in /usr/sbin insists on its own user, so the scripts behind it are looked for first.
        *(Program(name, _RABBITMQ, ("rabbitmq-server",), ("rabbitmq",)) for name in ("rabbitmq-server", "rabbitmqctl")),
        Program("epmd", _ERLANG, ("rabbitmq-server",), ("rabbitmq",)),
        # With a font for Chinese, without which a page is measured wrongly.
        Program(
            "chromium",
            ("/Applications/Chromium.app/Contents/MacOS",),
            ("chromium", "fonts-noto-cjk"),
            ("--cask", "chromium"),
        ),
        # Tests the alerting rules. Debian has it with the server, which is not started.
        Program("promtool", (), ("prometheus",), ("prometheus",)),
        *(
            Program(name, _POSTGRES, ("postgresql",), ("postgresql@17",))
            for name in ("postgres", "initdb", "createdb", "dropdb", "pg_dump", "pg_isready", "pgbench")
        ),
    )
}


def program(name: str) -> Path:
    """The path of one of `PROGRAMS`, installed first if need be.

    Raises: ProgramMissing.
    """
    wanted = PROGRAMS[name]
    found = find_program(name, wanted.folders)
    if found is None:
        print(f"{name} is missing; installing it from the operating system's packages …", flush=True)
        install(wanted.apt, brew=wanted.brew)
        found = find_program(name, wanted.folders)
    if found is None:
        raise ProgramMissing(f"{name} was installed but is not found; put its folder on PATH")
    return found


def find_program(name: str, folders: Sequence[str]) -> Path | None:
    """A program's path: the newest version in the first folder that has it, else on PATH."""
    for pattern in folders:
        found = [path / name for path in Path("/").glob(pattern.lstrip("/")) if os.access(path / name, os.X_OK)]
        if found:
            return max(found, key=_version)
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def install(packages: Sequence[str], *, brew: Sequence[str]) -> None:
    """Install packages of the operating system, without starting any service of theirs.

    Raises: ProgramMissing when that is not possible from here.
    """
    if platform.system() == "Darwin":
        if shutil.which("brew") is None:
            raise ProgramMissing(f"install it first: Homebrew from https://brew.sh, then `brew install {brew[0]}`")
        _run(["brew", "install", *brew])
    elif shutil.which("apt-get") is None:
        raise ProgramMissing(f"install it first with this system's package manager: {' '.join(packages)}")
    elif os.geteuid() == 0:
        with _no_services_started():
            _apt_install([], packages)
    elif _sudo_works():
        _apt_install(["sudo", "-n"], packages)
    else:
        raise ProgramMissing(f"install it first: sudo apt-get install {' '.join(packages)}")


def _apt_install(prefix: Sequence[str], packages: Sequence[str]) -> None:
    apt = [*prefix, "env", *QUIET_ENVIRONMENT, "apt-get", "-qq", "-y"]
    command = [*apt, "install", "--no-install-recommends", *packages]
    if subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL).returncode != 0:
        # Its lists are missing or old.
        _run([*apt, "update"])
        _run(command)


@contextmanager
def _no_services_started() -> Iterator[None]:
    """Debian's own way to say that packages shall start no service, unless the machine has a policy already."""
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _sudo_works() -> bool:
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProgramMissing(f"`{' '.join(command)}` failed: {' '.join(last)}")


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", str(path)))


if __name__ == "__main__":
    try:
        for wanted_name in sys.argv[1:]:
            program(wanted_name)
    except ProgramMissing as missing:
        sys.exit(str(missing))
