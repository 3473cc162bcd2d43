"""community_handover's HTTP API: officers acknowledge handovers."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.community_handover import commands
from services.community_handover.access import visible_task, visible_to
from services.community_handover.domain import Task
from services.community_handover.schemas import (
    AcceptanceIn,
    AssignmentIn,
    ContactIn,
    CoverageIn,
    CoverageOut,
    CoveragePage,
    CoverageQuery,
    MeetingIn,
    OfficeIn,
    OfficeOut,
    OfficePage,
    RegistrationIn,
    TaskOut,
    TaskPage,
    TaskQuery,
)
from services.community_handover.store import Coverage, Office, Work, coverage, offices, tasks
from shared.kernel.errors import invalid_field
from shared.reference.divisions import divisions
from shared.web import (
    SUPERVISORS,
    Blueprint,
    CursorQuery,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
)

tasks_blp = Blueprint("tasks", __name__, url_prefix="/tasks", description="Handover tasks")
offices_blp = Blueprint("offices", __name__, description="Offices, and which divisions they cover")

OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _task(task_id: UUID) -> Task:
    return visible_task(task_id, current_principal(), work())


@tasks_blp.route("")
class Tasks(MethodView):
    """All tasks."""

    @operation(*OFFICERS)
    @tasks_blp.arguments(TaskQuery, location="query")
    @tasks_blp.response(200, TaskPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List tasks in the order of the release."""
        where = visible_to(current_principal())
        names = ("office", "state", "release_id", "person_id")
        where += [tasks.c[name] == query[name] for name in names if name in query]
        if "due_before" in query:
            where.append(tasks.c.accept_due_at < query["due_before"])
        return page_of(work().tasks, *where, sort=tasks.c.release_at, limit=query["limit"], cursor=query["cursor"])


@tasks_blp.route("/<uuid:task_id>")
class OneTask(MethodView):
    """One task."""

    @operation(*OFFICERS)
    @tasks_blp.response(200, TaskOut)
    def get(self, task_id: UUID) -> Task:
        """Read a task."""
        return _task(task_id)


@tasks_blp.route("/<uuid:task_id>/acceptance")
class Acceptance(MethodView):
    """The confirmation of a task."""

    @operation(*OFFICERS, creates=True)
    @tasks_blp.arguments(AcceptanceIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, _body: dict[str, Any], task_id: UUID) -> Task:
        """Confirm that the person will be met (确认收到)."""
        return commands.accept_task(_task(task_id), by=current_principal().subject, work=work())


@tasks_blp.route("/<uuid:task_id>/meeting")
class Meeting(MethodView):
    """The meeting at the gate."""

    @operation(*OFFICERS, creates=True)
    @tasks_blp.arguments(MeetingIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that the person was met."""
        return commands.meet_person(commands.MeetPerson(_task(task_id).id, **body), work=work())


@tasks_blp.route("/<uuid:task_id>/registration")
class Registration(MethodView):
    """The registration with the community."""

    @operation(*OFFICERS, creates=True)
    @tasks_blp.arguments(RegistrationIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that the person reported and was registered."""
        return commands.register_person(commands.RegisterPerson(_task(task_id).id, **body), work=work())


@tasks_blp.route("/<uuid:task_id>/contact")
class Contact(MethodView):
    """The offer of help to somebody without an order."""

    @operation(*OFFICERS, creates=True)
    @tasks_blp.arguments(ContactIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that help was offered."""
        return commands.finish_contact(commands.FinishContact(_task(task_id).id, **body), work=work())


@tasks_blp.route("/<uuid:task_id>/assignment")
class Assignment(MethodView):
    """The choice of another office."""

    @operation(*SUPERVISORS, creates=True)
    @tasks_blp.arguments(AssignmentIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Give the task to an office."""
        return commands.assign_office(commands.AssignOffice(_task(task_id).id, body["office"]), work=work())


@offices_blp.route("/offices")
class Offices(MethodView):
    """All offices."""

    @operation(*OFFICERS)
    @offices_blp.arguments(CursorQuery, location="query")
    @offices_blp.response(200, OfficePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List offices."""
        return page_of(work().offices, sort=offices.c.division, limit=query["limit"], cursor=query["cursor"])


@offices_blp.route("/offices/<string:code>")
class OneOffice(MethodView):
    """One office."""

    @operation(*PLANNERS)
    @offices_blp.arguments(OfficeIn)
    @offices_blp.response(200, OfficeOut)
    def put(self, body: dict[str, Any], code: str) -> Office:
        """Enter or change an office."""
        return commands.put_office(Office(code, **body), work=work())


@offices_blp.route("/coverage")
class AllCoverage(MethodView):
    """Which office covers which division."""

    @operation(*OFFICERS)
    @offices_blp.arguments(CoverageQuery, location="query")
    @offices_blp.response(200, CoveragePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List coverage in the order of division codes."""
        where = [coverage.c.division.startswith(query["division"])] if "division" in query else []
        return page_of(work().coverage, *where, sort=coverage.c.division, limit=query["limit"], cursor=query["cursor"])


@offices_blp.route("/coverage/<string:division>")
class OneCoverage(MethodView):
    """The coverage of one division."""

    @operation(*PLANNERS)
    @offices_blp.arguments(CoverageIn)
    @offices_blp.response(200, CoverageOut)
    def put(self, body: dict[str, Any], division: str) -> Coverage:
        """Say which office covers a division."""
        if division not in divisions():
            raise invalid_field("/division", "division.unknown", "there is no such division")
        return commands.put_coverage(Coverage(division, body["office"]), work=work())
