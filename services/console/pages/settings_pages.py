"""What supervisors set: offices and who works in them, duty rosters, and which office covers which place."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.identity import current_account
from services.console.pages.common import act, all_pages, get, put
from shared.kernel.clock import china_day
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("settings_pages", __name__, url_prefix="/settings")
HANDOVER = "community_handover"
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)
SHOWN_DAYS = 14
MOST_DAYS = 31  # set at once
_TOO_MANY_DAYS = {
    "code": "roster.too_long",
    "errors": [{"pointer": "/last_day", "code": "roster.too_long", "detail": ""}],
}


@bp.get("")
@allows(*SUPERVISORS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def index() -> Any:
    """The area's offices, and what is missing today."""
    return _index()


@bp.post("/offices")
@allows(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
def add_office() -> Any:
    """Enter an office."""
    code = request.form.get("code", "").strip()
    try:
        put(HANDOVER, f"/offices/{_segment('code', code)}", _office_form())
    except Refused as refused:
        return _index(refused)
    flash(_("已保存"))
    return redirect(url_for("settings_pages.office", code=code), 303)


@bp.get("/offices/<code>")
@allows(*SUPERVISORS, within=Jurisdiction.AREA)
def office(code: str) -> Any:
    """One office: what it is, who works in it, who is on duty."""
    return _office(code)


@bp.post("/offices/<code>")
@allows(*PLANNERS, within=Jurisdiction.AREA)
def change_office(code: str) -> Any:
    """Change what an office is called and where it works."""
    return _set(code, "office", lambda: put(HANDOVER, f"/offices/{code}", _office_form()))


@bp.post("/offices/<code>/officers")
@allows(*SUPERVISORS, within=Jurisdiction.AREA)
def set_officer(code: str) -> Any:
    """Somebody works in the office, or does no more."""
    body = {"account": request.form.get("account", "").strip(), "active": request.form.get("active") != "no"}
    return _set(code, "officer", lambda: act(HANDOVER, f"/offices/{code}/officers", body))


@bp.post("/offices/<code>/duty")
@allows(*SUPERVISORS, within=Jurisdiction.AREA)
def set_duty(code: str) -> Any:
    """Who is on duty on each of some days."""
    return _set(code, "duty", lambda: _put_duties(code))


@bp.get("/coverage")
@allows(*SUPERVISORS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def coverage() -> Any:
    """Which office covers which place of the area, and the townships that nobody covers."""
    return _coverage()


@bp.post("/coverage")
@allows(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
def set_coverage() -> Any:
    """Say which office covers a place."""
    place = request.form.get("division", "").strip()
    try:
        put(HANDOVER, f"/coverage/{_segment('division', place)}", {"office": request.form.get("office", "").strip()})
    except Refused as refused:
        return _coverage(refused)
    flash(_("已保存"))
    return redirect(url_for("settings_pages.coverage"), 303)


@bp.post("/coverage/<division>/closure")
@allows(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
def close_coverage(division: str) -> Any:
    """No office covers this place by itself any more."""
    try:
        act(HANDOVER, f"/coverage/{division}/closure", {})
    except Refused as refused:
        return _coverage(refused)
    flash(_("已停用"))
    return redirect(url_for("settings_pages.coverage"), 303)


def _set(code: str, what: str, change: Any) -> Any:
    try:
        change()
    except Refused as refused:
        return _office(code, what, refused)
    flash(_("已保存"))
    return redirect(url_for("settings_pages.office", code=code), 303)


def _put_duties(code: str) -> None:
    first, last = _day("first_day"), _day("last_day")
    if not timedelta(0) <= last - first < timedelta(days=MOST_DAYS):
        raise Refused(422, _TOO_MANY_DAYS)
    body = {"officer": request.form.get("officer", "").strip(), "deputy": request.form.get("deputy", "").strip()}
    for number in range((last - first).days + 1):
        put(HANDOVER, f"/offices/{code}/duty/{(first + timedelta(days=number)).isoformat()}", body)


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.form.get(name, ""))
    except ValueError:
        raise _missing(name) from None


def _segment(name: str, text: str) -> str:
    """What was entered as a part of an address.

    Raises: Refused when it is empty.
    """
    if not text:
        raise _missing(name)
    return quote(text, safe="")


def _missing(name: str) -> Refused:
    fault = {"pointer": f"/{name}", "code": "required", "detail": ""}
    return Refused(422, {"code": "validation.failed", "errors": [fault]})


def _office_form() -> dict[str, str]:
    return {name: request.form.get(name, "").strip() for name in ("name", "level", "division")}


def _area() -> str:
    account = current_account()
    assert account is not None
    return account.division


def _may_plan() -> bool:
    account = current_account()
    return account is not None and account.role in PLANNERS


def _offices() -> list[Any]:
    return [one for one in all_pages(HANDOVER, "/offices") if one["division"].startswith(_area())]


def _gaps() -> list[Any]:
    items: list[Any] = get(HANDOVER, "/townships-without-coverage")["items"]
    return items


def _index(refused: Refused | None = None) -> Any:
    today = china_day(datetime.now(UTC))
    without = get(HANDOVER, "/offices-without-duty", day=today.isoformat(), division=_area())["items"]
    page = render_template(
        "settings.html",
        offices=_offices(),
        without_duty={one["code"] for one in without},
        gaps=_gaps(),
        may_plan=_may_plan(),
        refused=refused,
        entered=request.form,
    )
    return page, refused.status if refused else 200


def _office(code: str, what: str = "", refused: Refused | None = None) -> Any:
    today = china_day(datetime.now(UTC))
    days = [today + timedelta(days=number) for number in range(SHOWN_DAYS)]
    query = {"first_day": days[0].isoformat(), "last_day": days[-1].isoformat()}
    found = get(HANDOVER, f"/offices/{code}")
    page = render_template(
        "office.html",
        office=found,
        officers=get(HANDOVER, f"/offices/{code}/officers")["items"],
        days=[day.isoformat() for day in days],
        duty={one["day"]: one for one in get(HANDOVER, f"/offices/{code}/duty", **query)["items"]},
        may_plan=_may_plan(),
        refused=refused,
        refused_form=what,
        entered=request.form,
    )
    return page, refused.status if refused else 200


def _coverage(refused: Refused | None = None) -> Any:
    page = render_template(
        "coverage.html",
        rows=all_pages(HANDOVER, "/coverage", division=_area()),
        offices={one["code"]: one for one in all_pages(HANDOVER, "/offices")},
        gaps=_gaps(),
        may_plan=_may_plan(),
        refused=refused,
        entered=request.form,
    )
    return page, refused.status if refused else 200
