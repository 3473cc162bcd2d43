"""drug_testing's HTTP API: police stations post test results."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.drug_testing import commands, policy
from services.drug_testing.access import examined_order, visible_order, visible_to
from services.drug_testing.domain.objecting import examination_of
from services.drug_testing.domain.order import TestOrder
from services.drug_testing.schemas import (
    CollectionIn,
    DispatchIn,
    ExemptionIn,
    ForceIn,
    InvalidCardIn,
    LaboratoryIn,
    LaboratoryOut,
    LaboratoryPage,
    LinkIn,
    NewSampleIn,
    Nothing,
    ObjectionDecisionIn,
    ObjectionIn,
    OpinionIn,
    PanelOut,
    RefusalIn,
    ReportIn,
    ResultIn,
    SampleOut,
    SampleReceiptIn,
    TellingIn,
    TestOrderIn,
    TestOrderOut,
    TestOrderPage,
    TestOrderQuery,
    UnfitIn,
    UntestedIn,
    WaiverIn,
)
from services.drug_testing.store import Laboratory, Work, laboratories, test_orders
from shared.web import (
    SUPERVISORS,
    Blueprint,
    CursorQuery,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
)

blp = Blueprint("test-orders", __name__, url_prefix="/test-orders", description="Tests of suspected persons")
laboratory_blp = Blueprint("laboratories", __name__, description="Laboratories and the samples sent to them")

STATION = (Role.STATION_OFFICER,)
COUNTY = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)
READERS = (*STATION, *SUPERVISORS)
EXAMINERS = (Role.LABORATORY, *STATION)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _acting(test_order_id: UUID) -> TestOrder:
    return visible_order(test_order_id, current_principal(), work())


@blp.route("")
class TestOrders(MethodView):
    """All test orders."""

    @operation(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
    @blp.arguments(TestOrderQuery, location="query")
    @blp.response(200, TestOrderPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List test orders in the order in which they were given."""
        columns = test_orders.c
        where = visible_to(current_principal())
        where += [columns[name] == query[name] for name in ("station", "state", "person_id") if name in query]
        if "due_before" in query:
            where.append(columns.due_at < query["due_before"])
        return page_of(
            work().test_orders, *where, sort=columns.ordered_at, limit=query["limit"], cursor=query["cursor"]
        )

    @operation(*STATION, within=Jurisdiction.OWN_NAME, creates=True)
    @blp.arguments(TestOrderIn)
    @blp.response(201, TestOrderOut)
    def post(self, body: dict[str, Any]) -> TestOrder:
        """Order a test of a suspected person."""
        return commands.order_test(commands.OrderTest(station=current_principal().organisation, **body), work=work())


@blp.route("/<uuid:test_order_id>")
class OneTestOrder(MethodView):
    """One test order."""

    @operation(*READERS, within=Jurisdiction.HOLDER)
    @blp.response(200, TestOrderOut)
    def get(self, test_order_id: UUID) -> TestOrder:
        """Read a test order."""
        return _acting(test_order_id)


