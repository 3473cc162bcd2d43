"""Writing many rows in one statement, and several statements in one round trip.

On PostgreSQL one array per column and ``unnest``: measured six times faster than lists of dicts, and the
statement text stays the same for every batch size. On SQLite ``executemany``, which is already fast there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from types import NoneType
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BindParameter,
    Boolean,
    ColumnElement,
    Connection,
    CursorResult,
    Dialect,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    update,
)
from sqlalchemy.dialects import postgresql

from shared.storage.types import EnumText, UtcDateTime

Row = Mapping[str, Any]
_PLAIN = re.compile(r"[0-9A-Za-z_.-]+(,[0-9A-Za-z_.-]+)*")  # elements that need no quotes in an array literal
_NOTHING = {NoneType}
_POSTGRESQL = postgresql.dialect()


class Writes:
    """Statements that are sent together, in their order. On SQLite, where nothing has a way to go, each at once."""

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect.name
        self._connection = connection
        self._statements: list[str] = []
        self._parameters: list[Any] = []

    def insert(self, table: Table, rows: Sequence[Row], *, tail: str = "", into: Table | None = None) -> None:
        """See `insert_rows`."""
        if rows and self.dialect != "postgresql":
            insert_rows(self._connection, table, rows, tail=tail)
        elif rows:
            names, arrays = _arrays(table, rows, self._connection.dialect)
            self._add(_unnest_insert(table, names, tail, into), arrays)

    def upsert(self, table: Table, rows: Sequence[Row], *, newer_only: bool = False) -> None:
        """Insert or replace by primary key; with ``newer_only`` a row replaces one of a lower ``version`` only."""
        if rows:
            self.insert(table, rows, tail=_upsert_tail(table, tuple(rows[0]), newer_only))

    def update(self, table: Table, rows: Sequence[Row], loaded: Sequence[int]) -> int:
        """Send everything, and with it this: update by ``id`` where ``version`` is still the one that was loaded.

        The number of rows updated.
        """
        names = tuple(rows[0])
        if self.dialect != "postgresql":
            return _update_on_sqlite(self._connection, table, rows, loaded)
        arrays = [_array(table, name, self._connection.dialect, [row[name] for row in rows]) for name in names]
        self._add(_unnest_update(table, names), [*arrays, "{" + ",".join(map(str, loaded)) + "}"])
        return self.send()

    def change(self, table: Table, key: Row, values: Row) -> None:
        """Change the one row that has these values of its ``key``."""
        dialect = self._connection.dialect
        place = "%s" if self.dialect == "postgresql" else "?"
        changes = ", ".join(f"{quoted(name)} = {place}" for name in values)
        where = " and ".join(f"{quoted(name)} = {place}" for name in key)
        statement = f"update {table.name} set {changes} where {where}"
        parameters = [_apply(_processor(table, n, dialect), v) for part in (values, key) for n, v in part.items()]
        if self.dialect == "postgresql":
            self._add(statement, parameters)
        else:
            self._connection.exec_driver_sql(statement, tuple(parameters))

    def ask(self, statement: str, parameters: Sequence[Any]) -> None:
        """Any statement of PostgreSQL's whose answer says nothing, with a ``%s`` for each parameter."""
        self._add(statement, parameters)

    def send(self) -> int:
        """Send what was gathered; the number of rows that the last statement changed."""
        return self._send().rowcount if self._statements else 0

    def insert_fresh(self, table: Table, rows: Sequence[Row], key: str) -> set[Any]:
        """Send everything, and with it the rows whose ``key`` is not there yet; the keys that were entered."""
        tail = f"on conflict do nothing returning {quoted(key)}"
        if self.dialect != "postgresql":
            return {row[0] for row in insert_rows(self._connection, table, rows, tail=tail)}
        self.insert(table, rows, tail=tail)
        answer = self._send()
        if answer.rowcount == len(rows):  # as always but after a crash: no need to read what we know
            answer.close()
            return {row[key] for row in rows}
        return {row[0] for row in answer}

    def _send(self) -> CursorResult[Any]:
        sent, parameters = ";\n".join(self._statements), tuple(self._parameters)
        self._statements, self._parameters = [], []
        return self._connection.exec_driver_sql(sent, parameters)

    def _add(self, statement: str, parameters: Sequence[Any]) -> None:
        self._statements.append(statement)
        self._parameters += parameters


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row], *, tail: str = "") -> list[Any]:
    """Insert all ``rows`` (same keys each); ``tail`` is SQL after the values, e.g. ``on conflict do nothing``.

    Gives the rows of a ``returning`` clause in ``tail``, else an empty list.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        names, arrays = _arrays(table, rows, connection.dialect)
        result = connection.exec_driver_sql(_unnest_insert(table, names, tail, None), tuple(arrays))
        return list(result) if result.returns_rows else []
    return _insert_on_sqlite(connection, table, tuple(rows[0]), rows, tail)


def _update_on_sqlite(connection: Connection, table: Table, rows: Sequence[Row], loaded: Sequence[int]) -> int:
    statement = (
        update(table)
        .where(table.c.id == bindparam("key_id"), table.c.version == bindparam("loaded_version"))
        .values({name: bindparam(f"new_{name}") for name in rows[0] if name != "id"})
    )
    changed = 0
    for row, version in zip(rows, loaded, strict=True):
        values = {f"new_{name}": value for name, value in row.items() if name != "id"}
        changed += connection.execute(statement, {"key_id": row["id"], "loaded_version": version} | values).rowcount
    return changed


def delete_rows(connection: Connection, table: Table, column: str, values: Sequence[Any]) -> int:
    """Delete the rows whose ``column`` is one of ``values``; the number of rows deleted."""
    if not values:
        return 0
    return connection.execute(table.delete().where(is_one_of(connection.dialect.name, table, column, values))).rowcount


def is_one_of(dialect: str, table: Table, column: str, values: Sequence[Any]) -> ColumnElement[bool]:
    """The condition that ``column`` has one of ``values``; on PostgreSQL of the same text for every number of them."""
    if dialect != "postgresql":
        return table.c[column].in_(list(values))
    return _is_any(table, column, bindparam(None, wanted_of(dialect, table, column, values), type_=Text))


def one_of_given(dialect: str, table: Table, column: str) -> ColumnElement[bool]:
    """The same for a statement that is made once: what is `wanted_of` is its parameter ``wanted``."""
    if dialect != "postgresql":
        return table.c[column].in_(bindparam("wanted", expanding=True))
    return _is_any(table, column, bindparam("wanted", type_=Text))


def wanted_of(dialect: str, table: Table, column: str, values: Sequence[Any]) -> Any:
    """The values as the parameter of `one_of_given`."""
    return _array(table, column, _POSTGRESQL, values) if dialect == "postgresql" else list(values)


def _is_any(table: Table, column: str, wanted: BindParameter[Any]) -> ColumnElement[bool]:
    return table.c[column] == any_(cast(wanted, ARRAY(table.c[column].type)))


def quoted(name: str) -> str:
    """A column name, safe where it is also a word of SQL (``key``, ``position``, ``at``)."""
    return f'"{name}"'


@lru_cache(maxsize=512)
def _unnest_insert(table: Table, names: tuple[str, ...], tail: str, into: Table | None) -> str:
    insert = f"insert into {table.name} ({_list(names)}) select * from {_unnest(table, names)} {tail}"
    if into is None:
        return insert
    taken = tail.removeprefix("returning ")
    return f"with entered as ({insert}) insert into {into.name} ({taken}) select {taken} from entered"


@lru_cache(maxsize=512)
def _unnest_update(table: Table, names: tuple[str, ...]) -> str:
    changes = ", ".join(f"{quoted(n)} = fresh.{quoted(n)}" for n in names if n != "id")
    source = f"{_unnest(table, names)[:-1]}, cast(%s as int[]))"
    return (
        f"update {table.name} as kept set {changes} from {source} as fresh({_list(names)}, loaded_version)"
        " where kept.id = fresh.id and kept.version = fresh.loaded_version"
    )


@lru_cache(maxsize=512)
def _upsert_tail(table: Table, names: tuple[str, ...], newer_only: bool) -> str:
    keys = tuple(column.name for column in table.primary_key.columns)
    changes = ", ".join(f"{quoted(n)} = excluded.{quoted(n)}" for n in names if n not in keys)
    guard = f" where excluded.version > {table.name}.version" if newer_only else ""
    return f"on conflict ({_list(keys)}) do update set {changes}{guard}"


def _insert_on_sqlite(
    connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row], tail: str
) -> list[Any]:
    placeholders = ", ".join("?" for _ in names)
    statement = f"insert into {table.name} ({_list(names)}) values ({placeholders}) {tail}"
    processors = [_processor(table, name, connection.dialect) for name in names]
    values = [tuple(_apply(p, row[n]) for p, n in zip(processors, names, strict=True)) for row in rows]
    if "returning" not in tail:
        connection.exec_driver_sql(statement, values)
        return []
    return [found for one in values for found in connection.exec_driver_sql(statement, one)]


def _arrays(table: Table, rows: Sequence[Row], dialect: Dialect) -> tuple[tuple[str, ...], list[str]]:
    """The columns that hold anything, and the array of each."""
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    filled = {name: values for name, values in columns.items() if set(map(type, values)) != _NOTHING}
    return tuple(filled), [_array(table, name, dialect, values) for name, values in filled.items()]


def _array(table: Table, name: str, dialect: Dialect, values: Sequence[Any]) -> str:
    """One column's values as an array literal: the server reads it far faster than ``ARRAY[…]`` of constants."""
    encode = _encoder(table, name, dialect)
    if encode is _element and None not in values and _are_plain(joined := ",".join(values), len(values)):
        return "{" + joined + "}"
    return "{" + ",".join(["NULL" if value is None else encode(value) for value in values]) + "}"


