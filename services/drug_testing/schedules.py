"""Scheduled tests of people in a community measure (戒毒条例 art. 19), and the tests that they evade (art. 20)."""

from datetime import date, datetime, timedelta

from services.drug_testing import policy
from services.drug_testing.domain.order import Ground, TestOrder
from services.drug_testing.domain.transitions import State
from services.drug_testing.store import Schedule, Work
from shared.kernel.clock import china_day
from shared.kernel.deadlines import add_months, start_of_day
from shared.kernel.ids import derived_id
from shared.reference.calendar import next_due

MONTHS_PER_YEAR = 12


def next_test_at(started_on: date, after: datetime, *, every_days: int | None = None) -> datetime | None:
    """When the next scheduled test falls due after a moment; None once the measure's years are over.

    The intervals grow by the year of the measure; a month that has no such day has its last day instead. A risk tier
    may ask for a test sooner, ``every_days`` since the measure began.
    """
    planned = _planned_test_at(started_on, after)
    if planned is None or every_days is None:
        return planned
    passed = (china_day(after) - started_on).days // every_days + 1
    return min(planned, start_of_day(started_on + timedelta(days=passed * every_days)))


def _planned_test_at(first_day: date, after: datetime) -> datetime | None:
    months = 0
    for between in policy.MONTHS_BETWEEN_TESTS:
        end = months + MONTHS_PER_YEAR
        while months < end:
            months += between
            at = start_of_day(add_months(first_day, months))
            if at > after:
                return at
    return None


def order_due_test(schedule: Schedule, work: Work) -> TestOrder | None:
    """Order the test that is due, once for each day it is due on, and move the schedule on.

    After a stand-still one test is ordered, not each that was left out.
    """
    assert schedule.next_at is not None
    order_id = derived_id(schedule.measure_id, f"scheduled test {schedule.next_at.isoformat()}")
    work.schedules.put(schedule.moved(next_of(schedule, work.now, work)))
    if work.test_orders.find(order_id) is not None:
        return None
    window = next_due(policy.COLLECT_SCHEDULED, work.now)
    order = TestOrder(
        id=order_id,
        version=1,
        person_id=schedule.person_id,
        station=schedule.division[:6],  # any station of the county may take it
        division=schedule.division,
        ground=Ground.SCHEDULED,
        ground_detail=None,
        state=State.ORDERED,
        ordered_at=work.now,
        collect_due_at=window.at,
        due_rule=window.rule,
        due_at=window.at,
        evasions=schedule.evasions,
    )
    return work.test_orders.save(order, "test.ordered.v1")


def next_of(schedule: Schedule, after: datetime, work: Work) -> datetime | None:
    """When the schedule's next test falls due after a moment."""
    return next_test_at(schedule.started_on, after, every_days=work.test_every_days(schedule.person_id))


def count_evasion(order: TestOrder, work: Work) -> int:
    """How many scheduled tests the person has evaded or refused, this one counted (戒毒条例 art. 20)."""
    return _count(order, 1, work)


def excuse_evasion(order: TestOrder, work: Work) -> int:
    """How many evasions are left when this one is excused."""
    return _count(order, -1, work)


def _count(order: TestOrder, change: int, work: Work) -> int:
    if order.ground is not Ground.SCHEDULED:
        return order.evasions
    schedule = work.schedule_of(order.person_id)
    if schedule is None:
        return max(order.evasions + change, 0)
    counted = schedule.counted(max(schedule.evasions + change, 0))
    work.schedules.put(counted)
    return counted.evasions
