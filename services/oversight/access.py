"""Whose case is it, and whose discrepancy.

A case belongs to every body that has a part of it: the station of a test, the organ of a decision, the centre of a
stay, the office of a task. Whether there is a case at all is private (戒毒条例 arts 7, 10), so another's is not found.
"""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select

from services.oversight.domain.discrepancy import Discrepancy
from services.oversight.store import Work, aggregate_states, discrepancies
from shared.kernel.errors import NotFound
from shared.web import SUPERVISORS, Principal, Role
from shared.web.scope import in_area


def discrepancies_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a discrepancy is shown: to an area's supervisor what lies in it, to others all."""
    return in_area(principal, discrepancies.c.division) if principal.role in SUPERVISORS else []


def visible_discrepancy(discrepancy_id: UUID, principal: Principal, work: Work) -> Discrepancy:
    """The discrepancy, if the asker may see it.

    Raises: NotFound ``discrepancy.not_found``, also when it lies elsewhere.
    """
    one = work.discrepancies.get(discrepancy_id)
    if principal.role in SUPERVISORS and not principal.covers(one.division):
        raise NotFound("discrepancy.not_found", f"no discrepancy {discrepancy_id}")
    return one


def files_of_case(person_id: UUID, principal: Principal, work: Work) -> list[UUID]:
    """All files of a person in whose case the asker has a part, see `Work.files_of`; none if it has no part in it."""
    files = work.files_of(person_id)
    of_case = aggregate_states.c.person_id.in_(files)
    found = select(aggregate_states.c.aggregate_id).where(of_case, *_parts_of(principal)).limit(1)
    return files if work.connection.execute(found).first() is not None else []


def _parts_of(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a part of a case is the asker's. That somebody lives in a station's area is none."""
    columns = aggregate_states.c
    if principal.role is Role.AUDITOR or (principal.role in SUPERVISORS and principal.has_whole_city):
        return []
    parts = [columns.holder == principal.organisation, columns.asked == principal.organisation]
    if principal.role in SUPERVISORS:
        parts += in_area(principal, columns.division)
    if principal.role is Role.STATION_OFFICER:
        parts.append(and_(columns.kind != "person", *in_area(principal, columns.division)))
    return [or_(*parts)]
