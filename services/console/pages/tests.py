"""The police station's test orders: the lists, and one order with everything that can be done with it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from services.console import testing_words
from services.console.clients import Away, Refused
from services.console.identity import current_account
from services.console.pages.common import act, all_pages, get, names_of
from services.console.pages.testing_forms import ACTS, acts_for, why_no_objection
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
READERS = (Role.STATION_OFFICER, *SUPERVISORS)
ACTORS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)
LINES = 30


@bp.get("")
@allows(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
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
    names = names_of(order["person_id"] for order in found)
    return render_template("tests.html", grouped=grouped, names=names, rules=testing_words.TEST_RULES)


@bp.get("/<uuid:test_order_id>")
@allows(*READERS, within=Jurisdiction.HOLDER)
def one(test_order_id: UUID) -> Any:
    """One order: who holds it, what is due next and why, what was found, what can be done."""
    return _page(test_order_id)


@bp.post("/<uuid:test_order_id>/<step>")
@allows(*ACTORS, within=Jurisdiction.HOLDER)
def do(test_order_id: UUID, step: str) -> Any:
    """One act on the order, once for each form shown."""
    if step not in ACTS:
        abort(404)
    said, body = ACTS[step], ACTS[step].body(request.form)
    try:
        done = act("drug_testing", f"/test-orders/{test_order_id}/{said.step or step}", body)
    except Refused as refused:
        return _page(test_order_id, refused, step)
    if "reagent_lot" in body:
        session["reagent_lot"] = body["reagent_lot"]
    session["receipt"] = {"test": str(test_order_id), "text": str(said.receipt), "version": done["version"]}
    return redirect(url_for("tests.one", test_order_id=test_order_id), 303)


def laboratories_for(order: Mapping[str, Any]) -> list[Any]:
    """All laboratories, where the order needs any."""
    return all_pages("drug_testing", "/laboratories") if order["lab"] else []


def _page(test_order_id: UUID, refused: Refused | None = None, step: str = "") -> Any:
    order, account = get("drug_testing", f"/test-orders/{test_order_id}"), current_account()
    assert account is not None
    person = names_of([order["person_id"]]).get(order["person_id"])
    lines = _timeline(order["person_id"])
    laboratories = laboratories_for(order)
    usual = dict.fromkeys(("tester", "sent_by", "officers"), account.username)
    usual["reagent_lot"] = session.get("reagent_lot", "")
    page = render_template(
        "test_order.html",
        order=order,
        person=person,
        words=testing_words,
        lines=lines,
        laboratories={one["code"]: one["name"] for one in laboratories},
        acts=acts_for(order, account.role, usual, laboratories, person["sex"] if person else None),
        no_objection=why_no_objection(order),
        refused=_with_whoever_was_faster(refused, order, lines or []),
        refused_act=step,
        entered=request.form,
        receipt=session.pop("receipt", None),
    )
    return page, refused.status if refused else 200


def _timeline(person_id: str) -> list[Any] | None:
    """What happened to the person, the newest first; None while nobody can say."""
    try:
        path = f"/cases/{person_id}/timeline"
        found: list[Any] = get("oversight", path, order="newest_first", limit=LINES)["items"]
    except Away:
        return None
    return found


def _with_whoever_was_faster(
    refused: Refused | None, order: Mapping[str, Any], lines: list[Mapping[str, Any]]
) -> Refused | None:
    """A conflict with who changed the order last and when, once the timeline has heard of that change."""
    if refused is None or refused.status != 409 or "by" in refused.problem:
        return refused
    about = (line for line in lines if line["aggregate_id"] == order["id"])
    last = next((line for line in about if line["sequence"] == order["version"]), None)
    if last is None:
        return refused
    by = last["actor"] or _("系统（到期自动办理）")
    return Refused(refused.status, {**refused.problem, "by": by, "at": last["occurred_at"]})
