"""Writing many rows in one statement.

On PostgreSQL one array per column and ``unnest``: measured six times faster than lists of dicts, and the
statement text stays the same for every batch size. On SQLite ``executemany``, which is already fast there.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Dialect,
    LargeBinary,
    Table,
    Text,
    TextClause,
    Uuid,
    any_,
    bindparam,
    cast,
    text,
    update,
)
from sqlalchemy.dialects import postgresql

from shared.storage.types import EnumText, UtcDateTime

Row = Mapping[str, Any]
_PLAIN = re.compile(r"[0-9A-Za-z_.-]+(?<!null)(?<!NULL)")  # needs no quotes in an array literal
_POSTGRESQL = postgresql.dialect()


def insert_rows(
    connection: Connection, table: Table, rows: Sequence[Row], *, tail: str = "", into: Table | None = None
) -> list[Any]:
    """Insert all ``rows`` (same keys each); ``tail`` is SQL after the values, e.g. ``on conflict do nothing``.

    Gives the rows of a ``returning`` clause in ``tail``, else an empty list. On PostgreSQL only: ``into`` is a table
    that takes what ``tail`` returns, in the same statement.
    """
    if not rows:
        return []
    if connection.dialect.name == "postgresql":
        names = tuple(name for name in rows[0] if any(row[name] is not None for row in rows))
        statement = _unnest_insert(table, names, tail, into)
        result = connection.execute(statement, _arrays(connection, table, names, rows))
        return list(result) if result.returns_rows else []
    return _insert_on_sqlite(connection, table, tuple(rows[0]), rows, tail)


def upsert_rows(connection: Connection, table: Table, rows: Sequence[Row], *, newer_only: bool = False) -> None:
    """Insert or replace by primary key; with ``newer_only`` a row replaces one of a lower ``version`` only."""
    if rows:
        insert_rows(connection, table, rows, tail=_upsert_tail(table, tuple(rows[0]), newer_only))


def update_rows(connection: Connection, table: Table, rows: Sequence[Row], loaded: Sequence[int]) -> int:
    """Update by ``id`` where ``version`` is still the one that was loaded; the number of rows updated."""
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        parameters = _arrays(connection, table, names, rows) | {
            "loaded_version": "{" + ",".join(map(str, loaded)) + "}"
        }
        return connection.execute(_unnest_update(table, names), parameters).rowcount
    statement = (
        update(table)
        .where(table.c.id == bindparam("key_id"), table.c.version == bindparam("loaded_version"))
        .values({name: bindparam(f"new_{name}") for name in names if name != "id"})
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
    wanted = cast(bindparam(None, _array(table, column, _POSTGRESQL, values), type_=Text), ARRAY(table.c[column].type))
    return table.c[column] == any_(wanted)


def quoted(name: str) -> str:
    """A column name, safe where it is also a word of SQL (``key``, ``position``, ``at``)."""
    return f'"{name}"'


@lru_cache(maxsize=512)
def _unnest_insert(table: Table, names: tuple[str, ...], tail: str, into: Table | None) -> TextClause:
    insert = f"insert into {table.name} ({_list(names)}) select * from {_unnest(table, names)} {tail}"
    if into is None:
        return text(insert)
    taken = tail.removeprefix("returning ")
    return text(f"with entered as ({insert}) insert into {into.name} ({taken}) select {taken} from entered")


@lru_cache(maxsize=512)
def _unnest_update(table: Table, names: tuple[str, ...]) -> TextClause:
    changes = ", ".join(f"{quoted(n)} = fresh.{quoted(n)}" for n in names if n != "id")
    source = f"{_unnest(table, names)[:-1]}, cast(:loaded_version as int[]))"
    return text(
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


def _arrays(connection: Connection, table: Table, names: tuple[str, ...], rows: Sequence[Row]) -> dict[str, str]:
    return {name: _array(table, name, connection.dialect, [row[name] for row in rows]) for name in names}


def _array(table: Table, name: str, dialect: Dialect, values: Sequence[Any]) -> str:
    """One column's values as an array literal: the server reads it far faster than ``ARRAY[…]`` of constants."""
    encode = _encoder(table, name, dialect)
    return "{" + ",".join(["NULL" if value is None else encode(value) for value in values]) + "}"


@lru_cache(maxsize=4096)
def _encoder(table: Table, name: str, dialect: Dialect) -> Callable[[Any], str]:
    kind = table.c[name].type
    if isinstance(kind, Uuid):
        return _hex
    if isinstance(kind, UtcDateTime):
        return _quoted_moment
    if isinstance(kind, EnumText):
        return str  # enumerations are plain words
    if isinstance(kind, LargeBinary):
        return _quoted_bytes
    processor = _processor(table, name, dialect)
    return _element if processor is None else lambda value: _element(processor(value))


def _hex(value: UUID) -> str:
    return f"{value.int:032x}"  # half the time that the form with hyphens takes


@lru_cache(maxsize=4096)  # the rows of a batch say few moments
def _quoted_moment(value: datetime) -> str:
    if value.tzinfo is None:
        raise ValueError("a moment needs a time zone")
    return f'"{value.isoformat()}"'


def _quoted_bytes(value: bytes) -> str:
    return f'"\\\\x{value.hex()}"'


def _element(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value):
            return value
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "NULL" if value is None else str(value)


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
    casts = (f"cast(:{name} as {_column_sql(table, name, _POSTGRESQL)}[])" for name in names)
    return f"unnest({', '.join(casts)})"


def _list(names: tuple[str, ...]) -> str:
    return ", ".join(quoted(name) for name in names)
