"""A handover task. Pure: every function gives the next version or raises.

Invariants: a task has exactly one holder at every moment; late is no state; a task without an order is an offer of
help and never becomes a duty; the newest version of the release decides.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.kernel.errors import Conflict, invalid_field


class State(StrEnum):
    """How far a task is."""

    ANNOUNCED = "announced"
    UNRESOLVED = "unresolved"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    MET = "met"
    REGISTERED = "registered"
    CONTACT_DONE = "contact_done"
    WITHDRAWN = "withdrawn"


class HolderKind(StrEnum):
    """Who is responsible now."""

    STATION_OF_REGISTRATION = "station_of_registration"
    OFFICE = "office"


class Ground(StrEnum):
    """On which legal ground the person is handed over."""

    COMMUNITY_DETOX_ORDER = "community_detox_order"
    COMMUNITY_REHAB_ORDER = "community_rehab_order"
    CONTACT_ONLY = "contact_only"


class Outcome(StrEnum):
    """What happened at the gate."""

    MET_OFFICIAL = "met_official"
    MET_FAMILY = "met_family"


OPEN = frozenset({State.ANNOUNCED, State.UNRESOLVED, State.OFFERED, State.ACCEPTED, State.MET})
WAITING = frozenset({State.ANNOUNCED, State.UNRESOLVED, State.OFFERED})
_NOTHING_DONE = {
    "accepted_at": None,
    "accepted_by": None,
    "met_at": None,
    "outcome": None,
    "report_due_at": None,
    "escalation_level": 0,
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
    """Where a task goes and when: the receiver, and either the confirmation asked for now or when to ask."""

    receiver: Receiver
    offer_at: datetime
    offered_at: datetime | None = None  # both set: the office is asked now
    accept_due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """What a task needs to know of its release, of one version."""

    release_id: UUID
    version: int
    person_id: UUID
    release_at: datetime
    released_at: datetime | None
    legal_ground: Ground


@dataclass(frozen=True, slots=True)
class Task:
    """The duty to meet one released person."""

    id: UUID
    version: int
    release_id: UUID
    release_version: int
    person_id: UUID
    legal_ground: Ground
    state: State
    holder_kind: HolderKind
    holder: str
    office: str | None
    division: str | None
    release_at: datetime
    assigned: bool = False  # a supervisor chose the office
    released_at: datetime | None = None
    offered_at: datetime | None = None
    accept_due_at: datetime | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    met_at: datetime | None = None
    outcome: Outcome | None = None
    report_due_at: datetime | None = None
    registered_at: datetime | None = None
    contact_done_at: datetime | None = None
    consents_to_contact: bool | None = None
    withdrawn_reason: str | None = None
    unresolved_reason: str | None = None
    escalation_level: int = 0
    wake_at: datetime | None = None  # when a timer has something to do: to offer, or to escalate


def open_task(task_id: UUID, release: ReleaseFacts, placement: Placement) -> Task:
    """The task of a release that is heard of for the first time."""
    return Task(
        id=task_id,
        version=1,
        release_id=release.release_id,
        release_version=release.version,
        person_id=release.person_id,
        legal_ground=release.legal_ground,
        release_at=release.release_at,
        released_at=release.released_at,
        **_placed(placement),
    )


def come_due(task: Task, placement: Placement) -> Task:
    """The time to offer an announced task has come."""
    return _next(task, **_placed(placement))


def route_again(task: Task, placement: Placement, *, assigned: bool = False) -> Task:
    """A receiver was found for a task that had none, or another one; ``assigned`` when a supervisor chose it."""
    return _next(task, **_placed(placement), assigned=assigned)


def follow(task: Task, release: ReleaseFacts, placement: Placement) -> Task:
    """The release changed: the task follows it. What the office accepted stays accepted.

    An office that a supervisor chose stays. An office that is asked already is not asked again, unless another one is
    found; it has to confirm sooner if the release comes sooner.
    """
    if task.assigned:
        kept = replace(placement.receiver, office=task.office, division=task.division, reason=None)
        placement = replace(placement, receiver=kept)
    changed = _next(
        task,
        release_version=release.version,
        release_at=release.release_at,
        released_at=release.released_at,
        legal_ground=release.legal_ground,
    )
    if task.state is State.OFFERED and task.office == placement.receiver.office:
        return _sooner(changed, placement)
    if task.state in WAITING or task.state is State.WITHDRAWN:
        return replace(changed, withdrawn_reason=None, **_placed(placement))
    return changed


def _sooner(task: Task, placement: Placement) -> Task:
    if not placement.accept_due_at or not task.accept_due_at or placement.accept_due_at >= task.accept_due_at:
        return task
    return replace(task, accept_due_at=placement.accept_due_at, wake_at=placement.accept_due_at)


def withdraw(task: Task, *, release_version: int, reason: str) -> Task:
    """The release will not take place, or needs no handover."""
    return _next(task, state=State.WITHDRAWN, release_version=release_version, withdrawn_reason=reason, wake_at=None)


def accept(task: Task, *, by: str, now: datetime) -> Task:
    """The office confirms (确认收到): from now on it is responsible.

    Raises: Conflict ``task.already_accepted`` with ``by`` and ``at``, or ``task.wrong_state``.
    """
    if task.accepted_at is not None and task.state is not State.WITHDRAWN:
        raise Conflict(
            "task.already_accepted",
            "somebody was faster",
            by=task.accepted_by,
            at=task.accepted_at,
            state=task.state.value,
        )
    if task.state not in (State.OFFERED, State.ANNOUNCED) or task.office is None:
        raise _wrong_state(task, "offered")
    return _next(
        task,
        state=State.ACCEPTED,
        accepted_at=now,
        accepted_by=by,
        holder_kind=HolderKind.OFFICE,
        holder=task.office,
        escalation_level=0,
        wake_at=None,
    )


def meet(task: Task, *, at: datetime, outcome: Outcome, report_due_at: datetime) -> Task:
    """The person was met. The outcome is set once.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    if task.state is not State.ACCEPTED:
        raise _wrong_state(task, "accepted")
    if task.released_at is not None and at < task.released_at:
        raise invalid_field("/met_at", "time.before_previous_step", "met before the person was released")
    has_order = task.legal_ground is not Ground.CONTACT_ONLY
    return _next(task, state=State.MET, met_at=at, outcome=outcome, report_due_at=report_due_at if has_order else None)


