"""A person's file for who has a duty, knowing without one for a reason, and who answers for that."""

from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from services.console.clients import Refused
from services.console.pages.common import act, get, person_of
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("persons", __name__)
READERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER, *SUPERVISORS)
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)

NOT_FOUND = 404


@bp.get("/persons/<uuid:person_id>")
@allows(*READERS, within=Jurisdiction.DUTY, outside=Outside.LEFT_OUT)
def one(person_id: UUID) -> Any:
    """The file; who has no duty is asked for a reason."""
    return _file(person_id)


@bp.post("/persons/<uuid:person_id>/openings")
@allows(*READERS, within=Jurisdiction.CITY)
def open_identity(person_id: UUID) -> Any:
    """Know for a reason, for some hours."""
    try:
        act("person_registry", f"/persons/{person_id}/openings", {"reason": request.form["reason"]})
    except Refused as refused:
        return _file(person_id, refused), refused.status
    flash(_("姓名已开放八小时，上级将核查理由"))
    return redirect(url_for("persons.one", person_id=person_id))


@bp.post("/persons/<uuid:person_id>/sealing")
@allows(*PLANNERS, within=Jurisdiction.RESIDENTS)
def seal(person_id: UUID) -> Any:
    """Seal the file."""
    try:
        act("person_registry", f"/persons/{person_id}/sealing", {"ground": request.form["ground"]})
    except Refused as refused:
        return _file(person_id, refused), refused.status
    flash(_("档案已封存"))
    return redirect(url_for("persons.one", person_id=person_id))


@bp.get("/persons/<uuid:person_id>/disclosure")
@allows(Role.STATION_OFFICER, *SUPERVISORS, within=Jurisdiction.DUTY)
def disclosure(person_id: UUID) -> Any:
    """What is held on the person, and who looked, to be printed for the person."""
    return render_template("disclosure.html", told=get("person_registry", f"/persons/{person_id}/disclosure"))


@bp.get("/openings")
@allows(*PLANNERS, Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def openings() -> Any:
    """Identities opened without a duty, those that wait for an answer first."""
    waiting = get("person_registry", "/openings", state="open", limit=100)["items"]
    waiting += get("person_registry", "/openings", state="unanswered", limit=100)["items"]
    latest = get("person_registry", "/openings", limit=50)["items"]
    return render_template("openings.html", waiting=waiting, latest=latest)


@bp.post("/openings/<uuid:opening_id>/answer")
@allows(*PLANNERS, Role.AUDITOR, within=Jurisdiction.AREA)
def answer(opening_id: UUID) -> Response:
    """Say whether the reason was a good one."""
    is_good = request.form["approved"] == "yes"
    act("person_registry", f"/openings/{opening_id}/answer", {"approved": is_good})
    flash(_("已认可") if is_good else _("已否决，姓名已关闭"))
    return redirect(url_for("persons.openings"))


def _file(person_id: UUID, refused: Refused | None = None) -> str:
    person = person_of(str(person_id))
    return render_template("person.html", person_id=person_id, person=person, refused=refused, entered=request.form)
