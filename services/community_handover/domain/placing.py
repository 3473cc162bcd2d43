"""Finding the receiver: offered, refused, decided by a supervisor, or handed to an office outside the platform."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.community_handover.domain.task import (
    HolderKind,
    Kind,
    Outcome,
    RejectionGround,
    ReleaseFacts,
    Task,
    require,
    same_deadline,
    step,
)
from services.community_handover.domain.transitions import WAITING, Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before

# What an earlier receiver did or failed to do is no longer the state of a task that is placed anew; its events keep it.
_NOTHING_DONE: dict[str, Any] = {
    "accepted_at": None,
    "accepted_by": None,
    "party": None,
    "met_at": None,
    "outcome": None,
    "outcome_note": None,
    "contacted_at": None,
    "trace": None,
    "unknown_at": None,
    "unknown_signed_by": None,
    "report_due_at": None,
    "refused_at": None,
    "remote_office": None,
    "letter_number": None,
    "letter_sent_at": None,
    "paused_at": None,
    "pause_reason": None,
    "proposed_office": None,
    "withdrawn_reason": None,
}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who is to receive the person: an office, or the reason why none was found."""

    office: str | None
    division: str | None
    reason: str | None = None
    registered_county: str = "unknown"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a task goes: the receiver, whether it is asked now, and until when that step must be done."""

    receiver: Receiver
    due: NextDue
    offered_at: datetime | None = None  # the office is asked now


def open_task(task_id: UUID, release: ReleaseFacts, placement: Placement) -> Task:
    """The task of a release that is heard of for the first time."""
    return Task(
        id=task_id,
        version=1,
        kind=Kind.RELEASE,
        release_id=release.release_id,
        order_id=None,
        release_version=release.version,
        person_id=release.person_id,
        legal_ground=release.legal_ground,
        release_at=release.release_at,
        released_at=release.released_at,
        **_placed(placement),
    )


def open_reporting_task(task_id: UUID, order: ReleaseFacts, placement: Placement, *, report_due_at: datetime) -> Task:
    """The task of a community detox order: the person is at liberty and has to report (戒毒条例 art. 14)."""
    task = open_task(task_id, order, placement)
    return replace(task, kind=Kind.ORDER, release_id=None, order_id=order.release_id, report_due_at=report_due_at)


def come_due(task: Task, placement: Placement) -> Task:
    """The time to offer an announced task has come.

    Raises: Conflict ``task.wrong_state``.
    """
    return _place(task, Act.OFFERED, placement)


def route_again(task: Task, placement: Placement) -> Task:
    """A receiver was found for a task that had none, or another one.

    Raises: Conflict ``task.wrong_state``.
    """
    return _place(task, Act.PLACED, placement)


def assign(task: Task, placement: Placement, *, reason: str | None) -> Task:
    """A supervisor decides who receives the person; that office cannot refuse.

    Raises: Conflict ``task.wrong_state`` once it is accepted or over.
    """
    return _place(task, Act.ASSIGNED, placement, assigned=True, assigned_reason=reason)


def follow(task: Task, release: ReleaseFacts, placement: Placement, *, due: NextDue | None) -> Task:
    """The release changed: the task follows it. What the office accepted stays accepted.

    An office that a supervisor chose stays. An office that is asked already is not asked again, unless another one is
    found; it has to confirm sooner if the release comes sooner. ``due`` is the next deadline of an accepted task.
    """
    if task.assigned:
        kept = replace(placement.receiver, office=task.office, division=task.division, reason=None)
        placement = replace(placement, receiver=kept)
    changes: dict[str, Any] = {
        "release_version": release.version,
        "release_at": release.release_at,
        "released_at": release.released_at,
        "legal_ground": release.legal_ground,
    }
    changed = replace(task, version=task.version + 1, **changes)
    if task.state is State.ACCEPTED and due is not None and task.paused_at is None:
        return replace(changed, **_running(due))
    if task.state is State.OFFERED and task.office == placement.receiver.office:
        return _sooner(changed, placement)
    if task.state is State.DISPUTED:
        return changed  # the county is deciding; it sees the new date
    if task.state in WAITING or task.state is State.WITHDRAWN:
        return replace(_place(task, Act.PLACED, placement), **changes)
    return changed


def reject(
    task: Task,
    *,
    by_office: str,
    reason: str | None,
    proposed_office: str | None,
    decision_due: NextDue,
    ground: RejectionGround = RejectionGround.OTHER,
) -> Task:
    """The office says that it is not the right one: disputed until a supervisor decides, and the station holds it.

    Raises: Conflict ``task.wrong_state`` or ``task.place_decided``; InvalidInput ``office.same``.
    """
    if task.assigned:
        raise Conflict("task.place_decided", "a supervisor decided the place; only a supervisor can change it")
    if proposed_office == by_office:
        raise invalid_field("/proposed_office", "office.same", "this is the office that refuses")
    return step(
        task,
        Act.REJECTED,
        State.DISPUTED,
        due=decision_due,
        rejections=task.rejections + 1,
        rejected_by=by_office,
        rejection_ground=ground,
        rejection_reason=reason,
        proposed_office=proposed_office,
        offered_at=None,
        accept_due_at=None,
    )


def pass_on(
    task: Task,
    placement: Placement,
    *,
    by_office: str,
    reason: str | None,
    ground: RejectionGround = RejectionGround.OTHER,
) -> Task:
    """The office refuses and names the right one, which is asked at once. For a bounded number of hops only.

    Raises: Conflict ``task.wrong_state`` or ``task.place_decided``.
    """
    if task.assigned:
        raise Conflict("task.place_decided", "a supervisor decided the place; only a supervisor can change it")
    return _place(
        task,
        Act.REJECTED,
        placement,
        rejections=task.rejections + 1,
        rejected_by=by_office,
        rejection_ground=ground,
        rejection_reason=reason,
    )


def undo_acceptance(task: Task, placement: Placement, *, by: str, now: datetime, within: timedelta) -> Task:
    """Who pressed by mistake takes it back: the office is asked as before, and its time has gone on running.

    Raises: Conflict ``task.wrong_state``, ``task.accepted_by_other`` with ``by`` and ``at``, or ``task.undo_too_late``
    when time has passed or the office went on.
    """
    require(task, Act.UNDONE)
    assert task.accepted_at is not None
    if task.accepted_by != by:
        raise Conflict("task.accepted_by_other", "somebody else confirmed it", by=task.accepted_by, at=task.accepted_at)
    if now - task.accepted_at > within or task.party is not None or task.paused_at is not None:
        raise Conflict("task.undo_too_late", "what follows the confirmation has begun; refer to a supervisor")
    due = placement.due
    if placement.offered_at is not None and task.accept_due_at is not None and task.accept_due_at < due.at:
        due = replace(due, at=task.accept_due_at, halfway=None)
    asked_since = task.offered_at or placement.offered_at
    as_before = replace(placement, due=due, offered_at=asked_since if placement.offered_at else None)
    return _place(task, Act.UNDONE, as_before)


def send_away(task: Task, *, to: str, letter_number: str, at: datetime, receipt_due: NextDue) -> Task:
    """A letter hands the person to an office outside the platform. Ours stay responsible until its receipt comes.

    Raises: Conflict ``task.wrong_state``.
    """
    return step(
        task,
        Act.SENT_AWAY,
        State.REMOTE_SENT,
        due=receipt_due,
        remote_office=to,
        letter_number=letter_number,
        letter_sent_at=at,
    )


def receive_remotely(task: Task, *, at: datetime) -> Task:
    """The remote office confirmed by its reply: it is responsible from now on.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    not_before(at, task.letter_sent_at, "/received_at", "received before the letter was sent")
    return step(
        task,
        Act.RECEIVED,
        State.REMOTE_ACCEPTED,
        receipt_at=at,
        outcome=Outcome.REMOTE,
        holder_kind=HolderKind.REMOTE_OFFICE,
        holder=task.remote_office or "",
    )


