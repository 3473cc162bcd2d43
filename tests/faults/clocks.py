"""Each process's own clock: right until it jumps. A thread keeps all of them going.

The services read them through ``CLOCK_FILE``, five times a second a new moment.
"""

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.runtime.clock import set_clock

TICK_SECONDS = 0.2


class Clock:
    """One process's clock; ``offset`` is how far it is from the machine's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = timedelta(0)
        self.tick()

    def tick(self) -> None:
        """Write the moment at which the process believes to be."""
        set_clock(self.path, datetime.now(UTC) + self.offset)

    def jump(self, offset: timedelta) -> None:
        """Be this far from the machine's clock from now on."""
        self.offset = offset


class Clocks:
    """All clocks of a run. Use as a context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._folder.mkdir(parents=True, exist_ok=True)
        self._clocks: list[Clock] = []
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="clocks", daemon=True)

    def clock(self, name: str) -> Clock:
        """A new clock."""
        self._clocks.append(Clock(self._folder / f"{name}.clock"))
        return self._clocks[-1]

    def heal(self) -> None:
        """Set every clock right."""
        for clock in self._clocks:
            clock.jump(timedelta(0))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._stopped.wait(TICK_SECONDS):
            for clock in self._clocks:
                clock.tick()
