"""What can be done with a release. HTTP and messages both come here."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from services.release_notification import domain, policy
from services.release_notification.domain import Ground, Kind, Release, State
from services.release_notification.store import Work
from shared.kernel.clock import china_day
from shared.kernel.errors import Conflict, NotFound, invalid_field
from shared.kernel.ids import derived_id, new_id


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


def plan_release(command: PlanRelease, *, work: Work) -> Release:
    """Plan a release.

    Raises: InvalidInput ``person.unknown``, ``release.term_exceeded``; Conflict ``release.already_planned``.
    """
    if work.persons.find(command.person_id) is None:
        raise invalid_field(
            "/person_id", "person.unknown", "no such person is known here (yet); register first", retry_after=1
        )
    if command.term_last_day is not None and china_day(command.release_at) > command.term_last_day:
        raise invalid_field("/release_at", "release.term_exceeded", "nobody may be kept after the last day of the term")
    release_id = release_id_of(command.stay_id) if command.stay_id else new_id()
    if command.stay_id is not None:
        _not_planned(release_id, work)
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
    return work.releases.save(release, "release.planned.v1")


def reschedule_release(command: RescheduleRelease, *, work: Work, centre: str | None) -> Release:
    """Change the plan. ``centre`` limits whose releases may be touched.

    Raises: NotFound ``release.not_found``; InvalidInput ``release.term_exceeded``, ``time.before_previous_step``;
    and see `domain.reschedule`.
    """
    release = _own(command.release_id, work, centre)
    last_day = release.term_last_day
    extended = (command.kind or release.kind) is Kind.EXTENDED_TERM_EXPIRED
    admitted_at = _admitted_at(release, work)
    if admitted_at is not None and command.release_at < admitted_at:
        raise invalid_field("/release_at", "time.before_previous_step", "released before the admission")
    if last_day is not None and china_day(command.release_at) > last_day and not extended:
        raise invalid_field("/release_at", "release.term_exceeded", "nobody may be kept after the last day of the term")
    changed = domain.reschedule(
        release,
        release_at=command.release_at,
        reason=command.reason,
        kind=command.kind,
        legal_ground=command.legal_ground,
    )
    return work.releases.save(changed, "release.rescheduled.v1")


def cancel_release(command: CancelRelease, *, work: Work, centre: str | None) -> Release:
    """Cancel a release. See `domain.cancel`."""
    cancelled = domain.cancel(_own(command.release_id, work, centre), reason=command.reason)
    return work.releases.save(cancelled, "release.cancelled.v1")


def execute_release(command: ExecuteRelease, *, work: Work, centre: str | None) -> Release:
    """Enter that the person left. See `domain.execute`.

    Raises: InvalidInput ``time.in_future``.
    """
    release = _own(command.release_id, work, centre)
    at = command.executed_at or work.now
    if at > work.now + policy.CLOCK_TOLERANCE:
        raise invalid_field("/executed_at", "time.in_future", "this lies in the future")
    executed = domain.execute(
        release,
        at=at,
        certificate_number=command.certificate_number,
        kind=command.kind,
        admitted_at=_admitted_at(release, work),
    )
    return work.releases.save(executed, "release.executed.v1")


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


def _admitted_at(release: Release, work: Work) -> datetime | None:
    stay = work.stays.find(release.stay_id) if release.stay_id else None
    return stay.admitted_at if stay else None


def must_be_own(centre: str, own: str | None) -> None:
    """A centre speaks for itself only.

    Raises: InvalidInput ``centre.not_own``.
    """
    if own is not None and centre != own:
        raise invalid_field("/centre", "centre.not_own", f"you act for {own}")
