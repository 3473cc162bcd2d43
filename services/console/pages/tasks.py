"""Handover tasks: see, confirm or refuse, meet, search, register; and what supervisors decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, jsonify, redirect, render_template, request, session, url_for
from flask_babel import lazy_gettext as _l

from services.console.clients import Refused
from services.console.identity import current_account
from services.console.pages.common import act, get, names_of, person_of, wants_json
from services.console.problem_words import PROBLEMS
from services.console.words import RULES, STATES, Spoken
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("tasks", __name__, url_prefix="/tasks")

GROUPS: Mapping[str, tuple[str, ...]] = {
    "to_confirm": ("offered", "unresolved", "announced", "disputed", "remote_sent"),
    "to_meet": ("accepted",),
    "to_find": ("not_met", "tracing", "whereabouts_unknown"),
    "to_register": ("met", "contacted", "refused_to_report"),
    "to_agree": ("registered",),
    "done": ("contact_done", "closed", "referred", "remote_accepted"),
    "withdrawn": ("withdrawn",),
}
OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
_ASKS_FOR_OFFICE = frozenset({"offered", "unresolved", "announced", "disputed", "remote_sent"})
PAGE = 100
DONE = 20  # of what is over, the latest


@dataclass(frozen=True, slots=True)
class Step:
    """One act on a task: the fields of its form, and what is said when it is done."""

    receipt: Any  # a text in the user's language
    texts: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    roles: bool = False  # who goes to the gate


STEPS: Mapping[str, Step] = {
    "acceptance": Step(_l("已确认接收，现在由您单位负责接人。")),
    "acceptance-undoing": Step(_l("已撤销确认。请在期限内确认或退回。")),
    "rejection": Step(_l("已退回，并说明了理由。"), ("ground", "reason", "proposed_office")),
    "party": Step(_l("已确定接人小组。"), roles=True),
    "meeting": Step(_l("已记录出所接人情况。"), ("outcome", "note")),
    "trace-steps": Step(_l("已记录查找情况。"), ("kind", "note"), ("found",)),
    "first-contact": Step(_l("已记录首次见面。")),
    "registration": Step(_l("已登记报到。"), ("measure_months",)),
    "agreement": Step(_l("已签协议，衔接完成。")),
    "contact": Step(_l("已记录联系结果。"), flags=("consents_to_contact",)),
    "refusal": Step(_l("已记录拒绝报到。")),
    "referral": Step(_l("已记录报告公安机关。"), ("number",)),
    "pause": Step(_l("已暂停计算报到期限。"), ("reason",)),
    "resumption": Step(_l("已恢复计算报到期限。")),
    "assignment": Step(_l("已指定接收单位。"), ("office", "reason")),
    "whereabouts-unknown": Step(_l("已签署现状不明。")),
    "letter": Step(_l("已登记异地衔接函。"), ("to", "letter_number")),
    "receipt": Step(_l("已登记异地回执。")),
    "closure": Step(_l("任务已结束。"), ("reason",)),
}


@bp.get("")
@allows(*OFFICERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """All tasks of the user's office or area, by what is to be done."""
    board = get("community_handover", "/tasks/board", limit=PAGE, done=DONE)
    found = [*board["open"], *board["done"]]
    by_state = {state: group for group, states in GROUPS.items() for state in states}
    grouped: dict[str, list[Any]] = {group: [] for group in GROUPS}
    for task in found:
        grouped[by_state[task["state"]]].append(task)
    for group in ("to_confirm", "to_find", "to_register"):
        grouped[group].sort(key=lambda task: task["due_at"] or task["release_at"])
    names = names_of(task["person_id"] for task in found)
    template = "tasks_list.html" if request.headers.get("HX-Request") else "tasks.html"
    words = {"states": Spoken(STATES), "rules": Spoken(RULES)}
    return render_template(template, grouped=grouped, names=names, **words)


@bp.get("/<uuid:task_id>")
@allows(*OFFICERS, within=Jurisdiction.HOLDER)
def one(task_id: UUID) -> Any:
    """One task: who holds it, what is next, what happened."""
    return _page(task_id)


@bp.post("/<uuid:task_id>/<step>")
@allows(*OFFICERS, within=Jurisdiction.HOLDER)
def do(task_id: UUID, step: str) -> Any:
    """One act on the task, once for each form shown."""
    if step not in STEPS:
        abort(404)
    try:
        done = act("community_handover", f"/tasks/{task_id}/{step}", _body(STEPS[step]))
    except Refused as refused:
        if wants_json() and refused.status != 401:
            return jsonify(said=_refusal(refused)), refused.status
        return _page(task_id, refused=refused, step=step)
    receipt, there = str(STEPS[step].receipt), url_for("tasks.one", task_id=task_id)
    session["receipt"] = {"task": str(task_id), "text": receipt, "version": done["version"]}
    return jsonify(there=there, said=receipt) if wants_json() else redirect(there, 303)


def _refusal(refused: Refused) -> str:
    """Why, and who was faster."""
    why = str(PROBLEMS.get(refused.code) or refused.problem.get("detail", refused.code))
    return f"{why} · {refused.problem['by']}" if refused.problem.get("by") else why


def _body(step: Step) -> dict[str, Any]:
    """The form's fields as the API takes them; what is left empty is not said."""
    texts = {name: text for name in step.texts if (text := request.form.get(name, "").strip())}
    flags = {name: request.form.get(name) == "yes" for name in step.flags if name in request.form}
    members = [{"role": role} for role in request.form.getlist("role")]
    return texts | flags | ({"members": members} if step.roles else {})


def _page(task_id: UUID, refused: Refused | None = None, step: str | None = None) -> Any:
    task, account = get("community_handover", f"/tasks/{task_id}"), current_account()
    page = render_template(
        "task.html",
        task=task,
        person=person_of(task["person_id"]),
        lines=get("oversight", f"/cases/{task['person_id']}/timeline", order="newest_first", limit=30)["items"],
        offices=get("community_handover", "/offices", limit=200)["items"] if task["state"] in _ASKS_FOR_OFFICE else [],
        is_supervisor=account is not None and account.role.endswith("_supervisor"),
        refused=refused,
        refused_step=step,
        entered=request.form,
        receipt=session.pop("receipt", None),
        attachments=get("community_handover", f"/tasks/{task_id}/attachments")["items"],
    )
    return page, refused.status if refused else 200
