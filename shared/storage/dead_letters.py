"""Dead letters: messages that could not work, kept in the service's own database until an operator has dealt with them.

A letter is given again as it came, so its effect is guarded as always: an event by the inbox, a command by its
idempotency key. One that dies again is another letter about the same message.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Connection, func, select, update

from shared.kernel.errors import Conflict
from shared.storage.bulk import insert_rows
from shared.storage.chassis import DEAD_LETTER
from shared.storage.records import Records

_COLUMNS = tuple(column.name for column in DEAD_LETTER.columns)


class LetterState(StrEnum):
    """What has become of a letter."""

    WAITING = "waiting"  # for an operator
    REPLAYING = "replaying"  # an operator wants it given again; the broker has not confirmed it yet
    REPLAYED = "replayed"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that could not work, and what was decided about it."""

    id: UUID
    message_id: str
    queue: str | None
    routing_key: str
    content_type: str | None
    headers: dict[str, str]
    reply_to: str | None
    body: bytes
    reason: str
    detail: str
    died_at: datetime
    state: LetterState = LetterState.WAITING
    decided_at: datetime | None = None
    decided_by: str | None = None
    note: str | None = None


def enter(connection: Connection, letters: Sequence[Letter]) -> None:
    """Keep letters; one that is there already stays as it is."""
    rows = [{name: getattr(letter, name) for name in _COLUMNS} for letter in letters]
    insert_rows(connection, DEAD_LETTER, rows, tail="on conflict do nothing")


def decide(letters: Records[Letter], letter: Letter, to: LetterState, *, by: str, now: datetime, note: str) -> Letter:
    """An operator's decision.

    Raises: Conflict ``dead_letter.decided`` with who decided what and when.
    """
    if letter.state != LetterState.WAITING:
        raise Conflict(
            "dead_letter.decided",
            f"this letter is {letter.state} already",
            by=letter.decided_by,
            at=letter.decided_at,
            state=str(letter.state),
        )
    decided = replace(letter, state=to, decided_at=now, decided_by=by, note=note)
    letters.put(decided)
    return decided


def to_replay(connection: Connection, limit: int) -> list[Letter]:
    """The letters that wait to be given again, the oldest first."""
    statement = (
        select(DEAD_LETTER)
        .where(DEAD_LETTER.c.state == LetterState.REPLAYING.value)
        .order_by(DEAD_LETTER.c.died_at)
        .limit(limit)
    )
    return [Letter(**{**row._mapping, "state": LetterState(row.state)}) for row in connection.execute(statement)]


def mark_replayed(connection: Connection, ids: Sequence[UUID]) -> None:
    """The broker has confirmed them."""
    if ids:
        replayed = update(DEAD_LETTER).where(DEAD_LETTER.c.id.in_(ids))
        connection.execute(replayed.values(state=LetterState.REPLAYED.value))


def waiting(connection: Connection) -> int:
    """How many letters wait for an operator."""
    statement = select(func.count()).where(DEAD_LETTER.c.state == LetterState.WAITING.value)
    return int(connection.execute(statement).scalar_one())


def deaths(connection: Connection, message_id: str) -> int:
    """How often a message died."""
    statement = select(func.count()).where(DEAD_LETTER.c.message_id == message_id)
    return int(connection.execute(statement).scalar_one())
