"""What a test order is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from services.drug_testing.domain.transitions import Act, State, allowed
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict


class Ground(StrEnum):
    """Why the person is tested. Every order carries one: tests must be necessary (禁毒法 art. 32)."""

    CAUGHT_USING = "caught_using"
    PARAPHERNALIA = "paraphernalia"
    WITNESS = "witness"
    INTELLIGENCE = "intelligence"
    BEHAVIOUR = "behaviour"
    VENUE_CHECK = "venue_check"
    TRAFFIC_STOP = "traffic_stop"
    SELF_REPORT = "self_report"
    SCHEDULED = "scheduled"  # by the schedule of a community measure (戒毒条例 art. 19)
    ADMISSION = "admission"
    OTHER = "other"


class SampleType(StrEnum):
    """What is tested (吸毒检测程序规定 art. 6)."""

    URINE = "urine"
    BLOOD = "blood"
    SALIVA = "saliva"
    HAIR = "hair"


class Result(StrEnum):
    """What a test says."""

    POSITIVE = "positive"
    NEGATIVE = "negative"


class Opinion(StrEnum):
    """What the determination of addiction says (吸毒成瘾认定办法 arts 7, 8)."""

    NOT_ADDICTED = "not_addicted"
    ADDICTED = "addicted"
    SEVERELY_ADDICTED = "severely_addicted"


class ExemptReason(StrEnum):
    """Why a test lawfully does not take place."""

    SUSPICION_GONE = "suspicion_gone"
    ILLNESS = "illness"
    IN_CUSTODY = "in_custody"
    EXCUSED = "excused"  # a scheduled test was missed for a good reason
    DIED = "died"


class SettledBy(StrEnum):
    """What made a positive result final."""

    WINDOW_PASSED = "window_passed"
    WAIVED = "waived"
    OBJECTION_DENIED = "objection_denied"
    RETEST_CONFIRMED = "retest_confirmed"


class OverturnedBy(StrEnum):
    """What made a positive result fall."""

    LABORATORY = "laboratory"
    RETEST = "retest"
    SAMPLE_UNUSABLE = "sample_unusable"


class CustodyStep(StrEnum):
    """What happened to a sealed sample."""

    SEALED = "sealed"
    STORED = "stored"
    INSPECTED = "inspected"
    DISPATCHED = "dispatched"
    RECEIVED = "received"
    CONSUMED = "consumed"
    RETURNED = "returned"
    DESTROYED = "destroyed"


@dataclass(frozen=True, slots=True)
class Collector:
    """An officer who takes part in collecting."""

    officer: str
    sex: str


@dataclass(frozen=True, slots=True)
class InvalidCard:
    """An on-site card whose control line was missing: the test was repeated."""

    at: datetime
    reagent_lot: str


@dataclass(frozen=True, slots=True)
class CustodyEntry:
    """One link of a sample's chain of custody: who gave the sealed sample to whom, and whether the seal was intact."""

    seal: str
    step: CustodyStep
    at: datetime
    given_by: str
    held_by: str
    intact: bool = True
    note: str | None = None
    witness: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a laboratory measured of one substance."""

    substance: str
    value: float
    unit: str


@dataclass(frozen=True, slots=True)
class Examination:
    """A laboratory test or re-test, from the request to the telling."""

    requested_at: datetime
    late_reason: str | None = None
    decided_at: datetime | None = None
    approved: bool | None = None
    decision_note: str | None = None
    laboratory: str | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None
    report_number: str | None = None
    reported_at: datetime | None = None
    result: Result | None = None
    findings: tuple[Finding, ...] = ()
    told_at: datetime | None = None
    signed: bool | None = None


@dataclass(frozen=True, slots=True)
class TestOrder:
    """The duty to test one person, and what came of it."""

    __test__ = False  # not a pytest class

    id: UUID
    version: int
    person_id: UUID
    station: str
    division: str
    ground: Ground
    ground_detail: str | None
    state: State
    ordered_at: datetime
    collect_due_at: datetime
    due_rule: str | None = None
    due_at: datetime | None = None
    due_from: datetime | None = None
    evasions: int = 0  # of scheduled tests, this one counted (戒毒条例 art. 20)
    refused_at: datetime | None = None
    force_decided_at: datetime | None = None
    force_approved_by: str | None = None
    untested_reason: str | None = None
    exempt_reason: ExemptReason | None = None
    exempt_note: str | None = None
    exempted_by: str | None = None
    collected_at: datetime | None = None
    sample_type: SampleType | None = None
    collectors: tuple[Collector, ...] = ()
    declared_medicines: tuple[str, ...] = ()
    invalid_cards: tuple[InvalidCard, ...] = ()
    result: Result | None = None
    resulted_at: datetime | None = None
    substances: tuple[str, ...] = ()
    tester: str | None = None
    reagent_lot: str | None = None
    sample_a: str | None = None
    sample_b: str | None = None
    seal_signed: bool | None = None  # by the person; else the refusal is noted
    seal_note: str | None = None
    keep_until: datetime | None = None
    custody: tuple[CustodyEntry, ...] = ()
    told_at: datetime | None = None
    signed: bool | None = None
    refusal_note: str | None = None
    objection_due_at: datetime | None = None
    opinion_due_at: datetime | None = None
    opinion: Opinion | None = None
    opinion_at: datetime | None = None
    opinion_officers: tuple[str, ...] = ()
    lab: Examination | None = None
    retest: Examination | None = None
    unfit_reason: str | None = None
    settled_at: datetime | None = None
    settled_by: SettledBy | None = None
    overturned_at: datetime | None = None
    overturned_by: OverturnedBy | None = None


def step(order: TestOrder, act: Act, state: State, *, due: NextDue | None = None, **changes: Any) -> TestOrder:
    """The next version: in ``state``, with its next deadline.

    Raises: Conflict ``test.wrong_state`` when the act is not possible now.
    """
    require(order, act)
    return replace(
        order,
        version=order.version + 1,
        state=state,
        due_rule=due.rule if due else None,
        due_at=due.at if due else None,
        due_from=due.starts if due else None,
        **changes,
    )


def same_deadline(order: TestOrder) -> NextDue | None:
    """The deadline that runs already, for an act that does not end it."""
    if order.due_rule is None or order.due_at is None:
        return None
    return NextDue(order.due_rule, order.due_at, starts=order.due_from)


def require(order: TestOrder, act: Act) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``test.wrong_state`` with the state, the version and the act.
    """
    if order.state not in allowed(act):
        raise Conflict(
            "test.wrong_state",
            f"the test order is {order.state.value}; it cannot be {act.value} now",
            state=order.state.value,
            version=order.version,
            act=act.value,
        )
