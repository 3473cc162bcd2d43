"""The API of what supervisors set: an office's officers and rosters, the end of a coverage, and what is left open."""

from datetime import date
from typing import Any

from services.community_handover import coverage as commands
from services.community_handover.schemas import (
    CoverageOut,
    DivisionsOut,
    DutiesOut,
    GapQuery,
    Nothing,
    OfficeOut,
    OfficerIn,
    OfficerOut,
    OfficersOut,
    RosterQuery,
)
from services.community_handover.store import Coverage, Office, Officer, Work
from shared.web import SUPERVISORS, Blueprint, Jurisdiction, Outside, Role, current_principal, current_work, operation
from shared.web.scope import asked_area, require_area

settings_blp = Blueprint("settings", __name__, description="Officers, rosters and gaps")

PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _office(code: str) -> Office:
    return commands.office_in_area(code, current_principal(), work=work())


@settings_blp.route("/offices/<string:code>", methods=["GET"])
@operation(*SUPERVISORS, within=Jurisdiction.AREA)
@settings_blp.response(200, OfficeOut)
def office(code: str) -> Office:
    """Read an office of the own area."""
    return _office(code)


@settings_blp.route("/offices/<string:code>/officers", methods=["GET"])
@operation(*SUPERVISORS, within=Jurisdiction.AREA)
@settings_blp.response(200, OfficersOut)
def officers(code: str) -> dict[str, Any]:
    """List who works in an office, or did."""
    return {"items": commands.officers_of(_office(code).code, work=work())}


@settings_blp.route("/offices/<string:code>/officers", methods=["POST"])
@operation(*SUPERVISORS, within=Jurisdiction.AREA, creates=True)
@settings_blp.arguments(OfficerIn)
@settings_blp.response(201, OfficerOut)
def put_officer(body: dict[str, Any], code: str) -> Officer:
    """Say that somebody works in an office, or does no more."""
    return commands.put_officer(Officer(body["account"], _office(code).code, body["active"]), work=work())


@settings_blp.route("/offices/<string:code>/duty", methods=["GET"])
@operation(*SUPERVISORS, within=Jurisdiction.AREA)
@settings_blp.arguments(RosterQuery, location="query")
@settings_blp.response(200, DutiesOut)
def roster(query: dict[str, date], code: str) -> dict[str, Any]:
    """List who of an office is on duty in some days."""
    return {"items": commands.roster_of(_office(code).code, query["first_day"], query["last_day"], work=work())}


@settings_blp.route("/coverage/<string:division>/closure", methods=["POST"])
@operation(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED, creates=True)
@settings_blp.arguments(Nothing)
@settings_blp.response(201, CoverageOut)
def coverage_closure(_body: dict[str, Any], division: str) -> Coverage:
    """Say that no office covers a division by itself any more; what it was."""
    require_area(current_principal(), division)
    return commands.close_coverage(division, work=work())


@settings_blp.route("/townships-without-coverage", methods=["GET"])
@operation(*SUPERVISORS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
@settings_blp.arguments(GapQuery, location="query")
@settings_blp.response(200, DivisionsOut)
def gaps(query: dict[str, Any]) -> dict[str, Any]:
    """List the townships of the own area that no office covers, neither themselves nor what they lie in."""
    prefix = asked_area(query["division"], current_principal())
    return {"items": commands.uncovered(commands.covered_places(work=work()), prefix)}
