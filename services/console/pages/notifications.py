"""Notices: the bell, what the user was told, who was told what the user caused, and how the user wants to be told."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from services.console.clients import Away, Refused
from services.console.identity import current_account
from services.console.pages.common import get, post, put
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("notifications", __name__, url_prefix="/notifications")

PAGE = 50
_TASKS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
_ABOVE = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)
# Where a notice leads to, by what it is about, and who has that page.
PLACES: Mapping[str, tuple[str, tuple[Role, ...]]] = {
    "handover_task": ("tasks.one", _TASKS),
    "release": ("releases.one", (Role.CENTRE_CLERK, *_ABOVE)),
    "order": ("orders.one", (Role.STATION_OFFICER, Role.CENTRE_CLERK, *_ABOVE)),
    "stay": ("stays.one", (Role.STATION_OFFICER, Role.CENTRE_CLERK, *_ABOVE)),
    "test_order": ("tests.one", (Role.STATION_OFFICER, *_ABOVE)),
    "opening": ("persons.openings", (*_ABOVE, Role.AUDITOR)),
    "discrepancy": ("discrepancies.index", (*SUPERVISORS, Role.AUDITOR, Role.OPERATOR)),
}

# What the page of one is told the id by.
_NAMES = {
    "tasks.one": "task_id",
    "releases.one": "release_id",
    "orders.one": "order_id",
    "stays.one": "stay_id",
    "tests.one": "test_order_id",
}


@bp.get("")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.SELF, outside=Outside.LEFT_OUT)
def index() -> Any:
    """What the user was told, the newest first."""
    note_visit()
    only_unread = request.args.get("unread") == "yes"
    shown = get("notification", "/notices", unread=only_unread, limit=PAGE, cursor=request.args.get("cursor"))
    template = "notices_list.html" if request.headers.get("HX-Request") else "notices.html"
    return render_template(template, shown=shown, only_unread=only_unread)


@bp.get("/bell")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.OWN_NAME)
def bell() -> str:
    """How many are unread. No page waits for it, and none fails with it."""
    note_visit()
    try:
        unread = get("notification", "/notices/unread")["unread"]
    except (Away, Refused):
        unread = None
    return render_template("bell.html", unread=unread)


@bp.get("/<uuid:notice_id>")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.SELF)
def one(notice_id: UUID) -> Any:
    """What the notice says. It is read by a press only: what opens links before people do reads nothing."""
    notice = get("notification", f"/notices/{notice_id}")
    return render_template("notice.html", notice=notice, has_place=_place_of(notice) is not None)


@bp.post("/read")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.OWN_NAME)
def read_all() -> Any:
    """All at once."""
    post("notification", "/notices/read")
    return redirect(url_for("notifications.index"), 303)


@bp.post("/<uuid:notice_id>/read")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.SELF)
def read(notice_id: UUID) -> Any:
    """One of them; on to what it is about, or without going there."""
    notice = post("notification", f"/notices/{notice_id}/read")
    there = _place_of(notice) if request.form.get("go") == "yes" else None
    return redirect(there or url_for("notifications.index"), 303)


@bp.get("/told")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.CAUSED, outside=Outside.LEFT_OUT)
def told() -> str:
    """Who was told of what the user caused, or of what happens in the user's area: by what, and read when."""
    query = {name: request.args.get(name) or None for name in ("about", "cursor", "state")}
    shown = get("notification", "/tellings", limit=PAGE, **query)
    return render_template("told.html", shown=shown, about=query["about"], state=query["state"])


@bp.get("/settings")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.OWN_NAME)
def settings() -> Any:
    """How the user is told."""
    return _settings()


@bp.post("/settings")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.OWN_NAME)
def set_own() -> Any:
    """How the user wants to be told."""
    body = _address() | {
        "channels": [one for one in ("email", "sms") if one in request.form.getlist("channel")],
        "quiet_from": request.form.get("quiet_from", "")[:5],
        "quiet_until": request.form.get("quiet_until", "")[:5],
        "digest": request.form.get("digest", ""),
    }
    return _saved("/contact", body)


@bp.post("/settings/office")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.OWN_NAME)
def set_office() -> Any:
    """Where the user's office is reached while nobody of it was ever here."""
    return _saved("/contact/office", _address())


def note_visit() -> None:
    """Make the user known to notification, once a session; that it is away keeps nobody from anything."""
    if session.get("known_to_notification"):
        return
    try:
        put("notification", "/contact/visit", {"language": session.get("language", "zh")})
    except (Away, Refused):
        return
    session["known_to_notification"] = True


def _place_of(notice: Mapping[str, Any]) -> str | None:
    """The page of what a notice is about, where there is one for the user's role."""
    endpoint, roles = PLACES.get(notice["kind"], ("", ()))
    account = current_account()
    if account is None or account.role not in roles:
        return None
    parameter = _NAMES.get(endpoint)
    return url_for(endpoint, **({parameter: notice["subject"]} if parameter else {}))


def _address() -> dict[str, Any]:
    texts = {name: request.form.get(name, "").strip() or None for name in ("email", "phone")}
    return texts | {"language": session.get("language", "zh")}


def _saved(path: str, body: Mapping[str, Any]) -> Any:
    try:
        put("notification", path, body)
    except Refused as refused:
        return _settings(refused), refused.status
    flash(_("已保存"))
    return redirect(url_for("notifications.settings"), 303)


def _settings(refused: Refused | None = None) -> str:
    own = get("notification", "/contact")
    try:
        office = get("notification", "/contact/office")
    except Refused:
        office = None
    return render_template("notice_settings.html", own=own, office=office, refused=refused, entered=request.form)
