"""Taking turns: two transactions of a service never react to events of the same aggregate at the same time.

Versions alone decide between an old event and a newer one only where both write the same row. A release that is
planned makes a task, one that is cancelled before any task is known makes a note: side by side, neither would see the
other. On SQLite there is one writer anyway.
"""

import zlib
from collections.abc import Iterable
from uuid import UUID

from shared.storage.bulk import Writes

_TAKE = "select pg_advisory_xact_lock(turn) from unnest(cast(%s as bigint[])) as turn"
_LARGEST = 2**63 - 1


def take_turns(writes: Writes, service: str, subjects: Iterable[UUID]) -> None:
    """Wait until nobody else of the service works on these aggregates, and keep others waiting until the commit.

    Each turn is a lock in the server's table, which by PostgreSQL's default has room for some 6,400 at a time.
    """
    if writes.dialect != "postgresql":
        return
    # Sorted, so that two batches that share several aggregates cannot wait for each other.
    turns = sorted({_turn(service, subject) for subject in subjects})
    if turns:
        writes.ask(_TAKE, ["{" + ",".join(map(str, turns)) + "}"])


def _turn(service: str, subject: UUID) -> int:
    # All services of a database share one space of locks.
    return (subject.int & _LARGEST) ^ zlib.crc32(service.encode())