@blp.route("/<uuid:test_order_id>/collection", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(CollectionIn)
@blp.response(201, TestOrderOut)
def collection(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the sample was collected."""
    body["collectors"] = tuple(body["collectors"])
    body["declared_medicines"] = tuple(body["declared_medicines"])
    return commands.collect_sample(_acting(test_order_id), commands.CollectSample(**body), work=work())


@blp.route("/<uuid:test_order_id>/refusal", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(RefusalIn)
@blp.response(201, TestOrderOut)
def refusal(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person refuses the test."""
    return commands.refuse_test(_acting(test_order_id), at=body["refused_at"], work=work())


@blp.route("/<uuid:test_order_id>/agreement", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(Nothing)
@blp.response(201, TestOrderOut)
def agreement(_body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person agrees to the test after all."""
    return commands.yield_to_test(_acting(test_order_id), work=work())


@blp.route("/<uuid:test_order_id>/forced-test", methods=["POST"])
@operation(*STATION, *COUNTY, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ForceIn)
@blp.response(201, TestOrderOut)
def forced_test(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that a forced test was approved (检测规定 art. 7)."""
    return commands.approve_force(_acting(test_order_id), approver=body["approver"], work=work())


@blp.route("/<uuid:test_order_id>/non-test", methods=["POST"])
@operation(*STATION, *COUNTY, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(UntestedIn)
@blp.response(201, TestOrderOut)
def non_test(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that no test takes place, and why."""
    return commands.leave_untested(_acting(test_order_id), reason=body["reason"], work=work())


@blp.route("/<uuid:test_order_id>/exemption", methods=["POST"])
@operation(*COUNTY, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ExemptionIn)
@blp.response(201, TestOrderOut)
def exemption(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Exempt the person, or excuse a missed test."""
    by = current_principal().subject
    return commands.exempt(_acting(test_order_id), reason=body["reason"], note=body["note"], by=by, work=work())


@blp.route("/<uuid:test_order_id>/invalid-card", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(InvalidCardIn)
@blp.response(201, TestOrderOut)
def invalid_card(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter a card without a control line; the test is repeated."""
    return commands.note_invalid_card(_acting(test_order_id), reagent_lot=body["reagent_lot"], work=work())


@blp.route("/<uuid:test_order_id>/result", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ResultIn)
@blp.response(201, TestOrderOut)
def result(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Post a test result."""
    body["substances"] = tuple(body["substances"])
    return commands.enter_result(_acting(test_order_id), commands.EnterResult(**body), work=work())


@blp.route("/<uuid:test_order_id>/telling", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(TellingIn)
@blp.response(201, TestOrderOut)
def telling(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person was told the result."""
    return commands.tell_result(_acting(test_order_id), commands.Telling(**body), work=work())


@blp.route("/<uuid:test_order_id>/addiction-opinion", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(OpinionIn)
@blp.response(201, TestOrderOut)
def addiction_opinion(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter the opinion on addiction."""
    officers = tuple(body["officers"])
    return commands.determine_addiction(_acting(test_order_id), opinion=body["opinion"], officers=officers, work=work())


@blp.route("/<uuid:test_order_id>/waiver", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(WaiverIn)
@blp.response(201, TestOrderOut)
def waiver(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person signed not to want a laboratory test, or no re-test."""
    return commands.waive_objection(_acting(test_order_id), at=body["signed_at"], work=work())


@blp.route("/<uuid:test_order_id>/objection", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ObjectionIn)
@blp.response(201, TestOrderOut)
def objection(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person asks for a laboratory test, or then for a re-test."""
    return commands.object_to_result(
        _acting(test_order_id), at=body["requested_at"], late_reason=body["late_reason"], work=work()
    )


@blp.route("/<uuid:test_order_id>/objection-decision", methods=["POST"])
@operation(*STATION, *COUNTY, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ObjectionDecisionIn)
@blp.response(201, TestOrderOut)
def objection_decision(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Decide on the request."""
    return commands.decide_objection(_acting(test_order_id), approved=body["approved"], note=body["note"], work=work())


@blp.route("/<uuid:test_order_id>/dispatch", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(DispatchIn)
@blp.response(201, TestOrderOut)
def dispatch(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the sample went to a laboratory."""
    return commands.send_sample(
        _acting(test_order_id),
        laboratory=body["laboratory"],
        sent_by=body["sent_by"],
        at=body["sent_at"],
        work=work(),
    )


@blp.route("/<uuid:test_order_id>/report-telling", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(TellingIn)
@blp.response(201, TestOrderOut)
def report_telling(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the person was told the laboratory's result."""
    return commands.tell_report(_acting(test_order_id), commands.Telling(**body), work=work())


@blp.route("/<uuid:test_order_id>/unfit-sample", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(UnfitIn)
@blp.response(201, TestOrderOut)
def unfit_sample(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that the sample cannot be examined."""
    return commands.find_unfit(_acting(test_order_id), reason=body["reason"], work=work())


@blp.route("/<uuid:test_order_id>/new-sample", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(NewSampleIn)
@blp.response(201, TestOrderOut)
def new_sample(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter a new sample, approved, instead of an unfit one (检测规定 art. 16)."""
    return commands.resample(_acting(test_order_id), commands.NewSample(**body), work=work())


@blp.route("/<uuid:test_order_id>/abandonment", methods=["POST"])
@operation(*COUNTY, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(Nothing)
@blp.response(201, TestOrderOut)
def abandonment(_body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter that no usable sample can be had: the contested result falls."""
    return commands.give_up(_acting(test_order_id), work=work())


@blp.route("/<uuid:test_order_id>/custody", methods=["POST"])
@operation(*STATION, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(LinkIn)
@blp.response(201, TestOrderOut)
def custody(body: dict[str, Any], test_order_id: UUID) -> TestOrder:
    """Enter who has a sealed sample now, and whether the seal is whole."""
    return commands.note_custody(_acting(test_order_id), commands.Link(**body), work=work())


def _sample(seal: str) -> TestOrder:
    return examined_order(commands.order_of_seal(seal, work=work()), current_principal())


def _as_sample(order: TestOrder, seal: str) -> dict[str, Any]:
    running = examination_of(order)
    names = ("sent_at", "received_at", "report_number", "reported_at", "result")
    shown = {name: getattr(running, name) for name in names}
    return {**shown, "seal": seal, "sample_type": order.sample_type, "state": order.state, "due_at": order.due_at}


@laboratory_blp.route("/samples/<string:seal>", methods=["GET"])
@operation(*EXAMINERS, within=Jurisdiction.HOLDER)
@laboratory_blp.response(200, SampleOut)
def sample(seal: str) -> dict[str, Any]:
    """Read what a laboratory may know of a sample."""
    return _as_sample(_sample(seal), seal)


@laboratory_blp.route("/samples/<string:seal>/receipt", methods=["POST"])
@operation(*EXAMINERS, within=Jurisdiction.HOLDER, creates=True)
@laboratory_blp.arguments(SampleReceiptIn)
@laboratory_blp.response(201, SampleOut)
def sample_receipt(body: dict[str, Any], seal: str) -> dict[str, Any]:
    """Enter that the sample arrived, and whether its seal was whole."""
    received = commands.receive_sample(_sample(seal), intact=body["intact"], at=body["received_at"], work=work())
    return _as_sample(received, seal)


@laboratory_blp.route("/samples/<string:seal>/report", methods=["POST"])
@operation(*EXAMINERS, within=Jurisdiction.HOLDER, creates=True)
@laboratory_blp.arguments(ReportIn)
@laboratory_blp.response(201, SampleOut)
def sample_report(body: dict[str, Any], seal: str) -> dict[str, Any]:
    """Enter the laboratory's report."""
    body["findings"] = tuple(body["findings"])
    return _as_sample(commands.enter_report(_sample(seal), commands.Report(**body), work=work()), seal)


@laboratory_blp.route("/panel", methods=["GET"])
@operation(*READERS, Role.LABORATORY, within=Jurisdiction.CITY)
@laboratory_blp.response(200, PanelOut)
def panel() -> dict[str, Any]:
    """Read what can be found, and from which concentration it counts."""
    return {"substances": sorted(policy.SUBSTANCES), "cutoffs": policy.CUTOFFS}


@laboratory_blp.route("/laboratories", methods=["GET"])
@operation(*READERS, within=Jurisdiction.CITY)
@laboratory_blp.arguments(CursorQuery, location="query")
@laboratory_blp.response(200, LaboratoryPage)
def laboratory_list(query: dict[str, Any]) -> dict[str, Any]:
    """List the institutions that may examine samples."""
    return page_of(work().laboratories, sort=laboratories.c.code, limit=query["limit"], cursor=query["cursor"])


@laboratory_blp.route("/laboratories/<string:code>", methods=["PUT"])
@operation(*COUNTY, within=Jurisdiction.CITY)
@laboratory_blp.arguments(LaboratoryIn)
@laboratory_blp.response(200, LaboratoryOut)
def laboratory(body: dict[str, Any], code: str) -> Laboratory:
    """Designate an institution, or end that."""
    return commands.designate_laboratory(code, **body, work=work())
