"""Identities opened without a duty: for a reason, for hours, answered for by somebody else."""

from uuid import UUID

from services.person_registry import domain, need_to_know, policy
from services.person_registry.need_to_know import Opening, OpeningState
from services.person_registry.store import Work, openings
from shared.kernel.ids import new_id
from shared.reference.calendar import next_due
from shared.web import Principal

AT_ONCE = 100


def open_identity(person_id: UUID, *, by: Principal, reason: str, work: Work) -> Opening:
    """Open an identity for a reason (break-glass); supervisors hear of it.

    Raises: NotFound ``person.not_found``; Conflict ``person.sealed``, ``person.erased``.
    """
    remaining = work.remaining(person_id)
    domain.require(work.persons.get(remaining), domain.Act.CHANGED)
    opening = Opening(
        id=new_id(),
        version=1,
        person_id=remaining,
        subject=by.subject,
        role=by.role.value,
        organisation=by.organisation,
        reason=reason,
        state=OpeningState.OPEN,
        opened_at=work.now,
        until=work.now + policy.OPENED_FOR,
        approve_by=None,
    )
    asked = need_to_know.ask_approval(opening, next_due(policy.APPROVE, work.now))
    return work.openings.save(asked, "identity.opened.v1")


def answer_opening(opening: Opening, *, approved: bool, by: str, work: Work) -> Opening:
    """Say whether the reason was a good one. See `need_to_know.answer`."""
    answered = need_to_know.answer(opening, approved=approved, by=by, now=work.now)
    return work.openings.save(answered, "identity.opening_answered.v1")


def note_unanswered(work: Work) -> int:
    """Say of which openings nobody answered in time."""
    late = work.openings.select(
        openings.c.state == OpeningState.OPEN, openings.c.due_at <= work.now, order_by=openings.c.due_at, limit=AT_ONCE
    )
    for opening in late:
        work.openings.save(need_to_know.leave_unanswered(opening), "identity.opening_unanswered.v1")
    return len(late)
