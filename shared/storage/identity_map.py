"""Reading rows into frozen dataclasses, each at most once in a transaction.

A batch of messages is fast because everything it needs is read by a few `prefetch` calls, after which
`find` and `find_by` answer from memory, also for what is known to be absent.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from sqlalchemy import Select, Table, select

from shared.storage.bulk import one_of_given, wanted_of

if TYPE_CHECKING:
    from shared.storage.work import UnitOfWork

R = TypeVar("R")


class IdentityMap(Generic[R]):
    """The rows of one table seen in one transaction, by primary key and by the secondary keys in use."""

    def __init__(self, work: "UnitOfWork", table: Table, cls: type[R], key: str) -> None:
        self._work = work
        self.table = table
        self._cls = cls
        self.key = key
        self._names, self._values = _reading(cls)  # type: ignore[arg-type]  # mypy: a class is hashable
        self._rows: dict[Any, R] = {}
        self._known: dict[str, dict[Any, Any]] = {key: {}}

    def find_by(self, column: str, value: Any) -> R | None:
        """The row whose unique ``column`` has ``value``, or None."""
        known = self._known.setdefault(column, {})
        if value not in known:
            self.prefetch(column, (value,))
        key = known[value]
        return None if key is None else self._rows[key]

    def prefetch(self, column: str, values: Iterable[Any]) -> None:
        """Read the rows whose unique ``column`` has one of ``values``, in one query."""
        known = self._known.setdefault(column, {})
        wanted = [value for value in dict.fromkeys(values) if value is not None and value not in known]
        if not wanted:
            return
        known.update(dict.fromkeys(wanted))
        statement = _select_of_given(self._work.dialect, self.table, self._names, column)
        self.load(statement, {"wanted": wanted_of(self._work.dialect, self.table, column, wanted)})

    def load(self, statement: Select[Any], parameters: Mapping[str, Any] | None = None) -> list[R]:
        """Run a select of this table's columns; a row already seen keeps the state it has in memory."""
        return [self._seen(self._cls(*row)) for row in self._work.connection.execute(statement, parameters).all()]

    def all_columns(self) -> Select[Any]:
        """A select of the dataclass's columns, to be narrowed and handed to `load`."""
        return _all_columns(self.table, self._names)

    def remember(self, row: R) -> None:
        """Make ``row`` the one that later reads in this transaction give."""
        key = getattr(row, self.key)
        self._rows[key] = row
        for column, known in self._known.items():
            known[getattr(row, column)] = key

    def seen(self) -> list[R]:
        """Every row that this transaction has read or remembered so far."""
        return list(self._rows.values())

    def values(self, row: R) -> dict[str, Any]:
        """The row as a mapping of column names to values."""
        return dict(zip(self._names, self._values(row), strict=True))

    def forget(self, key: Any) -> None:
        """Know that there is no such row."""
        for column, known in self._known.items():
            if key in self._rows:
                known[getattr(self._rows[key], column)] = None
        self._known[self.key][key] = None
        self._rows.pop(key, None)

    def snapshot(self) -> tuple[Any, ...]:
        """What is known now, to go back to by `restore`."""
        return dict(self._rows), {column: dict(known) for column, known in self._known.items()}

    def restore(self, snapshot: tuple[Any, ...]) -> None:
        """Know what was known then."""
        self._rows, self._known = snapshot

    def _seen(self, row: R) -> R:
        key = getattr(row, self.key)
        if key not in self._rows:
            self.remember(row)
            self._on_load(row)
        for column, known in self._known.items():
            known.setdefault(getattr(self._rows[key], column), key)
        return self._rows[key]

    def _on_load(self, row: R) -> None:
        """Hook for what a repository notes of a row as it was read."""


@lru_cache(maxsize=256)
def _reading(cls: type) -> tuple[tuple[str, ...], Callable[[Any], tuple[Any, ...]]]:
    """The names of a dataclass's fields, of which there are at least two, and what gives their values."""
    names = tuple(field.name for field in fields(cls))
    return names, attrgetter(*names)


# Statements are made once: to put one together, and to find out that it is known, costs more than to send it.
@lru_cache(maxsize=256)
def _all_columns(table: Table, names: tuple[str, ...]) -> Select[Any]:
    return select(*(table.c[name] for name in names))


@lru_cache(maxsize=512)
def _select_of_given(dialect: str, table: Table, names: tuple[str, ...], column: str) -> Select[Any]:
    return _all_columns(table, names).where(one_of_given(dialect, table, column))
