"""Reading an append-only table in the order of its positions without overtaking who is still writing."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

R = TypeVar("R")

PATIENCE = timedelta(minutes=10)  # OURS: longer than any transaction lasts


def settled(rows: Iterable[tuple[int, datetime, R]], last: int, now: datetime) -> Iterator[R]:
    """The rows after position ``last`` up to the first number that may still come. Each with position and time."""
    for position, written_at, row in rows:
        if position != last + 1 and written_at > now - PATIENCE:
            return
        yield row
        last = position
