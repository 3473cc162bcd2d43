"""detention_intake's HTTP API: decisions, admissions, stays."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.detention_intake import commands, counting, staying
from services.detention_intake.access import orders_visible_to, stays_visible_to, visible_order, visible_stay
from services.detention_intake.domain.deciding import Decision
from services.detention_intake.domain.order import Document, Order
from services.detention_intake.domain.stay import Stay
from services.detention_intake.domain.stay_transitions import StayAct
from services.detention_intake.schemas import (
    AdmissionIn,
    AdmissionRefusalIn,
    AssessmentIn,
    CentreIn,
    CentreOut,
    CentrePage,
    DecisionIn,
    DocumentIn,
    HeadcountIn,
    HeadcountOut,
    MomentIn,
    NoteIn,
    Nothing,
    NoticeIn,
    OrderIn,
    OrderOut,
    OrderPage,
    OrderQuery,
    ProposalIn,
    ServiceIn,
    StayOut,
    StayPage,
    StayQuery,
    TermDecisionIn,
    TransferIn,
)
from services.detention_intake.store import Centre, Work, centres, orders, stays
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
from shared.web.fields import day_in_path
from shared.web.scope import require_area

orders_blp = Blueprint("orders", __name__, url_prefix="/orders", description="Decisions, until they are executed")
stays_blp = Blueprint("stays", __name__, url_prefix="/stays", description="Stays in custody")
centres_blp = Blueprint("centres", __name__, url_prefix="/centres", description="Places of custody")

DECIDERS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR)
CENTRE = (Role.CENTRE_CLERK,)
READERS = (*DECIDERS, *CENTRE, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _own_centre() -> str | None:
    principal = current_principal()
    return principal.organisation if principal.role is Role.CENTRE_CLERK else None


def _order(order_id: UUID) -> Order:
    return visible_order(order_id, current_principal(), work())


def _stay(stay_id: UUID) -> Stay:
    return visible_stay(stay_id, current_principal(), work())


def _decision(body: dict[str, Any]) -> Decision:
    names = ("kind", "deciding_organ", "decided_on", "legal_reviewer", "detention_days", "isolation_ground")
    return Decision(
        **{name: body[name] for name in names},
        circumstances=tuple(body["circumstances"]),
        spared_reason=body["spared_reason"],
        early_release_barred=body["early_release_barred"],
    )


@orders_blp.route("")
class Orders(MethodView):
    """All orders."""

    @operation(*READERS, within=Jurisdiction.CUSTODY, outside=Outside.LEFT_OUT)
    @orders_blp.arguments(OrderQuery, location="query")
    @orders_blp.response(200, OrderPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List orders, e.g. those whose decision is due."""
        names = ("state", "person_id", "test_order_id")
        where = [orders.c[name] == query[name] for name in names if name in query]
        where += orders_visible_to(current_principal())
        if "due_before" in query:
            where.append(orders.c.due_at < query["due_before"])
        if "under_review" in query:
            where.append(orders.c.review_due.is_not(None) == query["under_review"])
        return page_of(work().orders, *where, sort=orders.c.id, limit=query["limit"], cursor=query["cursor"])

    @operation(*DECIDERS, *CENTRE, within=Jurisdiction.AREA, outside=Outside.REFUSED, creates=True)
    @orders_blp.arguments(OrderIn)
    @orders_blp.response(201, OrderOut)
    def post(self, body: dict[str, Any]) -> Order:
        """Enter an existing decision, also one that does not wait for the result to be settled."""
        require_area(current_principal(), body["division"])
        command = commands.EnterOrder(
            body["person_id"], body["division"], _decision(body), body["test_order_id"], body["ahead_reason"]
        )
        return commands.enter_order(command, work=work())


@orders_blp.route("/<uuid:order_id>")
class OneOrder(MethodView):
    """One order."""

    @operation(*READERS, within=Jurisdiction.CUSTODY)
    @orders_blp.response(200, OrderOut)
    def get(self, order_id: UUID) -> Order:
        """Read an order."""
        return _order(order_id)


