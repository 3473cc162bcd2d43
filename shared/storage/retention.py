"""What is kept for a time only: the inbox, answers to be given again, answers to centres, letters dealt with.

Rows go in small steps, oldest first, by an index on their time, so that a step costs the same however long the history
is, and locks nobody out. Events and audit rows are never pruned here. An inbox row must outlive every redelivery and
replay; what makes a task unique for ever is its own key, not the inbox.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from shared.storage.chassis import DEAD_LETTER, EVENT_LOG, IDEMPOTENCY, INBOX

STEP = 2000  # rows of a table in one transaction


@dataclass(frozen=True, slots=True)
class _Rule:
    table: Table
    key: tuple[str, ...]
    since: str
    only: ColumnElement[bool] | None = None


_RULES = (
    _Rule(INBOX, ("message_id",), "received_at"),
    _Rule(IDEMPOTENCY, ("scope", "key"), "created_at"),
    _Rule(EVENT_LOG, ("position",), "created_at", EVENT_LOG.c.sequence.is_(None)),
    _Rule(DEAD_LETTER, ("id",), "died_at", DEAD_LETTER.c.state.in_(("replayed", "discarded"))),
)


def prune(connection: Connection, *, before: datetime, step: int = STEP) -> Iterator[tuple[str, int]]:
    """Delete at most ``step`` rows of each table that are older than a moment; table names and numbers of rows."""
    for rule in _RULES:
        yield rule.table.name, _prune(connection, rule, before, step)


def _prune(connection: Connection, rule: _Rule, before: datetime, step: int) -> int:
    columns = rule.table.c
    where = [columns[rule.since] < before, *([] if rule.only is None else [rule.only])]
    oldest = select(*(columns[name] for name in rule.key)).where(*where).order_by(columns[rule.since]).limit(step)
    keys = connection.execute(oldest).all()
    if not keys:
        return 0
    if len(rule.key) == 1:
        gone = columns[rule.key[0]].in_([key[0] for key in keys])
        return connection.execute(rule.table.delete().where(gone)).rowcount
    scopes: dict[str, list[str]] = {}
    for scope, key in keys:
        scopes.setdefault(scope, []).append(key)
    first, second = (columns[name] for name in rule.key)
    return sum(
        connection.execute(rule.table.delete().where(and_(first == scope, second.in_(found)))).rowcount
        for scope, found in scopes.items()
    )
