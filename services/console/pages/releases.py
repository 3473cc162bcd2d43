"""Releases (出所): the board of the next seven days, what is silent, and each release from plan to gate."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from services.console.acts import Act
from services.console.clients import Away, Refused
from services.console.pages import acting
from services.console.pages.acting import Cases
from services.console.pages.common import act, get, names_of, person_of
from services.console.pages.release_acts import NEW_RELEASE, RELEASE_ACT_OF, RELEASE_ACTS
from services.console.words import STATES, Spoken
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("releases", __name__, url_prefix="/releases")

RELEASES = Cases("release_notification", "/releases", RELEASE_ACT_OF)
READERS = (Role.CENTRE_CLERK, *SUPERVISORS)
WEEK, LATELY = timedelta(days=7), timedelta(days=30)
PAGE, TASKS = 100, 200
CHANGED = ("cancelled", "retracted")
_AT_THE_LIST = "execution"  # whose form is on the list as well
# A task in these states has nobody yet who goes to the gate; in "accepted" it has, once a party is named.
_WITHOUT_OFFICE = frozenset({"unresolved", "announced", "offered", "disputed", "remote_sent"})


@bp.get("")
@allows(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """The next seven days and whatever is late, what is planned after them, then what was done."""
    return _index()


@bp.get("/new")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.OWN_NAME)
def new() -> Any:
    """A form for a release that no term ends, e.g. by a court's order: first the person, then when and how."""
    return _new()


@bp.post("/new/person")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.CITY)
def find() -> Any:
    """The person with an identity number."""
    try:
        return acting.look_up("releases.new")
    except Refused as refused:
        return _new(refused)


@bp.post("/new")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.OWN_NAME)
def plan() -> Any:
    """Plan it."""
    person_id = acting.asked("person")
    if person_id is None:
        return _new(acting.no_person())
    about = {"person_id": person_id, "centre": acting.organisation(), "stay_id": acting.asked("stay")}
    try:
        made = act("release_notification", "/releases", {**NEW_RELEASE.body(request.form), **about})
    except Refused as refused:
        return _new(refused)
    acting.keep_receipt(NEW_RELEASE.receipt, made)
    return redirect(url_for("releases.one", release_id=made["id"]), 303)


@bp.get("/<uuid:release_id>")
@allows(*READERS, within=Jurisdiction.HOLDER)
def one(release_id: UUID) -> Any:
    """One release: until when, who was told, and what can be done."""
    return _page(release_id)


@bp.post("/<uuid:release_id>/<act>")
@allows(Role.CENTRE_CLERK, within=Jurisdiction.HOLDER)
def do(release_id: UUID, act: str) -> Any:
    """One act on a release, once for each form shown; the gate also from the list."""
    if act == _AT_THE_LIST and request.form.get("from") == "list":
        return acting.respond(RELEASES, release_id, act, RELEASE_ACTS, _list_refusing, _to_list)
    return acting.respond(RELEASES, release_id, act, RELEASE_ACTS, _page, _there)


def _there(done: Mapping[str, Any]) -> str:
    return url_for("releases.one", release_id=done["id"])


def _to_list(_done: Mapping[str, Any]) -> str:
    return url_for("releases.index")


def _list_refusing(release_id: UUID, refused: Refused, _name: str) -> Any:
    return _index(refused, str(release_id))


def _list(**query: Any) -> list[Any]:
    items: list[Any] = get("release_notification", "/releases", limit=PAGE, **query)["items"]
    return items


def _index(refused: Refused | None = None, release_id: str | None = None) -> Any:
    now = datetime.now(UTC)
    soon, since = (now + WEEK).isoformat(), (now - LATELY).isoformat()
    planned, later = _list(state="planned", before=soon), _list(state="planned", after=soon)
    executed = _list(state="executed", after=since)
    changed = [one for state in CHANGED for one in _list(state=state, after=since)]
    names = names_of(one["person_id"] for one in (*planned, *later, *executed, *changed))
    page = render_template(
        "releases.html",
        planned=planned,
        later=later,
        executed=list(reversed(executed)),
        changed=changed,
        silences=get("release_notification", "/releases/silences")["items"],
        tasks=tasks_of(planned),
        names=names,
        states=Spoken(STATES),
        refused=refused,
        refused_id=release_id,
        receipt=acting.take_receipt(),
        full=PAGE,
    )
    return page, refused.status if refused else 200


def tasks_of(planned: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]] | None:
    """What supervisors may know of who goes to the gate, by release; None of others, or while nobody answers.

    A release without a task has an empty entry, but only for who sees all tasks on one page: of somebody registered in
    one county who lives in another, the first sees the release and not the task.
    """
    if acting.role() not in SUPERVISORS or not planned:
        return None
    try:
        page = get("community_handover", "/tasks", open=True, limit=TASKS)
    except (Refused, Away):
        return None
    known = {task["release_id"]: {**task, "is_open": has_nobody(task)} for task in page["items"]}
    missing: dict[str, Mapping[str, Any]] = {}
    if page["next_cursor"] is None and acting.role() is Role.CITY_SUPERVISOR:
        missing = {one["id"]: {} for one in planned if one["needs_handover"]}
    return missing | {one["id"]: known[one["id"]] for one in planned if one["id"] in known}


def has_nobody(task: Mapping[str, Any]) -> bool:
    """Whether nobody is named yet who goes to the gate."""
    return task["state"] in _WITHOUT_OFFICE or (task["state"] == "accepted" and not task["party"])


def _acts(release: Mapping[str, Any]) -> dict[str, Act]:
    """What can be done with this one."""
    is_held_by_term = release["stay_id"] is not None and release["term_last_day"] is not None
    apart = {
        "cancellation": not is_held_by_term,
        "rehabilitation": release["rehab"] is not None,
        "papers": release["needs_handover"] and not release["papers_sent_at"],
        "execution": release["cancelled_by"] != "stay_ended",
    }
    found = RELEASES.offered(release, RELEASE_ACTS)
    return {name: act for name, act in found.items() if apart.get(name, True)}


def _page(release_id: UUID, refused: Refused | None = None, name: str = "") -> Any:
    release = RELEASES.read(release_id)
    tasks = tasks_of([release]) if release["state"] == "planned" else None
    return acting.page_of(
        "release.html",
        release,
        refused,
        name,
        release=release,
        task=(tasks or {}).get(release["id"]),
        person=person_of(release["person_id"]),
        acts=_acts(release),
        is_clerk=acting.role() is Role.CENTRE_CLERK,
    )


def _new(refused: Refused | None = None) -> Any:
    person_id = acting.asked("person")
    known = _list(person_id=person_id, state="planned") if person_id else []
    page = render_template(
        "release_new.html",
        person_id=person_id,
        person=person_of(person_id) if person_id else None,
        stay=acting.asked("stay"),
        known=known,
        act=NEW_RELEASE,
        refused=refused,
        entered=request.form,
    )
    return page, refused.status if refused else 200
