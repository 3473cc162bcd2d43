"""What happens with stays when time passes. Due and not yet done: a timer that did not run catches up."""

from datetime import timedelta

from services.detention_intake import policy
from services.detention_intake.counting import recount
from services.detention_intake.domain.stay import term_due
from services.detention_intake.domain.stay_transitions import StayState
from services.detention_intake.staying import end_stay
from services.detention_intake.store import MOVINGS, Work, stays
from shared.kernel.clock import china_day
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.people import move_merged
from shared.storage.settling import Settling, settle_provisional

AT_ONCE = 100


def end_terms_in_criminal_custody(work: Work) -> int:
    """End the stays whose term ran out while the person was in criminal custody (戒毒条例 art. 36)."""
    over = work.stays.select(
        stays.c.state == StayState.IN_CRIMINAL_CUSTODY,
        stays.c.term_last_day < china_day(work.now),
        order_by=stays.c.term_last_day,
        limit=AT_ONCE,
    )
    for stay in over:
        at = term_due(stay.term_last_day).at
        end_stay(stay, at=at, kind="term_over_in_criminal_custody", release_id=None, work=work)
    return len(over)


def sweep_merged(work: Work) -> int:
    """Move what still names a file that was merged into another one."""
    return move_merged(work, work.persons, MOVINGS)


SETTLINGS = (Settling(lambda work: work.orders, "order.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("end_terms_in_criminal_custody", timedelta(minutes=10), end_terms_in_criminal_custody),
    Timer("sweep_merged", timedelta(seconds=30), sweep_merged),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
    Timer("recount", timedelta(minutes=5), recount),
)
