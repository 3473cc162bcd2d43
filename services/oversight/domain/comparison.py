"""Releases against tasks: what the register has, what events told, what the handover's table lists. Pure.

A release that takes place, or will, and needs a handover has exactly one task, and the task follows it. Each side is
known twice: by events and by statements that are read from the tables. What was lost on the way shows in one, what was
lost in a table in the other. What did not have the time to arrive is found too, but is not certain.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.oversight.domain.discrepancy import Finding, Kind, SubjectKind

ENDED = frozenset({"contact_done", "referred", "remote_accepted", "closed", "withdrawn"})
_FOLLOWS_NO_MORE = ENDED - {"withdrawn"}
ANOTHER_GATE = timedelta(days=1)  # what lies closer is the same gate, its time set right
_RELEASES, _TASKS = "release_notification", "community_handover"  # whose operator has to act


@dataclass(frozen=True, slots=True)
class KnownRelease:
    """A release as events tell it, in its newest version."""

    release_id: UUID
    version: int
    person_id: UUID
    centre: str
    state: str
    needs_handover: bool
    release_at: datetime
    executed_at: datetime | None
    day: date
    alarm: str | None
    heard_at: datetime

    @property
    def needs_task(self) -> bool:
        """Whether there must be a task."""
        return self.needs_handover and self.state in ("planned", "executed")


@dataclass(frozen=True, slots=True)
class KnownTask:
    """A task as events tell it, in its newest version."""

    task_id: UUID
    version: int
    release_id: UUID
    person_id: UUID
    state: str
    division: str | None
    release_at: datetime
    released_at: datetime | None
    day: date
    said_at: datetime
    heard_at: datetime


@dataclass(frozen=True, slots=True)
class StatedRelease:
    """A release that took place, as the register states it."""

    release_id: UUID
    version: int
    needs_handover: bool
    centre: str
    day: date
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class StatedTask:
    """A task that is in the handover's table."""

    task_id: UUID
    release_id: UUID
    release_version: int
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class Handovers:
    """Everything that is compared. ``vouched`` says up to which moment the table's tasks of a day are all listed.

    ``torn`` are the days whose tasks are stated, but of which a part was not heard.
    """

    releases: Mapping[UUID, KnownRelease]
    registered: Mapping[UUID, StatedRelease]
    tasks: Iterable[KnownTask]
    listed: Iterable[StatedTask]
    vouched: Callable[[date], datetime | None]
    torn: Collection[date] = frozenset()


def _ended_before(task: KnownTask, executed_at: datetime | None) -> bool:
    """Whether a task that is over was of another gate: one that was reported in error, and the person left later."""
    if task.released_at is None or executed_at is None:
        return False
    return executed_at - task.released_at >= ANOTHER_GATE


def compare(handovers: Handovers, *, now: datetime, patience: timedelta) -> list[Finding]:
    """Every release without its task, and every task without its release, or behind it."""
    told: dict[UUID, list[KnownTask]] = defaultdict(list)
    for task in handovers.tasks:
        told[task.release_id].append(task)
    rows: dict[UUID, list[StatedTask]] = defaultdict(list)
    for row in handovers.listed:
        rows[row.release_id].append(row)
    found: list[Finding] = []
    for release_id in {*handovers.releases, *handovers.registered, *told, *rows}:
        one = _Release(
            release_id,
            handovers.releases.get(release_id),
            handovers.registered.get(release_id),
            told[release_id],
            rows[release_id],
            handovers,
            now - patience,
            patience,
        )
        found += one.findings()
    return sorted(found, key=lambda finding: (finding.kind, finding.subject))


