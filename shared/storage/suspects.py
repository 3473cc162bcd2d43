"""Messages that may kill whoever works on them.

The broker counts how often a message came back, but a lost connection counts there like a lost process. So once a
message has come back a few times, each attempt is noted in the database before it begins and forgotten when it
ends: what has begun several times and never ended is a killer.
"""

from sqlalchemy import Connection, select

from shared.storage.bulk import delete_rows, insert_rows
from shared.storage.chassis import SUSPECT

_TRY_AGAIN = "on conflict (message_id) do update set attempts = suspect.attempts + 1"


def begin_attempt(connection: Connection, message_id: str, *, noted: bool = False) -> int:
    """Note that an attempt begins, unless it is noted already; how many began before and never ended."""
    tail = "on conflict do nothing" if noted else _TRY_AGAIN
    insert_rows(connection, SUSPECT, [{"message_id": message_id, "attempts": 1}], tail=tail)
    begun: int = connection.execute(select(SUSPECT.c.attempts).where(SUSPECT.c.message_id == message_id)).scalar_one()
    return begun - 1


def end_attempts(connection: Connection, message_ids: list[str]) -> None:
    """The messages are dealt with."""
    delete_rows(connection, SUSPECT, "message_id", message_ids)
