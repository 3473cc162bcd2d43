"""Whose task is it: an officer sees the tasks of the own office, a supervisor those of the own area."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from services.community_handover.domain.task import Task
from services.community_handover.store import Work, tasks
from shared.kernel.errors import Forbidden, NotFound
from shared.web import Principal, Role

_CITY_CODE_LENGTH = 4


def visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a task is shown."""
    if principal.role is Role.COMMUNITY_OFFICER:
        own = principal.organisation
        return [or_(tasks.c.office == own, tasks.c.rejected_by == own)]
    if len(principal.division) <= _CITY_CODE_LENGTH:
        return []
    unplaced = and_(tasks.c.division.is_(None), tasks.c.holder.startswith(principal.division))
    return [or_(tasks.c.division.startswith(principal.division), unplaced)]


def visible_task(task_id: UUID, principal: Principal, work: Work) -> Task:
    """The task, if the asker may see it.

    Raises: NotFound ``task.not_found``, also when it is somebody else's.
    """
    task = work.tasks.get(task_id)
    if not _may_see(task, principal):
        raise NotFound("task.not_found", f"no task {task_id}")
    return task


def acting_task(task_id: UUID, principal: Principal, work: Work) -> Task:
    """The task, if the asker may act on it: an office that refused it may still look, but no more.

    Raises: NotFound ``task.not_found``; Forbidden ``task.other_office``.
    """
    task = visible_task(task_id, principal, work)
    if principal.role is Role.COMMUNITY_OFFICER and task.office != principal.organisation:
        raise Forbidden("task.other_office", "another office is asked now")
    return task


def _may_see(task: Task, principal: Principal) -> bool:
    if principal.role is Role.COMMUNITY_OFFICER:
        return principal.organisation in (task.office, task.rejected_by)
    if len(principal.division) <= _CITY_CODE_LENGTH:
        return True
    return (task.division or task.holder).startswith(principal.division)
