"""The field types that events are made of, with the messages that a sender gets.

What a field lets through, every hearer's database can store: no zero byte, no number or moment beyond its columns.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

LARGEST_NUMBER = 2**31 - 1
F = TypeVar("F", bound=fields.Field[Any])
YEARS = range(1900, 9999)  # a moment outside them cannot be moved to another zone safely


class WholeText(validate.Regexp):
    """The whole text matches the pattern; a line break at its end is not forgiven."""

    def __call__(self, value: Any) -> Any:
        """Raises: ValidationError."""
        if self.regex.fullmatch(value) is None:
            raise ValidationError(self.error)
        return value


DIVISION = WholeText(r"^[0-9]{6}([0-9]{3}([0-9]{3})?)?$", error="not a division code of 6, 9 or 12 digits")
NO_ZERO_BYTE = WholeText(r"^[^\u0000]*$", error="holds a zero byte")


class Flag(fields.Boolean):
    """true or false, and nothing that resembles them."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise self.make_error("invalid", input=value)


class Moment(fields.AwareDateTime):
    """A moment with its zone, in a year that can be right."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **options: Any) -> datetime:
        moment: datetime = super()._deserialize(value, attr, data, **options)
        if moment.year not in YEARS:
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return moment


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
    return Moment(format="iso", required=True, allow_none=nullable)


def day(*, nullable: bool = False) -> fields.Date:
    """A calendar day in China."""
    return fields.Date(required=True, allow_none=nullable)


def text(*, nullable: bool = False) -> fields.String:
    """A short text or a code."""
    return fields.String(required=True, allow_none=nullable, validate=[validate.Length(max=500), NO_ZERO_BYTE])


def division(*, nullable: bool = False) -> fields.String:
    """A division code: county, township or village."""
    return fields.String(required=True, allow_none=nullable, validate=DIVISION)


def number(minimum: int = 0, *, nullable: bool = False) -> fields.Integer:
    """A whole number."""
    bounds = validate.Range(min=minimum, max=LARGEST_NUMBER)
    return fields.Integer(required=True, allow_none=nullable, strict=True, validate=bounds)


def listed(entry: type[EventData], *, at_most: int) -> fields.List[Any]:
    """A list of small things, each with the fields of ``entry``; long ones are told in parts."""
    return fields.List(fields.Nested(entry), required=True, validate=validate.Length(max=at_most))


def later(field: F) -> F:
    """A nullable field that was added to a published schema: what was said before lacks it, and means null."""
    field.required, field.load_default = False, None
    return field


def flag() -> fields.Boolean:
    """Yes or no."""
    return Flag(required=True)
