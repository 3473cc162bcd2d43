"""The police station's test orders: the lists, and one order with everything that can be done with it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, session, url_for

from services.console import testing_words
from services.console.clients import Refused
from services.console.pages import acting
from services.console.pages.acting import Cases
from services.console.pages.common import all_pages, get, names_of, person_of
from services.console.pages.testing_forms import ACTS, acts_for, why_no_objection
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("tests", __name__, url_prefix="/tests")

TESTS = Cases("drug_testing", "/test-orders")
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
READERS = (Role.STATION_OFFICER, *SUPERVISORS)
ACTORS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


@bp.get("")
@allows(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """The station's test orders, by what is to be done."""
    station = acting.organisation() if acting.role() is Role.STATION_OFFICER else None
    found = get("drug_testing", "/test-orders", station=station, limit=100)["items"]
    by_state = {state: group for group, states in GROUPS.items() for state in states}
    grouped: dict[str, list[Any]] = {group: [] for group in GROUPS}
    for order in found:
        grouped[by_state[order["state"]]].append(order)
    names = names_of(order["person_id"] for order in found)
    return render_template("tests.html", grouped=grouped, names=names)


@bp.get("/<uuid:test_order_id>")
@allows(*READERS, within=Jurisdiction.HOLDER)
def one(test_order_id: UUID) -> Any:
    """One order: who holds it, what is due next and why, what was found, what can be done."""
    return _page(test_order_id)


@bp.post("/<uuid:test_order_id>/<step>")
@allows(*ACTORS, within=Jurisdiction.HOLDER)
def do(test_order_id: UUID, step: str) -> Any:
    """One act on the order, once for each form shown."""
    return acting.respond(TESTS, test_order_id, step, ACTS, _page, _there)


def _there(done: Mapping[str, Any]) -> str:
    """To the order; the lot of the reagents in use stands in the next form as well."""
    if lot := request.form.get("reagent_lot", "").strip():
        session["reagent_lot"] = lot
    return url_for("tests.one", test_order_id=done["id"])


def laboratories_for(order: Mapping[str, Any]) -> list[Any]:
    """All laboratories, where the order needs any."""
    return all_pages("drug_testing", "/laboratories") if order["lab"] else []


def _page(test_order_id: UUID, refused: Refused | None = None, step: str = "") -> Any:
    order, user = TESTS.read(test_order_id), acting.user()
    person = person_of(order["person_id"])
    laboratories = laboratories_for(order)
    usual = dict.fromkeys(("tester", "sent_by", "officers"), user.username)
    usual["reagent_lot"] = session.get("reagent_lot", "")
    return acting.page_of(
        "test_order.html",
        order,
        refused,
        step,
        order=order,
        person=person,
        words=testing_words,
        laboratories={one["code"]: one["name"] for one in laboratories},
        acts=acts_for(order, user.role, usual, laboratories, person["sex"] if person else None),
        no_objection=why_no_objection(order),
    )
