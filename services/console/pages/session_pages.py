"""The start page, the language, the size of type."""

from typing import Any

from flask import Blueprint, current_app, redirect, request, session, url_for

from services.console.identity import current_account, safe
from services.console.pages.notifications import note_visit
from shared.web.access import Jurisdiction, allows, public
from shared.web.principal import Role

bp = Blueprint("session_pages", __name__)

TYPE_COOKIE = "baton_type"
YEAR_SECONDS = 365 * 86_400
HOME = {
    Role.STATION_OFFICER: "tests.index",
    Role.LABORATORY: "samples.index",
    Role.CENTRE_CLERK: "releases.index",
    Role.COMMUNITY_OFFICER: "tasks.index",
    Role.TOWNSHIP_SUPERVISOR: "tasks.index",
}


@bp.get("/")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.SIGNED_IN)
def home() -> Any:
    """What the signed-in user most needs."""
    account = current_account()
    assert account is not None
    note_visit()
    return redirect(url_for(HOME.get(account.role, "cases.stages")))


@bp.post("/language")
@public
def language() -> Any:
    """Choose the language."""
    session["language"] = "en" if request.form.get("language") == "en" else "zh"
    session.pop("known_to_notification", None)  # who is told in a language is told in the new one
    return redirect(safe(request.form.get("next")))


@bp.post("/type-size")
@public
def type_size() -> Any:
    """Large type or usual type: this browser's, whoever signs in."""
    answer = redirect(safe(request.form.get("next")))
    size = "large" if request.form.get("size") == "large" else "usual"
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    answer.set_cookie(TYPE_COOKIE, size, max_age=YEAR_SECONDS, httponly=True, samesite="Lax", secure=secure)
    return answer


def is_large() -> bool:
    """Whether this browser wants large type."""
    return request.cookies.get(TYPE_COOKIE) == "large"
