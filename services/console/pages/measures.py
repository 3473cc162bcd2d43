"""Community measures (社区执行): whom an office sees how often, who is looked for, who moves, and what ends it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for

from services.console.acts import Act
from services.console.clients import Refused
from services.console.pages import acting
from services.console.pages.acting import Cases
from services.console.pages.common import get, names_of, person_of
from services.console.pages.measure_acts import MEASURE_ACT_OF, MEASURE_ACTS
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.reference.divisions import divisions
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("measures", __name__, url_prefix="/measures")

MEASURES = Cases("community_handover", "/measures", MEASURE_ACT_OF)
OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
GROUPS: Mapping[str, tuple[str, ...]] = {
    "searching": ("tracing", "whereabouts_unknown"),
    "moving": ("moving",),
    "suspended": ("suspended",),
    "to_end": ("expired",),
    "running": ("active",),
}
OVER = ("completed", "terminated")
BY_STATE = (*(state for states in GROUPS.values() for state in states), *OVER)
PAGE = 100
DUE = "due"  # the group of what has to be done today or had to be done before
_ONE_DAY, _A_SECOND = timedelta(days=1), timedelta(seconds=1)
_DEADLINES = ("tell_due", "agreement_due", "visit_due")


@bp.get("")
@allows(*OFFICERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
def index() -> Any:
    """Measures by what is to be done, what is due first; or those of one group or state, page by page.

    With a handover task, on to the measure that followed.
    """
    task_id = acting.asked("task")
    return _that_followed(task_id) if task_id else _index()


@bp.get("/<uuid:measure_id>")
@allows(*OFFICERS, within=Jurisdiction.HOLDER)
def one(measure_id: UUID) -> Any:
    """One measure: what is due next, what is known, and what can be done."""
    return _page(measure_id)


@bp.post("/<uuid:measure_id>/whereabouts-unknown")
@allows(*SUPERVISORS, within=Jurisdiction.HOLDER)
def sign_unknown(measure_id: UUID) -> Any:
    """A supervisor signs that a search failed."""
    return acting.respond(MEASURES, measure_id, "whereabouts-unknown", MEASURE_ACTS, _page, _there)


@bp.post("/<uuid:measure_id>/termination")
@allows(*SUPERVISORS, within=Jurisdiction.HOLDER)
def terminate(measure_id: UUID) -> Any:
    """A supervisor ends a measure before its time."""
    return acting.respond(MEASURES, measure_id, "termination", MEASURE_ACTS, _page, _there)


@bp.post("/<uuid:measure_id>/<act>")
@allows(*OFFICERS, within=Jurisdiction.HOLDER)
def do(measure_id: UUID, act: str) -> Any:
    """One act on a measure, once for each form shown."""
    return acting.respond(MEASURES, measure_id, act, MEASURE_ACTS, _page, _there)


def tonight(now: datetime | None = None) -> datetime:
    """Midnight in China: what is too late from then on is to be done today."""
    return start_of_day(china_day(now or datetime.now(UTC)) + _ONE_DAY)


def _there(done: Mapping[str, Any]) -> str:
    return url_for("measures.one", measure_id=done["id"])


def _that_followed(task_id: str) -> Any:
    """The measure that began with a task's registration.

    Raises: Refused when there is none that the user may see.
    """
    found = _list(task_id=task_id)["items"]
    if not found:
        raise Refused(404, {"code": "measure.not_found"})
    return redirect(_there(found[0]))


def _index() -> Any:
    chosen, cursor = request.args.get("state", ""), request.args.get("cursor")
    if chosen in BY_STATE:
        page = _list(state=chosen, cursor=cursor)
    elif chosen == DUE:
        page = _due(cursor)
    else:
        page, chosen = None, ""
    groups = {chosen: page["items"]} if page else _groups()
    return render_template(
        "measures.html",
        groups=groups,
        one_state=chosen,
        next_cursor=page["next_cursor"] if page else None,
        by_state=BY_STATE,
        full=PAGE,
        names=names_of(measure["person_id"] for measures in groups.values() for measure in measures),
        organisation=acting.organisation(),
    )


def _list(**query: Any) -> Any:
    return get("community_handover", "/measures", limit=PAGE, **query)


def _due(cursor: str | None = None) -> Any:
    return _list(due_before=(tonight() + _A_SECOND).isoformat(), cursor=cursor)


def _groups() -> dict[str, list[Any]]:
    """What is due today or late, then the others by what is to be done; the next deadline first."""
    due = _due()["items"]
    named = {one["id"] for one in due}
    groups = {DUE: due}
    for name, states in GROUPS.items():
        found = [one for state in states for one in _list(state=state)["items"]]
        groups[name] = [one for one in found if one["id"] not in named]
    for measures in groups.values():
        measures.sort(key=lambda measure: measure["due_at"] or "")
    return groups


def _acts(measure: Mapping[str, Any]) -> dict[str, Act]:
    """What can be done with this one by the user: the office to which the person moves only enters the arrival."""
    new_office, own = measure["moving_to_office"], acting.organisation()
    is_officer = acting.role() is Role.COMMUNITY_OFFICER
    holds, receives = not is_officer or own == measure["office"], not is_officer or own == new_office
    apart = {
        "agreement": holds and measure["agreement_due"] is not None,
        "breach-report": holds and measure["tell_due"] is not None,
        "arrival": receives and new_office is not None,
    }
    possible = {name: act for name, act in MEASURE_ACTS.items() if apart.get(name, holds)}
    acts = MEASURES.offered(measure, possible)
    if "absences" in acts:
        going_on = [one["left_on"] for one in measure["absences"] if one["returned_on"] is None]
        acts["absences"] = acts["absences"].with_field("left_on", usual="".join(going_on[:1]))
    if "move" in acts:
        acts["move"] = acts["move"].with_field("division", choices=_townships(measure["division"]))
    return acts


def _townships(own: str | None) -> dict[str, str]:
    """Where somebody may go to live: every township but the own one."""
    codes = [place.code for place in divisions().of_level("township") if place.code != own]
    return {code: divisions().full_name(code) for code in codes}


def _other_dues(measure: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The deadlines that run beside the next one; contacts are due of who is there."""
    runs = {"visit_due": measure["state"] == "active"}
    found = [measure[name] for name in _DEADLINES if measure[name] is not None and runs.get(name, True)]
    return sorted((one for one in found if one["rule"] != measure["due_rule"]), key=lambda one: one["at"])


def _task_of(measure: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The handover with which it began; None where the user may not see it, as after a change of place."""
    try:
        task: Mapping[str, Any] = get("community_handover", f"/tasks/{measure['task_id']}")
    except Refused:
        return None
    return task


def _page(measure_id: UUID, refused: Refused | None = None, name: str = "") -> Any:
    measure = MEASURES.read(measure_id)
    return acting.page_of(
        "measure.html",
        measure,
        refused,
        name,
        measure=measure,
        person=person_of(measure["person_id"]),
        acts=_acts(measure),
        others=_other_dues(measure),
        task=_task_of(measure),
        evaded=sum(one["stands"] for one in measure["evaded_tests"]),
        organisation=acting.organisation(),
    )
