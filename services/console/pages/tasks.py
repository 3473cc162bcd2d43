"""The community officer's tasks: see, acknowledge, meet, register."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.pages.common import act, get, names_of

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

GROUPS: Mapping[str, tuple[str, ...]] = {
    "to_confirm": ("offered", "unresolved", "announced"),
    "to_meet": ("accepted",),
    "to_register": ("met",),
    "done": ("registered", "contact_done"),
    "withdrawn": ("withdrawn",),
}
PAGE = 100


@bp.get("")
def index() -> Any:
    """All tasks of the user's office or area, by what is to be done."""
    found = get("community_handover", "/tasks", limit=PAGE)["items"]
    by_state = {state: group for group, states in GROUPS.items() for state in states}
    grouped: dict[str, list[Any]] = {group: [] for group in GROUPS}
    for task in found:
        grouped[by_state[task["state"]]].append(task)
    grouped["to_confirm"].sort(key=lambda task: task["accept_due_at"] or task["release_at"])
    names = names_of(task["person_id"] for task in found)
    template = "tasks_list.html" if request.headers.get("HX-Request") else "tasks.html"
    return render_template(template, grouped=grouped, names=names)


@bp.get("/<uuid:task_id>")
def one(task_id: UUID) -> Any:
    """One task: who holds it, what is next, what happened."""
    return _page(task_id)


@bp.post("/<uuid:task_id>/acceptance")
def accept(task_id: UUID) -> Any:
    """确认收到."""
    return _do(task_id, "acceptance", {}, _("已确认接收，现在由您单位负责接人。"))


@bp.post("/<uuid:task_id>/meeting")
def meet(task_id: UUID) -> Any:
    """已接到."""
    body = {"outcome": request.form.get("outcome", "met_official")}
    return _do(task_id, "meeting", body, _("已记录接到本人。"))


@bp.post("/<uuid:task_id>/registration")
def register(task_id: UUID) -> Any:
    """登记."""
    return _do(task_id, "registration", {}, _("已登记报到。"))


@bp.post("/<uuid:task_id>/contact")
def contact(task_id: UUID) -> Any:
    """已联系."""
    body = {"consents_to_contact": request.form.get("consents") == "yes"}
    return _do(task_id, "contact", body, _("已记录联系结果。"))


def _do(task_id: UUID, step: str, body: Mapping[str, Any], receipt: str) -> Any:
    try:
        done = act("community_handover", f"/tasks/{task_id}/{step}", body)
    except Refused as refused:
        return _page(task_id, refused=refused)
    session["receipt"] = {"task": str(task_id), "text": receipt, "version": done["version"]}
    return redirect(url_for("tasks.one", task_id=task_id), 303)


def _page(task_id: UUID, refused: Refused | None = None) -> Any:
    task = get("community_handover", f"/tasks/{task_id}")
    person = names_of([task["person_id"]]).get(task["person_id"])
    lines = get("oversight", f"/cases/{task['person_id']}/timeline", order="newest_first", limit=30)["items"]
    receipt = session.pop("receipt", None)
    page = render_template("task.html", task=task, person=person, lines=lines, refused=refused, receipt=receipt)
    return page, refused.status if refused else 200
