"""Headcounts: what a centre counted, beside who should be there; said again when it becomes known who came and went."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from services.detention_intake import policy
from services.detention_intake.domain.headcount import Figures, Headcount, figures_of, headcount_id
from services.detention_intake.store import Work, headcounts, movements
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import CHINA, china_day
from shared.kernel.errors import invalid_field

STATED, CORRECTED, MISSED = "headcount.stated.v1", "headcount.corrected.v1", "headcount.missed.v1"


def state_headcount(centre: str, day: date, *, counted: int, by: str, work: Work) -> dict[str, Any]:
    """Enter how many a centre counted at the end of a day.

    Raises: InvalidInput ``time.in_future``.
    """
    if day > china_day(work.now):
        raise invalid_field("/day", "time.in_future", "this day is still to come")
    before = work.headcounts.find(headcount_id(centre, day))
    figures = figures_of(work.heads(centre, day), _kinds(centre, day, work))
    if before is None or (before.counted, before.figures) != (counted, figures):
        version = before.version + 1 if before else 1
        stated = Headcount(headcount_id(centre, day), version, centre, day, counted, figures, work.now, by)
        work.headcounts.save(stated, CORRECTED if before and before.counted is not None else STATED)
    return headcount_of(centre, day, work=work)


def headcount_of(centre: str, day: date, *, work: Work) -> dict[str, Any]:
    """Yesterday's number, who came and went, today's number, and what the centre counted."""
    kinds, yesterday = _kinds(centre, day, work), work.heads(centre, day)
    expected = figures_of(yesterday, kinds).expected
    stated = work.headcounts.find(headcount_id(centre, day))
    counted = stated.counted if stated else None
    return {
        "centre": centre,
        "day": day,
        "yesterday": yesterday,
        "movements": dict(sorted(Counter(kinds).items())),
        "today": expected,
        "counted": counted,
        "difference": None if counted is None else counted - expected,
    }


def recount(work: Work) -> int:
    """Say which centres said no number by the morning, and reckon again what was stated; how many headcounts changed.

    Somebody who came or went and is entered late changes what should have been there on each day since.
    """
    today = china_day(work.now)
    first = today - policy.RECOUNTED_FOR
    changed = 0
    for centre in work.centres_with_movements():
        known = {
            one.day: one for one in work.headcounts.select(headcounts.c.centre == centre, headcounts.c.day >= first)
        }
        for day, figures in _days(centre, first, today, work):
            changed += _recount(centre, day, figures, known.get(day), work)
    return changed


def _recount(centre: str, day: date, figures: Figures, known: Headcount | None, work: Work) -> int:
    if known is None:
        if work.now < _said_by(day) or not (figures.expected or figures.moved):
            return 0
        missed = Headcount(headcount_id(centre, day), 1, centre, day, None, figures, None, None)
        work.headcounts.save(missed, MISSED)
    elif known.figures != figures:
        reckoned = replace(known, version=known.version + 1, figures=figures)
        work.headcounts.save(reckoned, STATED if known.version == 0 else CORRECTED)
    else:
        return 0
    return 1


def _days(centre: str, first: date, last: date, work: Work) -> Iterator[tuple[date, Figures]]:
    """The figures of each day, the last one included."""
    kinds: dict[date, list[str]] = defaultdict(list)
    for movement in work.movements.select(movements.c.centre == centre, movements.c.day >= first):
        kinds[movement.day].append(movement.kind)
    heads, day = work.heads(centre, first), first
    while day <= last:
        figures = figures_of(heads, kinds[day])
        yield day, figures
        heads, day = figures.expected, day + ONE_DAY


def _kinds(centre: str, day: date, work: Work) -> list[str]:
    moved = work.movements.select(movements.c.centre == centre, movements.c.day == day)
    return [movement.kind for movement in moved]


def _said_by(day: date) -> datetime:
    """The first moment that is too late for a day's number."""
    return datetime.combine(day + ONE_DAY, policy.HEADCOUNT_BY, CHINA)
