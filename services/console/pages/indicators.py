"""The rates of the city: a month, its figures with their formulas, and the cases behind each."""

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from flask import Blueprint, Response, render_template, request

from services.console.pages.common import get, get_bytes, get_text, names_of
from shared.kernel.clock import china_day
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

bp = Blueprint("indicators", __name__, url_prefix="/indicators")


@bp.get("")
@allows(*SUPERVISORS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def index() -> Any:
    """All figures of a month."""
    month = _month()
    answer = get("oversight", "/indicators", **_period(month))
    return render_template("indicators.html", figures=answer["items"], month=month, known_at=answer["known_at"])


@bp.get("/<key>")
@allows(*SUPERVISORS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def cases(key: str) -> Any:
    """Who counts, who is missing, who is left out, and why."""
    month = _month()
    listed = get("oversight", f"/indicators/{key}/cases", **_period(month))["items"]
    figure = next(one for one in get("oversight", "/indicators", **_period(month))["items"] if one["key"] == key)
    order = {"missing": 0, "excluded": 1, "counted": 2}
    listed.sort(key=lambda case: order[case["verdict"]])
    names = names_of(case["person_id"] for case in listed[:200])
    return render_template("indicator.html", figure=figure, cases=listed, names=names, month=month)


@bp.get("/figures.csv")
@allows(*SUPERVISORS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def spreadsheet() -> Response:
    """All figures of a month, for a spreadsheet."""
    text = get_text("oversight", "/indicators/figures.csv", **_period(_month()))
    name = f"indicators-{_month():%Y-%m}.csv"
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f"attachment; filename={name}"})


@bp.get("/assessment")
@allows(*SUPERVISORS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def assessment() -> Any:
    """The yearly assessment: each area's score sheet."""
    answer = get("oversight", f"/assessments/{_year()}", level=_level())
    return render_template("assessment.html", answer=answer, level=_level())


@bp.get("/assessment.xlsx")
@allows(*SUPERVISORS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def workbook() -> Response:
    """The yearly assessment with its formulas and every case, for a spreadsheet."""
    content = get_bytes("oversight", f"/assessments/{_year()}/workbook", level=_level())
    name = f"assessment-{_year()}.xlsx"
    return Response(content, mimetype=XLSX, headers={"Content-Disposition": f"attachment; filename={name}"})


def _year() -> int:
    """The year that is asked for, else this one."""
    text = request.args.get("year", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) == 4 else china_day(datetime.now(UTC)).year


def _level() -> str:
    return "township" if request.args.get("level") == "township" else "county"


def _month() -> date:
    """The first day of the month that is asked for, else of this one."""
    try:
        return date.fromisoformat(f"{request.args.get('month', '')}-01")
    except ValueError:
        return china_day(datetime.now(UTC)).replace(day=1)


def _period(month: date) -> Mapping[str, str]:
    last = calendar.monthrange(month.year, month.month)[1]
    return {"first_day": month.isoformat(), "last_day": month.replace(day=last).isoformat()}
