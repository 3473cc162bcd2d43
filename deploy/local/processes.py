"""Processes of the platform: started, watched, stopped in order."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

STOP_SECONDS = 25


class NotReady(Exception):
    """A process did not become ready; the text has the end of its log."""


class ManagedProcess:
    """One process and its log file."""

    def __init__(self, name: str, command: Sequence[str], *, env: Mapping[str, str], log: Path, url: str) -> None:
        self.name = name
        self.url = url
        self._command = list(command)
        self._env = dict(env)
        self.log_path = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._process = subprocess.Popen(
                self._command, env=self._env, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

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
            time.sleep(0.1)
        raise NotReady(f"{self.name} was not ready in {seconds:.0f} s:\n{self.log_tail()}")

    def is_ready(self) -> bool:
        """Whether ``/health/ready`` says so now."""
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=3).status_code == 200
        except httpx.HTTPError:
            return False

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        if self.alive:
            self._signal(signal.SIGTERM)

    def wait_stopped(self, seconds: float = STOP_SECONDS) -> int | None:
        """Wait for the end, by force after ``seconds``; the exit status."""
        if self._process is None:
            return None
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def stop(self) -> int | None:
        """End it politely."""
        self.ask_to_stop()
        return self.wait_stopped()

    def kill(self) -> None:
        """End it with SIGKILL."""
        if self.alive:
            self._signal(signal.SIGKILL)
            assert self._process is not None
            self._process.wait()

    def log_tail(self, lines: int = 15) -> str:
        """The end of its log."""
        return (
            "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:]) if self.log_path.exists() else ""
        )

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            pass
