"""Indicators by HTTP: figures with their formulas, the cases behind each, and both as CSV."""

from datetime import datetime
from typing import Any

from flask import Response
from flask.views import MethodView
from marshmallow import RAISE, Schema, ValidationError, fields, validates_schema

from services.oversight.figuring import figures_of
from services.oversight.formulas import BY_KEY, INDICATORS
from services.oversight.indicators import Figure, Indicator
from services.oversight.store import Work
from shared.kernel.errors import NotFound
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    field_error,
    operation,
)
from shared.web.scope import asked_area
from shared.web.spreadsheets import csv_table

indicators_blp = Blueprint("indicators", __name__, url_prefix="/indicators", description="The rates of the city")

READERS = (*SUPERVISORS, Role.AUDITOR)


class PeriodQuery(Schema):
    """Which days, which area, and as known when."""

    class Meta:
        unknown = RAISE

    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    division = fields.String(load_default="", metadata={"description": "Prefix of the division codes"})
    known_at = fields.AwareDateTime(load_default=None, metadata={"description": "As it was known then; else as now"})

    @validates_schema
    def _in_order(self, data: dict[str, Any], **_: object) -> None:
        if data["last_day"] < data["first_day"]:
            fault = field_error("period.order", "the last day lies before the first one")
            raise ValidationError({"last_day": fault.messages})


class FigureOut(Schema):
    """A figure with its formula."""

    key = fields.String(attribute="indicator.key")
    zh = fields.String(attribute="indicator.zh")
    en = fields.String(attribute="indicator.en")
    formula_zh = fields.String(attribute="indicator.formula_zh")
    formula_en = fields.String(attribute="indicator.formula_en")
    formula_version = fields.Integer(attribute="indicator.version")
    source = fields.String(attribute="indicator.source")
    is_rate = fields.Boolean(attribute="indicator.is_rate")
    numerator = fields.Integer()
    denominator = fields.Integer()
    excluded = fields.Integer()
    rate = fields.Float(allow_none=True, metadata={"description": "None for a count, and of fewer than five cases"})


class FiguresOut(Schema):
    """All figures of a period."""

    first_day = fields.Date()
    last_day = fields.Date()
    division = fields.String()
    known_at = fields.AwareDateTime()
    items = fields.List(fields.Nested(FigureOut))


class FigureCaseOut(Schema):
    """A case behind a figure."""

    aggregate_id = fields.UUID()
    person_id = fields.UUID()
    division = fields.String(allow_none=True)
    verdict = fields.String()
    reason = fields.String()


class CasesOut(FiguresOut):
    """A figure and the cases behind it."""

    items = fields.List(fields.Nested(FigureCaseOut))


@indicators_blp.route("")
class Figures(MethodView):
    """All figures."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @indicators_blp.arguments(PeriodQuery, location="query")
    @indicators_blp.response(200, FiguresOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Compute every figure of a period."""
        return _said(query, [_row(figure) for figure in _figures(query, INDICATORS)])


@indicators_blp.route("/figures.csv")
class FiguresCsv(MethodView):
    """All figures, for a spreadsheet."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @indicators_blp.arguments(PeriodQuery, location="query")
    @indicators_blp.response(200, {"type": "string"}, content_type="text/csv")
    def get(self, query: dict[str, Any]) -> Response:
        """Every figure of a period as CSV."""
        rows = FigureOut(many=True).dump([_row(figure) for figure in _figures(query, INDICATORS)])
        return _csv(list(FigureOut().fields), rows)


@indicators_blp.route("/<string:key>/cases")
class Cases(MethodView):
    """The cases behind a figure."""

    @operation(*READERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @indicators_blp.arguments(PeriodQuery, location="query")
    @indicators_blp.response(200, CasesOut)
    def get(self, query: dict[str, Any], key: str) -> dict[str, Any]:
        """Who counts, who is missing, who is left out, and why."""
        if key not in BY_KEY:
            raise NotFound("indicator.not_found", f"no indicator {key}")
        (figure,) = _figures(query, (BY_KEY[key],))
        return _said(query, list(figure.cases))


def _work() -> Work:
    found: Work = current_work()
    return found


def _figures(query: dict[str, Any], indicators: tuple[Indicator, ...]) -> list[Figure]:
    prefix = asked_area(query["division"], current_principal())
    known_at: datetime = query["known_at"] or _work().now
    return figures_of(_work(), indicators, query["first_day"], query["last_day"], known_at=known_at, prefix=prefix)


def _row(figure: Figure) -> dict[str, Any]:
    return {
        "indicator": figure.indicator,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "excluded": len(figure.cases) - figure.denominator,
        "rate": figure.rate,
    }


def _said(query: dict[str, Any], items: list[Any]) -> dict[str, Any]:
    return {**query, "known_at": query["known_at"] or _work().now, "items": items}


def _csv(names: list[str], rows: list[dict[str, Any]]) -> Response:
    answer = Response(csv_table(names, ([row[name] for name in names] for row in rows)), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=indicators.csv"
    return answer
