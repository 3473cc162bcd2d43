"""What drug_testing does about what it hears."""

from collections.abc import Sequence

from services.drug_testing.schedules import next_of
from services.drug_testing.store import MOVINGS, KnownPace, KnownPerson, Schedule, Work
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.storage.people import move_merged, remaining

_TESTED = frozenset({"active", "moving", "tracing"})
_ANYWHERE = "4308"  # a measure without a place: any station of the city may take the test


MEASURES = (
    "measure.begun.v1",
    "measure.moved.v1",
    "measure.suspended.v1",
    "measure.resumed.v1",
    "measure.whereabouts_unknown.v1",
    "measure.found.v1",
    "measure.expired.v1",
    "measure.terminated.v1",
    "measure.person_merged.v1",
)


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists, and the sex, which decides who may collect a sample; move what names a file that was
    given up.
    """
    data = event.data
    if not work.persons.put_newer(KnownPerson(event.subject, event.sequence, data["sex"], data["merged_into"])):
        return Ignored("stale_version")
    if data["merged_into"] is not None:
        move_merged(work, work.persons, MOVINGS, only=event.subject)
    return Applied()


def on_measure(event: Event, work: Work) -> Outcome:
    """Who is in a community measure is tested by its schedule (戒毒条例 arts 14, 19); while it stands still, not."""
    data = event.data
    before = work.schedules.find(event.subject)
    if before is not None and before.version >= event.sequence:
        return Ignored("stale_version")
    schedule = Schedule(
        measure_id=event.subject,
        version=event.sequence,
        person_id=remaining(work.persons, data["person_id"]),
        division=data["division"] or _ANYWHERE,
        started_on=data["started_on"],
        next_at=before.next_at if before else None,
        evasions=before.evasions if before else 0,
    )
    if data["state"] not in _TESTED:
        schedule = schedule.moved(None)
    elif schedule.next_at is None:
        schedule = schedule.moved(next_of(schedule, event.time, work))
    work.schedules.put(schedule)
    return Applied()


def on_tier(event: Event, work: Work) -> Outcome:
    """The tier that was decided says whether somebody is tested more often."""
    data = event.data
    person_id = data["person_id"]
    if not work.paces.put_newer(KnownPace(person_id, event.sequence, data["test_every_days"])):
        return Ignored("stale_version")
    schedule = work.schedule_of(person_id)
    if schedule is None or schedule.next_at is None:
        return Ignored("nothing_scheduled")
    work.schedules.put(schedule.moved(next_of(schedule, event.time, work)))
    return Applied()


def on_risk_ended(event: Event, work: Work) -> Outcome:
    """Three years clean: the platform lets go (戒毒条例 art. 7); nothing more is scheduled."""
    work.paces.put_newer(KnownPace(event.data["person_id"], event.sequence, None))
    schedule = work.schedule_of(event.data["person_id"])
    if schedule is None or schedule.next_at is None:
        return Ignored("nothing_scheduled")
    work.schedules.put(schedule.moved(None))
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    work.persons.prefetch("person_id", (event.data["person_id"] for event in events))
    work.schedules.prefetch("measure_id", (e.subject for e in events if e.type in MEASURES))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "person.merged.v1": on_person,
        **dict.fromkeys(MEASURES, on_measure),
        "risk.decided.v1": on_tier,
        "risk.merged.v1": on_tier,
        "risk.ended.v1": on_risk_ended,
    },
    prefetch=prefetch,
)
