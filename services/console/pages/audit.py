"""For auditors: who did, saw or was refused what in each service, and what it changed."""

from typing import Any

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.pages.common import get, service_names
from shared.web.access import Jurisdiction, allows
from shared.web.principal import Role

bp = Blueprint("audit", __name__, url_prefix="/audit")

FILTERS = ("subject", "actor", "action", "refused")


@bp.get("")
@allows(Role.AUDITOR, within=Jurisdiction.CITY)
def index() -> Any:
    """One service's audit, the newest first."""
    service = _known(request.args.get("service") or service_names()[0])
    asked = {name: request.args.get(name, "").strip() or None for name in FILTERS}
    try:
        shown, refused = get(service, "/audit", **asked, cursor=request.args.get("cursor")), None
    except Refused as refusal:
        if refusal.status != 422:
            raise
        shown, refused = {"items": [], "next_cursor": None}, refusal
    page = render_template(
        "audit.html",
        service=service,
        services=service_names(),
        asked=asked,
        shown=shown,
        faults=_faults(refused),
        anchors=get(service, "/audit/anchors")["items"],
    )
    return page, refused.status if refused else 200


@bp.get("/<service>/<int:position>")
@allows(Role.AUDITOR, within=Jurisdiction.CITY)
def one(service: str, position: int) -> Any:
    """One row, with what was before and after it."""
    return render_template("audit_row.html", service=service, row=get(_known(service), f"/audit/{position}"))


def _faults(refused: Refused | None) -> dict[str, str]:
    """What is wrong with a filter, by its name."""
    errors = refused.problem.get("errors", ()) if refused else ()
    words = {"subject": _("编号格式不正确，应为 36 位编号")}
    return {error["pointer"].lstrip("/"): words.get(error["pointer"].lstrip("/"), error["detail"]) for error in errors}


def _known(service: str) -> str:
    if service not in service_names():
        abort(404)
    return service
