"""Aggregates: state, version, event and audit row are saved by one call, so none can be forgotten.

Invariant: every version of an aggregate has exactly one event, whose sequence is the version.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Table

from shared.kernel.errors import Conflict, NotFound
from shared.storage.bulk import Writes
from shared.storage.identity_map import IdentityMap

if TYPE_CHECKING:
    from shared.storage.work import UnitOfWork


class Versioned(Protocol):
    """What every aggregate has."""

    @property
    def id(self) -> UUID: ...

    @property
    def version(self) -> int: ...


A = TypeVar("A", bound=Versioned)


class StaleAggregate(Conflict):
    """Another transaction saved the aggregate since this one read it."""

    def __init__(self, noun: str) -> None:
        super().__init__(
            "aggregate.changed_meanwhile", f"the {noun} was changed by somebody else meanwhile; read it again"
        )


class Repository(IdentityMap[A], Generic[A]):
    """The aggregates of one kind, with optimistic locking on ``version``."""

    def __init__(self, work: "UnitOfWork", table: Table, cls: type[A], describe: Callable[[A], dict[str, Any]]) -> None:
        super().__init__(work, table, cls, "id")
        self._describe = describe
        self._stored_version: dict[UUID, int] = {}
        self._dirty: dict[UUID, A] = {}

    def find(self, id: UUID) -> A | None:
        """The aggregate, or None."""
        return super().find_by("id", id)

    def get(self, id: UUID) -> A:
        """The aggregate.

        Raises: NotFound ``<table>.not_found``.
        """
        found = self.find(id)
        if found is None:
            raise NotFound(f"{self.table.name}.not_found", f"no {self.table.name} {id}")
        return found

    def select(self, *where: ColumnElement[bool], order_by: Any = None, limit: int | None = None) -> list[A]:
        """The aggregates that match, after everything pending is written."""
        self._work.flush()
        statement = self.all_columns().where(*where).limit(limit)
        return self.load(statement if order_by is None else statement.order_by(order_by))

    def save(self, aggregate: A, event_type: str) -> A:
        """Store the next version of an aggregate and emit the event that tells it.

        Raises: ValueError when the version is not the next one (a fault of the caller, not of the user).
        """
        before = self._rows.get(aggregate.id)
        expected = 1 if before is None else before.version + 1
        if aggregate.version != expected:
            raise ValueError(f"{self.table.name}: version {aggregate.version} saved, {expected} is next")
        self.remember(aggregate)
        self._dirty[aggregate.id] = aggregate
        self._work.emit(event_type, aggregate.id, aggregate.version, self._describe(aggregate))
        return aggregate

    def flush(self, writes: Writes) -> None:
        """Write new and changed aggregates: one insert and one update statement.

        Raises: StaleAggregate when another transaction was faster.
        """
        new = [a for a in self._dirty.values() if a.id not in self._stored_version]
        changed = sorted((a for a in self._dirty.values() if a.id in self._stored_version), key=lambda a: a.id)
        if new:
            writes.insert(self.table, [self.values(a) for a in new])
        if changed:
            loaded = [self._stored_version[a.id] for a in changed]
            rows = [self.values(a) for a in changed]
            if writes.update(self.table, rows, loaded) != len(rows):
                raise StaleAggregate(self.table.name)
        self._stored_version.update((a.id, a.version) for a in self._dirty.values())
        self._dirty.clear()

    def snapshot(self) -> tuple[Any, ...]:
        """See `IdentityMap`. Taken when nothing is pending."""
        return super().snapshot(), dict(self._stored_version)

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Know what was known then; what is pending is forgotten."""
        known, self._stored_version = snapshot
        self._dirty.clear()
        super().restore(known)

    @property
    def pending(self) -> bool:
        """Whether something waits to be written."""
        return bool(self._dirty)

    def _on_load(self, row: A) -> None:
        self._stored_version[row.id] = row.version
