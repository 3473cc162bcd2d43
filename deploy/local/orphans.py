"""Processes that outlived who started them: found again by a file in their folder, and ended if they are really ours.

A process number alone says nothing, numbers are used again; so its start time is kept with it. A process whose
starter still lives is no orphan and is left alone.
"""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

PATIENCE_SECONDS = 5.0


class StillOwned(Exception):
    """The process runs and so does who started it. The text names both."""


class ProcessFile:
    """Remembers one process, the leader of its own group, in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pid: int) -> None:
        """Remember a process that this one has started."""
        content = {"pid": pid, "began": began(pid), "starter": os.getpid(), "starter_began": began(os.getpid())}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all: a crash in between must not leave a note that says nothing about a live process.
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(content))
        unfinished.replace(self._path)

    def clear(self) -> None:
        """Forget it: it ended."""
        self._path.unlink(missing_ok=True)

    def end_orphan(self) -> bool:
        """End what a crashed run has left behind, politely, then by force; whether there was anything.

        Raises: StillOwned.
        """
        try:
            noted = json.loads(self._path.read_text())
            pid, starter = int(noted["pid"]), int(noted["starter"])
        except (OSError, ValueError, TypeError, KeyError):
            return False
        if not _is_still(pid, noted.get("began")):
            self.clear()
            return False
        if starter != os.getpid() and _is_still(starter, noted.get("starter_began")):
            raise StillOwned(f"process {pid} runs already for {self._path.parent}, started by process {starter}")
        _end(pid, noted["began"])
        self.clear()
        return True


def began(pid: int) -> str | None:
    """When a process began, in the system's own words; None when there is no such process or it is a zombie."""
    try:
        # The second field is a name that may hold anything, so what follows the last bracket is counted.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else f"{_boot()} {fields[19]}"
    except OSError:
        return None if Path("/proc/self/stat").exists() else _began_by_ps(pid)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _began_by_ps(pid: int) -> str | None:
    """Where there is no /proc, as on macOS."""
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    state, _, started = subprocess.run(command, capture_output=True, text=True).stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else started.strip()


def _is_still(pid: int, when: str | None) -> bool:
    return when is not None and began(pid) == when


def _end(pid: int, when: str) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < until:
            if not _is_still(pid, when):
                return
            time.sleep(0.02)
