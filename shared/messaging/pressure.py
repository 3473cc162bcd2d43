"""Consuming comes first: while a backlog is being worked off, the relay of the same process gives way.

A task that exists is worth more than the news of it. The relay still publishes a window every second, and what it
leaves waits in the outbox, which costs nothing.
"""

import time

REMEMBERED_SECONDS = 0.5


class Pressure:
    """Shared by a process's consumer and relay."""

    def __init__(self) -> None:
        self._full_batch_at = float("-inf")

    def full_batch(self) -> None:
        """The consumer took as much as it can at once: there is more."""
        self._full_batch_at = time.monotonic()

    @property
    def is_high(self) -> bool:
        """Whether a backlog is being worked off now."""
        return time.monotonic() - self._full_batch_at < REMEMBERED_SECONDS
