"""What is done with community measures: by officers and supervisors, by events, by time."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from services.community_handover import policy
from services.community_handover.domain import aftercare
from services.community_handover.domain.accompanying import Course
from services.community_handover.domain.measure import (
    Absence,
    Measure,
    MeasureKind,
    TerminationReason,
    ends_at,
    term,
)
from services.community_handover.domain.measure_transitions import TRANSITIONS, MeasureAct, MeasureState
from services.community_handover.domain.searching import TraceKind, TraceStep
from services.community_handover.domain.task import CloseReason, Ground, Task
from services.community_handover.domain.transitions import State
from services.community_handover.store import Coverage, Work
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, start_of_day
from shared.kernel.errors import invalid_field
from shared.kernel.ids import derived_id
from shared.kernel.moments import past
from shared.reference.calendar import next_due
from shared.reference.divisions import containing

COURSE = Course(policy.MEASURE_LIMITS)
_KIND_OF = {
    Ground.COMMUNITY_DETOX_ORDER: MeasureKind.COMMUNITY_DETOX,
    Ground.COMMUNITY_REHAB_ORDER: MeasureKind.COMMUNITY_REHAB,
}
_TERMINATED_BY_CLOSURE = {
    CloseReason.DIED: TerminationReason.DIED,
    CloseReason.ABROAD: TerminationReason.ABROAD,
}


@dataclass(frozen=True, slots=True)
class SearchFor:
    """An attempt to find the person."""

    kind: TraceKind
    found: bool
    at: datetime | None = None
    note: str | None = None


def measure_id_of(task_id: UUID) -> UUID:
    """The one measure of a registration."""
    return derived_id(task_id, "measure")


def begin(task: Task, *, months: int | None, work: Work) -> Measure:
    """A person with an order was registered: the measure begins (戒毒条例 arts 14, 38).

    Raises: InvalidInput ``measure.months``: only rehabilitation may be ordered for less than three years.
    """
    assert task.registered_at is not None and task.office is not None
    kind, at = _KIND_OF[task.legal_ground], task.registered_at
    most = policy.MEASURE_TERM.length
    if months is not None and kind is MeasureKind.COMMUNITY_DETOX and months != most:
        raise invalid_field("/measure_months", "measure.months", "community detox lasts three years (戒毒条例 art. 14)")
    started_on = china_day(at)
    measure = Measure(
        id=measure_id_of(task.id),
        version=1,
        task_id=task.id,
        order_id=task.order_id,
        person_id=task.person_id,
        kind=kind,
        state=MeasureState.ACTIVE,
        office=task.office,
        division=task.division,
        started_on=started_on,
        last_day=term(started_on, months or most),
        last_contact_at=at,
        agreement_due=next_due(policy.AGREEMENT, at),
        visit_due=contact_due(task.person_id, at, work),
    )
    return work.measures.save(COURSE.begin(measure), "measure.begun.v1")


def agree(measure: Measure, *, at: datetime | None, work: Work) -> Measure:
    """Enter the signed agreement. See `Course.agree`."""
    return work.measures.save(COURSE.agree(measure, at=past(at, work.now, "/at")), "measure.agreed.v1")


def follow_task(task: Task, *, work: Work) -> None:
    """The handover behind a measure was completed or closed: what that says of the measure."""
    measure = work.measures.find(measure_id_of(task.id))
    if measure is None:
        return
    if task.close_reason is CloseReason.AGREEMENT_SIGNED and measure.agreement_due is not None:
        agree(measure, at=task.agreement_signed_at, work=work)
    elif task.close_reason in _TERMINATED_BY_CLOSURE:
        terminate(measure, at=work.now, reason=_TERMINATED_BY_CLOSURE[task.close_reason], note=None, work=work)
    elif task.close_reason is CloseReason.IN_CUSTODY:
        suspend(measure, at=work.now, reason="custody", work=work)


def visit(measure: Measure, *, at: datetime | None, work: Work) -> Measure:
    """Enter a contact with the person. See `Course.visit`."""
    at = past(at, work.now, "/at")
    due, review_due = contact_due(measure.person_id, at, work), next_due(policy.REVIEW_PAUSE, at)
    seen = COURSE.visit(measure, at=at, due=due, review_due=review_due)
    return work.measures.save(seen, "measure.visited.v1")


def note_absence(measure: Measure, *, left_on: date, returned_on: date | None, with_leave: bool, work: Work) -> Measure:
    """Enter days away from the county, or that the person is back. See `Course.note_absence`.

    Raises: InvalidInput ``time.in_future``.
    """
    today = china_day(work.now)
    for pointer, day in (("/left_on", left_on), ("/returned_on", returned_on)):
        if day is not None and day > today:
            raise invalid_field(pointer, "time.in_future", "this lies in the future")
    absence = Absence(left_on, returned_on, with_leave)
    noted = COURSE.note_absence(measure, absence, now=work.now, tell_due=_tell_due(work))
    return save_judged(measure, noted, "measure.absence_noted.v1", work)


def save_judged(before: Measure, after: Measure, event: str, work: Work) -> Measure:
    """Save what was noted, as a grave breach if it made one."""
    fresh = after.tell_due is not None and before.tell_due is None
    return work.measures.save(after, "measure.breached.v1" if fresh else event)


def tell_breach(measure: Measure, *, number: str, at: datetime | None, work: Work) -> Measure:
    """Enter that the police were told. See `Course.tell_breach`."""
    told = COURSE.tell_breach(measure, at=past(at, work.now, "/told_at"), number=number)
    return work.measures.save(told, "measure.breach_told.v1")


def move(measure: Measure, *, division: str, work: Work) -> Measure:
    """The person goes to live elsewhere. See `Course.move`.

    Raises: InvalidInput ``office.none``.
    """
    covered = _covering(division, work)
    if covered is None:
        detail = "no office on the platform covers this place; terminate the measure by the other office's receipt"
        raise invalid_field("/division", "office.none", detail)
    report_due = next_due(policy.REPORT_AT_NEW_PLACE, work.now)
    moving = COURSE.move(measure, office=covered.office, division=division, report_due=report_due)
    return work.measures.save(moving, "measure.moving.v1")


def arrive(measure: Measure, *, at: datetime | None, work: Work) -> Measure:
    """Enter that the person reported at the new place. See `Course.arrive`."""
    at = past(at, work.now, "/at")
    arrived = COURSE.arrive(
        measure,
        at=at,
        agreement_due=next_due(policy.AGREEMENT, at),
        visit_due=contact_due(measure.person_id, at, work),
    )
    return work.measures.save(arrived, "measure.moved.v1")


def suspend(measure: Measure, *, at: datetime, reason: str, work: Work) -> Measure:
    """The person is detained or arrested. See `Course.suspend`."""
    review_due = next_due(policy.REVIEW_PAUSE, at)
    suspended = COURSE.suspend(measure, at=at, reason=reason, review_due=review_due)
    return work.measures.save(suspended, "measure.suspended.v1")


def resume(measure: Measure, *, at: datetime | None, work: Work) -> Measure:
    """The person is free again. See `Course.resume`."""
    at = past(at, work.now, "/at")
    resumed = COURSE.resume(measure, at=at, visit_due=contact_due(measure.person_id, at, work))
    return work.measures.save(resumed, "measure.resumed.v1")


def search(measure: Measure, command: SearchFor, *, by: str, work: Work) -> Measure:
    """Enter an attempt to find the person; when it found the person, that ends the search. See `Course.search`."""
    at = past(command.at, work.now, "/at")
    attempt = TraceStep(command.kind, at, by, command.found, command.note)
    searched = COURSE.search(measure, attempt, review_due=next_due(policy.REVIEW_UNKNOWN, at))
    saved = work.measures.save(searched, "measure.traced.v1")
    if not command.found:
        return saved
    found = COURSE.find(saved, at=at, visit_due=contact_due(measure.person_id, at, work))
    return work.measures.save(found, "measure.found.v1")


def sign_unknown(measure: Measure, *, by: str, work: Work) -> Measure:
    """Sign that the search failed. See `Course.sign_unknown`."""
    review_due = next_due(policy.REVIEW_UNKNOWN, work.now)
    signed = COURSE.sign_unknown(measure, by=by, now=work.now, review_due=review_due)
    return work.measures.save(signed, "measure.whereabouts_unknown.v1")


def end(measure: Measure, *, notice_number: str, work: Work) -> Measure:
    """Enter the end notice. See `Course.end`."""
    completed = work.measures.save(COURSE.end(measure, notice_number=notice_number), "measure.completed.v1")
    _end_handover(completed, work)
    return completed


def terminate(measure: Measure, *, at: datetime, reason: TerminationReason, note: str | None, work: Work) -> Measure:
    """End a measure before its time. See `Course.terminate`."""
    over = COURSE.terminate(measure, at=at, reason=reason, note=note)
    terminated = work.measures.save(over, "measure.terminated.v1")
    _end_handover(terminated, work)
    return terminated


def _end_handover(measure: Measure, work: Work) -> None:
    """No agreement can be signed any more: a handover that waited for it is over, too."""
    task = work.tasks.find(measure.task_id)
    if task is not None and task.state is State.REGISTERED:
        work.tasks.save(aftercare.end_with_measure(task, now=work.now), "handover.closed.v1")


def set_pace(person_id: UUID, *, work: Work) -> None:
    """The person's tier changed, and with it when the next contact is due. See `Course.set_pace`."""
    from_now = contact_due(person_id, work.now, work)
    for measure in work.measures_in_force(person_id):
        if measure.state in TRANSITIONS[MeasureAct.PACE_SET]:
            from_last = contact_due(person_id, measure.last_contact_at, work)
            paced = COURSE.set_pace(measure, from_last, from_now, now=work.now)
            if paced is not None:
                work.measures.save(paced, "measure.pace_set.v1")


