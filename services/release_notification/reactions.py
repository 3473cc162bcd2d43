"""What release_notification does about what it hears."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from services.release_notification import policy
from services.release_notification.commands import release_id_of
from services.release_notification.deadlines import notice_due
from services.release_notification.domain import release as domain
from services.release_notification.domain.release import PAUSES, CancelledBy, Ground, Kind, Rehab, Release
from services.release_notification.domain.transitions import State
from services.release_notification.store import MOVINGS, KnownPerson, KnownStay, RehabOrder, Work, releases
from shared.contracts.envelope import Event
from shared.kernel.ids import derived_id
from shared.kernel.outcomes import Applied, Ignored, Outcome
from shared.messaging.reactions import Reactions
from shared.reference.calendar import next_due
from shared.storage.people import move_merged, move_record, remaining

_KIND_OF_CUSTODY = {
    "compulsory_isolation": Kind.TERM_EXPIRED,
    "administrative_detention": Kind.DETENTION_EXPIRED,
}
_PAUSED = {"escaped": CancelledBy.ESCAPED, "in_criminal_custody": CancelledBy.IN_CRIMINAL_CUSTODY}
STAYS = (
    "stay.admitted.v1",
    "stay.transferred.v1",
    "stay.on_medical_leave.v1",
    "stay.escaped.v1",
    "stay.in_criminal_custody.v1",
    "stay.returned.v1",
    "stay.term_decided.v1",
    "stay.ended.v1",
    "stay.reopened.v1",
    "stay.person_merged.v1",
)


def on_person(event: Event, work: Work) -> Outcome:
    """Know that a person exists, and where; move what names a file that was given up."""
    data = event.data
    places = data["registered_division"], data["residence_division"]
    if not work.persons.put_newer(KnownPerson(event.subject, event.sequence, data["merged_into"], *places)):
        return Ignored("stale_version")
    if data["merged_into"] is not None:
        move_merged(work, work.persons, MOVINGS, only=event.subject)
        move_record(work.persons, work.rehab_orders, event.subject)
    return Applied()


def on_stay(event: Event, work: Work) -> Outcome:
    """Every stay has its release planned from the first day, and the plan follows the stay.

    The event carries the stay's whole state, so the release is brought in line with it, whatever was heard before.
    """
    data = event.data
    person_id = remaining(work.persons, data["person_id"])
    known = KnownStay(event.subject, event.sequence, person_id, data["admitted_at"], data["state"])
    if not work.stays.put_newer(known):
        return Ignored("stale_version")
    release = work.releases.find(release_id_of(event.subject))
    if release is None:
        if data["state"] == "ended":
            return Ignored("nothing_to_plan")  # the end of the stay came first
        release = _plan(event, work)
    _open_leave(event, work)
    return Applied() if _align(release, data, work) else Ignored("nothing_changed")


def _plan(event: Event, work: Work) -> Release:
    data = event.data
    kind = _kind_of(data)
    person_id = remaining(work.persons, data["person_id"])
    ordered = work.rehab_orders.find(person_id) is not None and kind in domain.FROM_ISOLATION
    release_at = domain.gate_time(data["term_last_day"], policy.GATE_OPENS)
    release = Release(
        id=release_id_of(event.subject),
        version=1,
        person_id=person_id,
        stay_id=event.subject,
        order_id=data["order_id"],
        centre=data["centre"],
        kind=kind,
        state=State.PLANNED,
        release_at=release_at,
        term_last_day=data["term_last_day"],
        needs_handover=domain.needs_handover(kind),
        legal_ground=domain.ground_of(kind, Ground.COMMUNITY_REHAB_ORDER if ordered else None),
    )
    planned = domain.plan(release, notice_due=notice_due(kind, release_at))
    return work.releases.save(planned, "release.planned.v1")


def _kind_of(stay: dict[str, Any]) -> Kind:
    if stay["shortened"]:
        return Kind.EARLY_RELEASE
    return Kind.EXTENDED_TERM_EXPIRED if stay["extended"] else _KIND_OF_CUSTODY[stay["custody"]]


def _align(release: Release, stay: dict[str, Any], work: Work) -> bool:
    """Bring the release in line with the stay; whether anything had to change."""
    if stay["state"] == "ended":
        return _cancel(release, CancelledBy.STAY_ENDED, work) if stay["release_id"] != release.id else False
    if stay["state"] in _PAUSED:
        return _cancel(release, _PAUSED[stay["state"]], work)
    if release.state is State.RETRACTED or (release.state is State.CANCELLED and release.cancelled_by in PAUSES):
        return _again(release, stay, "stay_goes_on", work)
    if release.state is not State.PLANNED:
        return False
    if release.term_last_day == stay["term_last_day"] and release.centre == stay["centre"]:
        return False
    moved = release.term_last_day != stay["term_last_day"]
    release_at = _release_at(stay["term_last_day"]) if moved else release.release_at
    kind = _kind_of(stay) if moved else release.kind
    changed = domain.reschedule(
        release,
        release_at=release_at,
        reason="term_changed" if moved else "centre_transfer",
        kind=kind,
        legal_ground=None,
        notice_due=notice_due(kind, release_at),
        term_last_day=stay["term_last_day"],
        centre=stay["centre"],
    )
    work.releases.save(changed, "release.rescheduled.v1")
    return True


def _release_at(last_day: date) -> Any:
    return domain.gate_time(last_day, policy.GATE_OPENS)


def _cancel(release: Release, by: CancelledBy, work: Work) -> bool:
    if release.state is not State.PLANNED:
        return False
    work.releases.save(domain.cancel(release, by=by, reason=by.value), "release.cancelled.v1")
    return True


def _again(release: Release, stay: dict[str, Any], reason: str, work: Work) -> bool:
    release_at = _release_at(stay["term_last_day"])
    again = domain.reinstate(
        release,
        release_at=release_at,
        reason=reason,
        notice_due=notice_due(release.kind, release_at),
        term_last_day=stay["term_last_day"],
        centre=stay["centre"],
    )
    work.releases.save(again, "release.reinstated.v1")
    return True


def _open_leave(event: Event, work: Work) -> None:
    """Whoever leaves for treatment is met too, though the term runs on (戒毒条例 art. 31): no release, a leave."""
    data = event.data
    if event.type != "stay.on_medical_leave.v1":
        return
    leave_id = derived_id(event.subject, f"leave {event.sequence}")
    if work.releases.find(leave_id) is not None:
        return
    leave = Release(
        id=leave_id,
        version=1,
        person_id=remaining(work.persons, data["person_id"]),
        stay_id=None,
        order_id=data["order_id"],
        centre=data["centre"],
        kind=Kind.MEDICAL_LEAVE,
        state=State.EXECUTED,
        release_at=data["away_since"],
        term_last_day=None,
        needs_handover=True,
        legal_ground=Ground.CONTACT_ONLY,
        executed_at=data["away_since"],
    )
    work.releases.save(domain.with_due(leave), "release.executed.v1")


def on_order_revoked(event: Event, work: Work) -> Outcome:
    """Whoever's order was revoked leaves at once and owes nothing (行政复议法, 行政诉讼法)."""
    held = work.releases.select(releases.c.order_id == event.subject, releases.c.state == State.PLANNED)
    for release in held:
        freed = domain.reschedule(
            release, release_at=work.now, reason="order_revoked", kind=Kind.REVOKED, legal_ground=None
        )
        work.releases.save(freed, "release.rescheduled.v1")
    return Applied() if held else Ignored("nobody_held")


