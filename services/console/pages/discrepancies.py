"""What must agree and does not: the most urgent first, with who has to act, what to do, and a way to do it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.pages.common import act, get, names_of
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("discrepancies", __name__, url_prefix="/discrepancies")

READERS = (*SUPERVISORS, Role.AUDITOR, Role.OPERATOR)
_BY_AN_EVENT = ("event_missing", "release_without_task", "stale_task")


@bp.get("")
@allows(*READERS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def index() -> Any:
    """What is open, then what was explained."""
    return _page()


@bp.post("/<uuid:discrepancy_id>/explanation")
@allows(*SUPERVISORS, within=Jurisdiction.AREA)
def explain(discrepancy_id: UUID) -> Any:
    """A supervisor says why it does not agree."""
    body = {"reason": request.form.get("reason", "").strip()}
    try:
        act("oversight", f"/discrepancies/{discrepancy_id}/explanation", body)
    except Refused as refused:
        return _page(refused, str(discrepancy_id))
    flash(_("已记录说明"))
    return redirect(url_for("discrepancies.index"), 303)


@bp.post("/<uuid:discrepancy_id>/mending")
@allows(Role.OPERATOR, within=Jurisdiction.CITY)
def mend(discrepancy_id: UUID) -> Any:
    """An operator says the event again, or puts the lost task back. What agrees again is resolved by itself."""
    one = get("oversight", f"/discrepancies/{discrepancy_id}")
    try:
        _mend(one)
    except Refused as refused:
        return _page(refused, str(discrepancy_id))
    flash(_("已处理；核对一致后，这一项会自行消除"))
    return redirect(url_for("discrepancies.index"), 303)


def is_mendable(one: Mapping[str, Any]) -> bool:
    """Whether an operator can do something about it here."""
    return one["kind"] in _BY_AN_EVENT and one["number"] is not None and one["detail"] != "ended_before"


def _mend(one: Mapping[str, Any]) -> None:
    if one["detail"] == "row_lost":
        act("community_handover", "/tasks/restoration", {"release_id": one["subject"]})
        return
    says_it = one["owner"] if one["kind"] == "event_missing" else "release_notification"
    act(says_it, "/ops/events/say-again", {"subject": one["subject"], "sequence": one["number"]})


def _page(refused: Refused | None = None, refused_id: str | None = None) -> Any:
    shown = get("oversight", "/discrepancies", state="open", limit=100, cursor=request.args.get("cursor"))
    explained = get("oversight", "/discrepancies", state="explained", limit=100)["items"]
    people = [one["person_id"] for one in (*shown["items"], *explained) if one["person_id"]]
    page = render_template(
        "discrepancies.html",
        shown=shown,
        explained=explained,
        compared_at=get("oversight", "/discrepancies/summary")["compared_at"],
        names=names_of(people),
        is_mendable=is_mendable,
        refused=refused,
        refused_id=refused_id,
    )
    return page, refused.status if refused else 200
