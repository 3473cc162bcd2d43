"""Cursor pagination: pages that neither skip nor repeat a row while rows are added.

A page is ordered by one column that is never null and then by the primary key; the cursor holds the place of
the last row given (opaque to clients) and fits only the list that gave it. Never sort by personal data.
"""

import base64
import zlib
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from marshmallow import Schema, fields, validate
from sqlalchemy import Column, ColumnElement, Connection, Row, Select, literal, tuple_

from shared.storage.identity_map import IdentityMap
from shared.storage.types import EnumText
from shared.web.refusals import InvalidQuery

R = TypeVar("R")
LARGEST_PAGE = 200  # rows


class CursorQuery(Schema):
    """Query parameters of a list."""

    limit = fields.Integer(
        load_default=50, validate=validate.Range(1, LARGEST_PAGE), metadata={"description": "Rows on a page"}
    )
    cursor = fields.String(load_default=None, metadata={"description": "next_cursor of the page before"})


def page_schema(item: type[Schema]) -> type[Schema]:
    """The schema of a page of items."""
    name = f"{item.__name__.removesuffix('Out')}Page"
    return Schema.from_dict(
        {
            "items": fields.List(fields.Nested(item), required=True),
            "next_cursor": fields.String(
                required=True, allow_none=True, metadata={"description": "null on the last page"}
            ),
        },
        name=name,
    )


def page_of(
    rows: IdentityMap[R],
    *where: ColumnElement[bool],
    sort: Column[Any],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> dict[str, Any]:
    """One page of a repository or of records, in order of ``sort`` and then of the primary key.

    Raises: InvalidQuery ``cursor.broken``.
    """
    place = _Place(sort, rows.table.c[rows.key], descending)
    found = rows.load(place.narrowed(rows.all_columns().where(*where), limit, cursor))
    return place.page(found, limit)


def page_of_rows(
    connection: Connection,
    statement: Select[Any],
    *,
    sort: Column[Any],
    key: Column[Any],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> dict[str, Any]:
    """One page of any select that has ``sort`` and the unique ``key`` among its columns.

    Raises: InvalidQuery ``cursor.broken``.
    """
    place = _Place(sort, key, descending)
    found: Sequence[Row[Any]] = connection.execute(place.narrowed(statement, limit, cursor)).all()
    return place.page(found, limit)


class _Place:
    """Where in an ordered list a page begins and ends."""

    def __init__(self, sort: Column[Any], key: Column[Any], descending: bool) -> None:
        if sort.nullable or key.nullable:
            raise ValueError(f"{sort}, {key}: a list is ordered by columns that are never null")
        self._columns = (sort,) if sort is key else (sort, key)
        self._descending = descending
        self._list = zlib.crc32(f"{[str(column) for column in self._columns]} {descending}".encode())

    def narrowed(self, statement: Select[Any], limit: int, cursor: str | None) -> Select[Any]:
        if cursor:
            values = self._read(cursor)
            here = tuple_(*self._columns)
            there = tuple_(*(literal(v, c.type) for v, c in zip(values, self._columns, strict=True)))
            statement = statement.where(here < there if self._descending else here > there)
        order = (column.desc() if self._descending else column.asc() for column in self._columns)
        return statement.order_by(*order).limit(limit + 1)

    def page(self, found: Sequence[Any], limit: int) -> dict[str, Any]:
        more = len(found) > limit
        items = list(found[:limit])
        return {"items": items, "next_cursor": self._write(items[-1]) if more else None}

    def _write(self, row: Any) -> str:
        values = [self._list, *(getattr(row, column.name) for column in self._columns)]
        return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")

    def _read(self, cursor: str) -> list[Any]:
        try:
            of_list, *values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if of_list != self._list:
                raise ValueError("a cursor of another list")
            return [_reader(column)(value) for column, value in zip(self._columns, values, strict=True)]
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidQuery("cursor", "cursor.broken", "not a cursor that this list gave") from error


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    """How a value of the column is read back from JSON; raises ValueError or TypeError for any other."""
    if isinstance(column.type, EnumText):
        return column.type.enumeration
    kind = getattr(column.type, "impl_instance", column.type).python_type
    if issubclass(kind, datetime):
        return _moment
    if issubclass(kind, date):
        return date.fromisoformat
    return UUID if issubclass(kind, UUID) else _whole_number if issubclass(kind, int) else _text


def _moment(value: Any) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment


def _whole_number(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
        raise ValueError("not a whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("not a text")
    return value
