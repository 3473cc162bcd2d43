"""release_notification's HTTP API: centres plan, change, cancel and execute releases."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.release_notification import commands, policy
from services.release_notification.access import visible_release, visible_to
from services.release_notification.domain.release import Alarm, Release
from services.release_notification.domain.transitions import State
from services.release_notification.schemas import (
    CancelIn,
    ExecuteIn,
    NoticeIn,
    PapersIn,
    PlanIn,
    RehabIn,
    ReinstateIn,
    ReleaseOut,
    ReleasePage,
    ReleaseQuery,
    RescheduleIn,
    RetractIn,
    SilencesOut,
    StatementOut,
)
from services.release_notification.stating import statement_of
from services.release_notification.store import Work, releases
from shared.kernel.errors import NotFound
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
)
from shared.web.fields import day_in_path

blp = Blueprint("releases", __name__, url_prefix="/releases", description="Releases, from plan to gate")
statements_blp = Blueprint("statements", __name__, url_prefix="/statements", description="Who left a centre on a day")

CENTRE = (Role.CENTRE_CLERK,)
READERS = (*CENTRE, *SUPERVISORS)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _own_centre() -> str | None:
    """The centre for which a clerk acts; None of somebody else."""
    principal = current_principal()
    return principal.organisation if principal.role is Role.CENTRE_CLERK else None


@blp.route("")
class Releases(MethodView):
    """All releases."""

    @operation(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
    @blp.arguments(ReleaseQuery, location="query")
    @blp.response(200, ReleasePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List releases in the order of their time."""
        columns = releases.c
        names = ("centre", "state", "person_id", "stay_id", "alarm")
        where = [columns[name] == query[name] for name in names if name in query]
        where += visible_to(current_principal())
        if "after" in query:
            where.append(columns.release_at >= query["after"])
        if "before" in query:
            where.append(columns.release_at < query["before"])
        if "due_before" in query:
            where.append(columns.due_at < query["due_before"])
        return page_of(work().releases, *where, sort=columns.release_at, limit=query["limit"], cursor=query["cursor"])

    @operation(*CENTRE, within=Jurisdiction.ORGANISATION, outside=Outside.REFUSED, creates=True)
    @blp.arguments(PlanIn)
    @blp.response(201, ReleaseOut)
    def post(self, body: dict[str, Any]) -> Release:
        """Plan a release."""
        commands.must_be_own(body["centre"], _own_centre())
        return commands.plan_release(commands.PlanRelease(**body), work=work())


@blp.route("/<uuid:release_id>")
class OneRelease(MethodView):
    """One release."""

    @operation(*READERS, within=Jurisdiction.HOLDER)
    @blp.response(200, ReleaseOut)
    def get(self, release_id: UUID) -> Release:
        """Read a release."""
        return visible_release(release_id, current_principal(), work())


@blp.route("/<uuid:release_id>/rescheduling")
class Rescheduling(MethodView):
    """A change of plan."""

    @operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
    @blp.arguments(RescheduleIn)
    @blp.response(201, ReleaseOut)
    def post(self, body: dict[str, Any], release_id: UUID) -> Release:
        """Change when, how or on which ground the person leaves."""
        command = commands.RescheduleRelease(release_id, **body)
        return commands.reschedule_release(command, work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/cancellation")
class Cancellation(MethodView):
    """The end of a plan."""

    @operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
    @blp.arguments(CancelIn)
    @blp.response(201, ReleaseOut)
    def post(self, body: dict[str, Any], release_id: UUID) -> Release:
        """Cancel a release."""
        command = commands.CancelRelease(release_id, **body)
        return commands.cancel_release(command, work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/execution")
class Execution(MethodView):
    """The gate."""

    @operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
    @blp.arguments(ExecuteIn)
    @blp.response(201, ReleaseOut)
    def post(self, body: dict[str, Any], release_id: UUID) -> Release:
        """Enter that the person left through the gate."""
        command = commands.ExecuteRelease(release_id, **body)
        return commands.execute_release(command, work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/retraction", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(RetractIn)
@blp.response(201, ReleaseOut)
def retraction(body: dict[str, Any], release_id: UUID) -> Release:
    """Take back a gate that was reported in error."""
    command = commands.RetractRelease(release_id, **body)
    return commands.retract_release(command, work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/reinstatement", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(ReinstateIn)
@blp.response(201, ReleaseOut)
def reinstatement(body: dict[str, Any], release_id: UUID) -> Release:
    """Plan a cancelled or retracted release again."""
    command = commands.ReinstateRelease(release_id, **body)
    return commands.reinstate_release(command, work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/notices", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(NoticeIn)
@blp.response(201, ReleaseOut)
def notices(body: dict[str, Any], release_id: UUID) -> Release:
    """Enter that somebody was told of the release, or why not (戒毒条例 art. 34)."""
    return commands.give_notice(commands.GiveNotice(release_id, **body), work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/rehabilitation", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(RehabIn)
@blp.response(201, ReleaseOut)
def rehabilitation(body: dict[str, Any], release_id: UUID) -> Release:
    """Enter whether the deciding organ ordered community rehabilitation."""
    return commands.settle_ground(release_id, rehab=body["rehab"], work=work(), centre=_own_centre())


@blp.route("/<uuid:release_id>/papers", methods=["POST"])
@operation(*CENTRE, within=Jurisdiction.HOLDER, creates=True)
@blp.arguments(PapersIn)
@blp.response(201, ReleaseOut)
def papers(body: dict[str, Any], release_id: UUID) -> Release:
    """Enter that the papers went to the township."""
    return commands.send_papers(release_id, at=body["sent_at"], work=work(), centre=_own_centre())


@blp.route("/silences", methods=["GET"])
@operation(*READERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
@blp.response(200, SilencesOut)
def silences() -> dict[str, Any]:
    """List what is silent and should not be, the most urgent first."""
    own = _own_centre()
    columns = releases.c
    where = [columns.alarm.is_not(None), columns.state == State.PLANNED, *visible_to(current_principal())]
    silent = sorted(
        work().releases.select(*where, order_by=columns.release_at, limit=policy.MOST_SILENCES),
        key=lambda release: list(Alarm).index(release.alarm or Alarm.NOTICE_LATE),
    )
    items: list[dict[str, Any]] = [
        {"kind": one.alarm, "centre": one.centre, "release_id": one.id, "since": one.release_at} for one in silent
    ]
    now = work().now
    quiet = work().quiet_centres(now - policy.QUIET_AFTER, now + policy.QUIET_WITHIN)
    items += [
        {"kind": "centre_quiet", "centre": centre, "release_id": None, "since": at}
        for centre, at in quiet
        if own in (None, centre)
    ]
    return {"items": items}


@statements_blp.route("/<string:centre>/<day>", methods=["GET"])
@operation(*CENTRE, Role.CITY_SUPERVISOR, Role.AUDITOR, within=Jurisdiction.ORGANISATION)
@statements_blp.response(200, StatementOut)
def statement(centre: str, day: str) -> dict[str, Any]:
    """Read what was last stated of a centre's day; a day that is not over is not stated."""
    parts = statement_of(centre, day_in_path(day), work=work()) if _own_centre() in (None, centre) else []
    if not parts:
        raise NotFound("statement.not_found", f"nothing was stated of {day}")
    first = parts[0]
    return {
        "centre": first.scope,
        "day": first.day,
        "version": max(part.version for part in parts),
        "executed": first.count,
        "to_be_met": first.compared,
        "digest": first.digest,
        "stated_at": max(part.stated_at for part in parts),
        "releases": [entry for part in parts for entry in part.entries],
    }
