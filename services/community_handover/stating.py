"""Which tasks there are, as the table has them: stated for each day of release, and again when it changes.

Read from the rows and not from what was said, so that a row that vanished is not listed any more.
"""

from collections import defaultdict
from datetime import date, timedelta

from services.community_handover.store import StatedTask, Work, statements
from shared.contracts.reconciliation import STATED_DAYS
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.storage.statements import Day, Saying, Statement, state

AROUND = timedelta(days=STATED_DAYS)
AGAIN_AFTER = timedelta(minutes=30)  # OURS: so long a row that was never stated can be gone unseen
SAYING = Saying("task_statement.issued.v1", "task_statement.corrected.v1", AGAIN_AFTER)


def state_tasks(work: Work) -> int:
    """State the tasks of the days around today; how many parts were said."""
    today = china_day(work.now)
    first, last = today - AROUND, today + AROUND
    stated: dict[date, list[Statement]] = defaultdict(list)
    for part in work.statements.select(statements.c.day >= first, statements.c.day <= last):
        stated[part.day].append(part)
    there: dict[date, list[StatedTask]] = defaultdict(list)
    for at, task in work.tasks_of_releases(start_of_day(first), start_of_day(last + ONE_DAY)):
        there[china_day(at)].append(task)
    return sum(
        state(work.statements, stated[day], _day(day, there[day]), SAYING, now=work.now)
        for day in sorted({today, *stated, *there})
    )


def _day(day: date, tasks: list[StatedTask]) -> Day:
    tasks.sort(key=lambda task: task.task_id)
    return Day("", day, tasks, [f"{task.release_id}:{task.release_version}" for task in tasks])
