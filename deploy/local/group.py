"""A process that leads a group of its own: started with a log, signalled, ended with all that it started.

A note in a file lets the next run end it if this one crashes. A signal to us never falls between the start of a
process and the knowledge of it.
"""

import atexit
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.orphans import ProcessFile

LOG_BYTES = 20_000_000


class ProcessGroup:
    """At most one process at a time; ``note`` is the file that remembers it."""

    def __init__(self, note: Path) -> None:
        self._note = ProcessFile(note)
        self._leader: subprocess.Popen[bytes] | None = None
        self._ended = False

    @property
    def alive(self) -> bool:
        """Whether the leader runs."""
        return self._leader is not None and self._leader.poll() is None

    @property
    def pid(self) -> int:
        """The leader's process id, that of the last one when it ended."""
        assert self._leader is not None
        return self._leader.pid

    def start(self, command: Sequence[str], *, env: Mapping[str, str], log: Path, **options: Any) -> None:
        """Start it, after ending what a crashed run left behind. Its output is added to ``log``.

        Raises: StillOwned.
        """
        self._note.end_orphan()
        log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(log)
        with open(log, "ab") as output, signals_deferred():
            self._leader = subprocess.Popen(
                list(command),
                env=dict(env),
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                **options,
            )
            self._ended = False
            self._note.write(self._leader.pid)
        atexit.register(self._kill_at_exit, os.getpid())

    def send(self, number: signal.Signals) -> None:
        """Signal the leader only."""
        if self.alive:
            os.kill(self.pid, number)

    def wait(self, seconds: float) -> int | None:
        """The leader's exit status; None when it still runs after ``seconds`` or never ran."""
        if self._leader is None:
            return None
        try:
            status = self._leader.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        self._note.clear()
        return status

    def kill(self) -> None:
        """End the whole group with SIGKILL, also when its leader has ended by itself."""
        if self._leader is None or self._ended:
            return
        try:
            os.killpg(self._leader.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):  # macOS says the second of a group of zombies
            pass
        self._leader.wait()
        self._note.clear()
        self._ended = True  # its number may be somebody else's from now on
        atexit.unregister(self._kill_at_exit)

    def _kill_at_exit(self, starter: int) -> None:
        """A program that forgot to end it, or failed before it could."""
        if os.getpid() == starter:
            self.kill()


@contextmanager
def signals_deferred() -> Iterator[None]:
    """SIGINT and SIGTERM wait until the end of the block."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = {
        number: signal.signal(number, lambda number, frame: came.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in came:
            signal.raise_signal(late)


def _rotate(log: Path) -> None:
    """Keep one old log, so that a long life on one machine does not fill its disk."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(log.suffix + ".1"))
