"""What can be done with stays, and who went through the gate."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.detention_intake import policy
from services.detention_intake.commands import ask_for_replacement
from services.detention_intake.domain import stay as staying
from services.detention_intake.domain.order import Kind, Order, Special
from services.detention_intake.domain.stay import Assessment, Grade, Proposal, Stay
from services.detention_intake.domain.stay_transitions import StayAct, StayState
from services.detention_intake.store import Centre, CentreKind, Movement, Work
from shared.kernel.clock import china_day
from shared.kernel.errors import Conflict, Forbidden, invalid_field
from shared.kernel.ids import new_id
from shared.kernel.moments import past
from shared.reference.calendar import next_due


@dataclass(frozen=True, slots=True)
class AdmitPerson:
    """A centre took the person in."""

    centre: str
    admitted_at: datetime | None = None
    special: Special | None = None


@dataclass(frozen=True, slots=True)
class ProposeTerm:
    """A centre proposes another end."""

    kind: Proposal
    last_day: date | None = None


def admit_person(order: Order, command: AdmitPerson, *, work: Work) -> Stay:
    """Enter an admission; the order is executed and a stay begins, in one transaction.

    Raises: Conflict ``stay.already_in_custody``; and see `staying.admit`.
    """
    at = past(command.admitted_at, work.now, "/admitted_at")
    isolation = order.kind is Kind.COMPULSORY_ISOLATION
    admitted, stay = staying.admit(
        order,
        at=at,
        centre=command.centre,
        stay_id=new_id(),
        special=command.special,
        family_due=next_due(policy.TELL_FAMILY, at) if isolation else None,
        move_due=next_due(policy.MOVE, at) if isolation and _is_police(command.centre, work) else None,
    )
    elsewhere = work.open_stay_of(order.person_id)
    if elsewhere is not None:
        detail = f"the person is in custody at {elsewhere.centre} already"
        raise Conflict("stay.already_in_custody", detail, stay_id=str(elsewhere.id), centre=elsewhere.centre)
    work.orders.save(admitted, "order.admitted.v1")
    work.movements.put(_movement(stay, command.centre, "admitted", at, 1))
    return work.stays.save(stay, "stay.admitted.v1")


def tell_family(stay: Stay, *, at: datetime | None, work: Work) -> Stay:
    """Enter that the family was told of the admission. See `staying.tell_family`."""
    return work.stays.save(staying.tell_family(stay, at=past(at, work.now, "/told_at")), "stay.family_told.v1")


def transfer(stay: Stay, *, to: str, at: datetime | None, work: Work) -> Stay:
    """Enter that the person was moved to another centre. See `staying.transfer`.

    Raises: InvalidInput ``centre.unknown``.
    """
    if work.centres.find(to) is None:
        raise invalid_field("/to", "centre.unknown", "there is no such centre")
    at = past(at, work.now, "/at")
    still_to_move = stay.move_due if _is_police(to, work) else None
    moved = staying.transfer(stay, at=at, to=to, move_due=still_to_move)
    work.movements.put(_movement(stay, stay.centre, "transferred_out", at, -1))
    work.movements.put(_movement(stay, to, "transferred_in", at, 1))
    return work.stays.save(moved, "stay.transferred.v1")


_EVENT_OF_LEAVING = {
    StayAct.LEFT_FOR_TREATMENT: "stay.on_medical_leave.v1",
    StayAct.LEFT_FOR_COURT: "stay.out_to_court.v1",
    StayAct.ESCAPED: "stay.escaped.v1",
    StayAct.TAKEN_AWAY: "stay.in_criminal_custody.v1",
}


def leave(stay: Stay, act: StayAct, *, at: datetime | None, work: Work) -> Stay:
    """Enter that the person is away. See `staying.leave`."""
    at = past(at, work.now, "/at")
    away = staying.leave(stay, act, at=at, review=next_due(policy.AWAY, at))
    if stay.state is StayState.IN_CUSTODY:
        work.movements.put(_movement(stay, stay.centre, away.state.value, at, -1))
    return work.stays.save(away, _EVENT_OF_LEAVING[act])


def come_back(stay: Stay, *, at: datetime | None, work: Work) -> Stay:
    """Enter that the person is back. See `staying.come_back`."""
    at = past(at, work.now, "/at")
    back = staying.come_back(stay, at=at)
    work.movements.put(_movement(stay, stay.centre, "returned", at, 1))
    return work.stays.save(back, "stay.returned.v1")


def assess(stay: Stay, *, on: date, grade: Grade, work: Work) -> Stay:
    """Enter a diagnostic assessment. See `staying.assess`."""
    if on > china_day(work.now):
        raise invalid_field("/on", "time.in_future", "this lies in the future")
    return work.stays.save(staying.assess(stay, Assessment(on, grade)), "stay.assessed.v1")


def propose_term(stay: Stay, command: ProposeTerm, *, work: Work) -> Stay:
    """Enter the centre's proposal. See `staying.propose`."""
    if work.barred.find(stay.person_id) is not None:
        stay = replace(stay, early_release_barred=True)  # heard of after the decision
    rule = policy.ANSWER_CONVERSION if command.kind is Proposal.CONVERSION else policy.ANSWER
    proposed = staying.propose(
        stay,
        command.kind,
        last_day=command.last_day,
        now=work.now,
        due=next_due(rule, work.now),
        policy=policy.TERMS,
    )
    return work.stays.save(proposed, "stay.term_proposed.v1")


