"""From the confirmation to the gate, and the search for somebody who was not met."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.community_handover.domain.searching import TraceKind, TraceStep, searched_enough
from services.community_handover.domain.task import (
    BY_ITSELF,
    CloseReason,
    Correction,
    HolderKind,
    Outcome,
    PartyMember,
    Task,
    has_order,
    require,
    same_deadline,
    step,
)
from services.community_handover.domain.transitions import ENDED, Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before

OFFICIALS = frozenset({"police_officer", "community_worker", "medic", "cadre"})


def accept(task: Task, *, by: str, now: datetime, due: NextDue, version_seen: int | None = None) -> Task:
    """The office confirms (确认收到): from now on it is responsible.

    ``version_seen`` is what the officer looked at, perhaps offline.

    Raises: Conflict ``task.already_accepted`` with ``by`` and ``at``, ``task.changed_since_seen`` or
    ``task.wrong_state``.
    """
    if task.accepted_at is not None and task.state is not State.WITHDRAWN:
        raise Conflict(
            "task.already_accepted",
            "somebody was faster",
            by=task.accepted_by,
            at=task.accepted_at,
            state=task.state.value,
        )
    require(task, Act.ACCEPTED)
    if version_seen is not None and version_seen != task.version:
        raise Conflict(
            "task.changed_since_seen", "the task changed since you looked at it; read it again", version=task.version
        )
    assert task.office is not None  # an offered task has an office
    return step(
        task,
        Act.ACCEPTED,
        State.ACCEPTED,
        due=due,
        accepted_at=now,
        accepted_by=by,
        holder_kind=HolderKind.OFFICE,
        holder=task.office,
    )


def name_party(
    task: Task, members: tuple[PartyMember, ...], *, needed: Iterable[frozenset[str]], due: NextDue | None
) -> Task:
    """Say who goes to the gate; of each needed group of roles at least one, and at least one official.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``party.no_official`` or ``party.incomplete``.
    """
    require(task, Act.PARTY_NAMED)
    roles = {member.role for member in members}
    if not roles & OFFICIALS:
        raise invalid_field("/members", "party.no_official", "at least one official has to go")
    missing = [" or ".join(sorted(group)) for group in needed if not roles & group]
    if missing:
        raise invalid_field("/members", "party.incomplete", f"for this risk tier somebody is missing: {missing}")
    return step(task, Act.PARTY_NAMED, State.ACCEPTED, due=due, party=members)


def meet(
    task: Task, *, at: datetime, outcome: Outcome, due: NextDue | None, report_due_at: datetime, note: str | None = None
) -> Task:
    """What happened at the gate. Entered once.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step`` or ``outcome.note_missing``.
    """
    require(task, Act.MET)
    not_before(at, task.released_at, "/met_at", "met before the person was released")
    if outcome is Outcome.OTHER_AUTHORITY and not note:
        raise invalid_field("/note", "outcome.note_missing", "say which authority took the person")
    said: dict[str, Any] = {"met_at": at, "outcome": outcome, "outcome_note": note}
    if outcome is Outcome.OTHER_AUTHORITY:
        return step(task, Act.MET, State.CLOSED, **said, closed_at=at, close_reason=CloseReason.OTHER_AUTHORITY)
    reporting: dict[str, Any] = {"report_due_at": report_due_at if has_order(task) else None}
    if outcome is Outcome.LEFT_ALONE:
        return step(task, Act.MET, State.NOT_MET, due=due, **said, **reporting)
    contacted_at = None if outcome is Outcome.MET_FAMILY else at
    return step(task, Act.MET, State.MET, due=due, **said, **reporting, contacted_at=contacted_at)


def leave_unmet(task: Task, *, due: NextDue, report_due_at: datetime) -> Task:
    """Nobody entered a meeting in time: lawful for the person, who is free; a search for us (H4).

    Raises: Conflict ``task.wrong_state``.
    """
    return step(
        task,
        Act.LEFT_UNMET,
        State.NOT_MET,
        due=due,
        outcome=Outcome.LEFT_ALONE,
        report_due_at=report_due_at if has_order(task) else None,
    )


def search(task: Task, attempt: TraceStep | None, *, due: NextDue) -> Task:
    """Look for the person; without an attempt, the time to begin has come.

    A search that began keeps its end.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(task, Act.SEARCHED)
    if attempt is not None:
        not_before(attempt.at, task.released_at, "/at", "searched before the person was released")
    steps = (*(task.trace or ()), *((attempt,) if attempt else ()))
    unknown = task.state is State.WHEREABOUTS_UNKNOWN
    state = State.WHEREABOUTS_UNKNOWN if unknown else State.TRACING
    running = same_deadline(task) if task.state is not State.NOT_MET else None
    return step(task, Act.SEARCHED, state, due=running or due, trace=steps or None)


