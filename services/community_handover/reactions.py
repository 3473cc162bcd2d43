"""What community_handover does about what it hears: every release that needs one has exactly one task."""

from collections.abc import Sequence
from dataclasses import replace

from services.community_handover import policy
from services.community_handover.commands import route_unresolved, save_placed
from services.community_handover.deadlines import accepted_due
from services.community_handover.domain import placing
from services.community_handover.domain.task import Ground, ReleaseFacts, Task
from services.community_handover.domain.transitions import BEGINNINGS as PLACED
from services.community_handover.domain.transitions import ENDED, State
from services.community_handover.routing import placement, receiver_of
from services.community_handover.store import DroppedRelease, KnownPerson, KnownTier, Work, tasks
from shared.contracts.envelope import Event
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.reference.calendar import next_due
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


def on_person_merged(event: Event, work: Work) -> Outcome:
    """Two files were one person's: tasks name the file that remains."""
    remaining = event.data["merged_into"]
    moved = work.tasks.select(tasks.c.person_id == event.subject)
    for task in moved:
        work.tasks.save(placing.move_person(task, remaining), "handover.person_merged.v1")
    return Applied() if moved else Ignored("no_task")


def on_tier(event: Event, work: Work) -> Outcome:
    """Know the tier that was decided: it says who goes to the gate."""
    newer = work.tiers.put_newer(KnownTier(event.data["person_id"], event.sequence, event.data["tier"]))
    return Applied() if newer else Ignored("stale_version")


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
        save_placed(placing.open_task(derived_id(event.subject, "handover"), release, place), work)
        return Applied()
    if task.state in ENDED and task.state is not State.WITHDRAWN:
        return Ignored("task_ended")
    moved = replace(task, release_at=release.release_at, released_at=release.released_at)
    followed = placing.follow(task, release, place, due=accepted_due(moved, work.now, has_party=bool(task.party)))
    if followed.state in PLACED and (followed.state, followed.office) != (task.state, task.office):
        save_placed(followed, work)
    else:
        work.tasks.save(followed, "handover.rescheduled.v1")
    return Applied()


def on_order(event: Event, work: Work) -> Outcome:
    """Open the one reporting task of a community detox order (戒毒条例 art. 14): who is ordered has to report."""
    data = event.data
    if data["kind"] != "community_detox" or data["served_at"] is None:
        return Ignored("no_reporting_duty")
    if work.tasks.find_by("order_id", event.subject) is not None:
        return Ignored("task_exists")
    served_at = data["served_at"]
    order = ReleaseFacts(
        event.subject, event.sequence, data["person_id"], served_at, served_at, Ground.COMMUNITY_DETOX_ORDER
    )
    place = placement(receiver_of(order.person_id, work), served_at, served_at, work.now)
    report_by = next_due(policy.REPORT_IN, served_at).at
    task_id = derived_id(event.subject, "reporting")
    save_placed(placing.open_reporting_task(task_id, order, place, report_due_at=report_by), work)
    return Applied()


def on_order_ended(event: Event, work: Work) -> Outcome:
    """An order that is revoked needs no report."""
    task = work.tasks.find_by("order_id", event.subject)
    if task is None or task.state in ENDED or task.state is State.REGISTERED:
        return Ignored("no_open_task")
    withdrawn = placing.withdraw(task, release_version=event.sequence, reason="order_revoked")
    work.tasks.save(withdrawn, "handover.withdrawn.v1")
    return Applied()


def _drop(event: Event, task: Task | None, reason: str, work: Work) -> Outcome:
    work.dropped.put_newer(DroppedRelease(event.subject, event.sequence))
    if task is None or task.state in ENDED or task.state is State.REGISTERED:
        return Ignored(reason)
    withdrawn = placing.withdraw(task, release_version=event.sequence, reason=reason)
    work.tasks.save(withdrawn, "handover.withdrawn.v1")
    return Applied()


def _no_task_reason(event: Event) -> str | None:
    if event.data["state"] in ("cancelled", "retracted"):
        return f"release_{event.data['state']}"
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
    work.tiers.prefetch("person_id", (event.data["person_id"] for event in events if event.type.startswith("risk.")))
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
        "release.retracted.v1": on_release,
        "release.reinstated.v1": on_release,
        "release.ground_settled.v1": on_release,
        "order.served.v1": on_order,
        "order.revoked.v1": on_order_ended,
        "risk.decided.v1": on_tier,
        "risk.ended.v1": on_tier,
    },
    prefetch=prefetch,
)
