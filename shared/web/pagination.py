"""Cursor pagination: pages that neither skip nor repeat a row while rows are added."""

import base64
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import orjson
from marshmallow import Schema, fields, validate
from sqlalchemy import Column, ColumnElement, literal, tuple_

from shared.kernel.errors import invalid_field
from shared.storage.identity_map import IdentityMap

R = TypeVar("R")


class CursorQuery(Schema):
    """Query parameters of a list."""

    limit = fields.Integer(
        load_default=50, validate=validate.Range(1, 200), metadata={"description": "Rows on a page"}
    )
    cursor = fields.String(
        load_default=None, metadata={"description": "``next_cursor`` of the page before"}
    )


def page_schema(item: type[Schema]) -> type[Schema]:
    """The schema of a page of items."""
    name = f"{item.__name__.removesuffix('Out')}Page"
    return Schema.from_dict(
        {"items": fields.List(fields.Nested(item)), "next_cursor": fields.String(allow_none=True)}, name=name
    )


def page_of(
    rows: IdentityMap[R],
    *where: ColumnElement[bool],
    sort: Column[Any],
    limit: int,
    cursor: str | None,
    descending: bool = False,
) -> dict[str, Any]:
    """One page, in order of ``sort`` and then of the primary key (``sort`` must not be null).

    Raises: InvalidInput ``cursor.broken``.
    """
    key = rows.table.c[rows.key]
    conditions = list(where)
    if cursor is not None:
        place = tuple_(*(literal(v, c.type) for v, c in zip(_read(cursor, sort, key), (sort, key), strict=True)))
        here = tuple_(sort, key)
        conditions.append(here < place if descending else here > place)
    order = (sort.desc(), key.desc()) if descending else (sort, key)
    found = rows.load(rows.all_columns().where(*conditions).order_by(*order).limit(limit + 1))
    more, found = len(found) > limit, found[:limit]
    return {"items": found, "next_cursor": _write(found[-1], sort, key) if more else None}


def _write(row: Any, *columns: Column[Any]) -> str:
    values = [getattr(row, column.name) for column in columns]
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


def _read(cursor: str, *columns: Column[Any]) -> list[Any]:
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return [_typed(column)(value) for column, value in zip(columns, values, strict=True)]
    except (ValueError, TypeError, AttributeError) as error:
        raise invalid_field("/cursor", "cursor.broken", "not a cursor that this list gave") from error


def _typed(column: Column[Any]) -> Callable[[Any], Any]:
    readers: dict[type, Callable[[Any], Any]] = {datetime: datetime.fromisoformat, UUID: UUID, int: int, str: str}
    return readers[column.type.python_type]
