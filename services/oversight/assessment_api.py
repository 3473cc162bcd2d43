"""The yearly assessment by HTTP: one click, one table, every case behind it; reproducible for a past moment."""

from datetime import date, datetime
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import RAISE, Schema, fields, validate

from services.oversight.assessment import DEDUCTIONS, SCORES, Sheet, assess
from services.oversight.figuring import figures_of
from services.oversight.formulas import BY_KEY
from services.oversight.indicators import Figure
from services.oversight.store import Work
from services.oversight.workbook import CONTENT_TYPE, assessment_workbook
from shared.reference.divisions import divisions
from shared.web import SUPERVISORS, Blueprint, Jurisdiction, Outside, Role, current_principal, current_work, operation
from shared.web.offload import offloaded
from shared.web.scope import asked_area

assessment_blp = Blueprint("assessment", __name__, url_prefix="/assessments", description="The yearly assessment")

READERS = (*SUPERVISORS, Role.AUDITOR)
KEYS = tuple(one.key for one in (*SCORES, *DEDUCTIONS))


class AssessmentQuery(Schema):
    """Which areas, and as known when."""

    class Meta:
        unknown = RAISE

    level = fields.String(load_default="county", validate=validate.OneOf(["county", "township"]))
    division = fields.String(load_default="", metadata={"description": "Prefix of the division codes"})
    known_at = fields.AwareDateTime(load_default=None, metadata={"description": "As it was known then; else as now"})


class ScoreLineOut(Schema):
    """One figure of an area, and its points."""

    key = fields.String(attribute="figure.indicator.key")
    zh = fields.String(attribute="figure.indicator.zh")
    en = fields.String(attribute="figure.indicator.en")
    numerator = fields.Integer(attribute="figure.numerator")
    denominator = fields.Integer(attribute="figure.denominator")
    possible = fields.Float(metadata={"description": "0 for a deduction"})
    earned = fields.Float()


class SheetOut(Schema):
    """An area's score sheet."""

    code = fields.String()
    name = fields.Function(lambda sheet: divisions().full_name(sheet.code))
    total = fields.Float()
    lines = fields.List(fields.Nested(ScoreLineOut))


class AssessmentOut(Schema):
    """All score sheets of a year."""

    year = fields.Integer()
    known_at = fields.AwareDateTime()
    sheets = fields.List(fields.Nested(SheetOut))


@assessment_blp.route("/<int(min=2008, max=2099):year>")
class Assessment(MethodView):
    """The assessment of a year."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @assessment_blp.arguments(AssessmentQuery, location="query")
    @assessment_blp.response(200, AssessmentOut)
    def get(self, query: dict[str, Any], year: int) -> dict[str, Any]:
        """Score every area on the year's figures; areas in the order of their codes, never ranked persons."""
        known_at = _known_at(query)
        return {"year": year, "known_at": known_at, "sheets": _sheets(query, _figures(query, year, known_at))}


@assessment_blp.route("/<int(min=2008, max=2099):year>/workbook")
class AssessmentWorkbook(MethodView):
    """The assessment of a year as an Excel file."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @assessment_blp.arguments(AssessmentQuery, location="query")
    @assessment_blp.response(200, {"type": "string", "format": "binary"}, content_type=CONTENT_TYPE)
    def get(self, query: dict[str, Any], year: int) -> Response:
        """The score sheets, the formulas, and the cases behind each figure."""
        known_at = _known_at(query)
        figures = _figures(query, year, known_at)
        sheets = _sheets(query, figures)
        names = {one.code: one.name for one in divisions()}
        content = offloaded(lambda: assessment_workbook(year, sheets, figures, names, known_at))
        answer = Response(content, content_type=CONTENT_TYPE)
        answer.headers["Content-Disposition"] = f"attachment; filename=assessment-{year}.xlsx"
        return answer


def _work() -> Work:
    found: Work = current_work()
    return found


def _known_at(query: dict[str, Any]) -> datetime:
    known_at: datetime = query["known_at"] or _work().now
    return known_at


def _figures(query: dict[str, Any], year: int, known_at: datetime) -> list[Figure]:
    prefix = asked_area(query["division"], current_principal())
    days = date(year, 1, 1), date(year, 12, 31)
    return figures_of(_work(), [BY_KEY[key] for key in KEYS], *days, known_at=known_at, prefix=prefix)


def _sheets(query: dict[str, Any], figures: list[Figure]) -> list[Sheet]:
    prefix = asked_area(query["division"], current_principal())
    areas = sorted(one.code for one in divisions().of_level(query["level"]) if one.code.startswith(prefix))
    return [assess(code, [figure.within(code) for figure in figures]) for code in areas]
