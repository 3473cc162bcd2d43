"""What happens with assessments when time passes."""

from datetime import timedelta

from services.person_registry import policy
from services.person_registry.assessing import review_due
from services.person_registry.store import Work
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.settling import Settling, settle_provisional

SETTLINGS = (Settling(lambda work: work.assessments, "risk.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("review_risk", timedelta(seconds=30), review_due),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
)
