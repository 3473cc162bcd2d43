"""The field types that events are made of, with the messages that a sender gets."""

from enum import StrEnum
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, validate

DIVISION = validate.Regexp(r"^\d{6}(\d{3}(\d{3})?)?$", error="not a division code of 6, 9 or 12 digits")


class EventData(Schema):
    """Base of all event data: what a reader does not know, it leaves out."""

    class Meta:
        unknown = EXCLUDE


def one_of(*values: str, nullable: bool = False) -> fields.String:
    """One of the given words."""
    choices: list[Any] = [*values, None] if nullable else list(values)
    return fields.String(required=True, allow_none=nullable, validate=validate.OneOf(choices))


def words(enumeration: type[StrEnum]) -> fields.String:
    """One of an enumeration's values."""
    return one_of(*(member.value for member in enumeration))


def identifier(*, nullable: bool = False) -> fields.UUID:
    """A UUID."""
    return fields.UUID(required=True, allow_none=nullable)


def moment(*, nullable: bool = False) -> fields.AwareDateTime:
    """A moment with its zone (RFC 3339)."""
    return fields.AwareDateTime(format="iso", required=True, allow_none=nullable)


def day(*, nullable: bool = False) -> fields.Date:
    """A calendar day in China."""
    return fields.Date(required=True, allow_none=nullable)


def text(*, nullable: bool = False) -> fields.String:
    """A short text or a code."""
    return fields.String(required=True, allow_none=nullable, validate=validate.Length(max=500))


def division(*, nullable: bool = False) -> fields.String:
    """A division code: county, township or village."""
    return fields.String(required=True, allow_none=nullable, validate=DIVISION)


def number(minimum: int = 0) -> fields.Integer:
    """A whole number."""
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=minimum))


def flag() -> fields.Boolean:
    """Yes or no."""
    return fields.Boolean(required=True)
