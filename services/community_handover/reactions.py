"""What community_handover does about what it hears: every release that needs one has exactly one task."""

from collections.abc import Sequence

from services.community_handover import domain
from services.community_handover.commands import route_unresolved, save_placed
from services.community_handover.domain import Ground, ReleaseFacts
from services.community_handover.routing import placement, receiver_of
from services.community_handover.store import DroppedRelease, KnownPerson, Work
from shared.contracts.envelope import Event
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.reference.divisions import containing


def on_person(event: Event, work: Work) -> Outcome:
    """Know where a person lives, and find the receiver of tasks that waited for that."""
    data = event.data
    person = KnownPerson(event.subject, event.sequence, data["registered_division"], data["residence_division"])
    if not work.persons.put_newer(person):
        return Ignored("stale_version")
    for task in work.unresolved_of(event.subject):
        route_unresolved(task, work)
    return Applied()


def on_release(event: Event, work: Work) -> Outcome:
    """Open the release's task, or let it follow the release's newest version."""
    dropped = work.dropped.find(event.subject)
    task = work.tasks.find_by("release_id", event.subject)
    known = max(dropped.version if dropped else 0, task.release_version if task else 0)
    if event.sequence <= known:
        return Ignored("stale_version")
    reason = _no_task_reason(event)
    if reason is not None:
        return _drop(event, task, reason, work)
    release = _facts(event)
    place = placement(receiver_of(release.person_id, work), release.release_at, release.released_at, work.now)
    if task is None:
        save_placed(domain.open_task(derived_id(event.subject, "handover"), release, place), work)
        return Applied()
    followed = domain.follow(task, release, place)
    if followed.state in domain.WAITING and (followed.state, followed.office) != (task.state, task.office):
        save_placed(followed, work)
    else:
        work.tasks.save(followed, "handover.rescheduled.v1")
    return Applied()


def _drop(event: Event, task: domain.Task | None, reason: str, work: Work) -> Outcome:
    work.dropped.put_newer(DroppedRelease(event.subject, event.sequence))
    if task is None or task.state not in domain.OPEN:
        return Ignored(reason)
    withdrawn = domain.withdraw(task, release_version=event.sequence, reason=reason)
    work.tasks.save(withdrawn, "handover.withdrawn.v1")
    return Applied()


def _no_task_reason(event: Event) -> str | None:
    if event.data["state"] == "cancelled":
        return "release_cancelled"
    return None if event.data["needs_handover"] else "no_handover_needed"


def _facts(event: Event) -> ReleaseFacts:
    data = event.data
    return ReleaseFacts(
        release_id=event.subject,
        version=event.sequence,
        person_id=data["person_id"],
        release_at=data["release_at"],
        released_at=data["executed_at"],
        legal_ground=Ground(data["legal_ground"]),
    )


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    releases = [event for event in events if event.type.startswith("release.")]
    person_events = [event.subject for event in events if event.type.startswith("person.")]
    work.tasks.prefetch("release_id", (event.subject for event in releases))
    work.dropped.prefetch("release_id", (event.subject for event in releases))
    work.persons.prefetch("person_id", (*(event.data["person_id"] for event in releases), *person_events))
    work.prefetch_unresolved(person_events)
    places = {
        place
        for person in work.persons.seen()
        for place in (person.residence_division, person.registered_division)
        if place
    }
    work.coverage.prefetch("division", (code for place in places for code in containing(place)))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "release.planned.v1": on_release,
        "release.rescheduled.v1": on_release,
        "release.cancelled.v1": on_release,
        "release.executed.v1": on_release,
    },
    prefetch=prefetch,
)