def register(task: Task, *, at: datetime) -> Task:
    """The person reported to the township and was registered (戒毒条例 arts 14, 38).

    Raises: Conflict ``task.no_order`` or ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    if task.state is not State.MET:
        raise _wrong_state(task, "met")
    if task.legal_ground is Ground.CONTACT_ONLY:
        raise Conflict("task.no_order", "without an order nobody has to register; enter the contact instead")
    if task.met_at is not None and at < task.met_at:
        raise invalid_field("/reported_at", "time.before_previous_step", "registered before the person was met")
    return _next(task, state=State.REGISTERED, registered_at=at)


def finish_contact(task: Task, *, at: datetime, consents: bool) -> Task:
    """Help was offered; whether the person wants further contact is noted.

    Raises: Conflict ``task.order_in_force`` or ``task.wrong_state``.
    """
    if task.state is not State.MET:
        raise _wrong_state(task, "met")
    if task.legal_ground is not Ground.CONTACT_ONLY:
        raise Conflict("task.order_in_force", "an order is in force; the person has to be registered")
    return _next(task, state=State.CONTACT_DONE, contact_done_at=at, consents_to_contact=consents)


def escalate(task: Task, *, now: datetime, ladder: tuple[timedelta, ...]) -> Task:
    """The confirmation is overdue: tell the next level. Due and not yet sent, however late the timer comes.

    Raises: Conflict ``task.escalation_not_due``.
    """
    if task.state is not State.OFFERED or task.accept_due_at is None or task.wake_at is None or now < task.wake_at:
        raise Conflict("task.escalation_not_due", "nothing is overdue")
    reached = sum(now >= task.accept_due_at + after for after in ladder)
    wake_at = task.accept_due_at + ladder[reached] if reached < len(ladder) else None
    return _next(task, escalation_level=reached, wake_at=wake_at)


def _placed(placement: Placement) -> dict[str, Any]:
    """What a task says of its receiver: asked, to be asked in time, or not found and why.

    What an earlier receiver did or failed to do is no longer this task's state; its events keep it.
    """
    receiver = placement.receiver
    if receiver.office is None:
        state, wake_at = State.UNRESOLVED, None
    elif placement.offered_at is None:
        state, wake_at = State.ANNOUNCED, placement.offer_at
    else:
        state, wake_at = State.OFFERED, placement.accept_due_at
    asked = state is State.OFFERED
    return {
        **_NOTHING_DONE,
        "state": state,
        "unresolved_reason": receiver.reason if receiver.office is None else None,
        "holder_kind": HolderKind.STATION_OF_REGISTRATION,
        "holder": receiver.registered_county,
        "office": receiver.office,
        "division": receiver.division,
        "wake_at": wake_at,
        "offered_at": placement.offered_at if asked else None,
        "accept_due_at": placement.accept_due_at if asked else None,
    }


def _next(task: Task, **changes: Any) -> Task:
    return replace(task, version=task.version + 1, **changes)


def _wrong_state(task: Task, needed: str) -> Conflict:
    return Conflict(
        "task.wrong_state",
        f"the task is {task.state.value}; this needs {needed}",
        state=task.state.value,
        version=task.version,
    )
