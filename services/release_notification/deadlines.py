"""Until when the next step of a release must be done."""

from datetime import datetime

from services.release_notification import policy
from services.release_notification.domain.release import Kind
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, start_of_day
from shared.reference.calendar import next_due


def notice_due(kind: Kind, release_at: datetime) -> NextDue | None:
    """Until when those who must be told have to be (D9); None where nobody is told before."""
    if kind not in policy.NOTICES:
        return None
    rule = policy.NOTIFY_DETENTION if kind is Kind.DETENTION_EXPIRED else policy.NOTIFY
    return next_due(rule, start_of_day(china_day(release_at)))