def decide_term(stay: Stay, *, approved: bool, note: str | None, work: Work) -> Stay:
    """Enter the deciding organ's answer; a conversion ends the stay and asks for the order of community detox.

    See `staying.decide_term`.
    """
    decided = staying.decide_term(stay, approved=approved, note=note, now=work.now)
    if decided.state is StayState.ENDED:
        ask_for_replacement(work.orders.get(stay.order_id), work)
        return work.stays.save(decided, "stay.ended.v1")
    return work.stays.save(decided, "stay.term_decided.v1")


def end_stay(stay: Stay, *, at: datetime, kind: str, release_id: Any, work: Work) -> Stay:
    """The stay is over: released, died, or its term ended in criminal custody."""
    ended = staying.end(stay, at=at, kind=kind, release_id=release_id)
    if stay.state is StayState.IN_CUSTODY:
        died = kind == "death"
        work.movements.put(_movement(stay, stay.centre, "died" if died else "released", at, -1))
    return work.stays.save(ended, "stay.ended.v1")


def reopen_stay(stay: Stay, *, release_id: UUID, work: Work) -> Stay:
    """The person never left. See `staying.reopen`."""
    reopened = staying.reopen(stay, release_id=release_id)
    work.movements.put(_movement(stay, stay.centre, "returned", stay.ended_at or work.now, 1))
    return work.stays.save(reopened, "stay.reopened.v1")


def note_death(stay: Stay, *, at: datetime | None, work: Work) -> Stay:
    """Enter that the person died in custody."""
    return end_stay(stay, at=past(at, work.now, "/at"), kind="death", release_id=None, work=work)


def put_centre(code: str, *, name: str, kind: CentreKind, division: str, work: Work) -> Centre:
    """Enter a place of custody."""
    centre = Centre(code, name, kind.value, division)
    work.centres.put(centre)
    return centre


def must_be_own(centre: str, own: str | None) -> None:
    """A centre acts for itself only.

    Raises: Forbidden ``centre.not_own``.
    """
    if own is not None and centre != own:
        raise Forbidden("centre.not_own", f"you act for {own}")


def _movement(stay: Stay, centre: str, kind: str, at: datetime, heads: int) -> Movement:
    return Movement(new_id(), stay.id, centre, kind, china_day(at), heads)


def _is_police(centre: str, work: Work) -> bool:
    known = work.centres.find(centre)
    return known is not None and known.kind == CentreKind.POLICE
