"""A service states, page by page, every event that it logged, so that another one can say what never arrived.

Each page is the next version of one aggregate: a page that is lost itself shows as a gap between the numbers of its
neighbours. Positions are given out before a transaction commits, so a number that is missing may still come: it is
waited for as long as any transaction can last. What is said again is published once more; hearers know it by its id.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shared.contracts.reconciliation import MOST_ENTRIES
from shared.kernel.errors import NotFound
from shared.kernel.ids import derived_id
from shared.storage.bulk import insert_rows
from shared.storage.chassis import EVENT_LOG, OUTBOX, STREAM, StreamEntry
from shared.storage.work import UnitOfWork

STATED = "stream.stated.v1"
LINGER = timedelta(minutes=1)  # OURS: collect so long before a page is said
AT_LEAST_EVERY = timedelta(hours=1)  # OURS: an empty page says that the service is there
PATIENCE = timedelta(minutes=10)  # OURS: longer than any transaction lasts
_STREAMS = UUID("5f1d6f0e-2f0b-4d0c-9a53-6a6d1f7c2b11")


@dataclass(frozen=True, slots=True)
class Stream:
    """How far a service has stated what it logged, and the newest page."""

    id: UUID
    version: int
    service: str
    first_position: int
    last_position: int
    stated_at: datetime
    events: tuple[StreamEntry, ...]


def stream_id(service: str) -> UUID:
    """The one stream of a service."""
    return derived_id(_STREAMS, service)


def stream_data(stream: Stream) -> dict[str, Any]:
    """The page as its event tells it."""
    return {
        "stream_id": stream.id,
        "service": stream.service,
        "state": "stated",
        "first_position": stream.first_position,
        "last_position": stream.last_position,
        "stated_at": stream.stated_at,
        "events": [asdict(entry) for entry in stream.events],
    }


def state_stream(work: UnitOfWork) -> int:
    """Say the next page, if there is something to say; 1 if it was said."""
    streams = work.aggregates(STREAM, Stream, stream_data)
    before = streams.find(stream_id(work.service))
    last = before.last_position if before else 0
    page = list(_settled(_logged_after(last, work), last, work.now))
    if not _is_due(page, before, work.now):
        return 0
    said = Stream(
        id=stream_id(work.service),
        version=before.version + 1 if before else 1,
        service=work.service,
        first_position=last + 1,
        last_position=page[-1].position if page else last,
        stated_at=work.now,
        events=tuple(
            StreamEntry(row.message_id, row.type, row.subject, row.sequence) for row in page if row.sequence is not None
        ),
    )
    streams.save(said, STATED)
    return 1


def say_again(work: UnitOfWork, subject: UUID, sequence: int) -> UUID:
    """Publish an event of this service's log once more; its id.

    Raises: NotFound ``event.not_found``.
    """
    log = EVENT_LOG.c
    wanted = select(log.position, log.message_id).where(log.subject == subject, log.sequence == sequence)
    found = work.connection.execute(wanted).one_or_none()
    if found is None:
        raise NotFound("event.not_found", f"this service never said number {sequence} of {subject}")
    row = {"position": found.position, "subject": subject}
    insert_rows(work.connection, OUTBOX, [row], tail="on conflict do nothing")
    message_id: UUID = found.message_id
    return message_id


def _logged_after(position: int, work: UnitOfWork) -> Sequence[Any]:
    log = EVENT_LOG.c
    columns = (log.position, log.message_id, log.type, log.subject, log.sequence, log.created_at)
    after = select(*columns).where(log.position > position).order_by(log.position).limit(MOST_ENTRIES)
    return work.connection.execute(after).all()


def _settled(rows: Sequence[Any], last: int, now: datetime) -> Iterator[Any]:
    """The rows up to the first number that may still come."""
    for row in rows:
        if row.position != last + 1 and row.created_at > now - PATIENCE:
            return
        yield row
        last = row.position


def _is_due(page: Sequence[Any], before: Stream | None, now: datetime) -> bool:
    """A page is full, has something that waited long enough, or the last one was long ago."""
    waiting = [row.created_at for row in page if row.type != STATED]
    if waiting and (len(page) == MOST_ENTRIES or min(waiting) <= now - LINGER):
        return True
    return before is None or before.stated_at <= now - AT_LEAST_EVERY
