"""What each centre's day was, as the register has it: stated when the day is over, and again when it changes."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from services.release_notification.store import StatedRelease, Work, statements
from shared.contracts.reconciliation import STATED_DAYS
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.storage.statements import Day, Saying, Statement, state

BACK = timedelta(days=STATED_DAYS)  # so long after a day a late entry corrects its statement
SAYING = Saying("statement.issued.v1", "statement.corrected.v1")


def state_days(work: Work) -> int:
    """State every centre's finished days, as far back as late entries are looked for; how many parts were said."""
    today = china_day(work.now)
    first = today - BACK
    stated: dict[tuple[str, date], list[Statement]] = defaultdict(list)
    for part in work.statements.select(statements.c.day >= first, statements.c.day < today):
        stated[part.scope, part.day].append(part)
    left = _left(work, first, today)
    wanted = list(_wanted(work, left, first, today))
    return sum(state(work.statements, stated[key], _day(*key, left[key]), SAYING, now=work.now) for key in wanted)


def statement_of(centre: str, day: date, *, work: Work) -> list[Statement]:
    """The parts of what was last stated of a centre's day, in order."""
    return work.statements.select(statements.c.scope == centre, statements.c.day == day, order_by=statements.c.part)


def _left(work: Work, first: date, today: date) -> dict[tuple[str, date], list[StatedRelease]]:
    """Who left each centre on each day."""
    found: dict[tuple[str, date], list[StatedRelease]] = defaultdict(list)
    for one in work.executed_between(start_of_day(first), start_of_day(today)):
        entry = StatedRelease(one.release_id, one.told_version, one.needs_handover)
        found[one.centre, china_day(one.executed_at)].append(entry)
    return found


def _wanted(work: Work, left: Iterable[tuple[str, date]], first: date, today: date) -> Iterator[tuple[str, date]]:
    """Silence and zero are different things: every day is stated from a centre's first one on, also an empty one."""
    began = work.first_stated()
    for centre, day in left:
        began[centre] = min(day, began.get(centre, day))
    for centre in work.speaking_centres():
        began.setdefault(centre, today - ONE_DAY)
    for centre in sorted(began):
        day = max(first, began[centre])
        while day < today:
            yield centre, day
            day += ONE_DAY


def _day(centre: str, day: date, left: list[StatedRelease]) -> Day:
    return Day(centre, day, left, [f"{one.release_id}:{one.version}" for one in left if one.needs_handover])
