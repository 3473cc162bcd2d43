"""community_handover's HTTP API: officers acknowledge handovers."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy import ColumnElement, select

from services.community_handover import commands
from services.community_handover import coverage as coverage_commands
from services.community_handover.access import acting_task, require_office_in_area, visible_task, visible_to
from services.community_handover.domain.task import PartyMember, Task
from services.community_handover.restoring import restore_task
from services.community_handover.schemas import (
    LINE,
    AcceptanceIn,
    AgreementIn,
    AssignmentIn,
    BoardOut,
    BoardQuery,
    ClosureIn,
    ContactIn,
    CorrectionIn,
    CoverageIn,
    CoverageOut,
    CoveragePage,
    CoverageQuery,
    DutyIn,
    DutyOut,
    DutyQuery,
    FirstContactIn,
    LetterIn,
    MeetingIn,
    Nothing,
    OfficeIn,
    OfficeOut,
    OfficePage,
    OfficesOut,
    PartyIn,
    PauseIn,
    ReceiptIn,
    ReferralIn,
    RegistrationIn,
    RejectionIn,
    RestorationIn,
    RestoredOut,
    TaskOut,
    TaskPage,
    TaskQuery,
    TraceStepIn,
)
from services.community_handover.store import Coverage, Duty, Office, Work, coverage, is_open, offices, tasks
from shared.kernel.errors import invalid_field
from shared.reference.divisions import divisions
from shared.web import (
    SUPERVISORS,
    Blueprint,
    CursorQuery,
    Jurisdiction,
    Outside,
    Role,
    current_principal,
    current_work,
    operation,
    page_of,
    page_of_rows,
)
from shared.web.fields import day_in_path
from shared.web.scope import asked_area, require_area

tasks_blp = Blueprint("tasks", __name__, url_prefix="/tasks", description="Handover tasks")
offices_blp = Blueprint("offices", __name__, description="Offices, and which divisions they cover")

OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


def _acting(task_id: UUID) -> Task:
    return acting_task(task_id, current_principal(), work())


@tasks_blp.route("")
class Tasks(MethodView):
    """All tasks."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
    @tasks_blp.arguments(TaskQuery, location="query")
    @tasks_blp.response(200, TaskPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List tasks in the order of the release."""
        where = visible_to(current_principal())
        names = ("office", "state", "release_id", "order_id", "person_id")
        where += [tasks.c[name] == query[name] for name in names if name in query]
        if "due_before" in query:
            where.append(tasks.c.due_at < query["due_before"])
        if "open" in query:
            where.append(is_open if query["open"] else ~is_open)
        page = page_of(
            work().tasks,
            *where,
            sort=tasks.c.release_at,
            limit=query["limit"],
            cursor=query["cursor"],
            descending=query["newest_first"],
        )
        work().tiers.prefetch("person_id", (task.person_id for task in page["items"]))
        return page


@tasks_blp.route("/board")
class Board(MethodView):
    """What an officer or a supervisor looks at all day."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, outside=Outside.LEFT_OUT)
    @tasks_blp.arguments(BoardQuery, location="query")
    @tasks_blp.response(200, BoardOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Read the open tasks in the order of the release, and the latest that are over; of each what a list shows."""
        waiting, over = _lines(query["limit"], is_open), _lines(query["done"], ~is_open, newest_first=True)
        return {"open": waiting["items"], "done": over["items"], "more": waiting["next_cursor"] is not None}


def _lines(limit: int, *where: ColumnElement[bool], newest_first: bool = False) -> dict[str, Any]:
    shown = select(*(tasks.c[name] for name in LINE)).where(*visible_to(current_principal()), *where)
    order: dict[str, Any] = {"sort": tasks.c.release_at, "key": tasks.c.id, "descending": newest_first}
    return page_of_rows(work().connection, shown, limit=limit, cursor=None, **order)


@tasks_blp.route("/<uuid:task_id>")
class OneTask(MethodView):
    """One task."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER)
    @tasks_blp.response(200, TaskOut)
    def get(self, task_id: UUID) -> Task:
        """Read a task."""
        return visible_task(task_id, current_principal(), work())


@tasks_blp.route("/restoration", methods=["POST"])
@operation(Role.OPERATOR, within=Jurisdiction.CITY, creates=True)
@tasks_blp.arguments(RestorationIn)
@tasks_blp.response(201, RestoredOut)
@tasks_blp.alt_response(404, "Problem404")
def restoration(body: dict[str, Any]) -> Task:
    """Put back the task of a release whose row is gone, as it was last told."""
    return restore_task(body["release_id"], work=work())


@tasks_blp.route("/<uuid:task_id>/acceptance")
class Acceptance(MethodView):
    """The confirmation of a task."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(AcceptanceIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Confirm that the person will be met (确认收到)."""
        return commands.accept_task(
            _acting(task_id), by=current_principal().subject, version_seen=body["version_seen"], work=work()
        )


@tasks_blp.route("/<uuid:task_id>/acceptance-undoing")
class AcceptanceUndoing(MethodView):
    """A confirmation by mistake."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(Nothing)
    @tasks_blp.response(201, TaskOut)
    def post(self, _body: dict[str, Any], task_id: UUID) -> Task:
        """Take a confirmation back, by whoever gave it, within five minutes and before anything followed."""
        return commands.undo_acceptance(_acting(task_id), by=current_principal().subject, work=work())


@tasks_blp.route("/<uuid:task_id>/rejection")
class Rejection(MethodView):
    """The refusal of a task."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(RejectionIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Say why the office is not the right one, and which one is."""
        return commands.reject_task(commands.RejectTask(_acting(task_id).id, **body), work=work())


@tasks_blp.route("/<uuid:task_id>/party")
class Party(MethodView):
    """Who goes to the gate."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(PartyIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Name those who go to the gate."""
        return commands.name_party(
            _acting(task_id), tuple(PartyMember(**member) for member in body["members"]), work=work()
        )


@tasks_blp.route("/<uuid:task_id>/meeting")
class Meeting(MethodView):
    """The meeting at the gate."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(MeetingIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter what happened at the gate."""
        return commands.meet_person(commands.MeetPerson(_acting(task_id).id, **body), work=work())


@tasks_blp.route("/<uuid:task_id>/outcome-correction")
class OutcomeCorrection(MethodView):
    """A wrong entry about the gate."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(CorrectionIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Set right what had been entered of the gate, with the reason."""
        command = commands.CorrectOutcome(_acting(task_id).id, **body)
        return commands.correct_outcome(command, by=current_principal().subject, work=work())


@tasks_blp.route("/<uuid:task_id>/first-contact")
class FirstContact(MethodView):
    """The first contact by an official."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(FirstContactIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that an official reached the person."""
        return commands.contact_person(_acting(task_id), at=body["contacted_at"], work=work())


@tasks_blp.route("/<uuid:task_id>/trace-steps")
class TraceSteps(MethodView):
    """The search for somebody who was not met."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(TraceStepIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter an attempt to find the person (查找)."""
        return commands.search_person(
            commands.SearchPerson(_acting(task_id).id, **body), by=current_principal().subject, work=work()
        )


@tasks_blp.route("/<uuid:task_id>/whereabouts-unknown")
class WhereaboutsUnknown(MethodView):
    """The end of a search that failed."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(Nothing)
    @tasks_blp.response(201, TaskOut)
    def post(self, _body: dict[str, Any], task_id: UUID) -> Task:
        """Sign that the whereabouts are unknown (现状不明)."""
        return commands.sign_unknown(_acting(task_id), by=current_principal().subject, work=work())


@tasks_blp.route("/<uuid:task_id>/registration")
class Registration(MethodView):
    """The registration with the community."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(RegistrationIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that the person reported and was registered: the community measure begins."""
        return commands.register_person(
            _acting(task_id), at=body["reported_at"], months=body["measure_months"], work=work()
        )


@tasks_blp.route("/<uuid:task_id>/agreement")
class Agreement(MethodView):
    """The agreement with the person."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(AgreementIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter the signed agreement; the handover is complete."""
        return commands.sign_agreement(_acting(task_id), at=body["signed_at"], work=work())


@tasks_blp.route("/<uuid:task_id>/contact")
class Contact(MethodView):
    """The offer of help to somebody without an order."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(ContactIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that help was offered."""
        return commands.finish_contact(_acting(task_id), consents=body["consents_to_contact"], work=work())


@tasks_blp.route("/<uuid:task_id>/refusal")
class Refusal(MethodView):
    """The refusal to report."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(Nothing)
    @tasks_blp.response(201, TaskOut)
    def post(self, _body: dict[str, Any], task_id: UUID) -> Task:
        """Note that the person did not report in time without a good reason."""
        return commands.note_refusal(_acting(task_id), work=work())


@tasks_blp.route("/<uuid:task_id>/referral")
class Referral(MethodView):
    """The report of a refusal to the police."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(ReferralIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter that the police were told."""
        return commands.refer(_acting(task_id), number=body["number"], at=body["told_at"], work=work())


@tasks_blp.route("/<uuid:task_id>/pause")
class Pause(MethodView):
    """A good reason not to report now."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(PauseIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Let the time to report stand still."""
        return commands.pause(_acting(task_id), reason=body["reason"], work=work())


@tasks_blp.route("/<uuid:task_id>/resumption")
class Resumption(MethodView):
    """The end of a pause."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(Nothing)
    @tasks_blp.response(201, TaskOut)
    def post(self, _body: dict[str, Any], task_id: UUID) -> Task:
        """Let the time to report go on."""
        return commands.resume(_acting(task_id), work=work())


@tasks_blp.route("/<uuid:task_id>/letter")
class Letter(MethodView):
    """The handover to an office outside the platform."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(LetterIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter the letter to an office outside the platform."""
        return commands.send_away(
            _acting(task_id), to=body["to"], letter_number=body["letter_number"], at=body["sent_at"], work=work()
        )


@tasks_blp.route("/<uuid:task_id>/receipt")
class Receipt(MethodView):
    """The reply of an office outside the platform."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(ReceiptIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Enter the reply of that office: it is responsible from now on."""
        return commands.receive_remotely(_acting(task_id), at=body["received_at"], work=work())


@tasks_blp.route("/<uuid:task_id>/closure")
class Closure(MethodView):
    """The end of a task for a lawful reason."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(ClosureIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """End a task for a lawful reason."""
        return commands.close_task(_acting(task_id), reason=body["reason"], work=work())


@tasks_blp.route("/<uuid:task_id>/assignment")
class Assignment(MethodView):
    """The choice of another office."""

    @operation(*SUPERVISORS, within=Jurisdiction.HOLDER, creates=True)
    @tasks_blp.arguments(AssignmentIn)
    @tasks_blp.response(201, TaskOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Task:
        """Give the task to an office."""
        return commands.assign_office(_acting(task_id), body["office"], reason=body["reason"], work=work())


@offices_blp.route("/offices")
class Offices(MethodView):
    """All offices."""

    @operation(*OFFICERS, within=Jurisdiction.CITY)
    @offices_blp.arguments(CursorQuery, location="query")
    @offices_blp.response(200, OfficePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List offices."""
        return page_of(work().offices, sort=offices.c.division, limit=query["limit"], cursor=query["cursor"])


@offices_blp.route("/offices/<string:code>")
class OneOffice(MethodView):
    """One office."""

    @operation(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @offices_blp.arguments(OfficeIn)
    @offices_blp.response(200, OfficeOut)
    def put(self, body: dict[str, Any], code: str) -> Office:
        """Enter or change an office."""
        require_office_in_area(current_principal(), code, work(), body["division"])
        return coverage_commands.put_office(Office(code, **body), work=work())


@offices_blp.route("/offices/<string:code>/duty/<day>")
class OneDuty(MethodView):
    """Who of an office is on duty on a day."""

    @operation(*SUPERVISORS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @offices_blp.arguments(DutyIn)
    @offices_blp.response(200, DutyOut)
    def put(self, body: dict[str, Any], code: str, day: str) -> Duty:
        """Say who is on duty, and who stands in."""
        require_office_in_area(current_principal(), code, work())
        return coverage_commands.put_duty(code, day_in_path(day), **body, work=work())


@offices_blp.route("/offices-without-duty")
class WithoutDuty(MethodView):
    """Gaps in the rosters."""

    @operation(*SUPERVISORS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @offices_blp.arguments(DutyQuery, location="query")
    @offices_blp.response(200, OfficesOut)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List the offices for which nobody is on duty on a day."""
        within = asked_area(query["division"], current_principal())
        return {"items": coverage_commands.offices_without_duty(query["day"], within, work=work())}


@offices_blp.route("/coverage")
class AllCoverage(MethodView):
    """Which office covers which division."""

    @operation(*OFFICERS, within=Jurisdiction.CITY)
    @offices_blp.arguments(CoverageQuery, location="query")
    @offices_blp.response(200, CoveragePage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List coverage in the order of division codes."""
        where = [coverage.c.division.startswith(query["division"])] if "division" in query else []
        return page_of(work().coverage, *where, sort=coverage.c.division, limit=query["limit"], cursor=query["cursor"])


@offices_blp.route("/coverage/<string:division>")
class OneCoverage(MethodView):
    """The coverage of one division."""

    @operation(*PLANNERS, within=Jurisdiction.AREA, outside=Outside.REFUSED)
    @offices_blp.arguments(CoverageIn)
    @offices_blp.response(200, CoverageOut)
    def put(self, body: dict[str, Any], division: str) -> Coverage:
        """Say which office covers a division."""
        if division not in divisions():
            raise invalid_field("/division", "division.unknown", "there is no such division")
        require_area(current_principal(), division)
        return coverage_commands.put_coverage(Coverage(division, body["office"]), work=work())