@orders_blp.route("/<uuid:order_id>/decision", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(DecisionIn)
@orders_blp.response(201, OrderOut)
def order_decision(body: dict[str, Any], order_id: UUID) -> Order:
    """Enter what was decided."""
    return commands.decide_order(_order(order_id), _decision(body), ahead_reason=body["ahead_reason"], work=work())


@orders_blp.route("/<uuid:order_id>/service", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(ServiceIn)
@orders_blp.response(201, OrderOut)
def order_service(body: dict[str, Any], order_id: UUID) -> Order:
    """Enter that the decision was served."""
    return commands.serve_order(_order(order_id), at=body["served_at"], work=work())


@orders_blp.route("/<uuid:order_id>/notices", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(NoticeIn)
@orders_blp.response(201, OrderOut)
def order_notices(body: dict[str, Any], order_id: UUID) -> Order:
    """Enter that somebody was told of the decision, or why not."""
    return commands.give_notice(_order(order_id), commands.GiveNotice(**body), work=work())


@orders_blp.route("/<uuid:order_id>/documents", methods=["POST"])
@operation(*DECIDERS, *CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(DocumentIn)
@orders_blp.response(201, OrderOut)
def order_documents(body: dict[str, Any], order_id: UUID) -> Order:
    """Enter a document of the case."""
    return commands.add_document(_order(order_id), Document(**body), work=work())


@orders_blp.route("/<uuid:order_id>/admission", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(AdmissionIn)
@orders_blp.response(201, StayOut)
def order_admission(body: dict[str, Any], order_id: UUID) -> Stay:
    """Take the person in."""
    staying.must_be_own(body["centre"], _own_centre())
    return staying.admit_person(_order(order_id), staying.AdmitPerson(**body), work=work())


@orders_blp.route("/<uuid:order_id>/admission-refusal", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(AdmissionRefusalIn)
@orders_blp.response(201, OrderOut)
def order_admission_refusal(body: dict[str, Any], order_id: UUID) -> Order:
    """Enter why the centre does not take the person in, and what follows."""
    return commands.refuse_admission(_order(order_id), commands.RefuseAdmission(**body), work=work())


@orders_blp.route("/<uuid:order_id>/evasion", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(Nothing)
@orders_blp.response(201, OrderOut)
def order_evasion(_body: dict[str, Any], order_id: UUID) -> Order:
    """Enter that the person evades the order."""
    return commands.note_absconded(_order(order_id), work=work())


@orders_blp.route("/<uuid:order_id>/review-decision", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(NoteIn)
@orders_blp.response(201, OrderOut)
def order_review_decision(body: dict[str, Any], order_id: UUID) -> Order:
    """Close the review: the decision stands on other evidence."""
    return commands.uphold_order(_order(order_id), note=body["note"], work=work())


@orders_blp.route("/<uuid:order_id>/revocation", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@orders_blp.arguments(NoteIn)
@orders_blp.response(201, OrderOut)
def order_revocation(body: dict[str, Any], order_id: UUID) -> Order:
    """Revoke the decision: the person owes nothing."""
    return commands.revoke_order(_order(order_id), note=body["note"], work=work())


@stays_blp.route("")
class Stays(MethodView):
    """All stays."""

    @operation(*READERS, within=Jurisdiction.CUSTODY, outside=Outside.LEFT_OUT)
    @stays_blp.arguments(StayQuery, location="query")
    @stays_blp.response(200, StayPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List stays in the order of admission."""
        where = stays_visible_to(current_principal())
        where += [stays.c[name] == query[name] for name in ("centre", "state", "person_id") if name in query]
        if "term_ends_before" in query:
            where.append(stays.c.term_last_day < query["term_ends_before"])
        return page_of(work().stays, *where, sort=stays.c.admitted_at, limit=query["limit"], cursor=query["cursor"])


@stays_blp.route("/<uuid:stay_id>")
class OneStay(MethodView):
    """One stay."""

    @operation(*READERS, within=Jurisdiction.CUSTODY)
    @stays_blp.response(200, StayOut)
    def get(self, stay_id: UUID) -> Stay:
        """Read a stay."""
        return _stay(stay_id)


@stays_blp.route("/<uuid:stay_id>/family-notice", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_family_notice(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the family was told of the admission."""
    return staying.tell_family(_stay(stay_id), at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/transfer", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(TransferIn)
@stays_blp.response(201, StayOut)
def stay_transfer(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person was moved to another centre."""
    return staying.transfer(_stay(stay_id), to=body["to"], at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/medical-leave", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_medical_leave(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person left for treatment (所外就医)."""
    return staying.leave(_stay(stay_id), StayAct.LEFT_FOR_TREATMENT, at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/court-appearance", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_court_appearance(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person was taken to court."""
    return staying.leave(_stay(stay_id), StayAct.LEFT_FOR_COURT, at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/escape", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_escape(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person escaped."""
    return staying.leave(_stay(stay_id), StayAct.ESCAPED, at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/criminal-custody", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_criminal_custody(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person was taken into criminal custody."""
    return staying.leave(_stay(stay_id), StayAct.TAKEN_AWAY, at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/return", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_return(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person is back."""
    return staying.come_back(_stay(stay_id), at=body["at"], work=work())


@stays_blp.route("/<uuid:stay_id>/assessments", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(AssessmentIn)
@stays_blp.response(201, StayOut)
def stay_assessments(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter a diagnostic assessment."""
    return staying.assess(_stay(stay_id), on=body["on"], grade=body["grade"], work=work())


@stays_blp.route("/<uuid:stay_id>/term-proposal", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(ProposalIn)
@stays_blp.response(201, StayOut)
def stay_term_proposal(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Propose early release, an extension, or community detox instead."""
    return staying.propose_term(_stay(stay_id), staying.ProposeTerm(**body), work=work())


@stays_blp.route("/<uuid:stay_id>/term-decision", methods=["POST"])
@operation(*DECIDERS, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(TermDecisionIn)
@stays_blp.response(201, StayOut)
def stay_term_decision(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Answer the centre's proposal."""
    return staying.decide_term(_stay(stay_id), approved=body["approved"], note=body["note"], work=work())


@stays_blp.route("/<uuid:stay_id>/death", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.CUSTODY, creates=True)
@stays_blp.arguments(MomentIn)
@stays_blp.response(201, StayOut)
def stay_death(body: dict[str, Any], stay_id: UUID) -> Stay:
    """Enter that the person died in custody."""
    return staying.note_death(_stay(stay_id), at=body["at"], work=work())


@centres_blp.route("")
class Centres(MethodView):
    """All places of custody."""

    @operation(*READERS, *SUPERVISORS, within=Jurisdiction.CITY)
    @centres_blp.arguments(CursorQuery, location="query")
    @centres_blp.response(200, CentrePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List places of custody."""
        return page_of(work().centres, sort=centres.c.code, limit=query["limit"], cursor=query["cursor"])


@centres_blp.route("/<string:code>")
class OneCentre(MethodView):
    """One place of custody."""

    @operation(Role.CITY_SUPERVISOR, Role.COUNTY_SUPERVISOR, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @centres_blp.arguments(CentreIn)
    @centres_blp.response(200, CentreOut)
    def put(self, body: dict[str, Any], code: str) -> Centre:
        """Enter or change a place of custody."""
        known = work().centres.find(code)
        require_area(current_principal(), body["division"], *([known.division] if known else []))
        return staying.put_centre(code, **body, work=work())


@centres_blp.route("/<string:code>/headcounts/<day>")
class OneHeadcount(MethodView):
    """How many people a centre has on a day."""

    @operation(*CENTRE, Role.CITY_SUPERVISOR, within=Jurisdiction.ORGANISATION, outside=Outside.REFUSED)
    @centres_blp.response(200, HeadcountOut)
    def get(self, code: str, day: str) -> dict[str, Any]:
        """Read yesterday's number, who came and went, and what was counted."""
        staying.must_be_own(code, _own_centre())
        return counting.headcount_of(code, day_in_path(day), work=work())

    @operation(*CENTRE, within=Jurisdiction.ORGANISATION, outside=Outside.REFUSED)
    @centres_blp.arguments(HeadcountIn)
    @centres_blp.response(200, HeadcountOut)
    def put(self, body: dict[str, Any], code: str, day: str) -> dict[str, Any]:
        """Enter how many were counted at the end of the day."""
        staying.must_be_own(code, _own_centre())
        by = current_principal().subject
        return counting.state_headcount(code, day_in_path(day), counted=body["counted"], by=by, work=work())
