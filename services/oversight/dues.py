"""Gauges of the three promises: of each kind of case, how many have something due, and how many are overdue."""

from sqlalchemy import case, func, select

from services.oversight.store import Work, aggregate_states
from shared.contracts.catalogue import CATALOGUE
from shared.observability.metrics import Metrics

KINDS = frozenset(contract.aggregate for contract in CATALOGUE.values())


def measure_dues(work: Work, metrics: Metrics) -> None:
    """Set both gauges for every kind, also to nought: what is not there must not look like what is well."""
    columns = aggregate_states.c
    overdue = func.sum(case((columns.due_at < work.now, 1), else_=0))
    statement = select(columns.kind, func.count(), overdue).where(columns.due_at.is_not(None)).group_by(columns.kind)
    counted = {kind: (count, late) for kind, count, late in work.connection.execute(statement)}
    for kind in KINDS:
        count, late = counted.get(kind, (0, 0))
        metrics.due.labels(kind).set(count - late)
        metrics.overdue.labels(kind).set(late)
