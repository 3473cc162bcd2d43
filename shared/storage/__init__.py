"""Storage: one transaction per act, aggregates with their events, an outbox that cannot be forgotten.

Usage: a service's ``store.py`` declares tables and a `UnitOfWork` subclass; `Storage` opens it.
"""

from shared.storage.chassis import new_metadata
from shared.storage.engine import Storage
from shared.storage.errors import is_conflict, is_unavailable
from shared.storage.records import Records
from shared.storage.repository import Repository, StaleAggregate
from shared.storage.types import EnumText, JsonValue, UtcDateTime
from shared.storage.work import Actor, UnitOfWork

__all__ = [
    "Actor",
    "EnumText",
    "JsonValue",
    "Records",
    "Repository",
    "StaleAggregate",
    "Storage",
    "UnitOfWork",
    "UtcDateTime",
    "is_conflict",
    "is_unavailable",
    "new_metadata",
]
