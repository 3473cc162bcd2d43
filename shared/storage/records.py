"""Rows without events: reference data, local projections of other services' aggregates, read models."""

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Table, delete

from shared.kernel.errors import NotFound
from shared.storage.bulk import Writes
from shared.storage.identity_map import IdentityMap

if TYPE_CHECKING:
    from shared.storage.work import UnitOfWork

R = TypeVar("R")


class Records(IdentityMap[R], Generic[R]):
    """Frozen dataclasses stored by primary key (one column). Written in bulk when the work is flushed."""

    def __init__(self, work: "UnitOfWork", table: Table, cls: type[R]) -> None:
        (key,) = table.primary_key.columns.keys()
        super().__init__(work, table, cls, key)
        self._replaced: dict[Any, R] = {}
        self._newer: dict[Any, R] = {}
        self._added: dict[Any, R] = {}

    def find(self, key: Any) -> R | None:
        """The record, or None."""
        return self.find_by(self.key, key)

    def get(self, key: Any) -> R:
        """The record.

        Raises: NotFound ``<table>.not_found``.
        """
        found = self.find(key)
        if found is None:
            raise NotFound(f"{self.table.name}.not_found", f"no {self.table.name} {key}")
        return found

    def put(self, record: R) -> None:
        """Insert, or replace the record of the same key."""
        self._replaced[getattr(record, self.key)] = record
        self.remember(record)

    def put_newer(self, record: R) -> bool:
        """Insert, or replace a record of a lower ``version``; False when ours is not newer."""
        key = getattr(record, self.key)
        known = self.find(key)
        if known is not None and known.version >= record.version:  # type: ignore[attr-defined]
            return False
        self._newer[key] = record
        self.remember(record)
        return True

    def add(self, record: R) -> None:
        """Insert unless a record of this key exists; what exists is left as it is."""
        self._added.setdefault(getattr(record, self.key), record)

    def remove(self, key: Any) -> None:
        """Delete the record at once, after everything pending is written."""
        self._work.flush()
        self._work.before_writing()
        self._work.connection.execute(delete(self.table).where(self.table.c[self.key] == key))
        self.forget(key)

    def select(self, *where: ColumnElement[bool], order_by: Any = None, limit: int | None = None) -> list[R]:
        """The records that match, after everything pending is written."""
        self._work.flush()
        statement = self.all_columns().where(*where).limit(limit)
        return self.load(statement if order_by is None else statement.order_by(order_by))

    def flush(self, writes: Writes) -> None:
        """Write what is pending: one statement for each way of writing."""
        if self._added:
            writes.insert(self.table, self._drain(self._added), tail="on conflict do nothing")
        if self._replaced:
            writes.upsert(self.table, self._drain(self._replaced))
        if self._newer:
            writes.upsert(self.table, self._drain(self._newer), newer_only=True)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Know what was known then; what is pending is forgotten."""
        for pending in (self._added, self._replaced, self._newer):
            pending.clear()
        super().restore(snapshot)

    @property
    def pending(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._added or self._replaced or self._newer)

    def _drain(self, records: dict[Any, R]) -> list[dict[str, Any]]:
        # Sorted, so that two replicas lock the same rows in the same order and cannot deadlock.
        rows = [self.values(records[key]) for key in sorted(records, key=str)]
        records.clear()
        return rows
