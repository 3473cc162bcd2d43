"""Whose test order is it: a station sees its own, and the scheduled tests of its area; supervisors those of theirs.

Whether somebody is tested is itself private, so what is somebody else's is not found (戒毒条例 art. 7).
"""

from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_

from services.drug_testing.domain.objecting import examination_of
from services.drug_testing.domain.order import Ground, TestOrder
from services.drug_testing.store import Work, test_orders
from shared.kernel.errors import NotFound
from shared.web import Principal, Role
from shared.web.scope import in_area


def visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a test order is shown."""
    columns = test_orders.c
    here = in_area(principal, columns.division)
    if principal.role is Role.STATION_OFFICER:
        return [or_(columns.station == principal.organisation, and_(columns.ground == Ground.SCHEDULED, *here))]
    return here


def visible_order(test_order_id: UUID, principal: Principal, work: Work) -> TestOrder:
    """The test order, if it is the asker's to see and to act on.

    Raises: NotFound ``test_order.not_found``, also when it is somebody else's.
    """
    order = work.test_orders.get(test_order_id)
    if not _may_see(order, principal):
        raise NotFound("test_order.not_found", f"no test_order {test_order_id}")
    return order


def _may_see(order: TestOrder, principal: Principal) -> bool:
    if principal.role is not Role.STATION_OFFICER:
        return principal.covers(order.division)
    is_scheduled_here = order.ground is Ground.SCHEDULED and principal.covers(order.division)
    return order.station == principal.organisation or is_scheduled_here


def examined_order(order: TestOrder, principal: Principal) -> TestOrder:
    """The order of a sample, if it was sent to the asker's laboratory; the order's own station may enter a report on
    paper.

    Raises: NotFound ``sample.not_found``.
    """
    sent_to = examination_of(order).laboratory if order.lab else None
    is_laboratory = principal.role is Role.LABORATORY
    if not (sent_to == principal.organisation if is_laboratory else _may_see(order, principal)):
        raise NotFound("sample.not_found", "no such sample was sent to you")
    return order
