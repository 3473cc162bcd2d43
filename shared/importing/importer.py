"""What a service says of one kind of import: its columns, and what a row does."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from shared.importing.columns import Column
from shared.importing.tables import ImportTables, Notice
from shared.web.principal import Principal, Role


class Change(StrEnum):
    """What a row does."""

    ADDED = "added"
    CHANGED = "changed"
    CLOSED = "closed"
    NONE = "none"  # it is so already


@dataclass(frozen=True, slots=True)
class Row:
    """A row that could be read: a value for each column that is not empty."""

    number: int
    values: Mapping[str, Any]

    def only(self, *keys: str) -> dict[str, Any]:
        """The values of these columns, those that are not empty."""
        return {key: self.values[key] for key in keys if key in self.values}


def _nothing(_rows: Sequence[Row], _work: Any) -> None:
    """Nothing has to be read beforehand."""


def _no_notice(_rows: Iterable[Row], _principal: Principal, _work: Any) -> list[Notice]:
    """Nothing is to be known of the whole."""
    return []


@dataclass(frozen=True)
class Importer:
    """One kind of import.

    ``apply`` does what a row asks for, by the service's own commands, in a unit of work that acts for the principal; it
    raises what they raise. It is tried and undone when the file is checked, and done after somebody confirmed, so the
    preview cannot have other rules than the act. ``once``: the same row of the same organisation is never applied
    again, whatever happened since; else a row that changes nothing says so by `Change.NONE`.
    ``pointers`` say which column a fault of a command's field is about. ``notices`` sees all good rows.
    """

    kind: str
    tables: ImportTables
    columns: tuple[Column, ...]
    roles: tuple[Role, ...]
    apply: Callable[[Row, Principal, Any], Change]
    prefetch: Callable[[Sequence[Row], Any], None] = _nothing
    prefill: Callable[[Principal, Any], Iterable[Mapping[str, str]]] = lambda _principal, _work: ()
    notices: Callable[[Iterable[Row], Principal, Any], list[Notice]] = _no_notice
    pointers: Mapping[str, str] = field(default_factory=dict)
    once: bool = False

    def column(self, key: str) -> Column:
        """The column of a key."""
        return next(column for column in self.columns if column.key == key)

    def column_of(self, pointer: str) -> str | None:
        """The column that a field of a command was filled from."""
        place = pointer.strip("/").split("/")[0]
        key = self.pointers.get(place, place)
        return key if any(column.key == key for column in self.columns) else None
