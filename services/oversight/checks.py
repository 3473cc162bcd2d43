"""What is compared beside handovers: alarms, streams of events, statements, headcounts, stays.

Each check gives everything that does not agree now.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, exists, func, select

from services.oversight import policy
from services.oversight.domain.discrepancy import Finding, Kind, SubjectKind
from services.oversight.handover_check import AROUND, find_handovers
from services.oversight.store import (
    AwaitedEvent,
    KnownHeadcount,
    Work,
    aggregate_states,
    awaited_events,
    known_headcounts,
    known_releases,
    merged_files,
    stated_parts,
    versions,
)
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import china_day


@dataclass(frozen=True)
class Check:
    """One comparison: which kinds it finds, and whether it looks at the days around today only."""

    find: Callable[[Work], Iterable[Finding]]
    kinds: frozenset[Kind]
    by_day: bool = False


def _alarms(work: Work) -> Iterator[Finding]:
    """Silence about a planned release that the register itself has noticed."""
    kinds = {"over_term": Kind.OVER_TERM, "silent": Kind.RELEASE_SILENT, "notice_late": Kind.NOTICE_LATE}
    for one in work.releases.select(known_releases.c.alarm.is_not(None)):
        kind, subject = kinds[str(one.alarm)], str(one.release_id)
        yield Finding(kind, SubjectKind.RELEASE, subject, one.centre, one.person_id, day=one.day)


def _missing_events(work: Work) -> list[Finding]:
    """What was said, or must have been, and did not arrive: one finding for each aggregate."""
    _forget_arrived(work)
    late = work.now - policy.EVENT_PATIENCE
    by_aggregate: dict[UUID, list[AwaitedEvent]] = defaultdict(list)
    for one in work.awaited.select(awaited_events.c.since <= late, order_by=awaited_events.c.sequence):
        by_aggregate[one.aggregate_id].append(one)
    work.states.prefetch("aggregate_id", by_aggregate)
    return [_missing(awaited[0], work) for awaited in by_aggregate.values()]


def _missing(one: AwaitedEvent, work: Work) -> Finding:
    known = work.states.find(one.aggregate_id)
    return Finding(
        Kind.EVENT_MISSING,
        SubjectKind.AGGREGATE,
        str(one.aggregate_id),
        one.service,
        person_id=known.person_id if known else None,
        division=known.division if known else None,
        detail=one.type or one.kind,
        number=one.sequence,
    )


def _forget_arrived(work: Work) -> None:
    waiting, heard = awaited_events.c, versions.c
    same_number = heard.aggregate_id == waiting.aggregate_id, heard.sequence == waiting.sequence
    work.flush()
    for arrived in ((heard.event_id == waiting.event_id,), (heard.kind == waiting.kind, *same_number)):
        there = exists(select(heard.event_id).where(*arrived))
        work.connection.execute(delete(awaited_events).where(there))


def _silent_services(work: Work) -> Iterator[Finding]:
    """A service that states nothing, not even that it said nothing."""
    columns = aggregate_states.c
    late = work.now - policy.SILENT_AFTER
    for one in work.states.select(columns.kind == "stream", columns.changed_at < late):
        yield Finding(Kind.SERVICE_SILENT, SubjectKind.SERVICE, str(one.holder), str(one.holder))


def _missing_statements(work: Work) -> Iterator[Finding]:
    """A finished day of a centre that nobody stated: from the first stated one on, or when somebody left."""
    last = china_day(work.now - policy.STATEMENT_BY) - ONE_DAY
    first = china_day(work.now) - AROUND + ONE_DAY
    columns = stated_parts.c
    of_centres = columns.kind == "statement"
    began = select(columns.scope, func.min(columns.day)).where(of_centres).group_by(columns.scope)
    stated = select(columns.scope, columns.day).where(of_centres, columns.day >= first)
    there = {(row[0], row[1]) for row in work.connection.execute(stated)}
    wanted = {(row[0], day) for row in work.connection.execute(began) for day in _days(max(first, row[1]), last)}
    gone = known_releases.c
    heard = gone.heard_at <= work.now - policy.PATIENCE  # what is entered late is stated a moment later
    left = select(gone.centre, gone.day).where(gone.state == "executed", gone.day >= first, gone.day <= last, heard)
    wanted |= {(row[0], row[1]) for row in work.connection.execute(left)}
    for centre, day in sorted(wanted - there):
        subject = f"{centre} {day.isoformat()}"
        yield Finding(Kind.STATEMENT_MISSING, SubjectKind.CENTRE_DAY, subject, "release_notification", day=day)


def _headcounts(work: Work) -> Iterator[Finding]:
    """A centre's newest number: none was said, or it is not who should be there."""
    by_centre: dict[str, list[KnownHeadcount]] = defaultdict(list)
    recent = known_headcounts.c.day >= china_day(work.now) - AROUND
    for one in work.headcounts.select(recent, order_by=known_headcounts.c.day):
        by_centre[one.centre].append(one)
    for centre, days in by_centre.items():
        newest = days[-1]
        if newest.counted is None:
            yield Finding(Kind.HEADCOUNT_MISSING, SubjectKind.CENTRE, centre, centre, day=newest.day)
        counted = next((one for one in reversed(days) if one.counted is not None), None)
        difference = (counted.counted or 0) - counted.expected if counted else 0
        if counted and difference:
            day = counted.day
            yield Finding(Kind.HEADCOUNT_DIFFERS, SubjectKind.CENTRE, centre, centre, day=day, number=difference)


def _two_open_stays(work: Work) -> Iterator[Finding]:
    """Two files of one person, both in custody: one of the stays was entered in error."""
    columns = aggregate_states.c
    in_custody = columns.kind == "stay", columns.state != "ended"
    given_up = select(merged_files.c.person_id)
    for stay in work.states.select(*in_custody, columns.person_id.in_(given_up), order_by=columns.aggregate_id):
        assert stay.person_id is not None
        files = work.files_of(stay.person_id)
        others = work.states.select(
            *in_custody, columns.person_id.in_(files), columns.aggregate_id != stay.aggregate_id
        )
        if others:
            subject, owner = str(stay.aggregate_id), str(stay.holder)
            yield Finding(Kind.TWO_OPEN_STAYS, SubjectKind.STAY, subject, owner, files[0], number=1 + len(others))


def _days(first: date, last: date) -> Iterator[date]:
    while first <= last:
        yield first
        first += ONE_DAY


CHECKS = (
    Check(_alarms, frozenset({Kind.OVER_TERM, Kind.RELEASE_SILENT, Kind.NOTICE_LATE})),
    Check(
        find_handovers,
        frozenset({Kind.RELEASE_WITHOUT_TASK, Kind.DUPLICATE_TASK, Kind.STALE_TASK, Kind.TASK_WITHOUT_RELEASE}),
        by_day=True,
    ),
    Check(_missing_events, frozenset({Kind.EVENT_MISSING})),
    Check(_silent_services, frozenset({Kind.SERVICE_SILENT})),
    Check(_missing_statements, frozenset({Kind.STATEMENT_MISSING}), by_day=True),
    Check(_headcounts, frozenset({Kind.HEADCOUNT_DIFFERS, Kind.HEADCOUNT_MISSING})),
    Check(_two_open_stays, frozenset({Kind.TWO_OPEN_STAYS})),
)
