"""What happens in drug testing when time passes. Due and not yet done: a timer that did not run catches up."""

from datetime import timedelta

from services.drug_testing import policy
from services.drug_testing.domain import collecting, objecting
from services.drug_testing.domain.order import Ground
from services.drug_testing.domain.transitions import State
from services.drug_testing.schedules import count_evasion, order_due_test
from services.drug_testing.store import MOVINGS, Work, schedules, test_orders
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.people import move_merged
from shared.storage.settling import Settling, settle_provisional

AT_ONCE = 100


def settle_passed_windows(work: Work) -> int:
    """Settle positive results whose window to object has passed (吸毒检测程序规定 arts 10, 13)."""
    due = work.test_orders.select(
        test_orders.c.state.in_((State.POSITIVE_TOLD, State.LAB_TOLD)),
        test_orders.c.due_at <= work.now,
        order_by=test_orders.c.due_at,
        limit=AT_ONCE,
    )
    for order in due:
        work.test_orders.save(objecting.let_window_pass(order, now=work.now), "test.settled.v1")
    return len(due)


def note_missed_tests(work: Work) -> int:
    """Note the scheduled tests whose window has passed as evaded (戒毒条例 arts 19, 20)."""
    missed = work.test_orders.select(
        test_orders.c.state == State.ORDERED,
        test_orders.c.ground == Ground.SCHEDULED,
        test_orders.c.due_at <= work.now,
        order_by=test_orders.c.due_at,
        limit=AT_ONCE,
    )
    for order in missed:
        evaded = collecting.miss(order, now=work.now, evasions=count_evasion(order, work))
        work.test_orders.save(evaded, "test.missed.v1")
    return len(missed)


def order_scheduled_tests(work: Work) -> int:
    """Order the tests that the schedules of community measures ask for (戒毒条例 art. 19)."""
    due = work.schedules.select(schedules.c.next_at <= work.now, order_by=schedules.c.next_at, limit=AT_ONCE)
    for schedule in due:
        order_due_test(schedule, work)
    return len(due)


def sweep_merged(work: Work) -> int:
    """Move what still names a file that was merged into another one."""
    return move_merged(work, work.persons, MOVINGS)


SETTLINGS = (Settling(lambda work: work.test_orders, "test.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("settle_passed_windows", timedelta(seconds=30), settle_passed_windows),
    Timer("note_missed_tests", timedelta(seconds=30), note_missed_tests),
    Timer("order_scheduled_tests", timedelta(seconds=30), order_scheduled_tests),
    Timer("sweep_merged", timedelta(seconds=30), sweep_merged),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
)
