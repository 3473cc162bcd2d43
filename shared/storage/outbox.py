"""The outbox: what is said but not yet confirmed by the broker.

A row stays until its own confirm has come, then it is deleted; the event itself stays in ``event_log``.
Never read by "position greater than the last one": numbers commit out of order, and a cursor would skip
the late ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam, func, select, text, update

from shared.storage.bulk import Writes, delete_rows
from shared.storage.chassis import EVENT_LOG, OUTBOX

EVENTS_EXCHANGE = "baton.events"
LONGEST_WAIT = timedelta(minutes=1)  # for another attempt; a longer one was set by a clock that was wrong
_NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Pending:
    """One message to publish."""

    position: int
    subject: UUID
    message_id: UUID
    exchange: str
    type: str
    content_type: str
    body: str
    created_at: datetime

    @property
    def headers(self) -> Mapping[str, str]:
        """What is said needs none: everything stands in the envelope."""
        return _NO_HEADERS

    @property
    def reply_to(self) -> str | None:
        """Nobody answers an event."""
        return None


def append(connection: Connection, writes: Writes, rows: Sequence[dict[str, Any]]) -> None:
    """Write messages to the event log and their positions to the outbox, in the given order."""
    if connection.dialect.name == "postgresql":
        writes.insert(EVENT_LOG, rows, tail="returning position, subject", into=OUTBOX)
        return
    before = connection.execute(select(func.coalesce(func.max(EVENT_LOG.c.position), 0))).scalar_one()
    writes.insert(EVENT_LOG, rows)
    connection.execute(
        text("insert into outbox (position, subject) select position, subject from event_log where position > :before"),
        {"before": before},
    )


_FAILING = OUTBOX.alias("failing")
_WAITS = _FAILING.c.next_attempt_at > bindparam("now"), _FAILING.c.next_attempt_at <= bindparam("latest")
_HELD = select(_FAILING.c.subject).where(_FAILING.c.attempts > 0, *_WAITS).distinct()
_DUE = (
    select(
        OUTBOX.c.position,
        OUTBOX.c.subject,
        EVENT_LOG.c.message_id,
        EVENT_LOG.c.exchange,
        EVENT_LOG.c.type,
        EVENT_LOG.c.content_type,
        EVENT_LOG.c.body,
        EVENT_LOG.c.created_at,
    )
    .join(EVENT_LOG, EVENT_LOG.c.position == OUTBOX.c.position)
    .where(OUTBOX.c.subject.not_in(_HELD))
    .order_by(OUTBOX.c.position)
    .limit(bindparam("most"))
)


def due(connection: Connection, *, now: datetime, limit: int) -> list[Pending]:
    """The oldest messages to publish, at most one for each aggregate.

    An aggregate whose earlier message waits for another attempt is left out whole, so its order is kept and
    one that cannot be published holds up nobody else.
    """
    first: dict[UUID, Pending] = {}
    for row in connection.execute(_DUE, {"now": now, "latest": now + LONGEST_WAIT, "most": limit}):
        first.setdefault(row.subject, Pending(*row))
    return list(first.values())


def settle(connection: Connection, positions: Sequence[int]) -> None:
    """Forget messages that the broker has confirmed."""
    delete_rows(connection, OUTBOX, "position", positions)


def postpone(connection: Connection, positions: Sequence[int], *, until: datetime) -> None:
    """Note a failed attempt of messages that the broker returned or refused. The wait is at most `LONGEST_WAIT`."""
    if positions:
        connection.execute(
            update(OUTBOX)
            .where(OUTBOX.c.position.in_(positions))
            .values(attempts=OUTBOX.c.attempts + 1, next_attempt_at=until)
        )


def backlog(connection: Connection) -> tuple[int, datetime | None]:
    """How many messages wait, and since when the oldest does."""
    count, oldest = connection.execute(select(func.count(), func.min(OUTBOX.c.position))).one()
    if oldest is None:
        return 0, None
    since = connection.execute(select(EVENT_LOG.c.created_at).where(EVENT_LOG.c.position == oldest)).scalar()
    return count, since
