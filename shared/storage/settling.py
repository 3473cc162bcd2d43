"""Provisional deadlines are counted again when the year that they reach into is announced."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from shared.kernel.deadlines import DeadlineRule, NextDue, settle, start_of_day
from shared.reference.calendar import first_unannounced_year, next_due
from shared.storage.repository import Repository

AT_ONCE = 200


@dataclass(frozen=True)
class Settling:
    """Aggregates with provisional deadlines, and the event that says that they are counted again."""

    of: Callable[[Any], Repository[Any]]  # of a unit of work
    event_type: str


def settle_provisional(work: Any, settlings: Iterable[Settling], rules: Iterable[DeadlineRule]) -> int:
    """Count again what reaches into announced years only; how many aggregates changed."""
    by_id = {rule.id: rule for rule in rules}

    def count(due: NextDue) -> NextDue:
        assert due.starts is not None
        return next_due(by_id[due.rule], due.starts)

    return sum(_settle(work, one, count) for one in settlings)


def _settle(work: Any, settling: Settling, count: Callable[[NextDue], NextDue]) -> int:
    repository, announced_until = settling.of(work), start_of_day(date(first_unannounced_year(), 1, 1))
    columns = repository.table.c
    waiting = repository.select(columns.due_from.is_not(None), columns.due_at <= announced_until, limit=AT_ONCE)
    settled = [again for one in waiting if (again := settle(one, count)) is not None]
    for again in settled:
        repository.save(again, settling.event_type)
    return len(settled)
