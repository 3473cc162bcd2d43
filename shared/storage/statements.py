"""Statements: what a service has in its own table about a day, said so that another service can compare it.

A day is told in parts of a bounded size; every part names the number of parts, and the count and digest of the whole
day, so that a reader knows when it has all of it. It is read from the table each time and said only when it changed:
a row that vanished shows as the next version.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Date, Index, Integer, MetaData, Table, Text, Uuid

from shared.contracts.reconciliation import MOST_ENTRIES
from shared.kernel.clock import china_day
from shared.kernel.ids import derived_id
from shared.storage.repository import Repository
from shared.storage.types import JsonValue, UtcDateTime

_STATEMENTS = UUID("0f7b2a8e-51c3-4a0b-8d6e-2f4f8c1d9e37")


@dataclass(frozen=True, slots=True)
class Statement:
    """One part of what is stated of a day."""

    id: UUID
    version: int
    scope: str  # whose: a centre; "" where it is about all
    day: date
    part: int
    parts: int
    count: int  # of the whole day
    compared: int  # of the whole day: the lines that the digest is of
    digest: str
    entries: tuple[Any, ...]
    stated_at: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """What is in the table about a day; ``lines`` are what another service has to have too."""

    scope: str
    day: date
    entries: Sequence[Any]
    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class Saying:
    """The events of a statement: the first one, and every one that corrects it.

    ``again_after``: of today, what did not change is said again after so long, so that others know that the table is
    still read. All days are read at once, so one of them tells it for all.
    """

    issued: str
    corrected: str
    again_after: timedelta | None = None


def statement_table(metadata: MetaData, entries: Any) -> Table:
    """The table of a service's statements; ``entries`` is the Python type of what a part lists."""
    return Table(
        "statement",
        metadata,
        Column("id", Uuid, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("scope", Text, nullable=False),
        Column("day", Date, nullable=False),
        Column("part", Integer, nullable=False),
        Column("parts", Integer, nullable=False),
        Column("count", Integer, nullable=False),
        Column("compared", Integer, nullable=False),
        Column("digest", Text, nullable=False),
        Column("entries", JsonValue(entries), nullable=False),
        Column("stated_at", UtcDateTime, nullable=False),
        Index("ix_statement_day", "day", "scope", "part"),
    )


def state(
    statements: Repository[Statement], known: Iterable[Statement], found: Day, saying: Saying, *, now: datetime
) -> int:
    """Say what changed since it was stated; how many parts were said. ``known`` are the day's parts as last stated."""
    before = {one.part: one for one in known}
    again_after = saying.again_after if found.day == china_day(now) else None
    entries = found.entries
    pages = [tuple(entries[at : at + MOST_ENTRIES]) for at in range(0, len(entries), MOST_ENTRIES)] or [()]
    parts = len(pages)
    pages += [()] * (max(before, default=0) + 1 - parts)  # parts that are no longer needed are told empty
    said = 0
    for part, page in enumerate(pages):
        fresh = _part(found, part, parts, page, now)
        old = before.get(part)
        if old is None:
            statements.save(fresh, saying.issued)
        elif _content(old) != _content(fresh) or _is_to_be_repeated(old, now, again_after):
            statements.save(replace(fresh, version=old.version + 1), saying.corrected)
        else:
            continue
        said += 1
    return said


def digest_of(lines: Iterable[str]) -> str:
    """The digest by which two sides compare: sha256 over the sorted lines, hexadecimal."""
    return sha256("\n".join(sorted(lines)).encode()).hexdigest()


def _part(found: Day, part: int, parts: int, page: tuple[Any, ...], now: datetime) -> Statement:
    return Statement(
        id=derived_id(_STATEMENTS, found.scope, found.day.isoformat(), str(part)),
        version=1,
        scope=found.scope,
        day=found.day,
        part=part,
        parts=parts,
        count=len(found.entries),
        compared=len(found.lines),
        digest=digest_of(found.lines),
        entries=page,
        stated_at=now,
    )


def _is_to_be_repeated(old: Statement, now: datetime, after: timedelta | None) -> bool:
    return after is not None and now - old.stated_at >= after


def _content(one: Statement) -> tuple[Any, ...]:
    return one.parts, one.count, one.compared, one.digest, one.entries
