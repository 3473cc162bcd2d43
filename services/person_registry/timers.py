"""What happens with assessments when time passes."""

from datetime import timedelta

from sqlalchemy import select

from services.person_registry import policy
from services.person_registry.assessing import review_due
from services.person_registry.domain import PersonState
from services.person_registry.opening import AT_ONCE, note_unanswered
from services.person_registry.store import Work, persons
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.settling import Settling, settle_provisional


def wrap_again(work: Work) -> int:
    """Wrap the keys of persons with the active master key, after it was changed."""
    return work.vault.rewrap(AT_ONCE)


def close_again(work: Work) -> int:
    """Lock and destroy again the keys of files that are sealed and erased: a restore of the keys brought them back."""
    closed = select(persons.c.id, persons.c.state).where(persons.c.state.in_((PersonState.SEALED, PersonState.ERASED)))
    states = {row.id: row.state for row in work.connection.execute(closed)}
    done = 0
    closed_ids = list(states)
    for first in range(0, len(closed_ids), AT_ONCE):
        for person_id, is_usable in work.vault.left_of(closed_ids[first : first + AT_ONCE]).items():
            if states[person_id] is PersonState.ERASED:
                work.vault.destroy(person_id)
            elif is_usable:
                work.vault.lock(person_id)
            else:
                continue
            done += 1
    return done


SETTLINGS = (Settling(lambda work: work.assessments, "risk.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("review_risk", timedelta(seconds=30), review_due),
    Timer("note_unanswered", timedelta(minutes=1), note_unanswered),
    Timer("wrap_again", timedelta(minutes=10), wrap_again),
    Timer("close_again", timedelta(minutes=10), close_again),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
)
