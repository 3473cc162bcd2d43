"""person_registry's HTTP API: identities for who has a duty, each look written down."""

from typing import Any
from uuid import UUID

from flask.views import MethodView
from sqlalchemy import select

from services.person_registry import opening
from services.person_registry.access import (
    known_to,
    openings_visible_to,
    require_concerned,
    require_known,
    visible_opening,
)
from services.person_registry.commands import (
    ChangeResidence,
    MergePerson,
    RegisterPerson,
    change_residence,
    erase_person,
    merge_person,
    register_person,
    seal_person,
)
from services.person_registry.domain import Person
from services.person_registry.need_to_know import Opening
from services.person_registry.schemas import (
    AnswerIn,
    DisclosureOut,
    GroundIn,
    MergeIn,
    OpeningOut,
    OpeningPage,
    OpeningQuery,
    PersonIn,
    PersonLookupIn,
    PersonOut,
    PersonRefOut,
    PersonSearchIn,
    PersonsOut,
    ReasonIn,
    ResidenceIn,
)
from services.person_registry.store import Work, duties, openings
from shared.kernel.errors import NotFound
from shared.storage.chassis import AUDIT
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

blp = Blueprint("persons", __name__, url_prefix="/persons", description="Persons, for who has a duty toward them")
openings_blp = Blueprint("openings", __name__, url_prefix="/openings", description="Identities opened without a duty")

WRITERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER)
READERS = (*WRITERS, *SUPERVISORS)
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)
ANSWERERS = (*PLANNERS, Role.AUDITOR)
LOOKED = ("person.viewed", "person.found", "person.disclosed")


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@blp.route("")
class Persons(MethodView):
    """All persons."""

    @operation(*WRITERS, within=Jurisdiction.CITY, creates=True)
    @blp.arguments(PersonIn)
    @blp.response(201, PersonRefOut)
    def post(self, body: dict[str, Any]) -> Person:
        """Register a person. The answer holds no identity, for it is kept to be given again."""
        return register_person(RegisterPerson(**body), by=current_principal(), work=work())


@blp.route("/search")
class PersonSearch(MethodView):
    """Finding a person."""

    @operation(*READERS, within=Jurisdiction.CITY, looks=True)
    @blp.arguments(PersonSearchIn)
    @blp.response(200, PersonRefOut)
    @blp.alt_response(404, "Problem404")
    def post(self, body: dict[str, Any]) -> Person:
        """Find a person's pseudonym by identity number."""
        found = work().persons.find_by_number(body["identity_number"].strip().upper())
        if found is None:
            raise NotFound("person.not_found", "nobody is registered with this number")
        work().note_act("person.found", found.id)
        return found


