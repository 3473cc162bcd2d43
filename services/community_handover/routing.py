"""Who receives a person: by actual residence, else by household register, through the coverage of divisions.

The nearest covered division wins: village or community, then township, then county.
"""

from datetime import datetime
from uuid import UUID

from services.community_handover import policy
from services.community_handover.deadlines import confirm_due, offer_due
from services.community_handover.domain.placing import Placement, Receiver
from services.community_handover.domain.task import Task
from services.community_handover.store import Work
from shared.reference.calendar import next_due
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
    """Ask the office now if the release is near or over, else in time (H1); without one a supervisor has to act."""
    if receiver.office is None:
        return Placement(receiver, next_due(policy.RESOLVE, now))
    offer = offer_due(release_at)
    if released_at is None and offer.at > now:
        return Placement(receiver, offer)
    return Placement(receiver, confirm_due(release_at, released_at, now), now)


def placement_of(task: Task, receiver: Receiver, now: datetime) -> Placement:
    """The placement of a task that exists."""
    return placement(receiver, task.release_at, task.released_at, now)


def present_receiver(task: Task) -> Receiver:
    """The receiver that the task has now."""
    return Receiver(task.office, task.division, task.unresolved_reason, task.holder)
