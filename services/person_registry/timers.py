"""What happens with assessments when time passes."""

from datetime import timedelta

from services.person_registry import policy
from services.person_registry.assessing import review_due
from services.person_registry.opening import AT_ONCE, note_unanswered
from services.person_registry.store import Work
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.settling import Settling, settle_provisional


def wrap_again(work: Work) -> int:
    """Wrap the keys of persons with the active master key, after it was changed."""
    return work.vault.rewrap(AT_ONCE)


SETTLINGS = (Settling(lambda work: work.assessments, "risk.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("review_risk", timedelta(seconds=30), review_due),
    Timer("note_unanswered", timedelta(minutes=1), note_unanswered),
    Timer("wrap_again", timedelta(minutes=10), wrap_again),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
)
