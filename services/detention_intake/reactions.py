"""What detention_intake does about what it hears."""

from collections.abc import Sequence

from services.detention_intake import domain
from services.detention_intake.domain import Order, OrderState, StayState
from services.detention_intake.store import KnownPerson, Work
from shared.contracts.envelope import Event
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions

# After these the term runs on and the person comes back, or goes on elsewhere under the same order (戒毒条例 arts 27,
# 31, 36): the stay is not over.
STAYS_OPEN = frozenset({"medical_leave", "criminal_custody", "centre_transfer"})


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists."""
    newer = work.persons.put_newer(KnownPerson(event.subject, event.sequence))
    return Applied() if newer else Ignored("stale_version")


def on_test_settled(event: Event, work: Work) -> Outcome:
    """A settled positive result asks for a decision: exactly one order for each test order."""
    if event.data["result"] != "positive":
        return Ignored("not_positive")
    order_id = derived_id(event.subject, "order")
    if work.orders.find(order_id) is not None:
        return Ignored("order_exists")
    order = Order(
        id=order_id,
        version=1,
        person_id=event.data["person_id"],
        test_order_id=event.subject,
        division=event.data["division"],
        state=OrderState.DECISION_DUE,
    )
    work.orders.save(order, "order.decision_due.v1")
    return Applied()


def on_release_executed(event: Event, work: Work) -> Outcome:
    """The person went through the gate: the stay is over."""
    stay_id = event.data["stay_id"]
    stay = work.stays.find(stay_id) if stay_id else None
    if stay is None:
        return Ignored("no_such_stay")
    if stay.state is StayState.ENDED:
        return Ignored("stay_ended")
    if event.data["kind"] in STAYS_OPEN:
        return Ignored("custody_goes_on")
    if event.data["person_id"] != stay.person_id:
        return Ignored("another_person")
    at = event.data["executed_at"] or event.time
    if at < stay.admitted_at:
        return Ignored("before_admission")
    ended = domain.end(stay, at=at, kind=event.data["kind"], release_id=event.subject)
    work.stays.save(ended, "stay.ended.v1")
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    work.persons.prefetch("person_id", (e.subject for e in events if e.type.startswith("person.")))
    work.orders.prefetch("id", (derived_id(e.subject, "order") for e in events if e.type == "test.settled.v1"))
    work.stays.prefetch("id", (e.data["stay_id"] for e in events if e.type == "release.executed.v1"))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "test.settled.v1": on_test_settled,
        "release.executed.v1": on_release_executed,
    },
    prefetch=prefetch,
)
