"""How a commit tells the relay in the same process that there is something to publish."""

import os
import select
from typing import Any


class Wake:
    """A signal that is never lost: set before the wait counts too.

    A pipe, so that one ``select`` waits for it and for a database connection's notifications alike.
    """

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_blocking(self._writer, False)
        self._is_set = False
        self._is_closed = False
        self.listened_to = False

    def set(self) -> None:
        """Wake the relay now or, if it is busy, right after."""
        if not self._is_set and not self._is_closed:
            self._is_set = True
            os.write(self._writer, b"!")

    def wait(self, timeout: float, *, also: tuple[Any, ...] = ()) -> None:
        """Wait until set, until one of ``also`` is readable, or for ``timeout`` seconds."""
        ready, _, _ = select.select([self._reader, *also], [], [], timeout)
        if self._reader in ready:
            os.read(self._reader, 64)
            self._is_set = False

    def close(self) -> None:
        """Give the pipe back. Nobody may wait any more; who sets it then does nothing."""
        if not self._is_closed:
            self._is_closed = True
            os.close(self._reader)
            os.close(self._writer)
