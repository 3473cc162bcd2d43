"""For operators: what is stuck in which service, and its dead letters: look into, give again, discard with a reason."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from services.console.clients import Away, Refused
from services.console.pages.common import act, get
from services.console.words import SERVICES
from shared.web.access import Jurisdiction, allows
from shared.web.principal import Role

bp = Blueprint("ops", __name__, url_prefix="/ops")


@bp.get("")
@allows(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
def index() -> Any:
    """Every service at a glance, and the letters that wait."""
    return render_template("ops.html", services=[(name, _status(name), _waiting(name)) for name in SERVICES])


@bp.get("/<service>/letters/<uuid:letter_id>")
@allows(Role.OPERATOR, Role.AUDITOR, within=Jurisdiction.CITY)
def letter(service: str, letter_id: UUID) -> Any:
    """One letter."""
    found = get(_known(service), f"/ops/dead-letters/{letter_id}")
    return render_template("letter.html", service=service, letter=found)


@bp.post("/<service>/letters/<uuid:letter_id>/<any(replay, discard):what>")
@allows(Role.OPERATOR, within=Jurisdiction.CITY)
def decide(service: str, letter_id: UUID, what: str) -> Any:
    """Give a letter again, or give it up."""
    try:
        act(_known(service), f"/ops/dead-letters/{letter_id}/{what}", {"note": request.form["note"]})
    except Refused as refused:
        found = get(service, f"/ops/dead-letters/{letter_id}")
        return render_template("letter.html", service=service, letter=found, refused=refused), refused.status
    flash(_("这条消息将重新投递") if what == "replay" else _("这条消息已放弃"))
    return redirect(url_for("ops.letter", service=service, letter_id=letter_id))


@bp.post("/<service>/replay")
@allows(Role.OPERATOR, within=Jurisdiction.CITY)
def replay_all(service: str) -> Response:
    """Give all waiting letters of one reason and type again."""
    body = {name: request.form[name] for name in ("reason", "routing_key", "note")}
    count = act(_known(service), "/ops/dead-letters/replay", body)["count"]
    flash(_("%(count)s 条消息将重新投递", count=count))
    return redirect(url_for("ops.index"))


def _status(service: str) -> Any:
    try:
        return get(service, "/ops/status")
    except Away:
        return None


def _waiting(service: str) -> list[Any]:
    """The causes of waiting letters, with the newest letter of each."""
    try:
        causes = get(service, "/ops/dead-letters/summary")["items"]
        letters = get(service, "/ops/dead-letters", state="waiting", limit=200)["items"]
    except Away:
        return []
    newest = {(one["reason"], one["routing_key"]): one for one in reversed(letters)}
    waiting = [cause for cause in causes if cause["state"] == "waiting"]
    return [{**cause, "newest": newest.get((cause["reason"], cause["routing_key"]))} for cause in waiting]


def _known(service: str) -> str:
    if service not in SERVICES:
        abort(404)
    return service
