"""What officers and supervisors can do with tasks."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.community_handover import measuring, policy
from services.community_handover.deadlines import accepted_due, contacted_due, met_due, report_due_at
from services.community_handover.domain import aftercare, placing, receiving
from services.community_handover.domain.measure import Measure
from services.community_handover.domain.placing import Receiver
from services.community_handover.domain.searching import TraceKind, TraceStep
from services.community_handover.domain.task import (
    CloseReason,
    Correction,
    Outcome,
    PartyMember,
    PauseReason,
    RejectionGround,
    Task,
)
from services.community_handover.domain.transitions import State
from services.community_handover.routing import placement_of, present_receiver, receiver_of
from services.community_handover.store import Office, Work
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before, past
from shared.reference.calendar import next_due


@dataclass(frozen=True, slots=True)
class RejectTask:
    """The office is not the right one."""

    task_id: UUID
    reason: str | None = None
    ground: RejectionGround = RejectionGround.OTHER
    proposed_office: str | None = None


@dataclass(frozen=True, slots=True)
class MeetPerson:
    """What happened at the gate."""

    task_id: UUID
    outcome: Outcome
    met_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class CorrectOutcome:
    """What had been entered of the gate was wrong."""

    task_id: UUID
    outcome: Outcome
    reason: str
    met_at: datetime | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class SearchPerson:
    """An attempt to find the person."""

    task_id: UUID
    kind: TraceKind
    found: bool
    at: datetime | None = None
    note: str | None = None


def accept_task(task: Task, *, by: str, version_seen: int | None, work: Work) -> Task:
    """Confirm a task. The same person again changes nothing. See `receiving.accept`."""
    if task.accepted_by == by and task.state is not State.WITHDRAWN:
        return task
    step_due = accepted_due(task, work.now, has_party=False)
    accepted = receiving.accept(task, by=by, now=work.now, due=step_due, version_seen=version_seen)
    return work.tasks.save(accepted, "handover.accepted.v1")


def undo_acceptance(task: Task, *, by: str, work: Work) -> Task:
    """Take a confirmation back within minutes. See `placing.undo_acceptance`."""
    asked = placement_of(task, present_receiver(task), work.now)
    undone = placing.undo_acceptance(task, asked, by=by, now=work.now, within=policy.UNDO_WITHIN)
    return work.tasks.save(undone, "handover.acceptance_undone.v1")


def reject_task(command: RejectTask, *, work: Work) -> Task:
    """Refuse a task: the office that is named instead is asked, so often; then the county decides (H8).

    Raises: InvalidInput ``office.unknown``, ``rejection.reason_missing``; see `placing.reject`.
    """
    if command.ground is RejectionGround.OTHER and not command.reason:
        raise invalid_field("/reason", "rejection.reason_missing", "say why, or choose a ground")
    task = work.tasks.get(command.task_id)
    by_office = task.office or ""
    proposed = _office(command.proposed_office, work, "/proposed_office") if command.proposed_office else None
    if proposed is None or task.rejections >= policy.MOST_HOPS or proposed.code in (by_office, task.rejected_by):
        rejected = placing.reject(
            task,
            by_office=by_office,
            reason=command.reason,
            ground=command.ground,
            proposed_office=command.proposed_office,
            decision_due=next_due(policy.DISPUTE, work.now),
        )
        return work.tasks.save(rejected, "handover.rejected.v1")
    placement = placement_of(task, _to(proposed, task), work.now)
    passed = placing.pass_on(task, placement, by_office=by_office, reason=command.reason, ground=command.ground)
    return work.tasks.save(passed, "handover.rejected.v1")


def assign_office(task: Task, office: str, *, reason: str | None, work: Work) -> Task:
    """Decide who receives the person, where routing found nobody or offices do not agree. See `placing.assign`.

    Raises: InvalidInput ``office.unknown``.
    """
    chosen = _to(_office(office, work, "/office"), task)
    return save_placed(placing.assign(task, placement_of(task, chosen, work.now), reason=reason), work)


def name_party(task: Task, members: tuple[PartyMember, ...], *, work: Work) -> Task:
    """Say who goes to the gate. See `receiving.name_party`."""
    known = work.tiers.find(task.person_id)
    needed = policy.PARTY_NEEDED[known.tier if known else None]
    step_due = accepted_due(task, work.now, has_party=True)
    named = receiving.name_party(task, members, needed=needed, due=step_due)
    return work.tasks.save(named, "handover.party_named.v1")


_EVENT_OF_OUTCOME = {
    Outcome.LEFT_ALONE: "handover.not_met.v1",
    Outcome.OTHER_AUTHORITY: "handover.closed.v1",
}


def meet_person(command: MeetPerson, *, work: Work) -> Task:
    """Enter what happened at the gate. See `receiving.meet`."""
    if command.outcome is Outcome.REMOTE:
        raise invalid_field("/outcome", "outcome.not_at_gate", "a remote handover is entered by its receipt")
    task, at = work.tasks.get(command.task_id), past(command.met_at, work.now, "/met_at")
    met = receiving.meet(
        task,
        at=at,
        outcome=command.outcome,
        due=met_due(task, command.outcome, at),
        report_due_at=report_due_at(task, at),
        note=command.note,
    )
    return work.tasks.save(met, _EVENT_OF_OUTCOME.get(command.outcome, "handover.met.v1"))


def correct_outcome(command: CorrectOutcome, *, by: str, work: Work) -> Task:
    """Set right what had been entered of the gate. See `receiving.correct_outcome`.

    Raises: Conflict ``task.no_outcome``; InvalidInput ``outcome.not_at_gate``, ``time.in_future``.
    """
    task = work.tasks.get(command.task_id)
    if command.outcome is Outcome.REMOTE:
        raise invalid_field("/outcome", "outcome.not_at_gate", "a remote handover is entered by its receipt")
    if task.outcome is None or task.outcome is Outcome.REMOTE:
        raise Conflict("task.no_outcome", "nothing was entered of the gate yet", state=task.state.value)
    at = past(command.met_at, work.now, "/met_at") if command.met_at else None
    gate = at or task.met_at or task.released_at or work.now
    corrected = receiving.correct_outcome(
        task,
        at=at,
        outcome=command.outcome,
        correction=Correction(work.now, by, command.reason, task.outcome, command.note),
        due=met_due(task, command.outcome, gate),
        report_by=report_due_at(task, gate),
    )
    return work.tasks.save(corrected, "handover.outcome_corrected.v1")


def search_person(command: SearchPerson, *, by: str, work: Work) -> Task:
    """Enter an attempt to find the person; when it found the person, the first contact. See `receiving.search`."""
    task, at = work.tasks.get(command.task_id), past(command.at, work.now, "/at")
    attempt = TraceStep(command.kind, at, by, command.found, command.note)
    searched = receiving.search(task, attempt, due=search_due(task, at))
    saved = work.tasks.save(searched, "handover.traced.v1")
    return contact_person(saved, at=at, work=work) if command.found else saved


def contact_person(task: Task, *, at: datetime | None, work: Work) -> Task:
    """Enter the first contact by an official. See `receiving.contact`."""
    at = past(at, work.now, "/contacted_at")
    report_by = report_due_at(task, at)
    contacted = receiving.contact(task, at=at, due=contacted_due(task, at, report_by))
    return work.tasks.save(contacted, "handover.contacted.v1")


def sign_unknown(task: Task, *, by: str, work: Work) -> Task:
    """Sign that the search failed (现状不明). See `receiving.sign_unknown`."""
    review = next_due(policy.REVIEW_UNKNOWN, work.now)
    signed = receiving.sign_unknown(task, by=by, now=work.now, needed=policy.SEARCH_NEEDED, due=review)
    return work.tasks.save(signed, "handover.whereabouts_unknown.v1")


def register_person(task: Task, *, at: datetime | None, months: int | None = None, work: Work) -> Task:
    """Enter that the person reported and was registered: the community measure begins.

    See `aftercare.register`, `measuring.begin`.
    """
    at = past(at, work.now, "/reported_at")
    registered = aftercare.register(task, at=at, due=next_due(policy.AGREEMENT, at))
    saved = work.tasks.save(registered, "handover.registered.v1")
    measuring.begin(saved, months=months, work=work)
    return saved


def sign_agreement(task: Task, *, at: datetime | None, work: Work) -> Task:
    """Enter the signed agreement; the handover is complete, the measure goes on. See `aftercare.sign_agreement`."""
    signed = aftercare.sign_agreement(task, at=past(at, work.now, "/signed_at"))
    saved = work.tasks.save(signed, "handover.closed.v1")
    measuring.follow_task(saved, work=work)
    return saved


def agree_measure(measure: Measure, *, at: datetime | None, work: Work) -> Measure:
    """Enter the agreement of a measure. The first one completes the handover, too, wherever it is entered.

    See `measuring.agree`, `aftercare.sign_agreement`.
    """
    at, task = past(at, work.now, "/at"), work.tasks.find(measure.task_id)
    agreed = measuring.agree(measure, at=at, work=work)
    if task is not None and task.state is State.REGISTERED:
        not_before(at, task.registered_at, "/at", "signed before the person was registered")
        work.tasks.save(aftercare.sign_agreement(task, at=at), "handover.closed.v1")
    return agreed


def note_refusal(task: Task, *, work: Work) -> Task:
    """Note that the person did not report without a good reason. See `aftercare.note_refusal`."""
    refused = aftercare.note_refusal(task, now=work.now, due=next_due(policy.TELL_POLICE, work.now))
    return work.tasks.save(refused, "handover.refused_to_report.v1")


def refer(task: Task, *, number: str, at: datetime | None, work: Work) -> Task:
    """Enter that the police were told. See `aftercare.refer`."""
    referred = aftercare.refer(task, at=past(at, work.now, "/told_at"), number=number)
    return work.tasks.save(referred, "handover.referred.v1")


def finish_contact(task: Task, *, consents: bool, work: Work) -> Task:
    """Enter that help was offered. See `aftercare.finish_contact`."""
    done = aftercare.finish_contact(task, at=work.now, consents=consents)
    return work.tasks.save(done, "handover.contact_done.v1")


def pause(task: Task, *, reason: PauseReason, work: Work) -> Task:
    """Let the time to report stand still. See `aftercare.pause`."""
    paused = aftercare.pause(task, reason=reason, now=work.now, due=next_due(policy.REVIEW_PAUSE, work.now))
    return work.tasks.save(paused, "handover.paused.v1")


def resume(task: Task, *, work: Work) -> Task:
    """Let the time to report go on, longer by the pause. See `aftercare.resume`."""
    report_by = task.report_due_at
    if report_by is not None and task.paused_at is not None:
        report_by += work.now - task.paused_at
    if task.state is State.ACCEPTED:
        step_due: NextDue = accepted_due(task, work.now, has_party=bool(task.party))
    elif task.contacted_at is None:
        step_due = next_due(policy.FIRST_CONTACT, work.now)
    else:
        step_due = contacted_due(task, work.now, report_by or work.now)
    resumed = aftercare.resume(task, due=step_due, report_due_at=report_by)
    return work.tasks.save(resumed, "handover.resumed.v1")


def send_away(task: Task, *, to: str, letter_number: str, at: datetime | None, work: Work) -> Task:
    """Enter the letter to an office outside the platform. See `placing.send_away`."""
    at = past(at, work.now, "/sent_at")
    sent = placing.send_away(task, to=to, letter_number=letter_number, at=at, receipt_due=next_due(policy.RECEIPT, at))
    return work.tasks.save(sent, "handover.remote_sent.v1")


def receive_remotely(task: Task, *, at: datetime | None, work: Work) -> Task:
    """Enter the remote office's receipt. See `placing.receive_remotely`."""
    received = placing.receive_remotely(task, at=past(at, work.now, "/received_at"))
    return work.tasks.save(received, "handover.remote_accepted.v1")


