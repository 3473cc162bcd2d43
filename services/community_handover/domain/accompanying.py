"""The course of a community measure, from the registration to its end. Pure.

Every act gives the next version of a measure or raises. Invariants: a measure that is not over has exactly one office
that holds it and one next deadline; time alone ends only the term (戒毒条例 arts 23, 40), never a search; what the
person did wrong is noted with its ground and told to the police, who decide what follows (arts 20, 21).
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from services.community_handover.domain.measure import (
    ONE_DAY,
    Absence,
    BreachGround,
    BreachLimits,
    EvadedTest,
    Limits,
    Measure,
    TerminationReason,
    ends_at,
    evasions,
    require,
)
from services.community_handover.domain.measure_transitions import OVER, MeasureAct, MeasureState
from services.community_handover.domain.searching import TraceStep, searched_enough
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, earliest, start_of_day
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before

TERM_RULE = "C8"
_RUNS_OUT = frozenset({MeasureState.ACTIVE, MeasureState.MOVING})  # the term; a search never ends by time


class Course:
    """What can be done with a measure, under a policy's limits."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits

    def begin(self, measure: Measure) -> Measure:
        """A person reported and was registered: the measure runs from that day (戒毒条例 art. 14)."""
        return self._with_due(measure)

    def agree(self, measure: Measure, *, at: datetime) -> Measure:
        """The agreement is signed (戒毒条例 art. 16), anew after each change of place (art. 22).

        Raises: Conflict ``measure.wrong_state`` or ``measure.agreed``.
        """
        require(measure, MeasureAct.AGREED)
        if measure.agreement_due is None:
            raise Conflict("measure.agreed", "the agreement is signed already", at=measure.agreement_signed_at)
        return self._step(measure, agreement_signed_at=at, agreement_due=None)

    def visit(self, measure: Measure, *, at: datetime, due: NextDue, review_due: NextDue | None = None) -> Measure:
        """Somebody of the working group spoke with the person; during a suspension its reason is reviewed by that.

        Raises: Conflict ``measure.wrong_state``; InvalidInput ``time.before_previous_step``.
        """
        require(measure, MeasureAct.VISITED)
        not_before(at, start_of_day(measure.started_on), "/at", "earlier than the measure began")
        if at < measure.last_contact_at:
            return self._step(measure)  # entered late: a later contact stands
        step_due = _reviewed(measure, MeasureState.SUSPENDED, review_due)
        return self._step(measure, last_contact_at=at, visit_due=due, step_due=step_due)

    def set_pace(self, measure: Measure, from_last: NextDue, from_now: NextDue, *, now: datetime) -> Measure | None:
        """The risk tier says anew how often the person is seen; None when that changes no deadline.

        Counted from the last contact. Where that day has passed already, nobody missed it: the contact is due a
        pace from now, or when it was due before, if that is sooner.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.PACE_SET)
        due = from_last if from_last.at > now else earliest((measure.visit_due, from_now))
        return None if due == measure.visit_due else self._step(measure, visit_due=due)

    def note_absence(self, measure: Measure, absence: Absence, *, now: datetime, tell_due: NextDue) -> Measure:
        """The person leaves the county for three days or more, or came back (戒毒条例 art. 19).

        Raises: Conflict ``measure.wrong_state``; InvalidInput ``absence.order`` or ``absence.before_measure``.
        """
        require(measure, MeasureAct.ABSENCE_NOTED)
        if absence.returned_on is not None and absence.returned_on < absence.left_on:
            raise invalid_field("/returned_on", "absence.order", "returned before the person left")
        if absence.left_on < measure.started_on:
            raise invalid_field("/left_on", "absence.before_measure", "left before the measure began")
        others = tuple(one for one in measure.absences if one.left_on != absence.left_on)
        if absence.returned_on is None and any(one.returned_on is None for one in others):
            raise invalid_field("/left_on", "absence.still_away", "enter first when the person came back")
        absences = tuple(sorted((*others, absence), key=lambda one: one.left_on))
        return self._judged(measure, now, tell_due, absences=absences)

    def count_evasion(self, measure: Measure, test: EvadedTest, *, now: datetime, tell_due: NextDue) -> Measure | None:
        """A scheduled test was refused or evaded, or that was excused; None when a newer word on it is known.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.EVASION_COUNTED)
        known = {one.test_order_id: one for one in measure.evaded_tests}
        before = known.get(test.test_order_id)
        if before is not None and before.version >= test.version:
            return None
        known[test.test_order_id] = test
        return self._judged(measure, now, tell_due, evaded_tests=tuple(known.values()))

    def note_relapse(self, measure: Measure, test_id: UUID, at: datetime | None) -> Measure | None:
        """A positive test is settled, or fell after all (``at`` is None); None when that changes nothing. What follows
        is decided elsewhere.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.RELAPSE_NOTED)
        if at is not None and measure.relapsed_at is None:
            return self._step(measure, relapsed_at=at, relapse_test_id=test_id)
        if at is None and measure.relapse_test_id == test_id:
            return self._step(measure, relapsed_at=None, relapse_test_id=None)
        return None

    def tell_breach(self, measure: Measure, *, at: datetime, number: str) -> Measure:
        """The police were told of the grave breach (戒毒条例 art. 21).

        Raises: Conflict ``measure.wrong_state`` or ``measure.no_breach``; InvalidInput ``time.before_previous_step``.
        """
        require(measure, MeasureAct.BREACH_TOLD)
        if measure.tell_due is None:
            raise Conflict("measure.no_breach", "no grave breach waits to be told")
        not_before(at, measure.breached_at, "/told_at", "told before the breach was noted")
        return self._step(measure, breach_told_at=at, breach_report_number=number, tell_due=None)

    def move(self, measure: Measure, *, office: str, division: str, report_due: NextDue) -> Measure:
        """The person goes to live elsewhere: the papers go to that office, which takes over when the person has
        reported there; until then ours holds the measure (戒毒条例 art. 22).

        Raises: Conflict ``measure.wrong_state``; InvalidInput ``office.same``.
        """
        require(measure, MeasureAct.MOVED)
        if office == measure.office:
            raise invalid_field("/division", "office.same", "this place is covered by the office that has the measure")
        return self._step(
            measure,
            MeasureState.MOVING,
            moving_to_office=office,
            moving_to_division=division,
            step_due=report_due,
        )

    def arrive(self, measure: Measure, *, at: datetime, agreement_due: NextDue, visit_due: NextDue) -> Measure:
        """The person reported at the new place, however late; the time went on meanwhile (戒毒条例 art. 22).

        Raises: Conflict ``measure.wrong_state`` or ``measure.not_moving``.
        """
        require(measure, MeasureAct.ARRIVED)
        if measure.moving_to_office is None:
            raise Conflict("measure.not_moving", "the person was not given to another office")
        return self._step(
            self._seen(measure, at, visit_due),
            MeasureState.ACTIVE,
            office=measure.moving_to_office,
            division=measure.moving_to_division,
            moving_to_office=None,
            moving_to_division=None,
            agreement_due=agreement_due,
        )

    def suspend(self, measure: Measure, *, at: datetime, reason: str, review_due: NextDue) -> Measure:
        """The person is detained or arrested: the measure stands still (戒毒条例 art. 24).

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.SUSPENDED)
        return self._step(
            measure, MeasureState.SUSPENDED, suspended_at=at, suspended_reason=reason, step_due=review_due
        )

    def resume(self, measure: Measure, *, at: datetime, visit_due: NextDue) -> Measure:
        """The person is free again and the measure goes on, longer by the days it stood still (戒毒条例 art. 24).

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.RESUMED)
        assert measure.suspended_at is not None
        still = china_day(at) - china_day(measure.suspended_at)
        return self._step(
            measure,
            MeasureState.ACTIVE,
            last_day=measure.last_day + max(still, timedelta(0)),
            suspended_at=None,
            suspended_reason=None,
            visit_due=visit_due,
        )

    def is_out_of_contact(self, measure: Measure, now: datetime) -> bool:
        """Whether the person was to be seen, or to report, and was not for so long that a search begins."""
        begins = self._search_begins(measure)
        return begins is not None and begins <= now

    def lose(self, measure: Measure, *, now: datetime, search_due: NextDue) -> Measure:
        """Nobody reached the person in time, or the person did not report at the new place: a search begins.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.LOST)
        return self._step(
            measure, MeasureState.TRACING, lost_at=now, found_at=None, trace=(), step_due=search_due, visit_due=None
        )

    def search(self, measure: Measure, attempt: TraceStep, *, review_due: NextDue | None = None) -> Measure:
        """An attempt to find the person; of somebody signed as unknown it is the review.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.SEARCHED)
        step_due = _reviewed(measure, MeasureState.WHEREABOUTS_UNKNOWN, review_due)
        return self._step(measure, trace=(*measure.trace, attempt), step_due=step_due)

    def sign_unknown(self, measure: Measure, *, by: str, now: datetime, review_due: NextDue) -> Measure:
        """A supervisor signs that the search failed (现状不明). Stays open until the person is found.

        Raises: Conflict ``measure.wrong_state`` or ``measure.search_incomplete`` with what is missing.
        """
        require(measure, MeasureAct.SIGNED_UNKNOWN)
        searched_enough(measure.trace, self._limits.search, "measure.search_incomplete")
        return self._step(
            measure,
            MeasureState.WHEREABOUTS_UNKNOWN,
            unknown_at=now,
            unknown_signed_by=by,
            step_due=review_due,
        )

    def find(self, measure: Measure, *, at: datetime, visit_due: NextDue) -> Measure:
        """The person was found and spoken with, at any time.

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.FOUND)
        return self._step(self._seen(measure, at, visit_due), MeasureState.ACTIVE)

    def judge_again(self, measure: Measure, *, now: datetime, tell_due: NextDue) -> Measure:
        """Time passed: an absence that goes on may have become too long (戒毒条例 art. 20).

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.ABSENCE_NOTED)
        return self._judged(measure, now, tell_due)

    def expire(self, measure: Measure, *, now: datetime, notices_due: NextDue) -> Measure:
        """The term is over, and with it the measure (戒毒条例 arts 23, 40); the notices remain to be given.

        Raises: Conflict ``measure.wrong_state`` or ``measure.term_runs``.
        """
        require(measure, MeasureAct.EXPIRED)
        if now < ends_at(measure):
            raise Conflict("measure.term_runs", "the term is not over", last_day=measure.last_day)
        return self._step(measure, MeasureState.EXPIRED, ended_at=ends_at(measure), step_due=notices_due)

    def end(self, measure: Measure, *, notice_number: str) -> Measure:
        """The end notice went to the person and the family, and the township was told (戒毒条例 arts 23, 40).

        Raises: Conflict ``measure.wrong_state``.
        """
        require(measure, MeasureAct.ENDED)
        return self._step(measure, MeasureState.COMPLETED, end_notice_number=notice_number)

    def terminate(
        self, measure: Measure, *, at: datetime, reason: TerminationReason, note: str | None = None
    ) -> Measure:
        """The measure ends before its time (戒毒条例 art. 24).

        Raises: Conflict ``measure.wrong_state``; InvalidInput ``termination.note_missing``.
        """
        require(measure, MeasureAct.TERMINATED)
        if reason is TerminationReason.MOVED_OUT and not note:
            detail = "say which office took over, and the number of its receipt"
            raise invalid_field("/note", "termination.note_missing", detail)
        return self._step(measure, MeasureState.TERMINATED, ended_at=at, end_reason=reason, end_note=note)

    def _seen(self, measure: Measure, at: datetime, visit_due: NextDue) -> Measure:
        """With a contact; ends a search."""
        was_lost = measure.lost_at is not None and measure.found_at is None
        return replace(
            measure,
            last_contact_at=max(at, measure.last_contact_at),
            visit_due=visit_due,
            found_at=at if was_lost else measure.found_at,
        )

    def _judged(self, measure: Measure, now: datetime, tell_due: NextDue, **changes: Any) -> Measure:
        """With what was noted. A ground of a grave breach that is new is to be told to the police, whatever they were
        told before.
        """
        noted = replace(measure, **changes)
        grounds = tuple(_grounds(noted, self._limits.breach, china_day(now)))
        fresh = [ground for ground in grounds if ground not in measure.breach_grounds]
        if fresh:
            noted = replace(noted, tell_due=tell_due, breach_told_at=None, breach_report_number=None)
        elif not grounds:
            noted = replace(noted, tell_due=None)
        return self._step(noted, breach_grounds=grounds, breached_at=(measure.breached_at or now) if grounds else None)

    def _step(self, measure: Measure, state: MeasureState | None = None, **changes: Any) -> Measure:
        """The next version. A step's own deadline ends with its state unless it is given again."""
        kept = {"step_due": measure.step_due if state in (None, measure.state) else None}
        after = replace(measure, version=measure.version + 1, state=state or measure.state, **{**kept, **changes})
        if after.state in OVER:
            after = replace(after, visit_due=None, step_due=None, tell_due=None, agreement_due=None)
        return self._with_due(after)

    def _with_due(self, measure: Measure) -> Measure:
        runs = measure.state in _RUNS_OUT
        term_due = NextDue(TERM_RULE, ends_at(measure)) if runs else None
        visit_due = measure.visit_due if measure.state is MeasureState.ACTIVE else None
        due = earliest((visit_due, measure.step_due, measure.tell_due, measure.agreement_due, term_due))
        return replace(
            measure,
            due_rule=due.rule if due else None,
            due_at=due.at if due else None,
            due_from=due.starts if due else None,
            wake_at=min(self._wakings(measure), default=None),
        )

    def _wakings(self, measure: Measure) -> Iterator[datetime]:
        """When something happens by itself: the term ends, a search begins, an absence becomes too long."""
        if measure.state in _RUNS_OUT:
            yield ends_at(measure)
            too_long_on = _too_long_on(measure, self._limits.breach)
            if too_long_on is not None:
                yield start_of_day(too_long_on)
        search_begins = self._search_begins(measure)
        if search_begins is not None:
            yield search_begins

    def _search_begins(self, measure: Measure) -> datetime | None:
        if measure.state is MeasureState.ACTIVE and measure.visit_due is not None:
            return measure.visit_due.at + self._limits.visit_grace
        if measure.state is MeasureState.MOVING and measure.step_due is not None:
            return measure.step_due.at
        return None


