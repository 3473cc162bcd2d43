"""For laboratories: a sample is found by the number on its seal, taken in, and reported on. It names nobody."""

from typing import Any
from urllib.parse import quote

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.pages.common import act, get
from shared.web.access import Jurisdiction, allows
from shared.web.principal import Role

bp = Blueprint("samples", __name__, url_prefix="/samples")
FINDINGS = 4  # rows of the form


@bp.get("")
@allows(Role.LABORATORY, within=Jurisdiction.ORGANISATION)
def index() -> Any:
    """The sample of a seal, and what is to be done with it."""
    return _page(request.args.get("seal", "").strip())


@bp.post("/receipt")
@allows(Role.LABORATORY, within=Jurisdiction.ORGANISATION)
def receive() -> Any:
    """It arrived, with a whole seal or not."""
    return _do("receipt", {"intact": request.form.get("intact") == "yes"}, _("已登记收样。"))


@bp.post("/report")
@allows(Role.LABORATORY, within=Jurisdiction.ORGANISATION)
def report() -> Any:
    """What was found."""
    rows = zip(*(request.form.getlist(name) for name in ("substance", "value", "unit")), strict=False)
    findings = [{"substance": what, "value": value, "unit": unit} for what, value, unit in rows if what]
    body = {"number": request.form.get("number", "").strip(), "result": request.form.get("result")}
    return _do("report", {**body, "findings": findings}, _("已提交检测报告。"))


def _do(step: str, body: dict[str, Any], done: str) -> Any:
    seal = request.form.get("seal", "").strip()
    try:
        act("drug_testing", _path(seal, f"/{step}"), body)
    except Refused as refused:
        return _page(seal, refused)
    flash(done)
    return redirect(url_for("samples.index", seal=seal), 303)


def _page(seal: str, refused: Refused | None = None) -> Any:
    sample = None
    try:
        sample = get("drug_testing", _path(seal)) if seal else None
    except Refused as unknown:
        if unknown.status != 404:
            raise
        refused = refused or unknown
    substances = get("drug_testing", "/panel")["substances"] if sample else []
    page = render_template(
        "samples.html",
        seal=seal,
        sample=sample,
        substances=substances,
        rows=FINDINGS,
        refused=refused,
        entered=request.form,
    )
    return page, refused.status if refused else 200


def _path(seal: str, step: str = "") -> str:
    return f"/samples/{quote(seal, safe='')}{step}"
