"""The chain of custody of the sealed samples: who held which seal from when, and where the chain is broken."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise

from services.drug_testing.domain.collecting import officer_key
from services.drug_testing.domain.order import CustodyEntry, CustodyStep, TestOrder, require, same_deadline, step
from services.drug_testing.domain.transitions import ENDED, Act, State
from shared.kernel.deadlines import NextDue
from shared.kernel.errors import Conflict, invalid_field
from shared.kernel.moments import not_before

# What ends a sample, and what only the sending and the receipt by a laboratory enter.
GONE = frozenset({CustodyStep.CONSUMED, CustodyStep.DESTROYED})
NOTED_BY_HAND = frozenset(
    {CustodyStep.STORED, CustodyStep.INSPECTED, CustodyStep.CONSUMED, CustodyStep.RETURNED, CustodyStep.DESTROYED}
)
_EXAMINED_NOW = {
    State.LAB_APPROVED: "sample_a",
    State.LAB_SENT: "sample_a",
    State.RETEST_APPROVED: "sample_b",
    State.RETEST_SENT: "sample_b",
}


def links_of(order: TestOrder, seal: str | None) -> list[CustodyEntry]:
    """A sample's chain, oldest first."""
    return [entry for entry in order.custody if entry.seal == seal]


def is_broken(links: Sequence[CustodyEntry]) -> bool:
    """Whether a seal was found broken, or a hand-over is missing: somebody gave what somebody else held."""
    missing = any(later.given_by != earlier.held_by for earlier, later in pairwise(links))
    return missing or not all(link.intact for link in links)


def seal_examined(order: TestOrder) -> str | None:
    """The seal of the sample that is examined now: A by the laboratory, B by the re-test."""
    field = _EXAMINED_NOW.get(order.state)
    return getattr(order, field) if field else None


def extended(order: TestOrder, entry: CustodyEntry, pointer: str) -> tuple[CustodyEntry, ...]:
    """The custody records with one more link.

    Raises: InvalidInput ``custody.seal_unknown`` or ``time.before_previous_step``; Conflict ``custody.sample_gone``.
    """
    links = links_of(order, entry.seal)
    if not links:
        raise invalid_field("/seal", "custody.seal_unknown", "this order has no such sample")
    if links[-1].step in GONE:
        raise Conflict("custody.sample_gone", "the sample was used up or destroyed", at=links[-1].at)
    not_before(entry.at, links[-1].at, pointer)
    return (*order.custody, entry)


def note(order: TestOrder, entry: CustodyEntry, *, now: datetime, if_unfit: NextDue) -> TestOrder:
    """Enter a link of the chain. A link that breaks the sample under examination makes it unfit.

    A sample is kept for its time and while anything is open (吸毒检测程序规定 art. 8(2)); two people destroy it.

    Raises: Conflict ``test.wrong_state``, ``custody.*``; InvalidInput ``custody.*``.
    """
    require(order, Act.CUSTODY_NOTED)
    if entry.step is CustodyStep.DESTROYED:
        _may_be_destroyed(order, entry, now)
    custody = extended(order, entry, "/at")
    changed = step(order, Act.CUSTODY_NOTED, order.state, due=same_deadline(order), custody=custody)
    if entry.seal == seal_examined(order) and is_broken(links_of(changed, entry.seal)):
        broken = find_unfit(changed, reason="chain of custody broken", due=if_unfit)
        return replace(broken, version=changed.version)  # one act, one version
    return changed


def find_unfit(order: TestOrder, *, reason: str, due: NextDue) -> TestOrder:
    """The sample cannot be examined (吸毒检测程序规定 art. 16).

    Raises: Conflict ``test.wrong_state``.
    """
    return step(order, Act.FOUND_UNFIT, State.SAMPLE_UNFIT, due=due, unfit_reason=reason)


def _may_be_destroyed(order: TestOrder, entry: CustodyEntry, now: datetime) -> None:
    if order.keep_until is not None and now < order.keep_until:
        raise Conflict(
            "custody.kept_longer", "the sample must be kept longer (检测规定 art. 8)", until=order.keep_until
        )
    if order.state not in ENDED:
        raise Conflict("custody.dispute_open", "a sample is kept while the result is contested")
    if not entry.witness or officer_key(entry.witness) == officer_key(entry.given_by):
        raise invalid_field("/witness", "custody.witness_missing", "two people destroy a sample")
