"""Processes of the platform: started, asked whether they are ready, stopped politely, killed."""

import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from deploy.local.group import ProcessGroup

STOP_SECONDS = 25
ASK_SECONDS = 3
POLL_SECONDS = 0.1


class NotReady(Exception):
    """A process did not become ready; the text has the end of its log."""


class ManagedProcess:
    """One process, its log file and the URL where it answers."""

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, url: str) -> None:
        self.name = name
        self.url = url
        self.log_path = log
        self._command = list(command)
        self._env = dict(env)
        self._group = ProcessGroup(log.with_suffix(".json"))

    @property
    def command(self) -> list[str]:
        """What is started."""
        return list(self._command)

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._group.alive

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._group.pid

    def start(self) -> None:
        """Start it."""
        self._group.start(self._command, env=self._env, log=self.log_path)

    def wait_ready(self, seconds: float) -> None:
        """Wait until ``/health/ready`` says so.

        Raises: NotReady.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if not self.alive:
                raise NotReady(f"{self.name} ended:\n{self.log_tail()}")
            if self.is_ready():
                return
            time.sleep(POLL_SECONDS)
        raise NotReady(f"{self.name} was not ready in {seconds:.0f} s:\n{self.log_tail()}")

    def is_ready(self) -> bool:
        """Whether ``/health/ready`` says so now."""
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=ASK_SECONDS, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._group.send(number)

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self.send(signal.SIGTERM)

    def wait_stopped(self, seconds: float = STOP_SECONDS) -> int | None:
        """Wait for the end, by force after ``seconds``; the exit status, None if it never ran."""
        status = self._group.wait(seconds)
        self.kill()
        return status if status is not None else self._group.wait(0)

    def stop(self) -> int | None:
        """End it politely."""
        self.ask_to_stop()
        return self.wait_stopped()

    def kill(self) -> None:
        """End it, and what it started, with SIGKILL."""
        self._group.kill()

    def restart(self) -> None:
        """Kill and start again."""
        self.kill()
        self.start()

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log."""
        if not self.log_path.exists():
            return ""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])
