"""Who may know whom, asked of the duties that events have told of; every look is written down."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select

from services.person_registry import policy
from services.person_registry.need_to_know import COUNTY, Asker, Duty, Opening, duty_that_opens, opening_in_force
from services.person_registry.store import StoredPerson, Work, assessments, duties, openings, persons
from shared.kernel.errors import NotFound
from shared.web import SUPERVISORS, Principal, Role
from shared.web.scope import in_area

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
    if stored is not None and principal.role in SUPERVISORS and _lives_in(stored, principal):
        return
    require_known(principal, person_id, work)


def assessments_visible_to(principal: Principal, work: Work) -> list[ColumnElement[bool]]:
    """The conditions under which a risk assessment is listed: supervisors have residents, stations duties."""
    if principal.role in SUPERVISORS:
        whose, here = persons.c.id, _residents(principal)
    else:
        whose, here = duties.c.person_id, _duties_of(principal, work.now)
    return [assessments.c.person_id.in_(select(whose).where(*here))] if here else []


def _duties_of(principal: Principal, now: datetime) -> list[ColumnElement[bool]]:
    """Duties that let somebody of a station know; see `need_to_know.duty_that_opens`."""
    lasts = or_(duties.c.until.is_(None), duties.c.until > now - policy.GRACE)
    own = duties.c.organisation == principal.organisation
    if len(principal.division) >= COUNTY:
        own = or_(own, duties.c.division.startswith(principal.division))
    return [lasts, own]


def _residents(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a person lives or is registered in a supervisor's area."""
    return in_area(principal, persons.c.residence_division, persons.c.registered_division)


def visible_opening(opening_id: UUID, principal: Principal, work: Work) -> Opening:
    """The opening, if the asker may answer it: auditors any, supervisors those of residents of their area.

    Raises: NotFound ``opening.not_found``, also when it lies elsewhere.
    """
    opening = work.openings.get(opening_id)
    stored = work.persons.state_of(opening.person_id)
    if principal.role in SUPERVISORS and not (stored and _lives_in(stored, principal)):
        raise NotFound("opening.not_found", f"no opening {opening_id}")
    return opening


def openings_visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which an opening is shown."""
    here = _residents(principal) if principal.role in SUPERVISORS else []
    return [openings.c.person_id.in_(select(persons.c.id).where(*here))] if here else []


def _lives_in(person: StoredPerson, principal: Principal) -> bool:
    return principal.covers(person.residence_division, person.registered_division)
