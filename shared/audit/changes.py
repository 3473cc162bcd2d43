"""What an act changed: the event it said, against the one before it of the same aggregate."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Connection, select

from shared.observability.redaction import redacted_text
from shared.storage.chassis import EVENT_LOG


def changes_of(connection: Connection, subject: UUID | None, version: int) -> list[dict[str, Any]]:
    """Each field that differs, by name, before and after; personal data in texts masked."""
    if subject is None or version < 1:
        return []
    log = EVENT_LOG.c
    both = select(log.sequence, log.body).where(log.subject == subject, log.sequence.in_((version - 1, version)))
    told = {row.sequence: _data(row.body) for row in connection.execute(both)}
    before, after = told.get(version - 1, {}), told.get(version, {})
    names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
    return [{"name": name, "before": before.get(name), "after": after.get(name)} for name in names]


def _data(body: str) -> Mapping[str, Any]:
    return {name: _masked(value) for name, value in orjson.loads(body)["data"].items()}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, list):
        return [_masked(one) for one in value]
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    return value
