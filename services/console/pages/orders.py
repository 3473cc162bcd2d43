"""Decisions and admissions (决定与收治): what is to be decided, served, told and taken in, until it is executed."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from services.console.acts import Act
from services.console.clients import Refused
from services.console.pages import acting
from services.console.pages.acting import Cases
from services.console.pages.common import act, get, names_of, person_of
from services.console.pages.custody_acts import CENTRE, DECIDERS, NEW_ORDER, ORDER_ACT_OF, ORDER_ACTS
from services.console.words import STATES, Spoken
from shared.reference.divisions import containing, divisions
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import Role

bp = Blueprint("orders", __name__, url_prefix="/orders")

ORDERS = Cases("detention_intake", "/orders", ORDER_ACT_OF)
WRITERS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR, Role.CENTRE_CLERK)
READERS = (*WRITERS, Role.CITY_SUPERVISOR)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "to_decide": ("decision_due",),
    "to_serve": ("issued",),
    "to_admit": ("served", "absconded"),
    "refused": ("deferred",),
    "executing": ("admitted", "in_force", "completed"),
}
BY_STATE = (
    *(state for states in GROUPS.values() for state in states),
    "not_admitted",
    "no_measure",
    "lapsed",
    "revoked",
)
PAGE = 50
TOLD_RULE, TOWNSHIP_DIGITS = "D1", 9


@bp.get("")
@allows(*READERS, within=Jurisdiction.CUSTODY, outside=Outside.LEFT_OUT)
def index() -> Any:
    """Decisions by what is to be done; or those in one state, page by page."""
    state = request.args.get("state", "")
    if state in STATES:
        page = _list(state=state, cursor=request.args.get("cursor"))
        groups, more = {state: page["items"]}, page["next_cursor"]
    else:
        groups, more, state = _groups(), None, ""
    names = names_of(order["person_id"] for orders in groups.values() for order in orders)
    return render_template(
        "orders.html",
        groups=groups,
        one_state=state,
        next_cursor=more,
        by_state=BY_STATE,
        full=PAGE,
        names=names,
        states=Spoken(STATES),
        receipt=acting.take_receipt(),
    )


@bp.get("/new")
@allows(*WRITERS, within=Jurisdiction.OWN_NAME)
def new() -> Any:
    """A form for an existing decision: first the person, by a link or an identity number, then what was decided.

    The decision on a test that waits to be entered has a page of its own already.
    """
    waiting = [order for order in _orders_of(acting.asked("test")) if order["state"] == "decision_due"]
    return redirect(url_for("orders.one", order_id=waiting[0]["id"])) if waiting else _new()


@bp.post("/new/person")
@allows(*WRITERS, within=Jurisdiction.CITY)
def find() -> Any:
    """The person with an identity number."""
    try:
        return acting.look_up("orders.new")
    except Refused as refused:
        return _new(refused)


@bp.post("/new")
@allows(*WRITERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
def enter() -> Any:
    """Enter the decision."""
    about = {"person_id": acting.asked("person"), "test_order_id": acting.asked("test")}
    if about["person_id"] is None:
        return _new(acting.no_person())
    try:
        made = act("detention_intake", "/orders", {**NEW_ORDER.body(request.form), **about})
    except Refused as refused:
        if refused.status in (401, 403):
            raise
        return _new(refused)
    acting.keep_receipt(NEW_ORDER.receipt, made)
    return redirect(url_for("orders.one", order_id=made["id"]), 303)


@bp.get("/<uuid:order_id>")
@allows(*READERS, within=Jurisdiction.CUSTODY)
def one(order_id: UUID) -> Any:
    """One decision: what is due next, what is known, and what can be done."""
    return _page(order_id)


@bp.post("/<uuid:order_id>/<act>")
@allows(*WRITERS, within=Jurisdiction.CUSTODY)
def do(order_id: UUID, act: str) -> Any:
    """One act on a decision, once for each form shown."""
    return acting.respond(ORDERS, order_id, act, _acts(), _page, lambda done: _after(act, done))


def _after(name: str, done: Mapping[str, Any]) -> str:
    if name == "admission":
        return url_for("stays.one", stay_id=done["id"])
    return url_for("orders.one", order_id=done["id"])


def _acts() -> dict[str, Act]:
    """The acts, a clerk's for the own centre."""
    own = ORDER_ACTS["admission"].with_field("centre", fixed=acting.organisation())
    return {**ORDER_ACTS, "admission": own}


def _list(**query: Any) -> Any:
    return get("detention_intake", "/orders", limit=PAGE, **query)


def _orders_of(test_order_id: str | None) -> Sequence[Mapping[str, Any]]:
    """The orders that rest on a test, as far as the user may know."""
    return _list(test_order_id=test_order_id)["items"] if test_order_id else ()


def _groups() -> dict[str, list[Any]]:
    """What is open, in the order of its deadline; under review, and still to be told, also what is executed."""
    found = {name: [one for state in states for one in _list(state=state)["items"]] for name, states in GROUPS.items()}
    reviewed = _list(under_review=True)["items"]
    told = [one for one in found["executing"] if one["due_rule"] == TOLD_RULE]
    named = {one["id"] for one in (*reviewed, *told)}
    found["executing"] = [one for one in found["executing"] if one["id"] not in named]
    found["to_serve"] += told
    for orders in found.values():
        orders.sort(key=lambda order: (order["due_at"] is None, order["due_at"] or ""))
    before = {name: found[name] for name in ("to_decide", "to_serve", "to_admit", "refused")}
    return {**before, "review": reviewed, "executing": found["executing"]}


def _offered(order: Mapping[str, Any]) -> dict[str, Act]:
    under_review = order["review_opened_at"] and not order["review_outcome"]
    return {
        name: act for name, act in ORDERS.offered(order, _acts()).items() if name != "review-decision" or under_review
    }


def _page(order_id: UUID, refused: Refused | None = None, name: str = "") -> Any:
    order = ORDERS.read(order_id)
    return acting.page_of(
        "order.html",
        order,
        refused,
        name,
        order=order,
        person=person_of(order["person_id"]),
        acts=_offered(order),
        may_decide=acting.role() in DECIDERS,
        may_admit=acting.role() in CENTRE,
    )


def _new(refused: Refused | None = None) -> Any:
    person_id, test = acting.asked("person"), acting.asked("test")
    person = person_of(person_id) if person_id else None
    home = (person or {}).get("residence_division") or ""
    page = render_template(
        "order_new.html",
        person_id=person_id,
        person=person,
        test=test,
        known=_orders_of(test),
        act=NEW_ORDER.with_field("division", choices=_townships()),
        refused=refused,
        entered=request.form if refused else MultiDict({"division": home[:TOWNSHIP_DIGITS]}),
    )
    return page, refused.status if refused else 200


def _townships() -> dict[str, str]:
    """The townships of the user's area, and the area itself where it is no larger than a county."""
    within = acting.user().division
    own = [code for code in containing(within)[:1] if len(code) > 4]
    codes = [*own, *(place.code for place in divisions().of_level("township", within))]
    return {code: divisions().full_name(code) for code in dict.fromkeys(codes)}