def wake(measure: Measure, work: Work) -> Measure:
    """Do what has come due by itself: the term's end, a search, an absence that is too long."""
    if ends_at(measure) <= work.now:
        notices_due = next_due(policy.END_NOTICES, start_of_day(measure.last_day))
        return work.measures.save(COURSE.expire(measure, now=work.now, notices_due=notices_due), "measure.expired.v1")
    if COURSE.is_out_of_contact(measure, work.now):
        lost = COURSE.lose(measure, now=work.now, search_due=next_due(policy.SEARCH, work.now))
        return work.measures.save(lost, "measure.lost.v1")
    judged = COURSE.judge_again(measure, now=work.now, tell_due=_tell_due(work))
    return save_judged(measure, judged, "measure.absence_noted.v1", work)


def contact_due(person_id: UUID, last: datetime, work: Work) -> NextDue:
    """When somebody has to see the person again: by risk tier, which a person decided."""
    known = work.tiers.find(person_id)
    days = known.contact_every_days if known else None
    rule = policy.KEEP_CONTACT if days is None else replace(policy.KEEP_CONTACT, length=days)
    return next_due(rule, last)


def _tell_due(work: Work) -> NextDue:
    return next_due(policy.TELL_POLICE, work.now)


def _covering(division: str, work: Work) -> Coverage | None:
    return next((found for code in containing(division) if (found := work.coverage.find(code))), None)
