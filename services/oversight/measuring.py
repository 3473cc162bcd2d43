"""Oversight's gauges: what is due and overdue; what reconciliation found and is open, and how old its last look is."""

from services.oversight.dues import measure_dues
from services.oversight.reconciling import compared_at, count_open
from services.oversight.store import Work
from shared.observability.metrics import Metrics


def measure(work: Work, metrics: Metrics) -> None:
    """Set the gauges from what the database says."""
    measure_dues(work, metrics)
    for kind, number in count_open(work).items():
        metrics.discrepancies.labels(kind.value).set(number)
    at, clock = compared_at(work), work.clock
    if at is None:
        return

    def age() -> float:
        return (clock.now() - at).total_seconds()

    metrics.reconciliation_age.set_function(age)  # it goes on growing when nothing sets it any more
