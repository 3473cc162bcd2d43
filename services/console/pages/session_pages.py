"""Signing in and out, the start page, the language."""

from typing import Any

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from services.console.identity import accounts, current_account
from shared.web.principal import Role

bp = Blueprint("session_pages", __name__)

HOME = {
    Role.STATION_OFFICER: "tests.index",
    Role.CENTRE_CLERK: "releases.index",
    Role.COMMUNITY_OFFICER: "tasks.index",
    Role.TOWNSHIP_SUPERVISOR: "tasks.index",
}


@bp.get("/")
def home() -> Any:
    """What the signed-in user most needs."""
    account = current_account()
    assert account is not None
    return redirect(url_for(HOME.get(account.role, "cases.stages")))


@bp.route("/login", methods=["GET", "POST"])
def login() -> Any:
    """Sign in with user name and password."""
    error = None
    if request.method == "POST":
        account = accounts().check(request.form.get("username", ""), request.form.get("password", ""))
        if account is not None:
            language = session.get("language", "zh")
            session.clear()
            session.update(username=account.username, language=language)
            return redirect(_safe(request.form.get("next")))
        error = _("用户名或密码不正确")
    shown = list(accounts()) if current_app.config["SHOWS_ACCOUNTS"] else []
    return render_template("login.html", error=error, shown=shown), 401 if error else 200


@bp.post("/logout")
def logout() -> Any:
    """Sign out."""
    session.clear()
    return redirect(url_for("session_pages.login"))


@bp.post("/language")
def language() -> Any:
    """Choose the language."""
    session["language"] = "en" if request.form.get("language") == "en" else "zh"
    return redirect(_safe(request.form.get("next")))


def _safe(path: str | None) -> str:
    """A path of ours; anything else could lead somewhere bad."""
    return path if path and path.startswith("/") and not path.startswith(("//", "/\\")) else "/"
