"""What somebody typed while the session ended: kept, shown again after signing in, and sent only when asked for.

Kept only for the person whose session it was, and only of a form of our own pages: nothing that another site sends is
ever put before somebody to be confirmed.
"""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for

from services.console.identity import current_account, safe
from shared.web.access import Jurisdiction, allows
from shared.web.principal import Role

bp = Blueprint("kept_form", __name__)
MOST_CHARACTERS = 50_000
_NOT_SHOWN = ("csrf_token", "key", "next")


def keep() -> Any:
    """Keep the form of this request; the page that says so."""
    fields = [(name, value) for name, value in request.form.items(multi=True) if name != "csrf_token"]
    page = _path_of(request.referrer)
    is_small = sum(len(name) + len(value) for name, value in fields) <= MOST_CHARACTERS
    is_kept = "ended" in session and bool(fields) and is_small and _is_ours() and not request.files
    if is_kept:
        subject = session["ended"]
        session["kept"] = {"subject": subject, "path": request.path, "page": page, "fields": fields}
    return render_template("session_ended.html", is_kept=is_kept, there=url_for("identity.login", next=page)), 401


@bp.get("/kept")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.SIGNED_IN)
def show() -> Any:
    """What was kept, to be sent or thrown away."""
    kept, account = session.get("kept"), current_account()
    if kept is None or account is None or kept["subject"] != account.username:
        return redirect("/")
    shown = [(name, value) for name, value in kept["fields"] if name not in _NOT_SHOWN and value.strip()]
    session.pop("kept")  # it is in the page from now on
    return render_template("kept_form.html", kept=kept, shown=shown)


def _is_ours() -> bool:
    """Whether the form was on one of our own pages, as the browser says."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin", "").split("://")[-1] == request.host


def _path_of(address: str | None) -> str:
    parts = urlsplit(address or "")
    if parts.netloc != request.host:
        return "/"
    return safe(f"{parts.path}?{parts.query}" if parts.query else parts.path)
