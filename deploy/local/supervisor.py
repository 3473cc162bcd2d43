"""Starts again what ended by itself: at once the first time, then less and less often while it keeps ending."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
SETTLED_SECONDS = 60.0


class Charge(Protocol):
    """What can be watched."""

    name: str

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        ...

    @property
    def log_path(self) -> Path:
        """Where it says why it ended."""
        ...

    def start(self) -> None:
        """Start it again."""
        ...


@dataclass
class _Record:
    charge: Charge
    started_at: float
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float | None = None


class Supervisor:
    """Watches charges that were alive when it began. `look` again and again; it never waits."""

    def __init__(
        self,
        charges: Iterable[Charge],
        *,
        say: Callable[[str], None],
        failures: tuple[type[Exception], ...] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._say = say
        self._failures = failures
        self._clock = clock
        self._records = [_Record(charge, clock()) for charge in charges]

    def look(self) -> None:
        """Notice each charge that has ended, and start each whose pause is over."""
        for record in self._records:
            if record.due_at is None and not record.charge.alive:
                self._notice(record)
            elif record.due_at is not None and self._clock() >= record.due_at:
                self._start(record)

    def _notice(self, record: _Record) -> None:
        now = self._clock()
        if now - record.started_at >= SETTLED_SECONDS:
            record.pause = FIRST_PAUSE_SECONDS
        record.due_at = now + record.pause
        charge = record.charge
        self._say(f"{charge.name} ended; starting it again in {record.pause:g} s (log: {charge.log_path})")
        record.pause = min(record.pause * 2, LONGEST_PAUSE_SECONDS)

    def _start(self, record: _Record) -> None:
        record.due_at = None
        try:
            record.charge.start()
        except self._failures as failure:
            self._say(f"{record.charge.name}: {failure}")
        record.started_at = self._clock()
