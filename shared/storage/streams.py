"""A service states, page by page, every event that it logged, so that another one can say what never arrived.

Each page is the next version of one aggregate: a page that is lost itself shows as a gap between the numbers of its
neighbours. Positions are given out before a transaction commits, so a number that is missing may still come: it is
waited for as long as any transaction can last. What is said again is published once more; hearers know it by its id.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from shared.contracts.reconciliation import MOST_ENTRIES
from shared.kernel.errors import NotFound, invalid_field
from shared.kernel.ids import derived_id
from shared.storage.bulk import insert_rows, is_one_of
from shared.storage.chassis import EVENT_LOG, OUTBOX, STREAM, StreamEntry
from shared.storage.settled import settled
from shared.storage.work import UnitOfWork

STATED = "stream.stated.v1"
LINGER = timedelta(minutes=1)  # OURS: collect so long before a page is said
AT_LEAST_EVERY = timedelta(hours=1)  # OURS: an empty page says that the service is there
AT_ONCE = 1000  # events of a long time that are said again with one request
LONGEST_AGO = timedelta(days=30)  # OURS: as long as an inbox remembers, unless set otherwise
SLACK = timedelta(hours=1)
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


@dataclass(frozen=True, slots=True)
class HeardEvent:
    """An event that somebody else heard from this service."""

    event_id: UUID
    subject: UUID
    sequence: int


@dataclass(frozen=True, slots=True)
class SaidAgain:
    """How many events are on their way again, and before which position to go on; None when there are no more."""

    count: int
    before: int | None


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
    logged = [(row.position, row.created_at, row) for row in _logged_after(last, work)]
    page = list(settled(logged, last, work.now))
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


def say_again_since(work: UnitOfWork, since: datetime, *, before: int | None = None) -> SaidAgain:
    """Publish once more what was said since a moment, `AT_ONCE` at most, the newest first; answers are left out.

    The log is read backwards by its numbers, so what it costs follows from what is said again and not from the
    history. Numbers and moments differ by as much as a transaction lasts or clocks disagree, hence `SLACK`.

    Raises: InvalidInput ``events.too_far_back`` for more than `LONGEST_AGO`.
    """
    if since < work.now - LONGEST_AGO:
        raise invalid_field("/since", "events.too_far_back", f"at most {LONGEST_AGO.days} days are said again")
    log = EVENT_LOG.c
    newest_first = select(log.position, log.subject, log.sequence, log.created_at).order_by(log.position.desc())
    older = newest_first if before is None else newest_first.where(log.position < before)
    page = work.connection.execute(older.limit(AT_ONCE)).all()
    wanted = [row for row in page if row.sequence is not None and row.created_at >= since]
    rows = [{"position": row.position, "subject": row.subject} for row in wanted]
    insert_rows(work.connection, OUTBOX, rows, tail="on conflict do nothing")
    is_over = len(page) < AT_ONCE or page[-1].created_at < since - SLACK
    return SaidAgain(len(wanted), None if is_over else page[-1].position)


def unsaid(work: UnitOfWork, heard: Sequence[HeardEvent]) -> list[HeardEvent]:
    """Those events that somebody heard from this service and that are not in its log, in the given order.

    What it said under the same number meanwhile is another event.
    """
    log = EVENT_LOG.c
    subjects = is_one_of(work.dialect, EVENT_LOG, "subject", list({one.subject for one in heard}))
    numbers = log.sequence.in_({one.sequence for one in heard})
    said = set(work.connection.execute(select(log.message_id).where(subjects, numbers)).scalars())
    return [one for one in heard if one.event_id not in said]


def _logged_after(position: int, work: UnitOfWork) -> Sequence[Any]:
    log = EVENT_LOG.c
    columns = (log.position, log.message_id, log.type, log.subject, log.sequence, log.created_at)
    after = select(*columns).where(log.position > position).order_by(log.position).limit(MOST_ENTRIES)
    return work.connection.execute(after).all()


def _is_due(page: Sequence[Any], before: Stream | None, now: datetime) -> bool:
    """A page is full, has something that waited long enough, or the last one was long ago."""
    waiting = [row.created_at for row in page if row.type != STATED]
    if waiting and (len(page) == MOST_ENTRIES or min(waiting) <= now - LINGER):
        return True
    return before is None or before.stated_at <= now - AT_LEAST_EVERY
