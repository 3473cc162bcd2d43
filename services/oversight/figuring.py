"""Figures of a period and an area, as they were known at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from services.oversight.indicators import Figure, Indicator, Period, Scope, Snapshot, compute
from services.oversight.store import Work
from shared.kernel.calendar import ONE_DAY
from shared.kernel.deadlines import start_of_day
from shared.web.offload import offloaded


def figures_of(
    work: Work,
    indicators: Sequence[Indicator],
    first_day: date,
    last_day: date,
    *,
    known_at: datetime,
    prefix: str = "",
) -> list[Figure]:
    """Each indicator over the days, both included, of the area whose division codes begin with ``prefix``."""
    period = Period(start_of_day(first_day), start_of_day(last_day + ONE_DAY))
    homes = {one.person_id: one.division for one in work.snapshots("person", known_at=known_at)}
    wanted = {(kind, one.scope) for one in indicators for kind in one.kinds}
    read = {(kind, scope): _read(work, kind, scope, period, known_at) for kind, scope in wanted}

    def reckon() -> list[Figure]:
        placed = {key: _placed(found, homes, prefix) for key, found in read.items()}
        return [
            compute(one, [snapshot for kind in one.kinds for snapshot in placed[kind, one.scope]], period)
            for one in indicators
        ]

    return offloaded(reckon)


def _read(work: Work, kind: str, scope: Scope, period: Period, known_at: datetime) -> list[Snapshot]:
    return work.snapshots(kind, known_at=known_at, before=period.ends if scope is Scope.DATE else None)


def _placed(found: Sequence[Snapshot], homes: Mapping[UUID, str | None], prefix: str) -> list[Snapshot]:
    """With the division of the person's home where the aggregate has none; those of the area only."""
    placed = (one if one.division else replace(one, division=homes.get(one.person_id)) for one in found)
    return [one for one in placed if (one.division or "").startswith(prefix)]
