"""Whose release is it: a centre sees those of the people that it has, a supervisor those of the area's residents.

Whether somebody is in custody, and about to leave it, is itself private, so what is somebody else's is not found
(戒毒条例 art. 7).
"""

from uuid import UUID

from sqlalchemy import ColumnElement, select

from services.release_notification.domain.release import Release
from services.release_notification.store import Work, known_persons, releases
from shared.kernel.errors import NotFound
from shared.web import Principal, Role
from shared.web.scope import in_area


def visible_to(principal: Principal) -> list[ColumnElement[bool]]:
    """The conditions under which a release is shown."""
    if principal.role is Role.CENTRE_CLERK:
        return [releases.c.centre == principal.organisation]
    here = in_area(principal, known_persons.c.residence_division, known_persons.c.registered_division)
    return [releases.c.person_id.in_(select(known_persons.c.person_id).where(*here))] if here else []


def visible_release(release_id: UUID, principal: Principal, work: Work) -> Release:
    """The release, if the asker may see it.

    Raises: NotFound ``release.not_found``, also when it is somebody else's.
    """
    release = work.releases.get(release_id)
    if principal.role is Role.CENTRE_CLERK:
        may = release.centre == principal.organisation
    else:
        person = work.persons.find(release.person_id)
        may = principal.covers(*((person.residence_division, person.registered_division) if person else ()))
    if not may:
        raise NotFound("release.not_found", f"no release {release_id}")
    return release
