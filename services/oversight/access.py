"""For which area somebody may see figures, and discrepancies."""

from uuid import UUID

from sqlalchemy import ColumnElement

from services.oversight.domain.discrepancy import Discrepancy
from services.oversight.store import Work, discrepancies
from shared.kernel.errors import Forbidden, NotFound
from shared.web import SUPERVISORS, Principal

CITY = "4308"


def area(asked: str, principal: Principal) -> str:
    """The prefix of division codes to show: what was asked for, within the asker's own area.

    Raises: Forbidden ``authority.area``.
    """
    if asked.startswith(principal.division):
        return _within_city(asked)
    if principal.division.startswith(asked):
        return _within_city(principal.division)
    raise Forbidden("authority.area", "this area is not yours")


def _within_city(prefix: str) -> str:
    """The whole city is everything that is known here, also what has no place."""
    return "" if len(prefix) <= len(CITY) else prefix


def discrepancies_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a discrepancy is shown: to an area's supervisor what lies in it, to others all."""
    if principal.role not in SUPERVISORS or len(principal.division) <= len(CITY):
        return []
    return [discrepancies.c.division.startswith(principal.division)]


def visible_discrepancy(discrepancy_id: UUID, principal: Principal, work: Work) -> Discrepancy:
    """The discrepancy, if the asker may see it.

    Raises: NotFound ``discrepancy.not_found``, also when it lies elsewhere.
    """
    one = work.discrepancies.get(discrepancy_id)
    if discrepancies_visible_to(principal) and not principal.covers(one.division):
        raise NotFound("discrepancy.not_found", f"no discrepancy {discrepancy_id}")
    return one
