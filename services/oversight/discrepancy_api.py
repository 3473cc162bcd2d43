"""Discrepancies by HTTP: what does not agree, who has to act, and how a supervisor explains it."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import ColumnElement

from services.oversight import policy
from services.oversight.access import discrepancies_visible_to, visible_discrepancy
from services.oversight.domain.discrepancy import Discrepancy, Kind, SubjectKind
from services.oversight.domain.transitions import State
from services.oversight.reconciling import compared_at, explain
from services.oversight.store import Work, discrepancies
from shared.web import (
    SUPERVISORS,
    Blueprint,
    CursorQuery,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    field_error,
    operation,
    page_of,
    page_schema,
)

discrepancies_blp = Blueprint(
    "discrepancies", __name__, url_prefix="/discrepancies", description="What must agree and does not"
)

READERS = (*SUPERVISORS, Role.AUDITOR, Role.OPERATOR)
LARGEST_COUNT = 1000


def _not_blank(text: str) -> None:
    if not text.strip():
        raise field_error("text.blank", "this says nothing")


class DiscrepancyQuery(CursorQuery):
    """Which discrepancies to list."""

    state = fields.Enum(State, by_value=True)
    kind = fields.Enum(Kind, by_value=True)
    person_id = fields.UUID()


class ExplanationIn(Schema):
    """Why it does not agree. No names: whom it concerns is known."""

    class Meta:
        unknown = RAISE

    reason = fields.String(required=True, validate=[validate.Length(1, 500), _not_blank])


class DiscrepancyOut(Schema):
    """Two things that must agree and do not."""

    id = fields.UUID()
    version = fields.Integer()
    kind = fields.Enum(Kind, by_value=True)
    state = fields.Enum(State, by_value=True)
    subject_kind = fields.Enum(SubjectKind, by_value=True)
    subject = fields.String()
    owner = fields.String(metadata={"description": "Who has to act: a centre, or a service's operator"})
    person_id = fields.UUID(allow_none=True)
    division = fields.String(allow_none=True)
    day = fields.Date(allow_none=True)
    detail = fields.String(allow_none=True)
    number = fields.Integer(allow_none=True)
    found_at = fields.AwareDateTime()
    due_rule = fields.String(allow_none=True)
    due_at = fields.AwareDateTime(allow_none=True)
    explainable = fields.Function(lambda one: policy.is_explainable(one.kind, one.detail), metadata={"type": "boolean"})
    explanation = fields.String(allow_none=True)
    explained_at = fields.AwareDateTime(allow_none=True)
    explained_by = fields.String(allow_none=True)
    resolved_at = fields.AwareDateTime(allow_none=True)


class OpenDiscrepanciesOut(Schema):
    """How much is open, and how fresh that is."""

    open = fields.Integer(metadata={"description": f"At most {LARGEST_COUNT}"})
    overdue = fields.Integer()
    compared_at = fields.AwareDateTime(allow_none=True)


DiscrepancyPage = page_schema(DiscrepancyOut)


def _work() -> Work:
    found: Work = current_work()
    return found


def _visible() -> list[ColumnElement[bool]]:
    return discrepancies_visible_to(current_principal())


@discrepancies_blp.route("")
class Discrepancies(MethodView):
    """All discrepancies."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
    @discrepancies_blp.arguments(DiscrepancyQuery, location="query")
    @discrepancies_blp.response(200, DiscrepancyPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List discrepancies: by urgency, then by age."""
        columns = discrepancies.c
        where = [columns[name] == query[name] for name in ("state", "kind", "person_id") if name in query]
        rows, sort = _work().discrepancies, columns.urgency
        return page_of(rows, *where, *_visible(), sort=sort, limit=query["limit"], cursor=query["cursor"])


@discrepancies_blp.route("/summary")
class Summary(MethodView):
    """Discrepancies in figures."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
    @discrepancies_blp.response(200, OpenDiscrepanciesOut)
    def get(self) -> dict[str, Any]:
        """Count what is open in the asker's area."""
        open_ones = discrepancies.c.state == State.OPEN
        found = _work().discrepancies.select(open_ones, *_visible(), limit=LARGEST_COUNT)
        overdue = sum(one.due_at is not None and one.due_at <= _work().now for one in found)
        return {"open": len(found), "overdue": overdue, "compared_at": compared_at(_work())}


@discrepancies_blp.route("/<uuid:discrepancy_id>")
class OneDiscrepancy(MethodView):
    """One discrepancy."""

    @operation(*READERS, within=Jurisdiction.AREA)
    @discrepancies_blp.response(200, DiscrepancyOut)
    def get(self, discrepancy_id: UUID) -> Discrepancy:
        """Read a discrepancy."""
        return visible_discrepancy(discrepancy_id, current_principal(), _work())


@discrepancies_blp.route("/<uuid:discrepancy_id>/explanation")
class Explanation(MethodView):
    """Why it does not agree."""

    @operation(*SUPERVISORS, within=Jurisdiction.AREA, creates=True)
    @discrepancies_blp.arguments(ExplanationIn)
    @discrepancies_blp.response(201, DiscrepancyOut)
    def post(self, body: dict[str, Any], discrepancy_id: UUID) -> Discrepancy:
        """Enter why it does not agree, where somebody can know better than the comparison."""
        one = visible_discrepancy(discrepancy_id, current_principal(), _work())
        return explain(one, reason=body["reason"], by=current_principal().subject, work=_work())
