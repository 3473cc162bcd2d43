"""What detention_intake does about what it hears."""

from collections.abc import Sequence

from services.detention_intake import policy
from services.detention_intake.commands import order_id_of
from services.detention_intake.domain import deciding
from services.detention_intake.domain.order import IsolationGround, Order
from services.detention_intake.domain.order_transitions import ORDER_TRANSITIONS, OrderAct, OrderState
from services.detention_intake.domain.stay_transitions import StayState
from services.detention_intake.staying import end_stay, reopen_stay
from services.detention_intake.store import MOVINGS, BarredPerson, KnownPerson, KnownTest, Work, orders
from shared.contracts.envelope import Event
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.reference.calendar import next_due
from shared.storage.people import move_merged, move_record, remaining

# After these the term runs on and the person comes back, or goes on elsewhere under the same order (戒毒条例 arts 27,
# 31, 36): the stay is not over.
STAYS_OPEN = frozenset({"medical_leave", "criminal_custody", "centre_transfer"})
_TESTS = (
    "test.positive_told.v1",
    "test.addiction_determined.v1",
    "test.objected.v1",
    "test.settled.v1",
    "test.overturned.v1",
    "test.person_merged.v1",
)

# Which community measure the event is about, as it says it, and what follows from it if it is community detox.
_GROUNDS = {
    "handover.referred.v1": ("community_detox_order", IsolationGround.REFUSED_COMMUNITY_DETOX),
    "measure.breach_told.v1": ("community_detox", IsolationGround.GRAVE_BREACH),
}
_CITY = "4308"


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists; move what names a file that was given up."""
    if not work.persons.put_newer(KnownPerson(event.subject, event.sequence, event.data["merged_into"])):
        return Ignored("stale_version")
    if event.data["merged_into"] is not None:
        move_merged(work, work.persons, MOVINGS, only=event.subject)
        move_record(work.persons, work.barred, event.subject)
    return Applied()


def on_test(event: Event, work: Work) -> Outcome:
    """Know what a decision can rest on; ask for one when a result is settled, review them when it falls."""
    if not work.tests.put_newer(_known_test(event, work)):
        return Ignored("stale_version")
    if event.type == "test.settled.v1":
        return _ask_for_decision(event, work)
    return _review_all(event, work) if event.type == "test.overturned.v1" else Applied()


def _known_test(event: Event, work: Work) -> KnownTest:
    data = event.data
    return KnownTest(
        test_order_id=event.subject,
        version=event.sequence,
        person_id=remaining(work.persons, data["person_id"]),
        division=data["division"],
        told=data["told_at"] is not None,
        positive=data["result"] == "positive",
        settled=data["settled_at"] is not None,
        overturned=data["overturned_at"] is not None,
        opinion=data["opinion"],
    )


def _ask_for_decision(event: Event, work: Work) -> Outcome:
    """A settled positive result asks for a decision: exactly one order for each test order."""
    if event.data["result"] != "positive":
        return Ignored("not_positive")
    order_id = order_id_of(event.subject)
    if work.orders.find(order_id) is not None:
        return Ignored("order_exists")
    decide_by = next_due(policy.DECIDE, event.data["settled_at"] or event.time)
    order = Order(
        id=order_id,
        version=1,
        person_id=remaining(work.persons, event.data["person_id"]),
        test_order_id=event.subject,
        division=event.data["division"],
        state=OrderState.DECISION_DUE,
        step_due=decide_by,
        due_rule=decide_by.rule,
        due_at=decide_by.at,
    )
    work.orders.save(order, "order.decision_due.v1")
    return Applied()


def on_told_to_police(event: Event, work: Work) -> Outcome:
    """Who refuses community detox, or gravely breaches its agreement, is to be isolated (禁毒法 art. 38): the police
    have to decide. Rehabilitation is no such ground, but bars early release if the person relapses (戒毒条例 art. 38).
    """
    data, person_id = event.data, remaining(work.persons, event.data["person_id"])
    detox, ground = _GROUNDS[event.type]
    if detox not in (data.get("legal_ground"), data.get("kind")):
        work.barred.put(BarredPerson(person_id, event.subject, event.time))
        return Applied()
    order_id = derived_id(event.subject, "decision")
    if work.orders.find(order_id) is not None:
        return Ignored("order_exists")
    decide_by = next_due(policy.DECIDE, event.time)
    order = Order(
        id=order_id,
        version=1,
        person_id=person_id,
        test_order_id=None,
        division=data["division"] or _CITY,
        state=OrderState.DECISION_DUE,
        isolation_ground=ground,
        step_due=decide_by,
        due_rule=decide_by.rule,
        due_at=decide_by.at,
    )
    work.orders.save(order, "order.decision_due.v1")
    return Applied()


def _review_all(event: Event, work: Work) -> Outcome:
    """Every order that rests on an overturned result is reviewed, once; a decision still to come is not made."""
    resting = work.orders.select(orders.c.test_order_id == event.subject)
    for order in resting:
        if order.state is OrderState.DECISION_DUE:
            work.orders.save(deciding.lapse(order), "order.lapsed.v1")
        elif order.state in ORDER_TRANSITIONS[OrderAct.REVIEW_OPENED] and order.review_opened_at is None:
            review = deciding.open_review(
                order, now=work.now, reason="test_overturned", due=next_due(policy.REVIEW, work.now)
            )
            work.orders.save(review, "order.review_opened.v1")
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
    if remaining(work.persons, event.data["person_id"]) != remaining(work.persons, stay.person_id):
        return Ignored("another_person")
    at = event.data["executed_at"] or event.time
    if at < stay.admitted_at:
        return Ignored("before_admission")
    end_stay(stay, at=at, kind=event.data["kind"], release_id=event.subject, work=work)
    return Applied()


def on_release_retracted(event: Event, work: Work) -> Outcome:
    """The release was reported in error: the stay that it ended goes on."""
    stay_id = event.data["stay_id"]
    stay = work.stays.find(stay_id) if stay_id else None
    if stay is None or stay.state is not StayState.ENDED or stay.release_id != event.subject:
        return Ignored("not_ended_by_it")
    if work.open_stay_of(stay.person_id) is not None:
        return Ignored("in_custody_elsewhere")
    reopen_stay(stay, release_id=event.subject, work=work)
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    tests = [event.subject for event in events if event.type in _TESTS]
    work.persons.prefetch("person_id", (event.data["person_id"] for event in events))
    work.tests.prefetch("test_order_id", tests)
    work.orders.prefetch("id", map(order_id_of, tests))
    work.stays.prefetch("id", (e.data["stay_id"] for e in events if e.type.startswith("release.")))


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "person.merged.v1": on_person,
        **dict.fromkeys(_TESTS, on_test),
        "release.executed.v1": on_release_executed,
        "release.retracted.v1": on_release_retracted,
        **dict.fromkeys(_GROUNDS, on_told_to_police),
    },
    prefetch=prefetch,
)
