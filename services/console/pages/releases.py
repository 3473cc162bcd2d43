"""The centre clerk's releases: planned, and executed at the gate."""

from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from services.console.clients import Refused
from services.console.pages.common import act, get, names_of
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("releases", __name__, url_prefix="/releases")


@bp.get("")
@allows(Role.CENTRE_CLERK, *SUPERVISORS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """Planned releases in the order of their time, then what was done."""
    return _page()


@bp.post("/<uuid:release_id>/execution")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.HOLDER)
def execute(release_id: UUID) -> Any:
    """The person leaves through the gate."""
    body = {"certificate_number": request.form.get("certificate_number", "").strip()}
    try:
        act("release_notification", f"/releases/{release_id}/execution", body)
    except Refused as refused:
        return _page(refused, str(release_id))
    return redirect(url_for("releases.index"), 303)


def _page(refused: Refused | None = None, release_id: str | None = None) -> Any:
    planned = get("release_notification", "/releases", state="planned", limit=100)["items"]
    executed = get("release_notification", "/releases", state="executed", limit=100)["items"]
    names = names_of(release["person_id"] for release in (*planned, *executed))
    page = render_template(
        "releases.html",
        planned=planned,
        executed=list(reversed(executed)),
        names=names,
        refused=refused,
        refused_id=release_id,
    )
    return page, refused.status if refused else 200
