"""Who receives a person: by actual residence, else by household register, through the coverage of divisions.

The nearest covered division wins: village or community, then township, then county.
"""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from services.community_handover import policy
from services.community_handover.domain import Placement, Receiver
from services.community_handover.store import Work
from shared.kernel.deadlines import due_at
from shared.reference.calendar import china_calendar
from shared.reference.divisions import containing, divisions

COUNTY = 6


def receiver_of(person_id: UUID, work: Work) -> Receiver:
    """The office that is to receive the person, or why there is none."""
    person = work.persons.find(person_id)
    if person is None:
        return Receiver(None, None, "unknown_person")
    county = (person.registered_division or "")[:COUNTY] or "unknown"
    places = [place for place in (person.residence_division, person.registered_division) if place]
    if not places:
        return Receiver(None, None, "no_residence", county)
    for place in places:
        for code in containing(place):
            covered = work.coverage.find(code)
            if covered is not None:
                return Receiver(covered.office, place, None, county)
    known = any(place in divisions() for place in places)
    return Receiver(None, places[0], "no_office" if known else "unknown_division", county)


def placement(receiver: Receiver, release_at: datetime, released_at: datetime | None, now: datetime) -> Placement:
    """Ask the office now if the release is near or over, else later (H1)."""
    offer_at = release_at - policy.OFFER_AHEAD
    if receiver.office is None or (released_at is None and offer_at > now):
        return Placement(receiver, offer_at)
    return Placement(receiver, offer_at, now, accept_due_at(release_at, released_at is not None, now))


def accept_due_at(release_at: datetime, released: bool, now: datetime) -> datetime:
    """Until when the office has to confirm (H2, H6)."""
    urgent, in_time = _windows(now)
    if released or release_at - now < policy.URGENT_WITHIN:
        return urgent
    return max(urgent, min(in_time, release_at - policy.BEFORE_GATE))


@lru_cache(maxsize=8)  # one moment serves a whole transaction
def _windows(now: datetime) -> tuple[datetime, datetime]:
    calendar = china_calendar()
    return due_at(policy.CONFIRM_URGENT, now, calendar).at, due_at(policy.CONFIRM, now, calendar).at
