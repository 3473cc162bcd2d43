"""Releases against tasks: reads both sides, as events told them and as statements list them, and compares.

Only days of which every part of the newest statement was heard are used; while something is torn, nothing is resolved.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from services.oversight import policy
from services.oversight.domain.comparison import Handovers, KnownTask, StatedRelease, StatedTask, compare
from services.oversight.domain.discrepancy import Compared, Discrepancy, Finding, Kind
from services.oversight.store import (
    StatedPart,
    Work,
    awaited_events,
    known_releases,
    known_tasks,
    stated_parts,
    timeline,
)
from shared.contracts.reconciliation import STATED_DAYS
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.storage.bulk import is_one_of

AROUND = timedelta(days=STATED_DAYS)
HANDOVER = "community_handover"
_MENDED_BY_AN_EVENT = (Kind.RELEASE_WITHOUT_TASK, Kind.STALE_TASK)


def is_out_of_sight(one: Discrepancy, work: Work) -> bool:
    """Whether nobody states the day any more: that nothing is found there says nothing."""
    return one.day is not None and one.day <= china_day(work.now) - AROUND


def find_handovers(work: Work) -> Compared:
    """What does not agree between the releases and the tasks of the days around today."""
    today = china_day(work.now)
    first, last = today - AROUND + ONE_DAY, today + AROUND
    parts = work.parts.select(stated_parts.c.day >= first, stated_parts.c.day <= last)
    of_releases, torn_releases = _whole_days(part for part in parts if part.kind == "statement")
    of_tasks, torn = _whole_days(part for part in parts if part.kind == "task_statement")
    registered = {one.release_id: one for found in of_releases.values() for one in _stated_releases(found)}
    listed = [one for found in of_tasks.values() for one in _stated_tasks(found)]
    of_days = work.releases.select(known_releases.c.day >= first, known_releases.c.day <= last)
    releases = {one.release_id: one for one in of_days}
    tasks = _tasks(first, last, {*releases, *registered}, work)
    elsewhere = {*registered, *(task.release_id for task in tasks), *(row.release_id for row in listed)}
    work.releases.prefetch("release_id", elsewhere)
    releases |= {id: one for id in elsewhere if (one := work.releases.find(id)) is not None}
    vouched = _vouching(of_tasks, torn, _all_stated_at(of_tasks, work), first, last)
    handovers = Handovers(releases, registered, tasks, listed, vouched, torn)
    found = compare(handovers, now=work.now, patience=policy.PATIENCE)
    is_torn = bool(torn or torn_releases)
    return Compared(
        [_with_version(one, registered, work) if _is_to_be_said_again(one) else one for one in found],
        lambda one: is_torn or is_out_of_sight(one, work),
    )


def _is_to_be_said_again(finding: Finding) -> bool:
    return finding.certain and finding.kind in _MENDED_BY_AN_EVENT


def _with_version(finding: Finding, registered: Mapping[UUID, StatedRelease], work: Work) -> Finding:
    """With the newest version of the release that the handover hears of: said again, it puts the task right."""
    stated = registered.get(UUID(finding.subject))
    versions = [stated.version if stated else 0, _newest_heard(finding, work)]
    return replace(finding, number=max(versions) or finding.number)


def _newest_heard(finding: Finding, work: Work) -> int:
    if finding.person_id is None:
        return 0
    columns = timeline.c
    heard = select(func.max(columns.sequence)).where(
        columns.person_id.in_(work.files_of(finding.person_id)),
        columns.aggregate_id == UUID(finding.subject),
        columns.type.in_(SUBSCRIPTIONS[HANDOVER]),
    )
    return work.connection.execute(heard).scalar() or 0


def _tasks(first: date, last: date, release_ids: Collection[UUID], work: Work) -> list[KnownTask]:
    of_days = work.tasks.select(known_tasks.c.day >= first, known_tasks.c.day <= last)
    wanted = is_one_of(work.dialect, known_tasks, "release_id", list(release_ids))
    of_releases = work.tasks.select(wanted) if release_ids else []
    return list({task.task_id: task for task in (*of_days, *of_releases)}.values())


def _whole_days(parts: Iterable[StatedPart]) -> tuple[dict[tuple[str, date], list[StatedPart]], set[date]]:
    """The days of which every part was heard, and the others."""
    by_day: dict[tuple[str, date], list[StatedPart]] = defaultdict(list)
    for part in parts:
        by_day[part.scope, part.day].append(part)
    whole = {key: listed for key, found in by_day.items() if (listed := _whole(found)) is not None}
    return whole, {day for scope, day in by_day if (scope, day) not in whole}


def _whole(found: list[StatedPart]) -> list[StatedPart] | None:
    newest = max(found, key=lambda part: part.stated_at)
    same = [part for part in found if (part.parts, part.count, part.digest) == _of_day(newest)]
    listed = [part for part in same if part.part < part.parts]
    is_whole = len(listed) == newest.parts and sum(len(part.entries) for part in listed) == newest.count
    return listed if is_whole else None


def _of_day(part: StatedPart) -> tuple[int, int, str]:
    return part.parts, part.count, part.digest


def _stated_releases(parts: list[StatedPart]) -> Iterator[StatedRelease]:
    for part in parts:
        for entry in part.entries:
            id, version, needs = UUID(entry["release_id"]), entry["version"], entry["needs_handover"]
            yield StatedRelease(id, version, needs, part.scope, part.day, part.stated_at)


def _stated_tasks(parts: list[StatedPart]) -> Iterator[StatedTask]:
    for part in parts:
        for entry in part.entries:
            id, release_id = UUID(entry["task_id"]), UUID(entry["release_id"])
            yield StatedTask(id, release_id, entry["release_version"], part.stated_at)


def _vouching(
    stated: Mapping[tuple[str, date], list[StatedPart]],
    torn: Collection[date],
    all_stated_at: datetime | None,
    first: date,
    last: date,
) -> Callable[[date], datetime | None]:
    """Up to which moment all tasks of a day are listed.

    The whole table is read at once, and what changed is said: so the newest statement, of whatever day, vouches for
    the days of which nothing new was said.
    """

    def vouched(day: date) -> datetime | None:
        if not first <= day <= last or day in torn:
            return None
        said = [part.stated_at for part in stated.get(("", day), ())]
        in_sight = start_of_day(day - AROUND) + policy.PATIENCE
        as_all = [all_stated_at] if all_stated_at is not None and all_stated_at >= in_sight else []
        return max([*said, *as_all], default=None)

    return vouched


def _all_stated_at(stated: Mapping[tuple[str, date], list[StatedPart]], work: Work) -> datetime | None:
    """When the table was last read of which nothing that was said is still on its way."""
    awaited = awaited_events.c
    on_its_way = awaited.service == HANDOVER, awaited.kind.in_(("task_statement", "stream"))
    if work.awaited.select(*on_its_way, limit=1):
        return None
    all_there = work.now - policy.EVENT_PATIENCE  # what is said in one transaction arrives one after the other
    moments = (part.stated_at for parts in stated.values() for part in parts)
    return max((at for at in moments if at <= all_there), default=None)
