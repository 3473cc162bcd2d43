"""What happens with tasks when time passes. Due and not yet done: a timer that did not run for a week catches up."""

from datetime import timedelta

from services.community_handover import measuring, policy
from services.community_handover.attaching import remove_sealed
from services.community_handover.commands import route_unresolved, save_placed, search_due
from services.community_handover.deadlines import report_due_at
from services.community_handover.domain import placing, receiving
from services.community_handover.domain.task import Kind, Task
from services.community_handover.domain.transitions import State
from services.community_handover.routing import placement_of, present_receiver
from services.community_handover.stating import state_tasks
from services.community_handover.store import MOVINGS, Work, measures, resolvable, tasks
from shared.kernel.deadlines import rules_in
from shared.reference.calendar import next_due
from shared.service import Timer
from shared.storage.people import move_merged
from shared.storage.settling import Settling, settle_provisional

AT_ONCE = 200


def wake_tasks(work: Work) -> int:
    """Do what has come due: offer, begin a search for who was not met, tell the next level (H1 to H13, C1 to C5)."""
    waking = work.tasks.select(tasks.c.wake_at <= work.now, order_by=tasks.c.wake_at, limit=AT_ONCE)
    for task in waking:
        _wake(task, work)
    return len(waking)


def _wake(task: Task, work: Work) -> None:
    if task.due_at is not None and work.now < task.due_at:
        work.tasks.save(receiving.remind(task, now=work.now), "handover.reminded.v1")
    elif task.state is State.ANNOUNCED:
        save_placed(placing.come_due(task, placement_of(task, present_receiver(task), work.now)), work)
    elif _nobody_was_met(task):
        visit = next_due(policy.VISIT, max(task.released_at or work.now, task.accepted_at or work.now))
        unmet = receiving.leave_unmet(task, due=visit, report_due_at=report_due_at(task, work.now))
        work.tasks.save(unmet, "handover.not_met.v1")
    elif task.state is State.NOT_MET:
        work.tasks.save(receiving.search(task, None, due=search_due(task, work.now)), "handover.traced.v1")
    else:
        escalated = receiving.escalate(task, now=work.now, ladder=policy.LADDER)
        work.tasks.save(escalated, "handover.escalated.v1")


def _nobody_was_met(task: Task) -> bool:
    is_due = task.state is State.ACCEPTED and task.kind is Kind.RELEASE and task.due_rule == policy.MEETING.id
    return is_due and task.released_at is not None and task.paused_at is None


def resolve_waiting(work: Work) -> int:
    """Route the unresolved tasks whose person or coverage another transaction entered at the same moment."""
    return sum(route_unresolved(task, work) for task in work.tasks.select(*resolvable(), limit=AT_ONCE))


def wake_measures(work: Work) -> int:
    """End terms, begin searches for whom nobody reached, note absences that became too long (C4, C6, C8, M1)."""
    waking = work.measures.select(measures.c.wake_at <= work.now, order_by=measures.c.wake_at, limit=AT_ONCE)
    for measure in waking:
        measuring.wake(measure, work)
    return len(waking)


def sweep_sealed(work: Work) -> int:
    """Remove photographs that were added while the person's file was sealed elsewhere."""
    return remove_sealed(work)


def sweep_merged(work: Work) -> int:
    """Move what still names a file that was merged into another one."""
    return move_merged(work, work.persons, MOVINGS)


SETTLINGS = (
    Settling(lambda work: work.tasks, "handover.deadline_settled.v1"),
    Settling(lambda work: work.measures, "measure.deadline_settled.v1"),
)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("wake_tasks", timedelta(seconds=2), wake_tasks),
    Timer("wake_measures", timedelta(seconds=30), wake_measures),
    Timer("resolve_waiting", timedelta(seconds=30), resolve_waiting),
    Timer("sweep_merged", timedelta(seconds=30), sweep_merged),
    Timer("sweep_sealed", timedelta(seconds=30), sweep_sealed),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
    Timer("state_tasks", timedelta(minutes=5), state_tasks),
)