def close_task(task: Task, *, reason: CloseReason, work: Work) -> Task:
    """End a task for a lawful reason. See `receiving.close`."""
    closed = receiving.close(task, reason=reason, now=work.now, needed=policy.SEARCH_NEEDED)
    saved = work.tasks.save(closed, "handover.closed.v1")
    measuring.follow_task(saved, work=work)
    return saved


def search_due(task: Task, now: datetime) -> NextDue:
    """Until when a search must have led somewhere (H7)."""
    return next_due(policy.SEARCH, task.released_at or now)


def route_unresolved(task: Task, work: Work) -> bool:
    """Try again to find a receiver; whether the task changed."""
    receiver = receiver_of(task.person_id, work)
    if receiver.office is None and receiver.reason == task.unresolved_reason:
        return False
    save_placed(placing.route_again(task, placement_of(task, receiver, work.now)), work)
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


def _office(code: str, work: Work, pointer: str) -> Office:
    office = work.offices.find(code)
    if office is None:
        raise invalid_field(pointer, "office.unknown", "there is no such office")
    return office


def _to(office: Office, task: Task) -> Receiver:
    """A named office receives; the task lies where that office works, so that its supervisors have it, too."""
    lies_there = (task.division or "").startswith(office.division)
    return Receiver(office.code, task.division if lies_there else office.division, None, task.holder)