@blp.route("/lookup")
class PersonLookup(MethodView):
    """Several persons at once, for lists."""

    @operation(*READERS, within=Jurisdiction.DUTY, outside=Outside.LEFT_OUT, looks=True)
    @blp.arguments(PersonLookupIn)
    @blp.response(200, PersonsOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Read the files of those of the given persons that the asker may know."""
        known = known_to(current_principal(), body["ids"], work())
        found = work().persons.several(list(known))
        for person in found:
            work().note_act("person.viewed", person.id, basis=known[person.id])
        return {"items": found}


@blp.route("/<uuid:person_id>")
class OnePerson(MethodView):
    """One person."""

    @operation(*READERS, within=Jurisdiction.DUTY, looks=True)
    @blp.response(200, PersonOut)
    def get(self, person_id: UUID) -> Person:
        """Read a person's file."""
        basis = require_known(current_principal(), person_id, work())
        found = work().persons.get(person_id)
        work().note_act("person.viewed", person_id, basis=basis)
        return found


@blp.route("/<uuid:person_id>/merge")
class Merge(MethodView):
    """Two files of one person."""

    @operation(*PLANNERS, within=Jurisdiction.RESIDENTS, creates=True)
    @blp.arguments(MergeIn)
    @blp.response(201, PersonRefOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Give this file up; what names it, in every service, is moved to the one that remains."""
        require_concerned(current_principal(), person_id, work())
        return merge_person(MergePerson(given_up=person_id, **body), work=work())


@blp.route("/<uuid:person_id>/residence")
class Residence(MethodView):
    """Where a person lives."""

    @operation(*WRITERS, within=Jurisdiction.DUTY)
    @blp.arguments(ResidenceIn)
    @blp.response(200, PersonRefOut)
    def put(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Enter where a person lives now."""
        require_known(current_principal(), person_id, work())
        return change_residence(ChangeResidence(person_id=person_id, **body), work=work())


@blp.route("/<uuid:person_id>/openings")
class Openings(MethodView):
    """Knowing without a duty."""

    @operation(*READERS, within=Jurisdiction.CITY, creates=True)
    @blp.arguments(ReasonIn)
    @blp.response(201, OpeningOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Opening:
        """Open an identity for a reason, for some hours; somebody else has to answer for it."""
        return opening.open_identity(person_id, by=current_principal(), reason=body["reason"], work=work())


@blp.route("/<uuid:person_id>/sealing")
class Sealing(MethodView):
    """Closing a record to everybody."""

    @operation(*PLANNERS, within=Jurisdiction.RESIDENTS, creates=True)
    @blp.arguments(GroundIn)
    @blp.response(201, PersonRefOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Seal a person's files (治安管理处罚法 art. 136): nobody on the platform learns any more whose they are."""
        require_concerned(current_principal(), person_id, work())
        return seal_person(person_id, ground=body["ground"], work=work())[0]


@blp.route("/<uuid:person_id>/erasure")
class Erasure(MethodView):
    """Erasing an identity."""

    @operation(Role.CITY_SUPERVISOR, within=Jurisdiction.CITY, creates=True)
    @blp.arguments(GroundIn)
    @blp.response(201, PersonRefOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Erase a person's identity for ever (个人信息保护法 art. 47); not while anybody has a duty."""
        return erase_person(person_id, ground=body["ground"], work=work())[0]


@blp.route("/<uuid:person_id>/disclosure")
class Disclosure(MethodView):
    """What the person may ask for."""

    @operation(Role.STATION_OFFICER, *SUPERVISORS, within=Jurisdiction.DUTY, looks=True)
    @blp.response(200, DisclosureOut)
    def get(self, person_id: UUID) -> dict[str, Any]:
        """Everything that the registry holds on one person, and who looked (个人信息保护法 arts 44, 45)."""
        basis = require_known(current_principal(), person_id, work())
        files = work().files_of(person_id)
        looked = select(AUDIT).where(AUDIT.c.subject.in_(files), AUDIT.c.action.in_(LOOKED)).order_by(AUDIT.c.position)
        found = {
            "made_at": work().now,
            "person": work().persons.get(files[0]),
            "files": files,
            "duties": work().duties.select(duties.c.person_id.in_(files), order_by=duties.c.key),
            "openings": work().openings.select(openings.c.person_id.in_(files), order_by=openings.c.opened_at),
            "looks": [row._asdict() for row in work().connection.execute(looked)],
        }
        work().note_act("person.disclosed", files[0], basis=basis)
        return found


@openings_blp.route("")
class AllOpenings(MethodView):
    """Identities opened without a duty."""

    @operation(*ANSWERERS, within=Jurisdiction.AREA, outside=Outside.LEFT_OUT)
    @openings_blp.arguments(OpeningQuery, location="query")
    @openings_blp.response(200, OpeningPage)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List openings, the newest first."""
        where = openings_visible_to(current_principal())
        where += [openings.c.state == query["state"]] if "state" in query else []
        sort = openings.c.opened_at
        return page_of(
            work().openings, *where, sort=sort, limit=query["limit"], cursor=query["cursor"], descending=True
        )


@openings_blp.route("/<uuid:opening_id>/answer")
class OpeningAnswer(MethodView):
    """Answering for somebody else's look."""

    @operation(*ANSWERERS, within=Jurisdiction.AREA, creates=True)
    @openings_blp.arguments(AnswerIn)
    @openings_blp.response(201, OpeningOut)
    def post(self, body: dict[str, Any], opening_id: UUID) -> Opening:
        """Say whether the reason was a good one; a refusal ends the opening at once."""
        by = current_principal().subject
        asked = visible_opening(opening_id, current_principal(), work())
        return opening.answer_opening(asked, approved=body["approved"], by=by, work=work())
