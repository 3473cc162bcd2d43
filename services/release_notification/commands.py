"""What can be done with a release. HTTP and messages both come here."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from uuid import UUID

from services.release_notification import policy
from services.release_notification.deadlines import notice_due
from services.release_notification.domain import release as domain
from services.release_notification.domain.release import (
    Addressee,
    CancelledBy,
    Ground,
    Kind,
    Notice,
    Present,
    Rehab,
    Release,
)
from services.release_notification.domain.transitions import State
from services.release_notification.store import KnownStay, Work
from shared.kernel.clock import china_day
from shared.kernel.errors import Conflict, Forbidden, NotFound, invalid_field
from shared.kernel.ids import derived_id, new_id
from shared.kernel.moments import past
from shared.reference.calendar import next_due
from shared.storage.people import require_known

# A centre's clock may be a little ahead.
_past = partial(past, tolerance=policy.CLOCK_TOLERANCE)


@dataclass(frozen=True, slots=True)
class PlanRelease:
    """A release is foreseen."""

    person_id: UUID
    centre: str
    kind: Kind
    release_at: datetime
    stay_id: UUID | None = None
    order_id: UUID | None = None
    legal_ground: Ground | None = None
    term_last_day: date | None = None


@dataclass(frozen=True, slots=True)
class RescheduleRelease:
    """The plan changed."""

    release_id: UUID
    release_at: datetime
    reason: str
    kind: Kind | None = None
    legal_ground: Ground | None = None


@dataclass(frozen=True, slots=True)
class CancelRelease:
    """The release will not take place."""

    release_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ExecuteRelease:
    """The person went through the gate."""

    release_id: UUID
    certificate_number: str
    executed_at: datetime | None = None
    kind: Kind | None = None
    present: tuple[Present, ...] = ()


@dataclass(frozen=True, slots=True)
class RetractRelease:
    """The gate was reported in error."""

    release_id: UUID
    reason: str


@dataclass(frozen=True, slots=True)
class ReinstateRelease:
    """A release that was cancelled or retracted is foreseen after all."""

    release_id: UUID
    release_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class GiveNotice:
    """Somebody was told on which day the person leaves."""

    release_id: UUID
    addressee: Addressee
    channel: str
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    proof: str | None = None
    not_told_reason: str | None = None


def plan_release(command: PlanRelease, *, work: Work) -> Release:
    """Plan a release.

    Raises: Conflict ``person.merged`` or ``release.already_planned``; InvalidInput ``person.unknown``,
    ``release.term_exceeded``.
    """
    require_known(work.persons, command.person_id)
    if command.term_last_day is not None and china_day(command.release_at) > command.term_last_day:
        raise invalid_field("/release_at", "release.term_exceeded", "nobody may be kept after the last day of the term")
    work.note_heard(command.centre)
    release_id = release_id_of(command.stay_id) if command.stay_id else new_id()
    if command.stay_id is not None:
        _not_planned(release_id, work)
        _is_stay_of(command.stay_id, command.person_id, work)
    release = Release(
        id=release_id,
        version=1,
        person_id=command.person_id,
        stay_id=command.stay_id,
        order_id=command.order_id,
        centre=command.centre,
        kind=command.kind,
        state=State.PLANNED,
        release_at=command.release_at,
        term_last_day=command.term_last_day,
        needs_handover=domain.needs_handover(command.kind),
        legal_ground=domain.ground_of(command.kind, command.legal_ground),
    )
    planned = domain.plan(release, notice_due=notice_due(command.kind, command.release_at))
    return work.releases.save(planned, "release.planned.v1")


def _is_stay_of(stay_id: UUID, person_id: UUID, work: Work) -> None:
    stay = work.stays.find(stay_id)
    if stay is None:
        raise invalid_field("/stay_id", "stay.unknown", "no such stay is known here (yet)", retry_after=1)
    if stay.person_id != person_id:
        raise invalid_field("/stay_id", "stay.other_person", "this is somebody else's stay")


def reschedule_release(command: RescheduleRelease, *, work: Work, centre: str | None) -> Release:
    """Change the plan. ``centre`` limits whose releases may be touched.

    Raises: NotFound ``release.not_found``; InvalidInput ``release.term_exceeded``, ``time.before_previous_step``;
    and see `domain.reschedule`.
    """
    release = _own(command.release_id, work, centre)
    work.note_heard(release.centre)
    last_day, kind = release.term_last_day, command.kind or release.kind
    # Where the stay is known, only the deciding organ's decision moves the end of its term.
    extended = kind is Kind.EXTENDED_TERM_EXPIRED and release.stay_id is None
    stay = _stay_of(release, work)
    if stay is not None and command.release_at < stay.admitted_at:
        raise invalid_field("/release_at", "time.before_previous_step", "released before the admission")
    if last_day is not None and china_day(command.release_at) > last_day and not extended:
        raise invalid_field("/release_at", "release.term_exceeded", "nobody may be kept after the last day of the term")
    changed = domain.reschedule(
        release,
        release_at=command.release_at,
        reason=command.reason,
        kind=command.kind,
        legal_ground=command.legal_ground,
        notice_due=notice_due(kind, command.release_at),
        **({"term_last_day": china_day(command.release_at)} if extended and last_day else {}),
    )
    return work.releases.save(changed, "release.rescheduled.v1")


def cancel_release(command: CancelRelease, *, work: Work, centre: str | None) -> Release:
    """Cancel a release. See `domain.cancel`."""
    release = _own(command.release_id, work, centre)
    work.note_heard(release.centre)
    cancelled = domain.cancel(release, by=CancelledBy.CENTRE, reason=command.reason)
    return work.releases.save(cancelled, "release.cancelled.v1")


def execute_release(command: ExecuteRelease, *, work: Work, centre: str | None) -> Release:
    """Enter that the person left. See `domain.execute`.

    Raises: InvalidInput ``time.in_future``.
    """
    release = _own(command.release_id, work, centre)
    work.note_heard(release.centre)
    at = _past(command.executed_at, work.now, "/executed_at")
    stay = _stay_of(release, work)
    executed = domain.execute(
        release,
        at=at,
        certificate_number=command.certificate_number,
        kind=command.kind,
        admitted_at=stay.admitted_at if stay else None,
        present=command.present,
        papers_due=next_due(policy.PAPERS, at),
        organ_due=next_due(policy.LEFT_ALONE, at),
    )
    return work.releases.save(executed, "release.executed.v1")


def retract_release(command: RetractRelease, *, work: Work, centre: str | None) -> Release:
    """Enter that the gate was reported in error. See `domain.retract`."""
    retracted = domain.retract(_own(command.release_id, work, centre), reason=command.reason)
    return work.releases.save(retracted, "release.retracted.v1")


def reinstate_release(command: ReinstateRelease, *, work: Work, centre: str | None) -> Release:
    """Plan a cancelled or retracted release again. See `domain.reinstate`.

    Raises: Conflict ``stay.ended``; InvalidInput ``release.term_exceeded``.
    """
    release = _own(command.release_id, work, centre)
    stay = _stay_of(release, work)
    if stay is not None and stay.state == "ended":
        raise Conflict("stay.ended", "the stay is over; nobody could leave")
    last_day = release.term_last_day
    if last_day is not None and china_day(command.release_at) > last_day:
        raise invalid_field("/release_at", "release.term_exceeded", "nobody may be kept after the last day of the term")
    again = domain.reinstate(
        release,
        release_at=command.release_at,
        reason=command.reason,
        notice_due=notice_due(release.kind, command.release_at),
    )
    return work.releases.save(again, "release.reinstated.v1")


def give_notice(command: GiveNotice, *, work: Work, centre: str | None) -> Release:
    """Enter that somebody was told of the release. See `domain.notify`."""
    release = _own(command.release_id, work, centre)
    notice = Notice(
        command.addressee,
        china_day(release.release_at),
        command.channel,
        _past(command.sent_at, work.now, "/sent_at"),
        _past(command.delivered_at, work.now, "/delivered_at") if command.delivered_at else None,
        command.proof,
        command.not_told_reason,
    )
    must = policy.NOTICES.get(release.kind, frozenset())
    return work.releases.save(domain.notify(release, notice, must=must), "release.notified.v1")


def settle_ground(release_id: UUID, *, rehab: Rehab, work: Work, centre: str | None) -> Release:
    """Enter whether community rehabilitation was ordered. See `domain.settle_ground`."""
    settled = domain.settle_ground(_own(release_id, work, centre), rehab=rehab)
    return work.releases.save(settled, "release.ground_settled.v1")


def send_papers(release_id: UUID, *, at: datetime | None, work: Work, centre: str | None) -> Release:
    """Enter that the papers went to the township. See `domain.send_papers`."""
    sent = domain.send_papers(_own(release_id, work, centre), at=_past(at, work.now, "/sent_at"))
    return work.releases.save(sent, "release.papers_sent.v1")


def release_id_of(stay_id: UUID) -> UUID:
    """The one release that ends a stay."""
    return derived_id(stay_id, "release")


def _not_planned(release_id: UUID, work: Work) -> None:
    existing = work.releases.find(release_id)
    if existing is not None:
        raise Conflict(
            "release.already_planned",
            "this stay has its release already; reschedule that one",
            release_id=str(release_id),
            state=existing.state.value,
        )


def _own(release_id: UUID, work: Work, centre: str | None) -> Release:
    release = work.releases.get(release_id)
    if centre is not None and release.centre != centre:
        # Whether another centre has somebody is nobody's business.
        raise NotFound("release.not_found", f"no release {release_id}")
    return release


def _stay_of(release: Release, work: Work) -> KnownStay | None:
    return work.stays.find(release.stay_id) if release.stay_id else None


def must_be_own(centre: str, own: str | None) -> None:
    """A centre speaks for itself only.

    Raises: Forbidden ``centre.not_own``.
    """
    if own is not None and centre != own:
        raise Forbidden("centre.not_own", f"you act for {own}")
