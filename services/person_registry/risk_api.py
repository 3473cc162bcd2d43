"""Risk tiers by HTTP: with their reasons, decided by people."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, validate

from services.person_registry import assessing
from services.person_registry.access import assessments_visible_to, require_concerned
from services.person_registry.policy import MEASURES_OF, TIER_RULES
from services.person_registry.risk import ENTERED, Assessment, Fact, State, Tier
from services.person_registry.store import Work, assessments
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

risk_blp = Blueprint("risk", __name__, description="Risk tiers, with their reasons")

DECIDERS = (Role.STATION_OFFICER, *SUPERVISORS)
WITNESSES = (*DECIDERS, Role.COMMUNITY_OFFICER)
_RULES = {rule.id: rule for rule in TIER_RULES}


class _Input(Schema):
    class Meta:
        unknown = RAISE


class FactIn(_Input):
    """A fact that no event tells, or that it is over."""

    fact = fields.Enum(Fact, by_value=True, required=True, metadata={"description": f"one of {sorted(ENTERED)}"})
    active = fields.Boolean(load_default=True)
    since = fields.AwareDateTime(load_default=None, allow_none=True)


class DecisionIn(_Input):
    """The tier, and why, where it is not the proposed one."""

    tier = fields.Enum(Tier, by_value=True, required=True)
    reason = fields.String(load_default=None, allow_none=True, validate=validate.Length(1, 500))


class AssessmentQuery(CursorQuery):
    """Which assessments to list."""

    state = fields.Enum(State, by_value=True)
    tier = fields.Enum(Tier, by_value=True)


class ReasonOut(Schema):
    """Why a tier is proposed."""

    id = fields.String()
    reason_zh = fields.String()
    reason_en = fields.String()
    source = fields.String()
    confidence = fields.String()


class MeasuresOut(Schema):
    """What a tier means."""

    tier = fields.Enum(Tier, by_value=True)
    contact_every_days = fields.Integer()
    contact_in_person = fields.Boolean()
    test_every_days = fields.Integer(allow_none=True)
    companions = fields.List(fields.String())


class FactOut(Schema):
    """A fact."""

    fact = fields.Enum(Fact, by_value=True)
    since = fields.AwareDateTime()
    active = fields.Boolean()


class AssessmentOut(Schema):
    """A risk assessment: no tier without its reasons."""

    person_id = fields.UUID()
    version = fields.Integer()
    state = fields.Enum(State, by_value=True)
    facts = fields.List(fields.Nested(FactOut))
    proposed_tier = fields.Enum(Tier, by_value=True)
    proposed_at = fields.AwareDateTime()
    reasons = fields.Function(lambda one: ReasonOut(many=True).dump([_RULES[rule] for rule in one.reasons]))
    tier = fields.Enum(Tier, by_value=True, allow_none=True)
    decided_by = fields.String(allow_none=True)
    decided_at = fields.AwareDateTime(allow_none=True)
    decision_reason = fields.String(allow_none=True)
    measures = fields.Function(lambda one: MeasuresOut().dump(MEASURES_OF[one.tier]) if one.tier else None)
    clean_until = fields.AwareDateTime(allow_none=True)
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)


AssessmentPage = page_schema(AssessmentOut)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@risk_blp.route("/risk-assessments")
class Assessments(MethodView):
    """All assessments."""

    @operation(*DECIDERS, within=Jurisdiction.RESIDENTS, outside=Outside.LEFT_OUT)
    @risk_blp.arguments(AssessmentQuery, location="query")
    @risk_blp.response(200, AssessmentPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List assessments, the longest proposed first."""
        where = [assessments.c[name] == query[name] for name in ("state", "tier") if name in query]
        where += assessments_visible_to(current_principal(), work())
        sort = assessments.c.proposed_at
        return page_of(work().assessments, *where, sort=sort, limit=query["limit"], cursor=query["cursor"])


@risk_blp.route("/persons/<uuid:person_id>/risk")
class OneAssessment(MethodView):
    """The assessment of one person."""

    @operation(*WITNESSES, within=Jurisdiction.RESIDENTS)
    @risk_blp.response(200, AssessmentOut)
    def get(self, person_id: UUID) -> Assessment:
        """Read a person's tier and why."""
        require_concerned(current_principal(), person_id, work())
        return work().assessments.get(assessing.assessment_id(person_id))


@risk_blp.route("/persons/<uuid:person_id>/risk/facts")
class Facts(MethodView):
    """Facts that bear on the tier."""

    @operation(*WITNESSES, within=Jurisdiction.RESIDENTS, creates=True)
    @risk_blp.arguments(FactIn)
    @risk_blp.response(201, AssessmentOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Assessment:
        """Enter a fact, or that it is over; the tier is proposed again."""
        require_concerned(current_principal(), person_id, work())
        return assessing.enter_fact(person_id, **body, work=work())


@risk_blp.route("/persons/<uuid:person_id>/risk/decision")
class Decision(MethodView):
    """The decision about the tier."""

    @operation(*DECIDERS, within=Jurisdiction.RESIDENTS, creates=True)
    @risk_blp.arguments(DecisionIn)
    @risk_blp.response(201, AssessmentOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Assessment:
        """Decide the tier: a person does, never the system alone (个人信息保护法 art. 24)."""
        require_concerned(current_principal(), person_id, work())
        return assessing.decide(person_id, **body, by=current_principal().subject, work=work())
