"""Who may know whom, asked of the duties that events have told of; every look is written down."""

from collections import defaultdict
from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement

from services.person_registry import policy
from services.person_registry.need_to_know import Asker, Duty, duty_that_opens, opening_in_force
from services.person_registry.store import StoredPerson, Work, duties, openings, persons
from shared.kernel.errors import NotFound
from shared.web import SUPERVISORS, Principal, Role

_IN_AREA = frozenset({Role.STATION_OFFICER, *SUPERVISORS})


def asker_of(principal: Principal) -> Asker:
    """The asker, as the rules see one."""
    works_in_area = principal.role in _IN_AREA
    return Asker(principal.subject, principal.organisation, principal.division, works_in_area)


def known_to(principal: Principal, person_ids: Iterable[UUID], work: Work) -> dict[UUID, str]:
    """Those of the persons whose identity the asker may know now, in the order given, and what gives the right to it:
    the duty or the opening.
    """
    wanted = list(dict.fromkeys(person_ids))
    asker = asker_of(principal)
    files = work.files_of_each(wanted)
    everybody = [file for found in files.values() for file in found]
    their_duties = work.duties.select(duties.c.person_id.in_(everybody))
    duties_of: dict[UUID, list[Duty]] = defaultdict(list)
    for duty in their_duties:
        duties_of[duty.person_id].append(duty)
    opened = work.openings.select(openings.c.person_id.in_(everybody), openings.c.subject == asker.subject)

    def basis_of(person: UUID) -> str | None:
        own = files[person]
        about = [duty for file in own for duty in duties_of[file]]
        if duty := duty_that_opens(asker, about, work.now, policy.GRACE):
            return f"{duty.kind} {duty.key}"
        opening = opening_in_force(asker, (one for one in opened if one.person_id in own), work.now)
        return f"opening {opening.id}" if opening else None

    return {person: basis for person in wanted if (basis := basis_of(person))}


def require_known(principal: Principal, person_id: UUID, work: Work) -> str:
    """Check that the asker may know the person; what gives the right to it.

    Raises: NotFound ``person.not_found``, also when it is none of the asker's business.
    """
    known = known_to(principal, [person_id], work)
    if person_id not in known:
        raise NotFound("person.not_found", f"no person {person_id}")
    return known[person_id]


def require_concerned(principal: Principal, person_id: UUID, work: Work) -> None:
    """Check that the asker may know the person, or supervises where the person lives or is registered.

    Raises: NotFound ``person.not_found``.
    """
    stored = work.persons.state_of(person_id)
    if stored is not None and principal.role in SUPERVISORS and _lives_in(stored, principal.division):
        return
    require_known(principal, person_id, work)


def concerned(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which something about a person is listed for a supervisor or station of an area."""
    if len(principal.division) <= _CITY:
        return []
    within = persons.c.residence_division.startswith(principal.division) | persons.c.registered_division.startswith(
        principal.division
    )
    return [within]


_CITY = 4


def _lives_in(person: StoredPerson, area: str) -> bool:
    places = (person.residence_division, person.registered_division)
    return len(area) <= _CITY or any((place or "").startswith(area) for place in places)