def withdraw(task: Task, *, release_version: int, reason: str) -> Task:
    """The release will not take place, or needs no handover.

    Raises: Conflict ``task.wrong_state``.
    """
    return step(task, Act.WITHDRAWN, State.WITHDRAWN, release_version=release_version, withdrawn_reason=reason)


def _place(task: Task, act: Act, placement: Placement, **changes: Any) -> Task:
    placed = _placed(placement)
    state, due = placed.pop("state"), placement.due
    for name in _running(due):
        placed.pop(name)
    kept = {"report_due_at": task.report_due_at} if task.kind is Kind.ORDER else {}
    return step(task, act, state, due=due, **{**_NOTHING_DONE, **placed, **kept, **changes})


def _sooner(task: Task, placement: Placement) -> Task:
    running = same_deadline(task)
    if placement.offered_at is None or running is None or placement.due.at >= running.at:
        return task
    due = placement.due
    return replace(task, accept_due_at=due.at, **_running(due))


def _running(due: NextDue) -> dict[str, Any]:
    """What a task says of a deadline that begins now."""
    return {
        "due_rule": due.rule,
        "due_at": due.at,
        "due_from": due.starts,
        "wake_at": due.halfway or due.at,
        "reminded_at": None,
        "escalation_level": 0,
    }


def _placed(placement: Placement) -> dict[str, Any]:
    """What a task says of its receiver: asked, to be asked in time, or not found and why."""
    receiver, due = placement.receiver, placement.due
    if receiver.office is None:
        state = State.UNRESOLVED
    else:
        state = State.ANNOUNCED if placement.offered_at is None else State.OFFERED
    asked = state is State.OFFERED
    return {
        "state": state,
        "unresolved_reason": receiver.reason if receiver.office is None else None,
        "holder_kind": HolderKind.STATION_OF_REGISTRATION,
        "holder": receiver.registered_county,
        "office": receiver.office,
        "division": receiver.division,
        **_running(due),
        "offered_at": placement.offered_at if asked else None,
        "accept_due_at": due.at if asked else None,
    }
