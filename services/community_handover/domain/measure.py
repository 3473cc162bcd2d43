"""What a community measure is: community detox or community rehabilitation (社戒社康)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from services.community_handover.domain.measure_transitions import IN_FORCE, TRANSITIONS, MeasureAct, MeasureState
from services.community_handover.domain.searching import TraceKind, TraceStep
from shared.kernel.deadlines import NextDue, last_day_of_term, start_of_day
from shared.kernel.errors import Conflict

ONE_DAY = timedelta(days=1)


class MeasureKind(StrEnum):
    """Which of the two measures (社戒社康)."""

    COMMUNITY_DETOX = "community_detox"
    COMMUNITY_REHAB = "community_rehab"


class BreachGround(StrEnum):
    """What makes a breach grave (戒毒条例 art. 20)."""

    TESTS_EVADED = "tests_evaded"
    LEFT_WITHOUT_LEAVE = "left_without_leave"
    ABSENT_TOO_LONG = "absent_too_long"


class TerminationReason(StrEnum):
    """Why a measure ends before its time (戒毒条例 art. 24), or is no longer ours."""

    COMPULSORY_ISOLATION = "compulsory_isolation"
    PRISON = "prison"
    MOVED_OUT = "moved_out"  # an office outside the platform took over, by its receipt
    ORDER_REVOKED = "order_revoked"
    ABROAD = "abroad"
    DIED = "died"


@dataclass(frozen=True, slots=True)
class Absence:
    """Days spent outside the county (戒毒条例 art. 19); without leave they count towards a grave breach."""

    left_on: date
    returned_on: date | None
    with_leave: bool

    def days(self, today: date) -> int:
        """How many days it lasted, or lasts so far; the day of the return is not counted."""
        return ((self.returned_on or today) - self.left_on).days


@dataclass(frozen=True, slots=True)
class EvadedTest:
    """A scheduled test that was refused or did not take place; it does not stand once it is excused."""

    test_order_id: UUID
    version: int
    stands: bool


@dataclass(frozen=True, slots=True)
class BreachLimits:
    """From when evasions and absences are a grave breach (戒毒条例 art. 20)."""

    evasions: int
    absences: int
    days_absent: int  # more than these


@dataclass(frozen=True, slots=True)
class Measure:
    """A person's measure in the community."""

    id: UUID
    version: int
    task_id: UUID
    order_id: UUID | None
    person_id: UUID
    kind: MeasureKind
    state: MeasureState
    office: str
    division: str | None
    started_on: date
    last_day: date
    last_contact_at: datetime
    agreement_signed_at: datetime | None = None
    agreement_due: NextDue | None = None
    visit_due: NextDue | None = None
    step_due: NextDue | None = None  # what the state itself asks for: a report, a review, a search, the notices
    tell_due: NextDue | None = None  # the police are to be told of a breach
    absences: tuple[Absence, ...] = ()
    evaded_tests: tuple[EvadedTest, ...] = ()
    breach_grounds: tuple[BreachGround, ...] = ()
    breached_at: datetime | None = None
    breach_told_at: datetime | None = None
    breach_report_number: str | None = None
    relapsed_at: datetime | None = None
    relapse_test_id: UUID | None = None
    moving_to_office: str | None = None
    moving_to_division: str | None = None
    suspended_at: datetime | None = None
    suspended_reason: str | None = None
    trace: tuple[TraceStep, ...] = ()
    lost_at: datetime | None = None
    unknown_at: datetime | None = None
    unknown_signed_by: str | None = None
    found_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: TerminationReason | None = None
    end_note: str | None = None
    end_notice_number: str | None = None
    due_rule: str | None = None
    due_at: datetime | None = None
    due_from: datetime | None = None
    wake_at: datetime | None = None  # when a timer has something to do


@dataclass(frozen=True, slots=True)
class Limits:
    """What the policy says about measures."""

    breach: BreachLimits
    visit_grace: timedelta  # after a missed contact, before the search begins
    search: Mapping[TraceKind, int]


def term(started_on: date, months: int) -> date:
    """The last day of a measure of so many months; the day of reporting is the first one (戒毒条例 art. 14)."""
    return last_day_of_term(started_on, months)


def evasions(measure: Measure) -> int:
    """How many scheduled tests the person evaded (戒毒条例 art. 20)."""
    return sum(test.stands for test in measure.evaded_tests)


def ends_at(measure: Measure) -> datetime:
    """The first moment after the term."""
    return start_of_day(measure.last_day + ONE_DAY)


def is_in_force(measure: Measure) -> bool:
    """Whether the measure binds the person now."""
    return measure.state in IN_FORCE


def require(measure: Measure, act: MeasureAct) -> None:
    """Check that an act is possible now.

    Raises: Conflict ``measure.wrong_state`` with the state, the version and the act.
    """
    if measure.state not in TRANSITIONS[act]:
        raise Conflict(
            "measure.wrong_state",
            f"the measure is {measure.state.value}; it cannot be {act.value} now",
            state=measure.state.value,
            version=measure.version,
            act=act.value,
        )
