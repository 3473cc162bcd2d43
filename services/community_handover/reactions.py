"""What community_handover does about what it hears: every release that needs one has exactly one task."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from services.community_handover import measuring, policy
from services.community_handover.attaching import remove_sealed
from services.community_handover.commands import route_unresolved, save_placed
from services.community_handover.deadlines import accepted_due
from services.community_handover.domain import placing
from services.community_handover.domain.measure import EvadedTest, Measure, TerminationReason
from services.community_handover.domain.measure_transitions import IN_FORCE, MeasureState
from services.community_handover.domain.task import Ground, ReleaseFacts, Task
from services.community_handover.domain.transitions import BEGINNINGS as PLACED
from services.community_handover.domain.transitions import ENDED, State
from services.community_handover.measuring import COURSE
from services.community_handover.routing import placement, receiver_of
from services.community_handover.store import MOVINGS, DroppedRelease, KnownPerson, KnownStay, KnownTier, Work, measures
from shared.contracts.envelope import Event
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.reference.calendar import next_due
from shared.reference.divisions import containing
from shared.storage.people import move_merged, remaining


def on_person(event: Event, work: Work) -> Outcome:
    """Know where a person lives, and find the receiver of tasks that waited for that; move what names a file that was
    given up.
    """
    data = event.data
    told = (data[name] for name in ("registered_division", "residence_division", "merged_into", "state"))
    if not work.persons.put_newer(KnownPerson(event.subject, event.sequence, *told)):
        return Ignored("stale_version")
    if data["merged_into"] is not None:
        move_merged(work, work.persons, MOVINGS, only=event.subject)
    for task in work.unresolved_of(event.subject):
        route_unresolved(task, work)
    return Applied()


def on_sealed(event: Event, work: Work) -> Outcome:
    """Nobody is to learn any more who this was: what shows it is removed, however late this is heard."""
    outcome = on_person(event, work)
    removed = remove_sealed(work, only=event.subject)
    return Applied() if removed else outcome


def on_tier(event: Event, work: Work) -> Outcome:
    """Know the tier that was decided: it says who goes to the gate, and how often somebody is seen."""
    data = event.data
    known = KnownTier(data["person_id"], event.sequence, data["tier"], data["contact_every_days"])
    if not work.tiers.put_newer(known):
        return Ignored("stale_version")
    measuring.set_pace(data["person_id"], work=work)
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
    release = _facts(event, work)
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
    person_id = remaining(work.persons, data["person_id"])
    order = ReleaseFacts(event.subject, event.sequence, person_id, served_at, served_at, Ground.COMMUNITY_DETOX_ORDER)
    place = placement(receiver_of(order.person_id, work), served_at, served_at, work.now)
    report_by = next_due(policy.REPORT_IN, served_at).at
    task_id = derived_id(event.subject, "reporting")
    save_placed(placing.open_reporting_task(task_id, order, place, report_due_at=report_by), work)
    return Applied()


def on_order_ended(event: Event, work: Work) -> Outcome:
    """An order that is revoked needs no report."""
    ended_measure = _end_measure(event, work)
    task = work.tasks.find_by("order_id", event.subject)
    if task is None or task.state in ENDED or task.state is State.REGISTERED:
        return Applied() if ended_measure else Ignored("no_open_task")
    withdrawn = placing.withdraw(task, release_version=event.sequence, reason="order_revoked")
    work.tasks.save(withdrawn, "handover.withdrawn.v1")
    return Applied()


def on_test_evaded(event: Event, work: Work) -> Outcome:
    """A scheduled test was refused or did not take place, or that was excused (戒毒条例 art. 20)."""
    data = event.data
    if data["ground"] != "scheduled":
        return Ignored("not_scheduled")
    test = EvadedTest(event.subject, event.sequence, stands=event.type != "test.exempted.v1")
    changed = False
    for measure in work.measures_in_force(remaining(work.persons, data["person_id"])):
        tell_due = next_due(policy.TELL_POLICE, work.now)
        counted = COURSE.count_evasion(measure, test, now=work.now, tell_due=tell_due)
        if counted is not None:
            measuring.save_judged(measure, counted, "measure.evasion_counted.v1", work)
            changed = True
    return Applied() if changed else Ignored("no_measure")


def on_test_settled(event: Event, work: Work) -> Outcome:
    """A relapse during a measure, or that it was none after all; what follows is decided by the police."""
    data = event.data
    stands = data["result"] == "positive" and data["overturned_at"] is None
    changed = False
    for measure in work.measures_in_force(remaining(work.persons, data["person_id"])):
        if china_day(data["ordered_at"]) < measure.started_on:
            continue
        at = (data["settled_at"] or event.time) if stands else None
        noted = COURSE.note_relapse(measure, event.subject, at)
        if noted is not None:
            work.measures.save(noted, "measure.relapse_noted.v1")
            changed = True
    return Applied() if changed else Ignored("no_measure")


def on_stay(event: Event, work: Work) -> Outcome:
    """Custody and a community measure exclude each other (戒毒条例 art. 24): isolation ends, detention suspends it."""
    if not work.stays.put_newer(KnownStay(event.subject, event.sequence)):
        return Ignored("stale_version")
    data = event.data
    changed = False
    for measure in work.measures_in_force(remaining(work.persons, data["person_id"])):
        changed |= _follow_custody(measure, data, work)
    return Applied() if changed else Ignored("no_measure")


def _follow_custody(measure: Measure, stay: dict[str, Any], work: Work) -> bool:
    began, ended = stay["admitted_at"], stay["ended_at"]
    if stay["custody"] == "compulsory_isolation":
        if began < start_of_day(measure.started_on):
            return False  # the isolation after which the measure began
        reason = TerminationReason.COMPULSORY_ISOLATION
        measuring.terminate(measure, at=began, reason=reason, note=None, work=work)
        return True
    if ended is None and measure.state is not MeasureState.SUSPENDED:
        measuring.suspend(measure, at=began, reason=stay["custody"], work=work)
        return True
    if ended is not None and measure.suspended_reason == stay["custody"]:
        measuring.resume(measure, at=ended, work=work)
        return True
    return False


def _end_measure(event: Event, work: Work) -> bool:
    """An order that is revoked binds nobody: the measure that it asked for is over."""
    found = work.measures.select(measures.c.order_id == event.subject, measures.c.state.in_(sorted(IN_FORCE)))
    for measure in found:
        reason = TerminationReason.ORDER_REVOKED
        measuring.terminate(measure, at=work.now, reason=reason, note=None, work=work)
    return bool(found)


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


def _facts(event: Event, work: Work) -> ReleaseFacts:
    data = event.data
    return ReleaseFacts(
        release_id=event.subject,
        version=event.sequence,
        person_id=remaining(work.persons, data["person_id"]),
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
    work.persons.prefetch("person_id", (event.data["person_id"] for event in events))
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
        "person.merged.v1": on_person,
        **dict.fromkeys(("person.sealed.v1", "person.erased.v1"), on_sealed),
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
        "risk.merged.v1": on_tier,
        **dict.fromkeys(("test.missed.v1", "test.refused.v1", "test.exempted.v1"), on_test_evaded),
        **dict.fromkeys(("test.settled.v1", "test.overturned.v1"), on_test_settled),
        **dict.fromkeys(("stay.admitted.v1", "stay.ended.v1"), on_stay),
    },
    prefetch=prefetch,
)
