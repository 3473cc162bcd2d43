"""What follows the meeting: report, register and sign an agreement, or accept help; refusal, and pauses."""

from datetime import datetime

from services.community_handover.domain.task import CloseReason, Kind, PauseReason, Task, has_order, require, step
from services.community_handover.domain.transitions import Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict
from shared.kernel.moments import not_before


def register(task: Task, *, at: datetime, due: NextDue) -> Task:
    """The person reported to the township and was registered (戒毒条例 arts 14, 38), however late.

    Raises: Conflict ``task.no_order`` or ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(task, Act.REGISTERED)
    _order_needed(task, "without an order nobody has to register; enter the contact instead")
    if task.state is State.ACCEPTED and task.kind is Kind.RELEASE and task.released_at is None:
        raise Conflict("task.not_released", "the person has not been released yet", state=task.state.value)
    before = task.met_at or task.released_at
    not_before(at, before, "/reported_at", "registered before the person was released or met")
    return step(task, Act.REGISTERED, State.REGISTERED, due=due, registered_at=at, contacted_at=task.contacted_at or at)


def sign_agreement(task: Task, *, at: datetime) -> Task:
    """The agreement is signed (戒毒条例 art. 16): the handover is complete, and the community measure goes on.

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(task, Act.AGREED)
    not_before(at, task.registered_at, "/signed_at", "signed before the person was registered")
    return step(
        task,
        Act.AGREED,
        State.CLOSED,
        agreement_signed_at=at,
        closed_at=at,
        close_reason=CloseReason.AGREEMENT_SIGNED,
    )


def end_with_measure(task: Task, *, now: datetime) -> Task:
    """The measure was over before the agreement was signed: nothing is left to be done for the handover.

    Raises: Conflict ``task.wrong_state``.
    """
    require(task, Act.AGREED)  # only what still waits for the agreement ends so
    return step(task, Act.CLOSED, State.CLOSED, closed_at=now, close_reason=CloseReason.MEASURE_ENDED)


def note_refusal(task: Task, *, now: datetime, due: NextDue) -> Task:
    """The time to report is over without a good reason: refused. A ground for isolation only under a community detox
    order (戒毒条例 art. 14); under a rehab order it bars early release after a later relapse (art. 38).

    Raises: Conflict ``task.no_order``, ``task.report_not_due``, ``task.paused`` or ``task.wrong_state``.
    """
    require(task, Act.REFUSED)
    _order_needed(task, "without an order nobody can refuse to report")
    if task.paused_at is not None:
        raise Conflict("task.paused", "a good reason not to report was entered; end the pause first")
    if task.report_due_at is None or now < task.report_due_at:
        raise Conflict("task.report_not_due", "the time to report is not over", report_due_at=task.report_due_at)
    return step(task, Act.REFUSED, State.REFUSED_TO_REPORT, due=due, refused_at=now)


def refer(task: Task, *, at: datetime, number: str) -> Task:
    """The police were told of the refusal (戒毒条例 art. 21).

    Raises: Conflict ``task.wrong_state``; InvalidInput ``time.before_previous_step``.
    """
    require(task, Act.REFERRED)
    not_before(at, task.refused_at, "/told_at", "told before the refusal was noted")
    return step(task, Act.REFERRED, State.REFERRED, referred_at=at, referral_number=number)


def finish_contact(task: Task, *, at: datetime, consents: bool) -> Task:
    """Help was offered; whether the person wants further contact is noted.

    Raises: Conflict ``task.order_in_force`` or ``task.wrong_state``.
    """
    require(task, Act.HELPED)
    if has_order(task):
        raise Conflict("task.order_in_force", "an order is in force; the person has to be registered")
    return step(
        task,
        Act.HELPED,
        State.CONTACT_DONE,
        contact_done_at=at,
        contacted_at=task.contacted_at or at,
        consents_to_contact=consents,
    )


def pause(task: Task, *, reason: PauseReason, now: datetime, due: NextDue) -> Task:
    """The person cannot report for a good reason; the time to report stands still.

    Raises: Conflict ``task.paused`` or ``task.wrong_state``.
    """
    require(task, Act.PAUSED)
    if task.paused_at is not None:
        raise Conflict("task.paused", "the task is paused already", at=task.paused_at)
    return step(task, Act.PAUSED, task.state, due=due, paused_at=now, pause_reason=reason)


def resume(task: Task, *, due: NextDue | None, report_due_at: datetime | None) -> Task:
    """The reason is over: the time to report goes on, longer by the pause.

    Raises: Conflict ``task.not_paused`` or ``task.wrong_state``.
    """
    require(task, Act.RESUMED)
    if task.paused_at is None:
        raise Conflict("task.not_paused", "the task is not paused")
    return step(task, Act.RESUMED, task.state, due=due, report_due_at=report_due_at, paused_at=None, pause_reason=None)


def _order_needed(task: Task, why: str) -> None:
    if not has_order(task):
        raise Conflict("task.no_order", why)
