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


def visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a test order is shown."""
    columns = test_orders.c
    in_area = columns.division.startswith(principal.division)
    if principal.role is Role.STATION_OFFICER:
        scheduled = and_(columns.ground == Ground.SCHEDULED, in_area)
        return [or_(columns.station == principal.organisation, scheduled)]
    return [in_area]


def visible_order(test_order_id: UUID, principal: Principal, work: Work) -> TestOrder:
    """The test order, if it is the asker's to see and to act on.

    Raises: NotFound ``test_order.not_found``, also when it is somebody else's.
    """
    order = work.test_orders.get(test_order_id)
    own = principal.role is Role.STATION_OFFICER and order.station == principal.organisation
    in_area = principal.covers(order.division)
    may = own or (in_area and (principal.role is not Role.STATION_OFFICER or order.ground is Ground.SCHEDULED))
    if not may:
        raise NotFound("test_order.not_found", f"no test_order {test_order_id}")
    return order


def examined_order(order: TestOrder, principal: Principal) -> TestOrder:
    """The order of a sample, if it was sent to the asker's laboratory; the station may enter a report on paper.

    Raises: NotFound ``sample.not_found``.
    """
    sent_to = examination_of(order).laboratory if order.lab else None
    if principal.role is Role.LABORATORY and sent_to != principal.organisation:
        raise NotFound("sample.not_found", "no such sample was sent to you")
    return order
