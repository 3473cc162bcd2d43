"""What happens with tasks when time passes."""

from datetime import timedelta

from services.community_handover import domain, policy
from services.community_handover.commands import route_unresolved, save_placed
from services.community_handover.domain import Receiver, State
from services.community_handover.routing import placement
from services.community_handover.store import Work, resolvable, tasks
from shared.service import Timer

AT_ONCE = 200


def wake_tasks(work: Work) -> int:
    """Offer announced tasks whose time has come, and escalate offered ones that nobody confirmed (H1, H2)."""
    due = work.tasks.select(tasks.c.wake_at <= work.now, order_by=tasks.c.wake_at, limit=AT_ONCE)
    for task in due:
        if task.state is State.ANNOUNCED:
            receiver = Receiver(task.office, task.division, None, task.holder)
            save_placed(domain.come_due(task, placement(receiver, task.release_at, task.released_at, work.now)), work)
        else:
            escalated = domain.escalate(task, now=work.now, ladder=policy.LADDER)
            work.tasks.save(escalated, "handover.escalated.v1")
    return len(due)


def resolve_waiting(work: Work) -> int:
    """Route the unresolved tasks whose person or coverage another transaction entered at the same moment."""
    return sum(route_unresolved(task, work) for task in work.tasks.select(*resolvable(), limit=AT_ONCE))


TIMERS = (
    Timer("wake_tasks", timedelta(seconds=2), wake_tasks),
    Timer("resolve_waiting", timedelta(seconds=30), resolve_waiting),
)
