"""What is compared beside handovers: alarms, streams of events, statements, headcounts, stays.

Each check gives everything that does not agree now, and says of what it could not judge.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select

from services.oversight import policy
from services.oversight.domain.discrepancy import Compared, Discrepancy, Finding, Kind, SubjectKind
from services.oversight.handover_check import AROUND, HANDOVER, find_handovers, is_out_of_sight
from services.oversight.store import (
    AwaitedEvent,
    KnownHeadcount,
    Work,
    aggregate_states,
    awaited_events,
    forked_aggregates,
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
    """One comparison, and which kinds it finds."""

    find: Callable[[Work], Compared]
    kinds: frozenset[Kind]


def _deciding(find: Callable[[Work], Iterable[Finding]]) -> Callable[[Work], Compared]:
    """A comparison that looks at everything there is."""
    return lambda work: Compared(find(work))


def _alarms(work: Work) -> Iterator[Finding]:
    """Silence about a planned release that the register itself has noticed."""
    kinds = {"over_term": Kind.OVER_TERM, "silent": Kind.RELEASE_SILENT, "notice_late": Kind.NOTICE_LATE}
    for one in work.releases.select(known_releases.c.alarm.is_not(None)):
        kind, subject = kinds[str(one.alarm)], str(one.release_id)
        yield Finding(kind, SubjectKind.RELEASE, subject, one.centre, one.person_id, day=one.day)


def _missing_events(work: Work) -> Compared:
    """What was said, or must have been, and did not arrive: one finding for each aggregate."""
    _forget_arrived(work)
    columns = awaited_events.c
    late = columns.since <= work.now - policy.EVENT_PATIENCE
    oldest = work.awaited.select(late, order_by=columns.since, limit=policy.MOST_AWAITED)
    first: dict[UUID, AwaitedEvent] = {}
    for one in sorted(oldest, key=lambda one: one.sequence):
        first.setdefault(one.aggregate_id, one)
    work.states.prefetch("aggregate_id", first)
    is_cut = len(oldest) == policy.MOST_AWAITED
    return Compared([_missing(one, work) for one in first.values()], lambda _one: is_cut)


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


def _silent_services(work: Work) -> Compared:
    """A service that states nothing, not even that it said nothing; or that does not read its table any more."""
    stated = {str(one.holder): one.changed_at for one in work.states.select(aggregate_states.c.kind == "stream")}
    late = work.now - policy.SILENT_AFTER
    silent: dict[str, str | None] = {service: None for service, at in stated.items() if at < late}
    forked = {one.service for one in work.forks.select(forked_aggregates.c.kind == "stream")}
    silent = {service: why for service, why in silent.items() if service not in forked}  # its pages are old numbers
    if work.service in silent:  # not even itself is heard: what the others said may be on its way
        return Compared([_silent(work.service, None)], lambda _one: True)
    if HANDOVER not in silent and _is_late(_tasks_stated_at(work), late):
        silent |= {HANDOVER: "tasks_unread"}
    return Compared([_silent(service, why) for service, why in silent.items()], lambda one: one.subject in forked)


def _silent(service: str, why: str | None) -> Finding:
    return Finding(Kind.SERVICE_SILENT, SubjectKind.SERVICE, service, service, detail=why)


def _two_histories(work: Work) -> Iterator[Finding]:
    """What a service said anew under old numbers, until it is past them and everybody follows it again."""
    _forget_overtaken(work)
    for one in work.forks.select(order_by=forked_aggregates.c.aggregate_id, limit=policy.MOST_AWAITED):
        yield Finding(
            Kind.TWO_HISTORIES,
            SubjectKind.AGGREGATE,
            str(one.aggregate_id),
            one.service,
            person_id=one.person_id,
            detail=one.kind,
            number=one.sequence,
        )


def _forget_overtaken(work: Work) -> None:
    forked, now = forked_aggregates.c, aggregate_states.c
    work.flush()
    newer = select(now.aggregate_id).where(now.aggregate_id == forked.aggregate_id, now.version > forked.newest)
    work.connection.execute(delete(forked_aggregates).where(exists(newer)))


def _tasks_stated_at(work: Work) -> datetime | None:
    columns = stated_parts.c
    today = china_day(work.now)
    recent = columns.kind == "task_statement", columns.day >= today - AROUND, columns.day <= today + AROUND
    return work.connection.execute(select(func.max(columns.stated_at)).where(*recent)).scalar()


def _is_late(at: datetime | None, late: datetime) -> bool:
    return at is not None and at < late


def _missing_statements(work: Work) -> Compared:
    """A finished day of a centre that nobody stated: from the first stated one on, or when somebody left."""
    last = china_day(_heard_up_to(work) - policy.STATEMENT_BY) - ONE_DAY
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

    def is_undecided(one: Discrepancy) -> bool:
        return is_out_of_sight(one, work) or (one.day is not None and one.day > last)

    return Compared([_unstated(centre, day) for centre, day in sorted(wanted - there)], is_undecided)


def _unstated(centre: str, day: date) -> Finding:
    subject = f"{centre} {day.isoformat()}"
    return Finding(Kind.STATEMENT_MISSING, SubjectKind.CENTRE_DAY, subject, "release_notification", day=day)


def _heard_up_to(work: Work) -> datetime:
    """Up to when everything was heard that did not get lost: oversight's own pages come by the same way."""
    columns = aggregate_states.c
    own = work.states.select(columns.kind == "stream", columns.holder == work.service)
    return own[0].changed_at if own else work.now


def _headcounts(work: Work) -> Compared:
    """A centre's newest number: none was said, or it is not who should be there."""
    newest: dict[str, KnownHeadcount] = {}
    counts: dict[str, KnownHeadcount] = {}
    recent = known_headcounts.c.day >= china_day(work.now) - AROUND
    for one in work.headcounts.select(recent, order_by=known_headcounts.c.day):
        newest[one.centre] = one
        if one.counted is not None:
            counts[one.centre] = one
    missing = [
        Finding(Kind.HEADCOUNT_MISSING, SubjectKind.CENTRE, centre, centre, day=one.day)
        for centre, one in newest.items()
        if one.counted is None
    ]
    differing = [
        Finding(Kind.HEADCOUNT_DIFFERS, SubjectKind.CENTRE, centre, centre, day=one.day, number=difference)
        for centre, one in counts.items()
        if (difference := (one.counted or 0) - one.expected)
    ]
    return Compared(
        [*missing, *differing],
        lambda one: one.subject not in (counts if one.kind is Kind.HEADCOUNT_DIFFERS else newest),
    )


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


# What did not arrive comes first: the others ask what is on its way.
CHECKS = (
    Check(_missing_events, frozenset({Kind.EVENT_MISSING})),
    Check(_deciding(_two_histories), frozenset({Kind.TWO_HISTORIES})),
    Check(_deciding(_alarms), frozenset({Kind.OVER_TERM, Kind.RELEASE_SILENT, Kind.NOTICE_LATE})),
    Check(
        find_handovers,
        frozenset({Kind.RELEASE_WITHOUT_TASK, Kind.DUPLICATE_TASK, Kind.STALE_TASK, Kind.TASK_WITHOUT_RELEASE}),
    ),
    Check(_silent_services, frozenset({Kind.SERVICE_SILENT})),
    Check(_missing_statements, frozenset({Kind.STATEMENT_MISSING})),
    Check(_headcounts, frozenset({Kind.HEADCOUNT_DIFFERS, Kind.HEADCOUNT_MISSING})),
    Check(_deciding(_two_open_stays), frozenset({Kind.TWO_OPEN_STAYS})),
)
