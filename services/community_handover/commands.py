"""What can be done with tasks, offices and coverage."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select

from services.community_handover import domain, policy
from services.community_handover.domain import OPEN, Outcome, Receiver, State, Task
from services.community_handover.routing import placement, receiver_of
from services.community_handover.store import Coverage, Office, Work, known_persons, tasks
from shared.kernel.deadlines import due_at
from shared.kernel.errors import Conflict, invalid_field
from shared.reference.calendar import china_calendar


@dataclass(frozen=True, slots=True)
class MeetPerson:
    """The person was met."""

    task_id: UUID
    outcome: Outcome
    met_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class RegisterPerson:
    """The person was registered."""

    task_id: UUID
    reported_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FinishContact:
    """Help was offered."""

    task_id: UUID
    consents_to_contact: bool


@dataclass(frozen=True, slots=True)
class AssignOffice:
    """A supervisor decides who receives the person."""

    task_id: UUID
    office: str


def accept_task(task: Task, *, by: str, work: Work) -> Task:
    """Confirm a task. The same person again changes nothing. See `domain.accept`."""
    if task.accepted_by == by and task.state is not State.WITHDRAWN:
        return task
    return work.tasks.save(domain.accept(task, by=by, now=work.now), "handover.accepted.v1")


def meet_person(command: MeetPerson, *, work: Work) -> Task:
    """Enter that the person was met. See `domain.meet`."""
    at = _past(command.met_at, work, "/met_at")
    report_due_at = due_at(policy.REPORT_IN, at, china_calendar()).at
    met = domain.meet(work.tasks.get(command.task_id), at=at, outcome=command.outcome, report_due_at=report_due_at)
    return work.tasks.save(met, "handover.met.v1")


def register_person(command: RegisterPerson, *, work: Work) -> Task:
    """Enter that the person reported and was registered. See `domain.register`."""
    at = _past(command.reported_at, work, "/reported_at")
    return work.tasks.save(domain.register(work.tasks.get(command.task_id), at=at), "handover.registered.v1")


def finish_contact(command: FinishContact, *, work: Work) -> Task:
    """Enter that help was offered. See `domain.finish_contact`."""
    done = domain.finish_contact(work.tasks.get(command.task_id), at=work.now, consents=command.consents_to_contact)
    return work.tasks.save(done, "handover.contact_done.v1")


def assign_office(command: AssignOffice, *, work: Work) -> Task:
    """Decide who receives the person, where routing found nobody or the wrong one.

    Raises: InvalidInput ``office.unknown``; Conflict ``task.wrong_state`` once it is accepted or over.
    """
    office = work.offices.find(command.office)
    if office is None:
        raise invalid_field("/office", "office.unknown", "there is no such office")
    task = work.tasks.get(command.task_id)
    if task.state not in domain.WAITING:
        detail = f"the task is {task.state.value}; only one that nobody confirmed can be given to another office"
        raise Conflict("task.wrong_state", detail, state=task.state.value, version=task.version)
    receiver = Receiver(office.code, task.division or office.division, None, task.holder)
    place = placement(receiver, task.release_at, task.released_at, work.now)
    return save_placed(domain.route_again(task, place, assigned=True), work)


def put_office(office: Office, *, work: Work) -> Office:
    """Enter or change an office."""
    work.offices.put(office)
    return office


def put_coverage(row: Coverage, *, work: Work) -> Coverage:
    """Say which office covers a division; tasks that waited for that are offered.

    Raises: InvalidInput ``office.unknown``.
    """
    if work.offices.find(row.office) is None:
        raise invalid_field("/office", "office.unknown", "there is no such office")
    work.coverage.put(row)
    lives_there = or_(
        known_persons.c.residence_division.startswith(row.division),
        known_persons.c.registered_division.startswith(row.division),
    )
    waiting = work.tasks.select(
        tasks.c.state == State.UNRESOLVED,
        tasks.c.person_id.in_(select(known_persons.c.person_id).where(lives_there)),
    )
    for task in waiting:
        route_unresolved(task, work)
    return row


def route_unresolved(task: Task, work: Work) -> bool:
    """Try again to find a receiver; whether the task changed."""
    receiver = receiver_of(task.person_id, work)
    if receiver.office is None and receiver.reason == task.unresolved_reason:
        return False
    save_placed(domain.route_again(task, placement(receiver, task.release_at, task.released_at, work.now)), work)
    return True


_EVENT_OF_PLACED = {
    State.ANNOUNCED: "handover.announced.v1",
    State.OFFERED: "handover.offered.v1",
    State.UNRESOLVED: "handover.unresolved.v1",
}


def save_placed(task: Task, work: Work) -> Task:
    """Save a task that was just given its receiver, or lost it."""
    if task.state is State.UNRESOLVED:
        work.note_unresolved(task.person_id)
    return work.tasks.save(task, _EVENT_OF_PLACED[task.state])


def is_open(task: Task) -> bool:
    """Whether somebody still has to do something."""
    return task.state in OPEN


def _past(at: datetime | None, work: Work, pointer: str) -> datetime:
    """When something happened: now, unless an earlier moment is given."""
    if at is not None and at > work.now:
        raise invalid_field(pointer, "time.in_future", "this lies in the future")
    return at or work.now