def on_order_served(event: Event, work: Work) -> Outcome:
    """An order of community rehabilitation is the ground on which the person is handed over (禁毒法 art. 48)."""
    data = event.data
    if data["kind"] != "community_rehab" or data["served_at"] is None:
        return Ignored("no_rehab_order")
    person_id = remaining(work.persons, data["person_id"])
    order = RehabOrder(person_id, event.sequence, event.subject, data["served_at"])
    work.rehab_orders.put(order)
    planned = work.releases.select(releases.c.person_id == person_id, releases.c.state == State.PLANNED)
    for release in planned:
        if release.rehab in (Rehab.PENDING, Rehab.NOT_ORDERED):
            settled = domain.settle_ground(release, rehab=Rehab.ORDERED)
            work.releases.save(settled, "release.ground_settled.v1")
    return Applied()


def on_not_met(event: Event, work: Work) -> Outcome:
    """Nobody met the person: the centre has to tell the deciding organ (MoJ Order 127)."""
    release_id = event.data["release_id"]
    release = work.releases.find(release_id) if release_id else None
    if release is None or release.state is not State.EXECUTED or release.left_alone_at is not None:
        return Ignored("nothing_to_tell")
    at = release.executed_at or event.time
    alone = domain.find_left_alone(release, at=at, due=next_due(policy.LEFT_ALONE, event.time))
    work.releases.save(alone, "release.left_alone.v1")
    return Applied()


def prefetch(events: Sequence[Event], work: Work) -> None:
    """Read what a batch needs: one query for each table."""
    stays = [event for event in events if event.type in STAYS]
    not_met = [e.data["release_id"] for e in events if e.type == "handover.not_met.v1" and e.data["release_id"]]
    work.persons.prefetch("person_id", (event.data["person_id"] for event in events))
    work.stays.prefetch("stay_id", (event.subject for event in stays))
    work.rehab_orders.prefetch("person_id", (event.data["person_id"] for event in stays))
    work.releases.prefetch("id", [*(release_id_of(event.subject) for event in stays), *not_met])


REACTIONS = Reactions(
    {
        "person.registered.v1": on_person,
        "person.changed.v1": on_person,
        "person.merged.v1": on_person,
        **dict.fromkeys(STAYS, on_stay),
        "order.revoked.v1": on_order_revoked,
        "order.served.v1": on_order_served,
        "handover.not_met.v1": on_not_met,
    },
    prefetch=prefetch,
)
