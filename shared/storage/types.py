"""Column types: moments are always aware UTC, enumerations are text, value objects are JSON."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import cattrs.preconf.json
from sqlalchemy import JSON, DateTime, Dialect, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator

_converter = cattrs.preconf.json.make_converter()
_converter.register_unstructure_hook(UUID, str)
_converter.register_structure_hook(UUID, lambda value, _: UUID(value))


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Accepts only aware datetimes, gives back UTC, on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EnumText(TypeDecorator[Any]):
    """A string enumeration, stored as its value, so that adding a member needs no migration."""

    impl = Text
    cache_ok = True

    def __init__(self, enumeration: type[StrEnum]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else self.enumeration(value).value

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else self.enumeration(value)


class JsonValue(TypeDecorator[Any]):
    """A value object (dataclass, tuple of dataclasses, …) of the given Python type, stored as JSON."""

    impl = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    cache_ok = True

    def __init__(self, python_type: Any) -> None:
        super().__init__()
        self._value_type = python_type

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else _converter.unstructure(value, unstructure_as=self._value_type)

    def process_result_value(self, value: Any, dialect: Dialect) -> Any:
        return None if value is None else _converter.structure(value, self._value_type)