def sign_unknown(task: Task, *, by: str, now: datetime, needed: Mapping[TraceKind, int], due: NextDue) -> Task:
    """A supervisor signs that the search failed (现状不明). Stays open until the person is found.

    Raises: Conflict ``task.wrong_state`` or ``task.search_incomplete`` with what is missing; ``task.no_order``.
    """
    require(task, Act.SIGNED_UNKNOWN)
    if not has_order(task):
        raise Conflict("task.no_order", "without an order nobody is missing; close the task as not reached")
    searched_enough(task.trace or (), needed, "task.search_incomplete")
    return step(task, Act.SIGNED_UNKNOWN, State.WHEREABOUTS_UNKNOWN, due=due, unknown_at=now, unknown_signed_by=by)


def contact(task: Task, *, at: datetime, due: NextDue | None) -> Task:
    """An official reached the person: after a family's meeting, or found by a search, at any time.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(task, Act.CONTACTED)
    not_before(at, task.met_at or task.released_at, "/contacted_at", "contacted before the person was released or met")
    return step(task, Act.CONTACTED, State.CONTACTED, due=due, contacted_at=at)


def close(task: Task, *, reason: CloseReason, now: datetime, needed: Mapping[TraceKind, int]) -> Task:
    """A supervisor ends a task for a lawful reason; never by time alone.

    Raises: Conflict ``task.wrong_state``, ``task.order_in_force`` or ``task.search_incomplete``; InvalidInput
    ``close.not_by_hand``.
    """
    require(task, Act.CLOSED)
    if reason in BY_ITSELF:
        raise invalid_field("/reason", "close.not_by_hand", "enter the agreement, or the end of the measure, instead")
    if reason is CloseReason.NOT_REACHED:
        if has_order(task):
            raise Conflict("task.order_in_force", "an order is in force; the person has to be found")
        searched_enough(task.trace or (), needed, "task.search_incomplete")
    return step(task, Act.CLOSED, State.CLOSED, closed_at=now, close_reason=reason)


def correct_outcome(
    task: Task,
    *,
    at: datetime | None,
    outcome: Outcome,
    correction: Correction,
    due: NextDue | None,
    report_by: datetime,
) -> Task:
    """What happened at the gate was entered wrongly. It is set right with a reason; what was said before stays in the
    task's events. A search that began because nobody seemed to be there ends, or begins.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``outcome.same``, ``outcome.note_missing``.
    """
    require(task, Act.CORRECTED)
    if outcome is task.outcome:
        raise invalid_field("/outcome", "outcome.same", "this is what was entered")
    if outcome is Outcome.OTHER_AUTHORITY and not correction.note:
        raise invalid_field("/note", "outcome.note_missing", "say which authority took the person")
    not_before(at or correction.at, task.released_at, "/met_at", "met before the person was released")
    said: dict[str, Any] = {
        "met_at": None if outcome is Outcome.LEFT_ALONE else (at or task.met_at or correction.at),
        "outcome": outcome,
        "outcome_note": correction.note,
        "correction": correction,
    }
    state = _state_after_correction(task, outcome)
    if state is task.state:
        return step(task, Act.CORRECTED, state, due=same_deadline(task), **said)
    if state is State.CLOSED:
        said |= {"closed_at": correction.at, "close_reason": CloseReason.OTHER_AUTHORITY}
        return step(task, Act.CORRECTED, state, **said)
    seen_by_official = state is State.MET and outcome is not Outcome.MET_FAMILY
    return step(
        task,
        Act.CORRECTED,
        state,
        due=due,
        **said,
        contacted_at=said["met_at"] if seen_by_official else None,
        report_due_at=report_by if has_order(task) else None,
        closed_at=None,
        close_reason=None,
    )


_AT_THE_GATE = frozenset({State.MET, State.NOT_MET, State.TRACING})


def _state_after_correction(task: Task, outcome: Outcome) -> State:
    """Where the gate is the last that happened, the task goes on from the gate; what came later stands."""
    ended_at_gate = task.state is State.CLOSED and task.close_reason is CloseReason.OTHER_AUTHORITY
    if task.state not in _AT_THE_GATE and not ended_at_gate:
        return task.state
    if outcome is Outcome.OTHER_AUTHORITY:
        return State.CLOSED
    return State.NOT_MET if outcome is Outcome.LEFT_ALONE else State.MET


def remind(task: Task, *, now: datetime) -> Task:
    """Half of the time for the next step is over: whoever has to do it is reminded, once.

    Raises: Conflict ``task.reminder_not_due``.
    """
    due = same_deadline(task)
    if due is None or due.halfway is None or not due.halfway <= now < due.at:
        raise Conflict("task.reminder_not_due", "there is nothing to remind of")
    return replace(task, version=task.version + 1, reminded_at=now, wake_at=task.due_at)


def escalate(task: Task, *, now: datetime, ladder: tuple[timedelta, ...]) -> Task:
    """The next step is overdue: tell the next level. Due and not yet sent, however late the timer comes.

    Raises: Conflict ``task.escalation_not_due``.
    """
    if task.state in ENDED or task.due_at is None or task.wake_at is None or now < task.wake_at:
        raise Conflict("task.escalation_not_due", "nothing is overdue")
    reached = sum(now >= task.due_at + late for late in ladder)
    wake_at = task.due_at + ladder[reached] if reached < len(ladder) else None
    return replace(task, version=task.version + 1, escalation_level=reached, wake_at=wake_at)
