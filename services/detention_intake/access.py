"""Whose decision or stay is it: deciders see those of their area, a centre whom it has or may have to take in.

Whether somebody is in custody is itself private, so what is somebody else's is not found (戒毒条例 art. 7).
"""

from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from services.detention_intake.domain.order import Order
from services.detention_intake.domain.stay import Stay
from services.detention_intake.store import Work, orders, stays
from shared.kernel.errors import NotFound
from shared.web import Principal, Role
from shared.web.scope import in_area


def visible_order(order_id: UUID, principal: Principal, work: Work) -> Order:
    """The order, if it lies in the asker's area; a centre's, unless another centre executes it.

    Raises: NotFound ``custody_order.not_found``, also when it does not.
    """
    order = work.orders.get(order_id)
    executed_by = work.stays.get(order.stay_id).centre if order.stay_id else None
    is_elsewhere = principal.role is Role.CENTRE_CLERK and executed_by not in (None, principal.organisation)
    if is_elsewhere or not principal.covers(order.division):
        raise NotFound("custody_order.not_found", f"no custody_order {order_id}")
    return order


def orders_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which an order is shown."""
    here = in_area(principal, orders.c.division)
    if principal.role is not Role.CENTRE_CLERK:
        return here
    own = select(stays.c.id).where(stays.c.centre == principal.organisation)
    return [*here, or_(orders.c.stay_id.is_(None), orders.c.stay_id.in_(own))]


def stays_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a stay is shown."""
    if principal.role is Role.CENTRE_CLERK:
        return [stays.c.centre == principal.organisation]
    here = in_area(principal, orders.c.division)
    return [stays.c.order_id.in_(select(orders.c.id).where(*here))] if here else []


def visible_stay(stay_id: UUID, principal: Principal, work: Work) -> Stay:
    """The stay, if the person is in the asker's centre, or the order in the asker's area.

    Raises: NotFound ``stay.not_found``, also when neither is so.
    """
    stay = work.stays.get(stay_id)
    if principal.role is Role.CENTRE_CLERK:
        may = stay.centre == principal.organisation
    else:
        may = principal.covers(work.orders.get(stay.order_id).division)
    if not may:
        raise NotFound("stay.not_found", f"no stay {stay_id}")
    return stay
