"""Until when the next step of a test order must be done."""

from datetime import datetime

from services.drug_testing.domain.order import NextDue
from shared.kernel.deadlines import DeadlineRule, due_at
from shared.reference.calendar import china_calendar


def due(rule: DeadlineRule, start: datetime) -> NextDue:
    """The deadline of a rule, as an order's next one."""
    return NextDue(rule.id, due_at(rule, start, china_calendar()).at)
