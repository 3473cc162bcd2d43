"""How long to wait before trying again: longer each time, with jitter, up to a limit."""

import random


class Backoff:
    """Doubling delays in seconds; ``reset`` after a success."""

    def __init__(self, first: float = 0.1, limit: float = 5.0) -> None:
        self._first = first
        self._limit = limit
        self._next = first

    def next(self) -> float:
        """The delay before the next attempt."""
        delay = self._next
        self._next = min(self._limit, self._next * 2)
        return delay * random.uniform(0.7, 1.0)

    def reset(self) -> None:
        """Start again with the shortest delay."""
        self._next = self._first
