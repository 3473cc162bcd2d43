"""What a decision about a person is."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.detention_intake.domain.order_transitions import ORDER_TRANSITIONS, OrderAct, OrderState
from shared.kernel.deadlines import NextDue, earliest
from shared.kernel.errors import Conflict


class Kind(StrEnum):
    """What can follow from a positive test."""

    NO_MEASURE = "no_measure"  # not addicted, or registered by himself (禁毒法 art. 62)
    FINE = "fine"
    ADMINISTRATIVE_DETENTION = "administrative_detention"
    COMMUNITY_DETOX = "community_detox"
    COMPULSORY_ISOLATION = "compulsory_isolation"
    COMMUNITY_REHAB = "community_rehab"


CUSTODY = frozenset({Kind.COMPULSORY_ISOLATION, Kind.ADMINISTRATIVE_DETENTION})
COMMUNITY = frozenset({Kind.COMMUNITY_DETOX, Kind.COMMUNITY_REHAB})


class IsolationGround(StrEnum):
    """Why somebody is ordered into compulsory isolation (禁毒法 art. 38)."""

    REFUSED_COMMUNITY_DETOX = "refused_community_detox"
    USED_DURING_COMMUNITY_DETOX = "used_during_community_detox"
    GRAVE_BREACH = "grave_breach"
    USED_AFTER_TREATMENT = "used_after_treatment"
    SEVERE_ADDICTION = "severe_addiction"
    VOLUNTARY = "voluntary"


class Circumstance(StrEnum):
    """What the law says bars or spares custody."""

    PREGNANT_OR_NURSING = "pregnant_or_nursing"  # barred: 禁毒法 art. 39, 治安管理处罚法
    UNDER_16 = "under_16"
    FIRST_TIME_UNDER_18 = "first_time_under_18"
    SEVENTY_OR_OLDER = "seventy_or_older"


class RefusalReason(StrEnum):
    """Why a centre lawfully does not take somebody in."""

    PREGNANT_OR_NURSING = "pregnant_or_nursing"
    UNDER_16 = "under_16"
    DANGER_TO_LIFE = "danger_to_life"
    CANNOT_CARE_FOR_SELF = "cannot_care_for_self"


class Special(StrEnum):
    """Why a person is taken into a special facility (病残收治)."""

    ILL = "ill"
    DISABLED = "disabled"
    INFECTIOUS = "infectious"


class Addressee(StrEnum):
    """Who is told of a decision (禁毒法 art. 40, 戒毒条例 art. 13)."""

    FAMILY = "family"
    WORK_UNIT = "work_unit"
    STATION_OF_REGISTRATION = "station_of_registration"
    TOWNSHIP = "township"


class DocumentKind(StrEnum):
    """The documents of a case (register of documents)."""

    ADDICTION_OPINION = "addiction_opinion"
    PENALTY_DECISION = "penalty_decision"
    COMMUNITY_DETOX_ORDER = "community_detox_order"
    COMPULSORY_ISOLATION_ORDER = "compulsory_isolation_order"
    COMMUNITY_REHAB_ORDER = "community_rehab_order"
    EARLY_RELEASE_DECISION = "early_release_decision"
    EXTENSION_DECISION = "extension_decision"
    CONVERSION_DECISION = "conversion_decision"
    SERVICE_RECEIPT = "service_receipt"
    OTHER = "other"


class ReviewOutcome(StrEnum):
    """How the review of a decision ended."""

    UPHELD = "upheld"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Notice:
    """Somebody was told of the decision, or why that could not be."""

    addressee: Addressee
    at: datetime
    channel: str
    proof: str | None = None
    not_told_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """A document of the case."""

    kind: DocumentKind
    number: str
    issued_on: date


@dataclass(frozen=True, slots=True)
class Order:
    """A decision about a person, from the duty to decide until it is executed or falls."""

    id: UUID
    version: int
    person_id: UUID
    test_order_id: UUID | None
    division: str
    state: OrderState
    kind: Kind | None = None
    deciding_organ: str | None = None
    legal_reviewer: str | None = None
    isolation_ground: IsolationGround | None = None
    circumstances: tuple[Circumstance, ...] = ()
    ahead_reason: str | None = None  # why it did not wait for the result to be settled
    early_release_barred: bool = False  # 戒毒条例 art. 38(2)
    replaces: UUID | None = None
    decided_on: date | None = None
    term_first_day: date | None = None
    term_last_day: date | None = None
    served_at: datetime | None = None
    step_due: NextDue | None = None
    notify_due: NextDue | None = None
    notices: tuple[Notice, ...] = ()
    documents: tuple[Document, ...] = ()
    admission_due_at: datetime | None = None
    reconsider_until: datetime | None = None
    sue_until: datetime | None = None
    refusal_reason: RefusalReason | None = None
    refusal_note: str | None = None
    admitted_at: datetime | None = None
    stay_id: UUID | None = None
    review_opened_at: datetime | None = None
    review_due: NextDue | None = None
    review_reason: str | None = None
    review_outcome: ReviewOutcome | None = None
    review_note: str | None = None
    revoked_at: datetime | None = None
    due_rule: str | None = None
    due_at: datetime | None = None
    due_from: datetime | None = None  # where a provisional deadline began


def step(order: Order, act: OrderAct, state: OrderState, **changes: Any) -> Order:
    """The next version in ``state``; its next deadline is the earliest of those that run.

    Raises: Conflict ``order.wrong_state`` when the act is not possible now.
    """
    require(order, act)
    changed = replace(order, version=order.version + 1, state=state, **changes)
    due = earliest((changed.step_due, changed.notify_due, changed.review_due))
    return replace(
        changed,
        due_rule=due.rule if due else None,
        due_at=due.at if due else None,
        due_from=due.starts if due else None,
    )


def require(order: Order, act: OrderAct) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``order.wrong_state`` with the state, the version and the act.
    """
    if order.state not in ORDER_TRANSITIONS[act]:
        raise Conflict(
            "order.wrong_state",
            f"the order is {order.state.value}; it cannot be {act.value} now",
            state=order.state.value,
            version=order.version,
            act=act.value,
        )
