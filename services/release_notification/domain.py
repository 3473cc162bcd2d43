"""Releases, from plan to gate. Pure: every function gives the next version or raises.

There is no act that holds a release back: after the last day of the term custody has no legal basis. What happened
at the gate is a fact that corrects the plan, whatever the plan said.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID

from shared.kernel.clock import CHINA
from shared.kernel.errors import Conflict, invalid_field


class Kind(StrEnum):
    """How a person leaves."""

    TERM_EXPIRED = "term_expired"
    EARLY_RELEASE = "early_release"
    EXTENDED_TERM_EXPIRED = "extended_term_expired"
    CONVERTED = "converted"
    MEDICAL_LEAVE = "medical_leave"
    DETENTION_EXPIRED = "detention_expired"
    REVOKED = "revoked"
    DETENTION_TO_ISOLATION = "detention_to_isolation"
    CENTRE_TRANSFER = "centre_transfer"
    CRIMINAL_CUSTODY = "criminal_custody"
    DEATH = "death"


class Ground(StrEnum):
    """On which legal ground a person is handed over to the community."""

    COMMUNITY_DETOX_ORDER = "community_detox_order"  # 禁毒法 art. 33
    COMMUNITY_REHAB_ORDER = "community_rehab_order"  # 禁毒法 art. 48
    CONTACT_ONLY = "contact_only"  # no order: help is offered, nothing is owed


class State(StrEnum):
    """How far a release is."""

    PLANNED = "planned"
    EXECUTED = "executed"
    CANCELLED = "cancelled"


# The person is not free, or not alive: custody goes on elsewhere (拘留所条例 art. 31, 戒毒条例 arts 27, 36).
NO_HANDOVER = frozenset({Kind.DETENTION_TO_ISOLATION, Kind.CENTRE_TRANSFER, Kind.CRIMINAL_CUSTODY, Kind.DEATH})
# These settle the ground by themselves: a conversion is an order (戒毒条例 arts 26, 31); whoever's decision was
# revoked (行政复议法, 行政诉讼法) is free and owes nothing.
GROUND_OF_KIND = {Kind.CONVERTED: Ground.COMMUNITY_DETOX_ORDER, Kind.REVOKED: Ground.CONTACT_ONLY}
STAY_ENDED = "stay_ended"  # the reason of a cancellation that follows from the stay


@dataclass(frozen=True, slots=True)
class Release:
    """A release."""

    id: UUID
    version: int
    person_id: UUID
    stay_id: UUID | None
    order_id: UUID | None
    centre: str
    kind: Kind
    state: State
    release_at: datetime
    term_last_day: date | None
    needs_handover: bool
    legal_ground: Ground
    executed_at: datetime | None = None
    certificate_number: str | None = None
    reason: str | None = None


def needs_handover(kind: Kind) -> bool:
    """Whether a release of this kind must be met by the community."""
    return kind not in NO_HANDOVER


def ground_of(kind: Kind, stated: Ground | None) -> Ground:
    """The legal ground of the handover: what the kind settles, else what is stated, else contact only.

    Raises: InvalidInput ``release.ground_contradicts_kind``.
    """
    settled = GROUND_OF_KIND.get(kind)
    if settled and stated and stated is not settled:
        raise invalid_field(
            "/legal_ground", "release.ground_contradicts_kind", f"{kind.value} always has {settled.value}"
        )
    return settled or stated or Ground.CONTACT_ONLY


def _changed_ground(release: Release, kind: Kind, stated: Ground | None) -> Ground:
    """An order outlives a change of kind; a ground that only the former kind settled does not."""
    settled = kind in GROUND_OF_KIND or (release.kind in GROUND_OF_KIND and kind is not release.kind)
    return ground_of(kind, stated or (None if settled else release.legal_ground))


def gate_time(term_last_day: date, at: time) -> datetime:
    """When the gate opens on the last day of a term, by the centre's practice."""
    return datetime.combine(term_last_day, at, CHINA)


def reschedule(
    release: Release, *, release_at: datetime, reason: str, kind: Kind | None, legal_ground: Ground | None
) -> Release:
    """The plan changed.

    Raises: Conflict ``release.wrong_state``; InvalidInput ``release.ground_contradicts_kind``.
    """
    _is_planned(release)
    new_kind = kind or release.kind
    return replace(
        release,
        version=release.version + 1,
        release_at=release_at,
        kind=new_kind,
        needs_handover=needs_handover(new_kind),
        legal_ground=_changed_ground(release, new_kind, legal_ground),
        reason=reason,
    )


def cancel(release: Release, *, reason: str) -> Release:
    """The release will not take place.

    Raises: Conflict ``release.wrong_state``.
    """
    _is_planned(release)
    return replace(release, version=release.version + 1, state=State.CANCELLED, reason=reason)


def execute(
    release: Release, *, at: datetime, certificate_number: str, kind: Kind | None, admitted_at: datetime | None = None
) -> Release:
    """The person went through the gate: earlier or later than planned, or although the plan had been cancelled.

    Raises: Conflict ``release.wrong_state`` when it was executed already, or cancelled because the stay ended;
    InvalidInput ``time.before_previous_step`` when that was before the admission.
    """
    if release.state is not State.CANCELLED or release.reason == STAY_ENDED:
        _is_planned(release)
    if admitted_at is not None and at < admitted_at:
        raise invalid_field("/executed_at", "time.before_previous_step", "released before the admission")
    final_kind = kind or release.kind
    return replace(
        release,
        version=release.version + 1,
        state=State.EXECUTED,
        executed_at=at,
        certificate_number=certificate_number,
        kind=final_kind,
        needs_handover=needs_handover(final_kind),
        legal_ground=_changed_ground(release, final_kind, None),
        reason=release.reason if release.state is State.PLANNED else None,
    )


def _is_planned(release: Release) -> None:
    if release.state is not State.PLANNED:
        raise Conflict(
            "release.wrong_state",
            f"the release is {release.state.value} already",
            state=release.state.value,
            version=release.version,
        )