@dataclass(frozen=True, slots=True)
class _Release:
    """What is known about one release and its tasks. ``late`` is when something must have happened to be late now."""

    release_id: UUID
    known: KnownRelease | None
    registered: StatedRelease | None
    told: list[KnownTask]
    rows: list[StatedTask]
    all: Handovers
    late: datetime
    patience: timedelta

    def findings(self) -> Iterator[Finding]:
        if self.known is None and self.registered is None:
            yield from self._nowhere()
        elif not self._needs_task:
            if any(task.state not in ENDED and task.state != "registered" for task in self.told):
                yield self._of_release(Kind.STALE_TASK, "not_needed", self._version, certain=self._is_late)
        else:
            yield from self._without_task()
            yield from self._duplicates()
            yield from self._behind()

    def _nowhere(self) -> Iterator[Finding]:
        since = {row.task_id: row.stated_at for row in self.rows}
        since |= {task.task_id: task.heard_at for task in self.told}
        for task_id, at in sorted(since.items()):
            yield self._of_task(Kind.TASK_WITHOUT_RELEASE, task_id, "no_release", certain=at <= self.late)

    def _without_task(self) -> Iterator[Finding]:
        if not self.told and not self.rows:
            certain = self._is_late and self._day not in self.all.torn
            yield self._of_release(Kind.RELEASE_WITHOUT_TASK, "never_made", self._version, certain=certain)
            return
        there = {row.task_id for row in self.rows}
        was_there = self.late  # who told something later was there when it did
        if lost := [task for task in self.told if task.task_id not in there and task.said_at <= was_there]:
            certain = any(map(self._is_vouched_for, lost))
            yield self._of_release(Kind.RELEASE_WITHOUT_TASK, "row_lost", self._version, certain=certain)

    def _is_vouched_for(self, task: KnownTask) -> bool:
        """Whether the table was stated since the task was last told: its row is listed as it is, or is not there."""
        vouched = self.all.vouched(task.day)
        return vouched is not None and task.said_at + self.patience <= vouched

    def _duplicates(self) -> Iterator[Finding]:
        number = len({*(task.task_id for task in self.told), *(row.task_id for row in self.rows)})
        if number > 1:
            yield self._of_release(Kind.DUPLICATE_TASK, None, number)

    def _behind(self) -> Iterator[Finding]:
        """A task that does not know what its release is by now. What is certain is named first."""
        why = [(not self._is_late, lag) for task in self.told if (lag := self._lags(task)) is not None]
        for row in self.rows:
            if row.release_version < self._version_stated and not self._is_over(row):
                why.append((not (self._is_late and self._is_as_listed(row)), "release_version"))
        if why:
            uncertain, lag = min(why)
            yield self._of_release(Kind.STALE_TASK, lag, self._version, certain=not uncertain)

    def _told(self, row: StatedTask) -> KnownTask | None:
        return next((task for task in self.told if task.task_id == row.task_id), None)

    def _is_over(self, row: StatedTask) -> bool:
        told = self._told(row)
        return told is not None and told.state in _FOLLOWS_NO_MORE

    def _is_as_listed(self, row: StatedTask) -> bool:
        told = self._told(row)
        return row.stated_at <= self.late if told is None else self._is_vouched_for(told)

    def _lags(self, task: KnownTask) -> str | None:
        if self.known is None:
            return None
        if task.state in _FOLLOWS_NO_MORE:
            return "ended_before" if _ended_before(task, self.known.executed_at) else None
        if task.state == "withdrawn":
            return "withdrawn"
        if self.known.executed_at is not None:
            return None if task.released_at == self.known.executed_at else "gate_unknown"
        return None if task.release_at == self.known.release_at else "other_time"

    @property
    def _register_is_ahead(self) -> bool:
        """Whether the register states what no event has told."""
        return self.registered is not None and (self.known is None or self.known.version < self.registered.version)

    @property
    def _needs_task(self) -> bool:
        if self.registered is not None and self._register_is_ahead:
            return self.registered.needs_handover
        return self.known is not None and self.known.needs_task

    @property
    def _since(self) -> datetime:
        """Since when all could have been right."""
        if self.registered is not None and self._register_is_ahead:
            return self.registered.stated_at
        assert self.known is not None
        return self.known.heard_at

    @property
    def _is_late(self) -> bool:
        return self._since <= self.late

    @property
    def _version(self) -> int:
        return max(self.known.version if self.known else 0, self._version_stated)

    @property
    def _version_stated(self) -> int:
        return self.registered.version if self.registered else 0

    @property
    def _person_id(self) -> UUID | None:
        if self.known is not None:
            return self.known.person_id
        return self.told[0].person_id if self.told else None

    @property
    def _day(self) -> date | None:
        one = self.known or self.registered or (self.told[0] if self.told else None)
        return one.day if one else None

    def _of_release(self, kind: Kind, detail: str | None, number: int, *, certain: bool = True) -> Finding:
        division = self.told[0].division if self.told else None
        facts = (self._person_id, division, self._day, detail, number, certain)
        return Finding(kind, SubjectKind.RELEASE, str(self.release_id), _TASKS, *facts)

    def _of_task(self, kind: Kind, task_id: UUID, detail: str, *, certain: bool) -> Finding:
        division = next((task.division for task in self.told if task.task_id == task_id), None)
        facts = (self._person_id, division, self._day, detail, None, certain)
        return Finding(kind, SubjectKind.TASK, str(task_id), _RELEASES, *facts)
