"""What drug_testing does about what it hears."""

from collections.abc import Sequence

from services.drug_testing.schedules import next_test_at
from services.drug_testing.store import KnownPerson, Schedule, Work
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions

_NO_ORDER = "contact_only"


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists, and the sex, which decides who may collect a sample."""
    newer = work.persons.put_newer(KnownPerson(event.subject, event.sequence, event.data["sex"]))
    return Applied() if newer else Ignored("stale_version")


def on_registered(event: Event, work: Work) -> Outcome:
    """A community measure began: its tests are scheduled from the day of reporting (戒毒条例 arts 14, 19)."""
    data = event.data
    if data["legal_ground"] == _NO_ORDER or data["registered_at"] is None or data["division"] is None:
        return Ignored("no_measure")
    if work.schedules.find(event.subject) is not None:
        return Ignored("schedule_exists")
    started_at = data["registered_at"]
    next_at = next_test_at(started_at, started_at)
    work.schedules.put(
        Schedule(event.subject, event.sequence, data["person_id"], data["division"], started_at, next_at)
    )
    return Applied()


def on_risk_ended(event: Event, work: Work) -> Outcome:
    """Three years clean: the platform lets go (戒毒条例 art. 7); nothing more is scheduled."""
    schedule = work.schedule_of(event.data["person_id"])
    if schedule is None or schedule.next_at is None:
        return Ignored("nothing_scheduled")
    work.schedules.put(schedule.moved(None))
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    work.persons.prefetch("person_id", (e.subject for e in events if e.type.startswith("person.")))
    work.schedules.prefetch("task_id", (e.subject for e in events if e.type == "handover.registered.v1"))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "handover.registered.v1": on_registered,
        "risk.ended.v1": on_risk_ended,
    },
    prefetch=prefetch,
)
