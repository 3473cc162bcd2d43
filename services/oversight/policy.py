"""How long a comparison waits, how urgent what it finds is, and what words may settle. All of it is ours to choose."""

from collections.abc import Mapping
from datetime import timedelta

from services.oversight.domain.discrepancy import Kind
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule

PATIENCE = timedelta(minutes=10)  # OURS: a task follows its release within this, also through an outage's backlog
EVENT_PATIENCE = timedelta(minutes=5)  # OURS: an event that was said arrives within this
STATEMENT_BY = timedelta(hours=6)  # OURS: after a day's end its statement is there
SILENT_AFTER = timedelta(hours=3)  # OURS: a service states its log at least every hour
MOST_MISSING = 100  # numbers of one gap that are remembered
MOST_AWAITED = 5000  # events, the oldest first, that are named at once


def _ours(id: str, zh: str, en: str, basis: Basis, length: int) -> DeadlineRule:
    return DeadlineRule(id, zh, en, basis, length, "discrepancy found", "product decision", Confidence.OURS)


AT_ONCE = _ours("X1", "差错立即处理", "mend a discrepancy about somebody's freedom or reception", Basis.HOURS, 1)
TODAY = _ours("X2", "差错当日处理", "mend a discrepancy on the way", Basis.HOURS, 8)
SOON = _ours("X3", "差错核查", "look into a discrepancy", Basis.WORKING_DAYS, 1)

DUE: Mapping[Kind, DeadlineRule] = {
    Kind.OVER_TERM: AT_ONCE,
    Kind.RELEASE_WITHOUT_TASK: AT_ONCE,
    Kind.RELEASE_SILENT: AT_ONCE,
    Kind.STALE_TASK: AT_ONCE,
    Kind.EVENT_MISSING: AT_ONCE,
    Kind.TWO_HISTORIES: AT_ONCE,
    Kind.DUPLICATE_TASK: TODAY,
    Kind.TASK_WITHOUT_RELEASE: TODAY,
    Kind.HEADCOUNT_DIFFERS: TODAY,
    Kind.TWO_OPEN_STAYS: TODAY,
    Kind.SERVICE_SILENT: AT_ONCE,
    Kind.STATEMENT_MISSING: TODAY,
    Kind.HEADCOUNT_MISSING: SOON,
    Kind.NOTICE_LATE: SOON,
}
# Where somebody can know better than the comparison. Everything else has to be put right.
EXPLAINABLE = frozenset({Kind.HEADCOUNT_DIFFERS, Kind.HEADCOUNT_MISSING, Kind.STATEMENT_MISSING, Kind.NOTICE_LATE})
EXPLAINABLE_DETAILS = frozenset({"ended_before"})  # perhaps only the day of the gate was set right


def is_explainable(kind: Kind, detail: str | None) -> bool:
    """Whether a supervisor's words can settle it."""
    return kind in EXPLAINABLE or detail in EXPLAINABLE_DETAILS
