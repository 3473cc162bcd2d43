"""Whose task or measure is it: an officer sees those of the own office, a supervisor those of the own area."""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from services.community_handover.domain.measure import Measure
from services.community_handover.domain.task import Task
from services.community_handover.store import Work, measures, tasks
from shared.kernel.errors import Forbidden, NotFound
from shared.web import Principal, Role
from shared.web.scope import in_area, require_area


def measures_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a measure is shown: to the office that has it or is to have it, and supervisors."""
    if principal.role is Role.COMMUNITY_OFFICER:
        own = principal.organisation
        return [or_(measures.c.office == own, measures.c.moving_to_office == own)]
    return in_area(principal, measures.c.division, measures.c.moving_to_division)


def visible_measure(measure_id: UUID, principal: Principal, work: Work) -> Measure:
    """The measure, if the asker may see it.

    Raises: NotFound ``measure.not_found``, also when it is somebody else's.
    """
    measure = work.measures.get(measure_id)
    if principal.role is Role.COMMUNITY_OFFICER:
        may = principal.organisation in (measure.office, measure.moving_to_office)
    else:
        may = principal.covers(measure.division, measure.moving_to_division)
    if not may:
        raise NotFound("measure.not_found", f"no measure {measure_id}")
    return measure


def acting_measure(measure_id: UUID, principal: Principal, work: Work, *, arriving: bool = False) -> Measure:
    """The measure, if the asker may act on it: the office that has it, or, when the person arrives, the new one.

    Raises: NotFound ``measure.not_found``; Forbidden ``measure.other_office``.
    """
    measure = visible_measure(measure_id, principal, work)
    office = measure.moving_to_office or measure.office if arriving else measure.office
    if principal.role is Role.COMMUNITY_OFFICER and principal.organisation != office:
        raise Forbidden("measure.other_office", "another office has to do this")
    return measure


def visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a task is shown."""
    if principal.role is Role.COMMUNITY_OFFICER:
        own = principal.organisation
        return [or_(tasks.c.office == own, tasks.c.rejected_by == own)]
    if principal.has_whole_city:
        return []
    unplaced = and_(tasks.c.division.is_(None), tasks.c.holder.startswith(principal.division))
    return [or_(*in_area(principal, tasks.c.division), unplaced)]


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
    return principal.covers(task.division or task.holder)


def require_office_in_area(principal: Principal, code: str, work: Work, *new_place: str) -> None:
    """Check that an office, if there is one, and the place that it is to have lie in the asker's area.

    Raises: Forbidden ``authority.area``.
    """
    office = work.offices.find(code)
    require_area(principal, *new_place, *([office.division] if office else []))
