"""What drug_testing does about what it hears."""

from collections.abc import Sequence

from services.drug_testing.store import KnownPerson, Work
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists, and the sex, which decides who may collect a sample."""
    newer = work.persons.put_newer(KnownPerson(event.subject, event.sequence, event.data["sex"]))
    return Applied() if newer else Ignored("stale_version")


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read the persons of a batch."""
    work.persons.prefetch("person_id", (event.subject for event in events))


REACTIONS = Reactions({"person.registered.v1": on_person, "person.changed.v1": on_person}, prefetch=prefetch)
