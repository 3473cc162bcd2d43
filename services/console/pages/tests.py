"""The police station's test orders."""

from typing import Any

from flask import Blueprint, render_template

from services.console.identity import current_account
from services.console.pages.common import get, names_of
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("tests", __name__, url_prefix="/tests")

GROUPS = {
    "to_collect": ("ordered", "refused", "force_approved", "collected"),
    "to_tell": ("negative", "positive_sealed", "lab_reported", "retest_reported"),
    "open_window": ("positive_told", "lab_told"),
    "contested": (
        "lab_requested",
        "lab_approved",
        "lab_sent",
        "retest_requested",
        "retest_approved",
        "retest_sent",
        "sample_unfit",
    ),
    "done": ("negative_told", "settled", "overturned", "exempted", "untested", "missed"),
}


@bp.get("")
@allows(Role.STATION_OFFICER, *SUPERVISORS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """The station's test orders, by what is to be done."""
    account = current_account()
    assert account is not None
    station = account.organisation if account.role is Role.STATION_OFFICER else None
    found = get("drug_testing", "/test-orders", station=station, limit=100)["items"]
    by_state = {state: group for group, states in GROUPS.items() for state in states}
    grouped: dict[str, list[Any]] = {group: [] for group in GROUPS}
    for order in found:
        grouped[by_state[order["state"]]].append(order)
    return render_template("tests.html", grouped=grouped, names=names_of(o["person_id"] for o in found))
