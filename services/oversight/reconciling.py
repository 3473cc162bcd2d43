"""Reconciliation: everything that must agree is compared, and discrepancies follow what the comparison finds.

What is new is found, what is no longer there is resolved; run twice it does the same as once. Nothing is resolved by a
comparison that could not look at all of it: what is torn, too fresh, or too far back stays as it was left.
"""

from dataclasses import replace
from datetime import datetime

from sqlalchemy import func, select

from services.oversight import policy
from services.oversight.checks import CHECKS, Check
from services.oversight.domain import discrepancy as domain
from services.oversight.domain.discrepancy import Discrepancy, Finding, Kind, discrepancy_id
from services.oversight.domain.transitions import State
from services.oversight.store import Comparison, Work, discrepancies
from shared.reference.calendar import next_due

EVERYTHING = "everything"
AT_ONCE = 500  # of a check in one transaction; the next run follows at once
UNSETTLED = (State.OPEN, State.EXPLAINED)


def reconcile(work: Work) -> int:
    """Compare everything; how many discrepancies were found or resolved."""
    changed = sum(_settle(check, work) for check in CHECKS)
    work.comparisons.put(Comparison(EVERYTHING, work.now))
    return changed


def _settle(check: Check, work: Work) -> int:
    compared = check.find(work)
    found = {discrepancy_id(finding): finding for finding in compared.findings}
    columns = discrepancies.c
    kinds = columns.kind.in_(sorted(check.kinds))
    unsettled = work.discrepancies.select(kinds, columns.state.in_(UNSETTLED))
    work.discrepancies.prefetch("id", found)
    known = {id: work.discrepancies.find(id) for id in found}
    over = [one for one in unsettled if one.id not in found and not compared.is_undecided(one)]
    news = [(finding, known[id]) for id, finding in found.items() if finding.certain and _is_news(finding, known[id])]
    for one in over[:AT_ONCE]:
        work.discrepancies.save(domain.resolve(one, now=work.now), "discrepancy.resolved.v1")
    for finding, before in news[:AT_ONCE]:
        _found(finding, before, work)
    return len(over[:AT_ONCE]) + len(news[:AT_ONCE])


def _is_news(finding: Finding, known: Discrepancy | None) -> bool:
    return known is None or domain.is_news(known, finding)


def _found(finding: Finding, known: Discrepancy | None, work: Work) -> None:
    due = next_due(policy.DUE[finding.kind], work.now)
    placed = _at_home(finding, work)
    if known is None:
        news = domain.find(placed, now=work.now, due=due)
    else:
        news = domain.find_again(known, placed, now=work.now, due=due)
    work.discrepancies.save(news, "discrepancy.found.v1")


def _at_home(finding: Finding, work: Work) -> Finding:
    """With the division of the person's home, where the finding has none."""
    if finding.division is not None or finding.person_id is None:
        return finding
    person = work.states.find(work.files_of(finding.person_id)[0])
    return replace(finding, division=person.division if person else None)


def explain(discrepancy: Discrepancy, *, reason: str, by: str, work: Work) -> Discrepancy:
    """Enter a supervisor's explanation. See `domain.explain`."""
    explainable = policy.is_explainable(discrepancy.kind, discrepancy.detail)
    explained = domain.explain(discrepancy, reason=reason, by=by, now=work.now, explainable=explainable)
    return work.discrepancies.save(explained, "discrepancy.explained.v1")


def count_open(work: Work) -> dict[Kind, int]:
    """How many discrepancies of each kind are open."""
    columns = discrepancies.c
    counted = select(columns.kind, func.count()).where(columns.state == State.OPEN).group_by(columns.kind)
    return dict.fromkeys(Kind, 0) | {row[0]: row[1] for row in work.connection.execute(counted)}


def compared_at(work: Work) -> datetime | None:
    """When everything was last compared."""
    last = work.comparisons.find(EVERYTHING)
    return last.at if last else None
