"""A case's timeline and the counts of every stage."""

from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request

from services.console.identity import current_account
from services.console.pages.common import get, person_of
from services.console.pages.discrepancies import READERS
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("cases", __name__)
CASE_READERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER, *SUPERVISORS, Role.AUDITOR)


@bp.get("/cases/<uuid:person_id>")
@allows(*CASE_READERS, within=Jurisdiction.CASE)
def one(person_id: UUID) -> Any:
    """Everything that happened to one person, over all services."""
    case = get("oversight", f"/cases/{person_id}")
    timeline = get(
        "oversight",
        f"/cases/{person_id}/timeline",
        order="newest_first",
        limit=50,
        cursor=request.args.get("cursor"),
    )
    person = person_of(str(person_id))
    return render_template("case.html", case=case, timeline=timeline, person=person)


@bp.get("/stages")
@allows(Role.ANYONE_SIGNED_IN, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
def stages() -> Any:
    """How many cases are in which stage, and what does not agree."""
    account = current_account()
    looks_after = account is not None and account.role in READERS
    summary = get("oversight", "/discrepancies/summary") if looks_after else None
    return render_template("stages.html", stages=get("oversight", "/stages")["stages"], discrepancies=summary)
