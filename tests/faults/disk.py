"""A disk that is full, for one service's SQLite folder.

Where we may mount, the folder is a small file system of its own and a ballast fills it: SQLite is told "no space left"
and says "database or disk is full". Elsewhere the service's processes may let no file grow: SQLite is told "file too
large" and says "disk I/O error", and their log files stand still as well.
"""

import os
import resource
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

SIZE_BYTES = 512 * 1024 * 1024
_PIECE_BYTES = 1024 * 1024
_NO_GROWTH_BYTES = 4096


class Disk(Protocol):
    """What a service's database lies on."""

    def fill(self) -> None:
        """Leave no space."""

    def free(self) -> None:
        """Give the space back."""

    def close(self) -> None:
        """The run is over; the data stay readable until here."""


def disk(folder: Path, pids: Callable[[], Iterable[int]]) -> Disk:
    """The best that this machine lets us have; ``pids`` are the processes that write there."""
    folder.mkdir(parents=True, exist_ok=True)
    return SmallDisk(folder) if may_mount(folder) else FileLimit(pids)


def may_mount(folder: Path) -> bool:
    """Whether a file system can be mounted here, tried out."""
    if os.geteuid() != 0 or not _mount(folder):
        return False
    _unmount(folder)
    return True


class SmallDisk:
    """A file system in memory with a ballast in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        if not _mount(folder):
            raise OSError(f"cannot mount {folder}")

    def fill(self) -> None:
        """Write until the system says that there is no space."""
        with open(self._ballast, "ab", buffering=0) as file:
            for size in (_PIECE_BYTES, 4096):
                piece = bytes(size)
                try:
                    while True:
                        file.write(piece)
                except OSError:
                    continue

    def free(self) -> None:
        """Throw the ballast away."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Throw everything away."""
        _unmount(self._folder)


class FileLimit:
    """A limit on the size of the files that some processes write. One that is started anew has none."""

    def __init__(self, pids: Callable[[], Iterable[int]]) -> None:
        self._pids = pids

    def fill(self) -> None:
        """Let no file grow beyond a page."""
        self._limit(_NO_GROWTH_BYTES)

    def free(self) -> None:
        """Let files grow."""
        self._limit(resource.RLIM_INFINITY)

    def close(self) -> None:
        """Nothing is left to do."""

    def _limit(self, size: int) -> None:
        for pid in self._pids():
            try:
                _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                soft = hard if size == resource.RLIM_INFINITY else size
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
            except ProcessLookupError:
                continue


def _mount(folder: Path) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=700", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", "--lazy", str(folder)], capture_output=True, check=True)
