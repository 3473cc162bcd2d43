"""detention_intake's HTTP API: decisions, admissions, stays."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.detention_intake import commands
from services.detention_intake.commands import Decision
from services.detention_intake.domain import Order, Stay
from services.detention_intake.schemas import (
    AdmissionIn,
    DecisionIn,
    OrderIn,
    OrderOut,
    OrderPage,
    OrderQuery,
    ServiceIn,
    StayOut,
    StayPage,
    StayQuery,
)
from services.detention_intake.store import Work, orders, stays
from shared.web import Blueprint, Role, current_principal, current_work, operation, page_of

orders_blp = Blueprint("orders", __name__, url_prefix="/orders", description="Decisions, until admission")
stays_blp = Blueprint("stays", __name__, url_prefix="/stays", description="Stays in custody")

DECIDERS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR)
CENTRE = (Role.CENTRE_CLERK,)
READERS = (*DECIDERS, *CENTRE, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _decision(body: dict[str, Any]) -> Decision:
    return Decision(**{name: body[name] for name in ("kind", "deciding_organ", "decided_on", "detention_days")})


@orders_blp.route("")
class Orders(MethodView):
    """All orders."""

    @operation(*READERS)
    @orders_blp.arguments(OrderQuery, location="query")
    @orders_blp.response(200, OrderPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List orders, e.g. those whose decision is due."""
        names = ("state", "person_id", "test_order_id")
        where = [orders.c[name] == query[name] for name in names if name in query]
        where.append(orders.c.division.startswith(current_principal().division))
        return page_of(work().orders, *where, sort=orders.c.id, limit=query["limit"], cursor=query["cursor"])

    @operation(*DECIDERS, *CENTRE, creates=True)
    @orders_blp.arguments(OrderIn)
    @orders_blp.response(201, OrderOut)
    def post(self, body: dict[str, Any]) -> Order:
        """Enter an existing decision."""
        command = commands.EnterOrder(body["person_id"], body["division"], _decision(body))
        return commands.enter_order(command, work=work())


@orders_blp.route("/<uuid:order_id>")
class OneOrder(MethodView):
    """One order."""

    @operation(*READERS)
    @orders_blp.response(200, OrderOut)
    def get(self, order_id: UUID) -> Order:
        """Read an order."""
        return work().orders.get(order_id)


@orders_blp.route("/<uuid:order_id>/decision")
class OrderDecision(MethodView):
    """The decision."""

    @operation(*DECIDERS, creates=True)
    @orders_blp.arguments(DecisionIn)
    @orders_blp.response(201, OrderOut)
    def post(self, body: dict[str, Any], order_id: UUID) -> Order:
        """Enter what was decided."""
        return commands.decide_order(commands.DecideOrder(order_id, _decision(body)), work=work())


@orders_blp.route("/<uuid:order_id>/service")
class OrderService(MethodView):
    """The service of the decision on the person."""

    @operation(*DECIDERS, creates=True)
    @orders_blp.arguments(ServiceIn)
    @orders_blp.response(201, OrderOut)
    def post(self, body: dict[str, Any], order_id: UUID) -> Order:
        """Enter that the decision was served."""
        return commands.serve_order(commands.ServeOrder(order_id, **body), work=work())


@orders_blp.route("/<uuid:order_id>/admission")
class Admission(MethodView):
    """The admission."""

    @operation(*CENTRE, creates=True)
    @orders_blp.arguments(AdmissionIn)
    @orders_blp.response(201, StayOut)
    def post(self, body: dict[str, Any], order_id: UUID) -> Stay:
        """Take the person in."""
        return commands.admit_person(commands.AdmitPerson(order_id, **body), work=work())


@stays_blp.route("")
class Stays(MethodView):
    """All stays."""

    @operation(*READERS)
    @stays_blp.arguments(StayQuery, location="query")
    @stays_blp.response(200, StayPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List stays in the order of admission."""
        where = [stays.c[name] == query[name] for name in ("centre", "state", "person_id") if name in query]
        return page_of(work().stays, *where, sort=stays.c.admitted_at, limit=query["limit"], cursor=query["cursor"])


@stays_blp.route("/<uuid:stay_id>")
class OneStay(MethodView):
    """One stay."""

    @operation(*READERS)
    @stays_blp.response(200, StayOut)
    def get(self, stay_id: UUID) -> Stay:
        """Read a stay."""
        return work().stays.get(stay_id)
