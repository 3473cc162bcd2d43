"""Programs that come from the operating system: found, or installed where that is possible."""

import os
import platform
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


class ProgramMissing(Exception):
    """A program is missing and cannot be installed from here. The text is the command that would do it."""


def find_program(name: str, folders: Sequence[str]) -> Path | None:
    """A program's path: the newest match in the given folders (globs), else on PATH."""
    for pattern in folders:
        base, _, rest = pattern.partition("*")
        found = sorted(Path(base or "/").glob(f"*{rest}/{name}")) if rest or "*" in pattern else [Path(pattern, name)]
        usable = [path for path in found if os.access(path, os.X_OK)]
        if usable:
            return usable[-1]
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def install(*packages: str, brew: Sequence[str] = ()) -> None:
    """Install packages of the operating system, without starting any service of it.

    Raises: ProgramMissing when that is not possible from here.
    """
    if platform.system() == "Darwin" and shutil.which("brew"):
        _run(["brew", "install", *(brew or packages)])
    elif shutil.which("apt-get") and (os.geteuid() == 0 or _sudo_works()):
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        # RUNLEVEL=1 keeps Debian from starting the service that a package brings.
        quiet = [*prefix, "env", "RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
        command = [*quiet, "install", "--no-install-recommends", *packages]
        if subprocess.run(command, capture_output=True).returncode != 0:
            _run([*quiet, "update"])
            _run(command)
    else:
        raise ProgramMissing(f"install it first, e.g.: apt-get install {' '.join(packages)}")


def _sudo_works() -> bool:
    return (
        shutil.which("sudo") is not None and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0
    )


def _run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise ProgramMissing(f"`{' '.join(command)}` failed: {' '.join(last)}")
