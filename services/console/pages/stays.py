"""Stays (在所人员): who is in custody, until when, and what happens meanwhile; the daily headcount."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from services.console.acts import Act
from services.console.clients import Refused
from services.console.pages import acting
from services.console.pages.acting import Cases
from services.console.pages.common import get, names_of, person_of, put
from services.console.pages.custody_acts import STAY_ACT_OF, STAY_ACTS
from services.console.words import STATES, Spoken
from shared.kernel.clock import china_day
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import Role

bp = Blueprint("stays", __name__, url_prefix="/stays")

STAYS = Cases("detention_intake", "/stays", STAY_ACT_OF)
DECIDERS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR)
READERS = (*DECIDERS, Role.CENTRE_CLERK, Role.CITY_SUPERVISOR)
AWAY = ("on_medical_leave", "out_to_court", "escaped", "in_criminal_custody")
PAGE, SOON = 200, timedelta(days=30)
_ONE_DAY = timedelta(days=1)


@bp.get("")
@allows(*READERS, within=Jurisdiction.CUSTODY, outside=Outside.LEFT_OUT)
def index() -> Any:
    """Who is in custody, with the last day of the term; or those in one state, page by page. A centre's headcount."""
    return _index()


@bp.post("/headcount")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.OWN_NAME)
def count() -> Any:
    """How many were counted at the end of a day."""
    counted = request.form.get("counted", "").strip()
    body = {"counted": int(counted) if counted.isascii() and counted.isdigit() else counted or None}
    try:
        put("detention_intake", _headcount_path(request.form.get("day", "")), body)
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _index(refused)
    return redirect(url_for("stays.index", day=request.form["day"]), 303)


@bp.get("/<uuid:stay_id>")
@allows(*READERS, within=Jurisdiction.CUSTODY)
def one(stay_id: UUID) -> Any:
    """One stay: its term, what is due next, and what can be done."""
    return _page(stay_id)


@bp.post("/<uuid:stay_id>/term-decision")
@allows(*DECIDERS, within=Jurisdiction.CUSTODY)
def decide(stay_id: UUID) -> Any:
    """The deciding organ's answer to a proposal."""
    return acting.respond(STAYS, stay_id, "term-decision", STAY_ACTS, _page, _there)


@bp.post("/<uuid:stay_id>/<act>")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.CUSTODY)
def do(stay_id: UUID, act: str) -> Any:
    """One act on a stay, once for each form shown. Whoever was moved is another centre's."""
    go_on = _to_list if act == "transfer" else _there
    return acting.respond(STAYS, stay_id, act, STAY_ACTS, _page, go_on)


def _there(done: Mapping[str, Any]) -> str:
    return url_for("stays.one", stay_id=done["id"])


def _to_list(_done: Mapping[str, Any]) -> str:
    return url_for("stays.index")


def _headcount_path(day: str) -> str:
    return f"/centres/{quote(acting.organisation(), safe='')}/headcounts/{quote(day, safe='') or '-'}"


def _list(**query: Any) -> Any:
    return get("detention_intake", "/stays", limit=PAGE, **query)


def _groups(today: date) -> dict[str, list[Any]]:
    """Those in custody by the last day; those whose end nears, and those who are away, apart."""
    inside = _list(state="in_custody")["items"]
    near = _list(state="in_custody", term_ends_before=(today + SOON).isoformat())["items"]
    soon = {one["id"] for one in near}
    away = [one for state in AWAY for one in _list(state=state)["items"]]
    groups = {"soon": near, "away": away, "inside": [one for one in inside if one["id"] not in soon]}
    for stays in groups.values():
        stays.sort(key=lambda stay: stay["term_last_day"])
    return groups


def _index(refused: Refused | None = None) -> Any:
    today = china_day(datetime.now(UTC))
    state = request.args.get("state", "")
    page = _list(state=state, cursor=request.args.get("cursor")) if state in (*AWAY, "in_custody", "ended") else None
    groups = {state: page["items"]} if page else _groups(today)
    html = render_template(
        "stays.html",
        groups=groups,
        one_state=state if page else "",
        next_cursor=page["next_cursor"] if page else None,
        full=PAGE,
        names=names_of(stay["person_id"] for stays in groups.values() for stay in stays),
        states=Spoken(STATES),
        receipt=acting.take_receipt(),
        headcounts=_headcounts(today) if acting.role() is Role.CENTRE_CLERK else [],
        today=today.isoformat(),
        refused=refused,
        entered=request.form,
    )
    return html, refused.status if refused else 200


def _headcounts(today: date) -> list[Any]:
    """What was stated of the day that was asked for, of today and of yesterday."""
    days = dict.fromkeys([request.args.get("day", ""), today.isoformat(), (today - _ONE_DAY).isoformat()])
    found = []
    for day in days:
        try:
            found += [get("detention_intake", _headcount_path(day))] if day else []
        except Refused:
            continue  # no day
    return found


def _acts(stay: Mapping[str, Any]) -> dict[str, Act]:
    """What can be done with this one, with the centres of today."""
    proposal = stay["proposal"]
    is_asked = proposal is not None and proposal["approved"] is None
    apart = {
        "family-notice": not stay["family_told_at"] and stay["custody"] == "compulsory_isolation",
        "term-proposal": stay["custody"] == "compulsory_isolation" and not is_asked,
        "term-decision": is_asked,
    }
    acts = {name: act for name, act in STAYS.offered(stay, STAY_ACTS).items() if apart.get(name, True)}
    if "transfer" in acts:
        centres = get("detention_intake", "/centres", limit=PAGE)["items"]
        others = {one["code"]: one["name"] for one in centres if one["code"] != stay["centre"]}
        acts["transfer"] = acts["transfer"].with_field("to", choices=others)
    return acts


def _page(stay_id: UUID, refused: Refused | None = None, name: str = "") -> Any:
    stay = STAYS.read(stay_id)
    return acting.page_of(
        "stay.html",
        stay,
        refused,
        name,
        stay=stay,
        term=term_of(stay, china_day(datetime.now(UTC))),
        person=person_of(stay["person_id"]),
        acts=_acts(stay),
        is_clerk=acting.role() is Role.CENTRE_CLERK,
    )


def term_of(stay: Mapping[str, Any], today: date) -> dict[str, int]:
    """How the term is reckoned, in days: all of it, what is over, what is left; days at large are no part of it."""
    first, last = (date.fromisoformat(stay[name]) for name in ("term_first_day", "term_last_day"))
    days_at_large = stay["days_at_large"]
    gone = min(max((today - first).days + 1, 0), (last - first).days + 1)
    return {
        "days": (last - first).days + 1 - days_at_large,
        "served": max(gone - days_at_large, 0),
        "left": max((last - today).days, 0),
        "at_large": days_at_large,
    }
