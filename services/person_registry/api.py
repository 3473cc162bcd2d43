"""person_registry's HTTP API."""

from typing import Any
from uuid import UUID

from flask.views import MethodView

from services.person_registry.commands import (
    ChangeResidence,
    MergePerson,
    RegisterPerson,
    change_residence,
    merge_person,
    register_person,
)
from services.person_registry.domain import Person
from services.person_registry.schemas import (
    MergeIn,
    PersonIn,
    PersonLookupIn,
    PersonOut,
    PersonSearchIn,
    PersonsOut,
    ResidenceIn,
)
from services.person_registry.store import Work
from shared.kernel.errors import NotFound
from shared.web import SUPERVISORS, Blueprint, Role, current_work, operation

blp = Blueprint("persons", __name__, url_prefix="/persons", description="Persons and where they live")

WRITERS = (Role.STATION_OFFICER, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER)
READERS = (*WRITERS, *SUPERVISORS)
PLANNERS = (Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@blp.route("")
class Persons(MethodView):
    """All persons."""

    @operation(*WRITERS, creates=True)
    @blp.arguments(PersonIn)
    @blp.response(201, PersonOut)
    def post(self, body: dict[str, Any]) -> Person:
        """Register a person."""
        return register_person(RegisterPerson(**body), work=work())


@blp.route("/search")
class PersonSearch(MethodView):
    """Finding a person."""

    @operation(*READERS)
    @blp.arguments(PersonSearchIn)
    @blp.response(200, PersonOut)
    def post(self, body: dict[str, Any]) -> Person:
        """Find a person by identity number."""
        found = work().persons.find_by("identity_number", body["identity_number"].strip().upper())
        if found is None:
            raise NotFound("person.not_found", "nobody is registered with this number")
        return found


@blp.route("/lookup")
class PersonLookup(MethodView):
    """Several persons at once, for lists."""

    @operation(*READERS)
    @blp.arguments(PersonLookupIn)
    @blp.response(200, PersonsOut)
    def post(self, body: dict[str, Any]) -> dict[str, Any]:
        """Read the files of those of the given persons that exist."""
        work().persons.prefetch("id", body["ids"])
        found = (work().persons.find(person_id) for person_id in body["ids"])
        return {"items": [person for person in found if person is not None]}


@blp.route("/<uuid:person_id>")
class OnePerson(MethodView):
    """One person."""

    @operation(*READERS)
    @blp.response(200, PersonOut)
    def get(self, person_id: UUID) -> Person:
        """Read a person's file."""
        return work().persons.get(person_id)


@blp.route("/<uuid:person_id>/merge")
class Merge(MethodView):
    """Two files of one person."""

    @operation(*PLANNERS, creates=True)
    @blp.arguments(MergeIn)
    @blp.response(201, PersonOut)
    def post(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Give this file up; what names it, in every service, is moved to the one that remains."""
        return merge_person(MergePerson(given_up=person_id, **body), work=work())


@blp.route("/<uuid:person_id>/residence")
class Residence(MethodView):
    """Where a person lives."""

    @operation(*WRITERS)
    @blp.arguments(ResidenceIn)
    @blp.response(200, PersonOut)
    def put(self, body: dict[str, Any], person_id: UUID) -> Person:
        """Enter where a person lives now."""
        return change_residence(ChangeResidence(person_id=person_id, **body), work=work())
