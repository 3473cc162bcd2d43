"""drug_testing's HTTP API: police stations post test results."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.drug_testing import commands
from services.drug_testing.domain import TestOrder
from services.drug_testing.schemas import (
    CollectionIn,
    ResultIn,
    TellingIn,
    TestOrderIn,
    TestOrderOut,
    TestOrderPage,
    TestOrderQuery,
    WaiverIn,
)
from services.drug_testing.store import Work, test_orders
from shared.web import SUPERVISORS, Blueprint, Role, current_principal, current_work, operation, page_of

blp = Blueprint("test-orders", __name__, url_prefix="/test-orders", description="Tests of suspected persons")

STATION = (Role.STATION_OFFICER,)
READERS = (*STATION, *SUPERVISORS)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@blp.route("")
class TestOrders(MethodView):
    """All test orders."""

    @operation(*READERS)
    @blp.arguments(TestOrderQuery, location="query")
    @blp.response(200, TestOrderPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List test orders in the order in which they were given."""
        columns = test_orders.c
        where = [columns[name] == query[name] for name in ("station", "state", "person_id") if name in query]
        where.append(columns.division.startswith(current_principal().division))
        return page_of(
            work().test_orders, *where, sort=columns.ordered_at, limit=query["limit"], cursor=query["cursor"]
        )

    @operation(*STATION, creates=True)
    @blp.arguments(TestOrderIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any]) -> TestOrder:
        """Order a test of a suspected person."""
        return commands.order_test(commands.OrderTest(station=current_principal().organisation, **body), work=work())


@blp.route("/<uuid:test_order_id>")
class OneTestOrder(MethodView):
    """One test order."""

    @operation(*READERS)
    @blp.response(200, TestOrderOut)
    def get(self, test_order_id: UUID) -> TestOrder:
        """Read a test order."""
        return work().test_orders.get(test_order_id)


@blp.route("/<uuid:test_order_id>/collection")
class Collection(MethodView):
    """The collection of a sample."""

    @operation(*STATION, creates=True)
    @blp.arguments(CollectionIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any], test_order_id: UUID) -> TestOrder:
        """Enter that the sample was collected."""
        body["collectors"] = tuple(body["collectors"])
        return commands.collect_sample(commands.CollectSample(test_order_id, **body), work=work())


@blp.route("/<uuid:test_order_id>/result")
class OnSiteResult(MethodView):
    """The result of the on-site test."""

    @operation(*STATION, creates=True)
    @blp.arguments(ResultIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any], test_order_id: UUID) -> TestOrder:
        """Post a test result."""
        body["substances"] = tuple(body["substances"])
        return commands.enter_result(commands.EnterResult(test_order_id, **body), work=work())


@blp.route("/<uuid:test_order_id>/telling")
class Telling(MethodView):
    """Telling the person."""

    @operation(*STATION, creates=True)
    @blp.arguments(TellingIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any], test_order_id: UUID) -> TestOrder:
        """Enter that the person was told the result."""
        return commands.tell_result(commands.TellResult(test_order_id, **body), work=work())


@blp.route("/<uuid:test_order_id>/waiver")
class Waiver(MethodView):
    """The waiver of a laboratory test."""

    @operation(*STATION, creates=True)
    @blp.arguments(WaiverIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any], test_order_id: UUID) -> TestOrder:
        """Enter that the person signed not to want a laboratory test."""
        return commands.waive_objection(commands.WaiveObjection(test_order_id, **body), work=work())
