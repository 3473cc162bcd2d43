"""Community measures by HTTP: officers keep contact, supervisors decide what only they may."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, validate

from services.community_handover import commands, measuring
from services.community_handover.access import acting_measure, measures_visible_to, visible_measure
from services.community_handover.domain.measure import BreachGround, Measure, MeasureKind, TerminationReason
from services.community_handover.domain.measure_transitions import MeasureState
from services.community_handover.domain.searching import TraceKind
from services.community_handover.store import Work, measures
from shared.kernel.moments import past
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
    page_schema,
)
from shared.web.fields import DivisionCode

measures_blp = Blueprint("measures", __name__, url_prefix="/measures", description="Community measures (社戒社康)")

OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
_words = validate.Length(1, 500)
_number = validate.Length(1, 100)


class _Input(Schema):
    class Meta:
        unknown = RAISE


class NothingMore(_Input):
    """Nothing more to say."""


class MeasureQuery(CursorQuery):
    """Which measures to list."""

    state = fields.Enum(MeasureState, by_value=True)
    office = fields.String()
    person_id = fields.UUID()
    task_id = fields.UUID()
    due_before = fields.AwareDateTime(metadata={"description": "due_at before this moment"})


class MomentIn(_Input):
    """When it was; now unless said."""

    at = fields.AwareDateTime(load_default=None, allow_none=True)


class AbsenceIn(_Input):
    """Days away from the county; the same first day again says when the person came back."""

    left_on = fields.Date(required=True)
    returned_on = fields.Date(load_default=None, allow_none=True)
    with_leave = fields.Boolean(required=True, metadata={"description": "The office agreed (戒毒条例 art. 19)"})


class BreachReportIn(_Input):
    """When and under which number the police were told."""

    number = fields.String(required=True, validate=_number)
    told_at = fields.AwareDateTime(load_default=None, allow_none=True)


class MoveIn(_Input):
    """Where the person goes to live."""

    division = DivisionCode(required=True)


class SuspensionIn(_Input):
    """Why the measure stands still: detention or arrest (戒毒条例 art. 24)."""

    reason = fields.String(required=True, validate=_words)
    at = fields.AwareDateTime(load_default=None, allow_none=True)


class SearchStepIn(_Input):
    """An attempt to find the person."""

    kind = fields.Enum(TraceKind, by_value=True, required=True)
    found = fields.Boolean(required=True)
    at = fields.AwareDateTime(load_default=None, allow_none=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)


class EndNoticeIn(_Input):
    """The notice that the measure is over (解除通知书)."""

    number = fields.String(required=True, validate=_number)


class TerminationIn(_Input):
    """Why the measure ends before its time."""

    reason = fields.Enum(TerminationReason, by_value=True, required=True)
    note = fields.String(load_default=None, allow_none=True, validate=_words)
    at = fields.AwareDateTime(load_default=None, allow_none=True)


class AbsenceOut(Schema):
    """Days away from the county."""

    left_on = fields.Date()
    returned_on = fields.Date(allow_none=True)
    with_leave = fields.Boolean()


class EvadedTestOut(Schema):
    """A scheduled test that was evaded or refused."""

    test_order_id = fields.UUID()
    stands = fields.Boolean()


class StepOut(Schema):
    """An attempt to find the person."""

    kind = fields.Enum(TraceKind, by_value=True)
    at = fields.AwareDateTime()
    by = fields.String()
    found = fields.Boolean()
    note = fields.String(allow_none=True)


class DueOut(Schema):
    """A deadline that runs."""

    rule = fields.String(metadata={"description": "See docs/deadlines.md"})
    at = fields.AwareDateTime(metadata={"description": "The first moment that is too late"})


class MeasureOut(Schema):
    """A community measure."""

    id = fields.UUID()
    version = fields.Integer()
    task_id = fields.UUID()
    order_id = fields.UUID(allow_none=True)
    person_id = fields.UUID()
    kind = fields.Enum(MeasureKind, by_value=True)
    state = fields.Enum(MeasureState, by_value=True)
    office = fields.String()
    division = fields.String(allow_none=True)
    started_on = fields.Date()
    last_day = fields.Date()
    last_contact_at = fields.AwareDateTime()
    agreement_signed_at = fields.AwareDateTime(allow_none=True)
    agreement_due = fields.Nested(DueOut, allow_none=True)
    visit_due = fields.Nested(
        DueOut, allow_none=True, metadata={"description": "The next contact; it stands still unless active"}
    )
    tell_due = fields.Nested(DueOut, allow_none=True, metadata={"description": "The police are to be told of a breach"})
    absences = fields.List(fields.Nested(AbsenceOut))
    evaded_tests = fields.List(fields.Nested(EvadedTestOut))
    breach_grounds = fields.List(fields.Enum(BreachGround, by_value=True))
    breached_at = fields.AwareDateTime(allow_none=True)
    breach_told_at = fields.AwareDateTime(allow_none=True)
    breach_report_number = fields.String(allow_none=True)
    relapsed_at = fields.AwareDateTime(allow_none=True)
    moving_to_office = fields.String(allow_none=True)
    moving_to_division = fields.String(allow_none=True)
    suspended_at = fields.AwareDateTime(allow_none=True)
    suspended_reason = fields.String(allow_none=True)
    trace = fields.List(fields.Nested(StepOut))
    lost_at = fields.AwareDateTime(allow_none=True)
    unknown_at = fields.AwareDateTime(allow_none=True)
    unknown_signed_by = fields.String(allow_none=True)
    found_at = fields.AwareDateTime(allow_none=True)
    ended_at = fields.AwareDateTime(allow_none=True)
    end_reason = fields.Enum(TerminationReason, by_value=True, allow_none=True)
    end_note = fields.String(allow_none=True)
    end_notice_number = fields.String(allow_none=True)
    due_rule = fields.String(
        allow_none=True, metadata={"description": "The rule of the next deadline, see docs/deadlines.md"}
    )
    due_at = fields.AwareDateTime(allow_none=True, metadata={"description": "The first moment that is too late"})


MeasurePage = page_schema(MeasureOut)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _acting(measure_id: UUID) -> Measure:
    return acting_measure(measure_id, current_principal(), work())


@measures_blp.route("")
class Measures(MethodView):
    """All measures."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
    @measures_blp.arguments(MeasureQuery, location="query")
    @measures_blp.response(200, MeasurePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List measures, the one that began first before the others."""
        where = measures_visible_to(current_principal())
        where += [measures.c[n] == query[n] for n in ("state", "office", "person_id", "task_id") if n in query]
        if "due_before" in query:
            where.append(measures.c.due_at < query["due_before"])
        sort = measures.c.started_on
        return page_of(work().measures, *where, sort=sort, limit=query["limit"], cursor=query["cursor"])


@measures_blp.route("/<uuid:measure_id>")
class OneMeasure(MethodView):
    """One measure."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER)
    @measures_blp.response(200, MeasureOut)
    def get(self, measure_id: UUID) -> Measure:
        """Read a measure."""
        return visible_measure(measure_id, current_principal(), work())


@measures_blp.route("/<uuid:measure_id>/agreement")
class MeasureAgreement(MethodView):
    """The agreement, anew after a change of place."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(MomentIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter the signed agreement; the first one completes the handover, too."""
        return commands.agree_measure(_acting(measure_id), at=body["at"], work=work())


@measures_blp.route("/<uuid:measure_id>/visits")
class Visits(MethodView):
    """Contacts with the person."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(MomentIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter that somebody of the working group spoke with the person."""
        return measuring.visit(_acting(measure_id), at=body["at"], work=work())


@measures_blp.route("/<uuid:measure_id>/absences")
class Absences(MethodView):
    """Days away from the county."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(AbsenceIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter that the person left the county for three days or more, or came back."""
        return measuring.note_absence(_acting(measure_id), **body, work=work())


@measures_blp.route("/<uuid:measure_id>/breach-report")
class BreachReport(MethodView):
    """The report of a grave breach to the police."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(BreachReportIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter that the police were told."""
        return measuring.tell_breach(_acting(measure_id), number=body["number"], at=body["told_at"], work=work())


@measures_blp.route("/<uuid:measure_id>/move")
class Move(MethodView):
    """A change of place."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(MoveIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Give the measure to the office of the place where the person goes to live."""
        return measuring.move(_acting(measure_id), division=body["division"], work=work())


@measures_blp.route("/<uuid:measure_id>/arrival")
class Arrival(MethodView):
    """The report at the new place."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(MomentIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter that the person reported at the new place; that office has the measure from now on."""
        measure = acting_measure(measure_id, current_principal(), work(), arriving=True)
        return measuring.arrive(measure, at=body["at"], work=work())


@measures_blp.route("/<uuid:measure_id>/suspension")
class Suspension(MethodView):
    """Detention or arrest."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(SuspensionIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Let the measure stand still."""
        at = past(body["at"], work().now, "/at")
        return measuring.suspend(_acting(measure_id), at=at, reason=body["reason"], work=work())


@measures_blp.route("/<uuid:measure_id>/continuation")
class Continuation(MethodView):
    """The end of a suspension."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(MomentIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Let the measure go on, longer by the days it stood still."""
        return measuring.resume(_acting(measure_id), at=body["at"], work=work())


@measures_blp.route("/<uuid:measure_id>/trace-steps")
class MeasureTraceSteps(MethodView):
    """The search for somebody whom nobody reached."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(SearchStepIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter an attempt to find the person (查找)."""
        command = measuring.SearchFor(**body)
        return measuring.search(_acting(measure_id), command, by=current_principal().subject, work=work())


@measures_blp.route("/<uuid:measure_id>/whereabouts-unknown")
class MeasureUnknown(MethodView):
    """The end of a search that failed."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(NothingMore)
    @measures_blp.response(201, MeasureOut)
    def post(self, _body: dict[str, Any], measure_id: UUID) -> Measure:
        """Sign that the whereabouts are unknown (现状不明)."""
        return measuring.sign_unknown(_acting(measure_id), by=current_principal().subject, work=work())


@measures_blp.route("/<uuid:measure_id>/end-notice")
class EndNotice(MethodView):
    """The end of a measure whose term is over."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(EndNoticeIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """Enter that the end notice was given and the township told (戒毒条例 arts 23, 40)."""
        return measuring.end(_acting(measure_id), notice_number=body["number"], work=work())


@measures_blp.route("/<uuid:measure_id>/termination")
class Termination(MethodView):
    """The end of a measure before its time."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @measures_blp.arguments(TerminationIn)
    @measures_blp.response(201, MeasureOut)
    def post(self, body: dict[str, Any], measure_id: UUID) -> Measure:
        """End a measure for a lawful reason (戒毒条例 art. 24)."""
        at = past(body["at"], work().now, "/at")
        return measuring.terminate(_acting(measure_id), at=at, reason=body["reason"], note=body["note"], work=work())
