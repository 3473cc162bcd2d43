"""What happens with tasks when time passes. Due and not yet done: a timer that did not run for a week catches up."""

from datetime import timedelta

from services.community_handover import policy
from services.community_handover.commands import route_unresolved, save_placed, search_due
from services.community_handover.deadlines import report_due_at
from services.community_handover.domain import placing, receiving
from services.community_handover.domain.task import Kind, Task
from services.community_handover.domain.transitions import State
from services.community_handover.routing import placement_of, present_receiver
from services.community_handover.store import Work, resolvable, tasks
from shared.reference.calendar import next_due
from shared.service import Timer

AT_ONCE = 200


def wake_tasks(work: Work) -> int:
    """Do what has come due: offer, begin a search for who was not met, tell the next level (H1 to H13, C1 to C5)."""
    waking = work.tasks.select(tasks.c.wake_at <= work.now, order_by=tasks.c.wake_at, limit=AT_ONCE)
    for task in waking:
        _wake(task, work)
    return len(waking)


def _wake(task: Task, work: Work) -> None:
    if task.state is State.ANNOUNCED:
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


TIMERS = (
    Timer("wake_tasks", timedelta(seconds=2), wake_tasks),
    Timer("resolve_waiting", timedelta(seconds=30), resolve_waiting),
)
