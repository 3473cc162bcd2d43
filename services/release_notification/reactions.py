"""What release_notification does about what it hears."""

from collections.abc import Sequence

from services.release_notification import domain, policy
from services.release_notification.commands import release_id_of
from services.release_notification.domain import Kind, Release, State
from services.release_notification.store import KnownPerson, KnownStay, Work
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions

_KIND_OF_CUSTODY = {
    "compulsory_isolation": Kind.TERM_EXPIRED,
    "administrative_detention": Kind.DETENTION_EXPIRED,
}


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists."""
    newer = work.persons.put_newer(KnownPerson(event.subject, event.sequence))
    return Applied() if newer else Ignored("stale_version")


def on_stay_admitted(event: Event, work: Work) -> Outcome:
    """Every stay has its release planned from the first day: the end of its term is known."""
    data = event.data
    if not work.stays.put_newer(KnownStay(event.subject, event.sequence, data["person_id"], data["admitted_at"])):
        return Ignored("stale_version")  # the end of the stay may have come first: then there is nothing to plan
    release_id = release_id_of(event.subject)
    if work.releases.find(release_id) is not None:
        return Ignored("release_exists")
    kind = _KIND_OF_CUSTODY[data["custody"]]
    release = Release(
        id=release_id,
        version=1,
        person_id=data["person_id"],
        stay_id=event.subject,
        order_id=data["order_id"],
        centre=data["centre"],
        kind=kind,
        state=State.PLANNED,
        release_at=domain.gate_time(data["term_last_day"], policy.GATE_OPENS),
        term_last_day=data["term_last_day"],
        needs_handover=domain.needs_handover(kind),
        legal_ground=domain.ground_of(kind, None),
    )
    work.releases.save(release, "release.planned.v1")
    return Applied()


def on_stay_ended(event: Event, work: Work) -> Outcome:
    """A stay that ended otherwise than by its release needs none any more."""
    data = event.data
    work.stays.put_newer(KnownStay(event.subject, event.sequence, data["person_id"], data["admitted_at"]))
    release = work.releases.find(release_id_of(event.subject))
    if release is None or release.state is not State.PLANNED or data["release_id"] == release.id:
        return Ignored("nothing_planned")
    work.releases.save(domain.cancel(release, reason=domain.STAY_ENDED), "release.cancelled.v1")
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    stays = [event.subject for event in events if event.type.startswith("stay.")]
    work.persons.prefetch("person_id", (e.subject for e in events if e.type.startswith("person.")))
    work.stays.prefetch("stay_id", stays)
    work.releases.prefetch("id", map(release_id_of, stays))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "stay.admitted.v1": on_stay_admitted,
        "stay.ended.v1": on_stay_ended,
    },
    prefetch=prefetch,
)
