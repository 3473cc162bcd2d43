"""Until when the next step of an order or a stay must be done."""

from datetime import datetime

from services.detention_intake.domain.order import NextDue
from shared.kernel.deadlines import DeadlineRule, due_at
from shared.reference.calendar import china_calendar


def due(rule: DeadlineRule, start: datetime) -> NextDue:
    """The deadline of a rule, as an order's or a stay's next one."""
    return NextDue(rule.id, due_at(rule, start, china_calendar()).at)
