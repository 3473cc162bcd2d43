"""What happens in drug testing when time passes."""

from datetime import timedelta

from services.drug_testing import domain
from services.drug_testing.domain import State
from services.drug_testing.store import Work, test_orders
from shared.service import Timer

AT_ONCE = 100


def settle_passed_windows(work: Work) -> int:
    """Settle positive results whose window to object has passed (吸毒检测程序规定 art. 10)."""
    due = work.test_orders.select(
        test_orders.c.state == State.POSITIVE_TOLD,
        test_orders.c.objection_due_at <= work.now,
        order_by=test_orders.c.objection_due_at,
        limit=AT_ONCE,
    )
    for order in due:
        work.test_orders.save(domain.let_window_pass(order, now=work.now), "test.settled.v1")
    return len(due)


TIMERS = (Timer("settle_passed_windows", timedelta(seconds=30), settle_passed_windows),)