def _reviewed(measure: Measure, state: MeasureState, review_due: NextDue | None) -> NextDue | None:
    """What the measure's state asks for after a review of it: the next one, unless a later one is due already."""
    before = measure.step_due
    if review_due is None or measure.state is not state:
        return before
    return review_due if before is None or review_due.at > before.at else before


def _grounds(measure: Measure, limits: BreachLimits, today: date) -> Iterator[BreachGround]:
    without_leave = [absence for absence in measure.absences if not absence.with_leave]
    if evasions(measure) >= limits.evasions:
        yield BreachGround.TESTS_EVADED
    if len(without_leave) >= limits.absences:
        yield BreachGround.LEFT_WITHOUT_LEAVE
    if sum(absence.days(today) for absence in without_leave) > limits.days_absent:
        yield BreachGround.ABSENT_TOO_LONG


def _too_long_on(measure: Measure, limits: BreachLimits) -> date | None:
    """The day on which an absence that goes on will have been too long; None when none does, or it was noted."""
    without_leave = [absence for absence in measure.absences if not absence.with_leave]
    going_on = [absence for absence in without_leave if absence.returned_on is None]
    if not going_on or BreachGround.ABSENT_TOO_LONG in measure.breach_grounds:
        return None
    left_on = going_on[-1].left_on
    days = sum(absence.days(left_on) for absence in without_leave)
    return left_on + (limits.days_absent - days + 1) * ONE_DAY