@lru_cache(maxsize=4096)
def _encoder(table: Table, name: str, dialect: Dialect) -> Callable[[Any], str]:
    kind = table.c[name].type
    if isinstance(kind, Uuid):
        return _hex
    if isinstance(kind, UtcDateTime):
        return _quoted_moment
    if isinstance(kind, EnumText | Integer | Boolean):
        return str  # enumerations are plain words
    if isinstance(kind, LargeBinary):
        return _quoted_bytes
    processor = _processor(table, name, dialect)
    if processor is None:
        return _element if isinstance(kind, Text) else lambda value: _element(str(value))
    return lambda value: "NULL" if (text := processor(value)) is None else _element(text)


def _hex(value: UUID) -> str:
    return f"{value.int:032x}"  # half the time that the form with hyphens takes


@lru_cache(maxsize=4096)  # the rows of a batch say few moments
def _quoted_moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return f'"{value.isoformat()}"'


def _quoted_bytes(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


def _element(value: str) -> str:
    if _are_plain(value, 1):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _are_plain(joined: str, number: int) -> bool:
    """Whether so many texts, joined, are the elements of an array as they stand."""
    is_plain = _PLAIN.fullmatch(joined) is not None and joined.count(",") == number - 1
    return is_plain and "null" not in joined.lower()


def _apply(processor: Callable[[Any], Any] | None, value: Any) -> Any:
    return value if processor is None else processor(value)


@lru_cache(maxsize=4096)
def _processor(table: Table, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    processor: Callable[[Any], Any] | None = table.c[name].type.dialect_impl(dialect).bind_processor(dialect)
    return processor


@lru_cache(maxsize=4096)
def _column_sql(table: Table, name: str, dialect: Dialect) -> str:
    return str(table.c[name].type.compile(dialect))


def _unnest(table: Table, names: tuple[str, ...]) -> str:
    casts = (f"cast(%s as {_column_sql(table, name, _POSTGRESQL)}[])" for name in names)
    return f"unnest({', '.join(casts)})"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)
