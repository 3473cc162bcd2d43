"""What a handover task is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.community_handover.domain.searching import TraceStep
from services.community_handover.domain.transitions import Act, State, allowed
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict


class Kind(StrEnum):
    """What the task comes from."""

    RELEASE = "release"  # somebody leaves custody and is met
    ORDER = "order"  # somebody at liberty was ordered into community detox and reports


class HolderKind(StrEnum):
    """Who is responsible now."""

    STATION_OF_REGISTRATION = "station_of_registration"
    OFFICE = "office"
    REMOTE_OFFICE = "remote_office"


class Ground(StrEnum):
    """On which legal ground the person is handed over."""

    COMMUNITY_DETOX_ORDER = "community_detox_order"
    COMMUNITY_REHAB_ORDER = "community_rehab_order"
    CONTACT_ONLY = "contact_only"


class Outcome(StrEnum):
    """What happened at the gate."""

    MET_OFFICIAL = "met_official"
    MET_FAMILY = "met_family"  # lawful: 戒毒条例 art. 34 names the family
    REFUSED_COMPANY = "refused_company"  # met, but goes alone; a duty to report stands
    HOSPITAL = "hospital"
    LEFT_ALONE = "left_alone"
    OTHER_AUTHORITY = "other_authority"
    REMOTE = "remote"


class CloseReason(StrEnum):
    """Why a task is lawfully over."""

    AGREEMENT_SIGNED = "agreement_signed"
    MEASURE_ENDED = "measure_ended"  # the person was registered, and the measure was over before the agreement
    OTHER_AUTHORITY = "other_authority"
    IN_CUSTODY = "in_custody"
    ABROAD = "abroad"
    DIED = "died"
    NOT_REACHED = "not_reached"  # help could not be offered; only where no order is in force


BY_ITSELF = frozenset({CloseReason.AGREEMENT_SIGNED, CloseReason.MEASURE_ENDED})


class RejectionGround(StrEnum):
    """Why an office says that it is not the right one."""

    LIVES_ELSEWHERE = "lives_elsewhere"
    MOVED_AWAY = "moved_away"
    ADDRESS_NOT_OURS = "address_not_ours"
    UNKNOWN_AT_ADDRESS = "unknown_at_address"
    OTHER = "other"


class PauseReason(StrEnum):
    """Why nobody can be asked to report now (戒毒条例 art. 24; good reasons of art. 14)."""

    HOSPITAL = "hospital"
    CUSTODY = "custody"
    DISASTER = "disaster"
    NO_TRANSPORT = "no_transport"
    DECISION_NOT_RECEIVED = "decision_not_received"


@dataclass(frozen=True, slots=True)
class PartyMember:
    """Somebody who goes to the gate: a part and, for officials, the account."""

    role: str
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """Who set right, when and why, what had been entered of the gate."""

    at: datetime
    by: str
    reason: str
    before: Outcome
    note: str | None = None


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
    """The duty to receive one person."""

    id: UUID
    version: int
    kind: Kind
    release_id: UUID | None
    order_id: UUID | None
    release_version: int
    person_id: UUID
    legal_ground: Ground
    state: State
    holder_kind: HolderKind
    holder: str
    office: str | None
    division: str | None
    release_at: datetime
    released_at: datetime | None = None
    due_rule: str | None = None
    due_at: datetime | None = None
    due_from: datetime | None = None  # where a provisional deadline began
    reminded_at: datetime | None = None
    escalation_level: int = 0
    wake_at: datetime | None = None  # when a timer has something to do
    offered_at: datetime | None = None
    accept_due_at: datetime | None = None
    accepted_at: datetime | None = None
    accepted_by: str | None = None
    assigned: bool = False  # a supervisor chose the office
    assigned_reason: str | None = None
    rejections: int = 0
    rejected_by: str | None = None  # the office that said no last
    rejection_ground: RejectionGround | None = None
    rejection_reason: str | None = None
    proposed_office: str | None = None
    party: tuple[PartyMember, ...] | None = None
    met_at: datetime | None = None
    outcome: Outcome | None = None
    outcome_note: str | None = None
    correction: Correction | None = None
    contacted_at: datetime | None = None
    trace: tuple[TraceStep, ...] | None = None
    unknown_at: datetime | None = None
    unknown_signed_by: str | None = None
    report_due_at: datetime | None = None
    registered_at: datetime | None = None
    agreement_signed_at: datetime | None = None
    contact_done_at: datetime | None = None
    consents_to_contact: bool | None = None
    refused_at: datetime | None = None
    referred_at: datetime | None = None
    referral_number: str | None = None
    remote_office: str | None = None
    letter_number: str | None = None
    letter_sent_at: datetime | None = None
    receipt_at: datetime | None = None
    paused_at: datetime | None = None
    pause_reason: PauseReason | None = None
    closed_at: datetime | None = None
    close_reason: CloseReason | None = None
    withdrawn_reason: str | None = None
    unresolved_reason: str | None = None


def has_order(task: Task) -> bool:
    """Whether the person has a duty to report (禁毒法 arts 33, 48); without one the task is an offer of help."""
    return task.legal_ground is not Ground.CONTACT_ONLY


def step(task: Task, act: Act, state: State, *, due: NextDue | None = None, **changes: Any) -> Task:
    """The next version: in ``state``, with its next deadline; a new deadline begins its own ladder.

    Raises: Conflict ``task.wrong_state`` when the act is not possible now.
    """
    require(task, act)
    return replace(
        task,
        version=task.version + 1,
        state=state,
        due_rule=due.rule if due else None,
        due_at=due.at if due else None,
        due_from=due.starts if due else None,
        wake_at=(due.halfway or due.at) if due else None,
        reminded_at=None,
        escalation_level=0,
        **changes,
    )


def require(task: Task, act: Act) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``task.wrong_state`` with the state, the version and the act.
    """
    if task.state not in allowed(act):
        raise Conflict(
            "task.wrong_state",
            f"the task is {task.state.value}; it cannot be {act.value} now",
            state=task.state.value,
            version=task.version,
            act=act.value,
        )


def same_deadline(task: Task) -> NextDue | None:
    """The deadline that runs already, for an act that does not end it."""
    if task.due_rule is None or task.due_at is None:
        return None
    waits = task.wake_at is not None and task.wake_at < task.due_at
    return NextDue(task.due_rule, task.due_at, task.wake_at if waits else None, task.due_from)
