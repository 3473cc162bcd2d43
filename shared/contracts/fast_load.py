"""Loading event data quickly. marshmallow says what is right; this only recognises what plainly is.

A loader is made from a schema's own fields. It gives the loaded data, or None for anything unusual, which then goes
to marshmallow: it decides, and names what is wrong. A test holds the two against each other.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

Loader = Callable[[Mapping[str, Any]], dict[str, Any] | None]
_Convert = Callable[[Any], Any]


class _Unusual(Exception):
    """Leave it to marshmallow."""


def fast_loader(schema: Schema) -> Loader:
    """A loader for data of this schema; all of its fields must be required."""
    converters = [(name, field.allow_none, _converter(field)) for name, field in schema.fields.items()]

    def load(data: Mapping[str, Any]) -> dict[str, Any] | None:
        loaded: dict[str, Any] = {}
        try:
            for name, nullable, convert in converters:
                value = data[name]
                if value is None:
                    if not nullable:
                        return None
                    loaded[name] = None
                else:
                    loaded[name] = convert(value)
        except (_Unusual, ValidationError, KeyError, ValueError, TypeError, AttributeError):
            return None
        return loaded

    return load


def _converter(field: fields.Field[Any]) -> _Convert:
    if isinstance(field, fields.UUID):
        return UUID
    if isinstance(field, fields.AwareDateTime):
        return _moment
    if isinstance(field, fields.Date):
        return date.fromisoformat
    if isinstance(field, fields.Boolean):
        return _boolean
    choices = [frozenset(v.choices) for v in field.validators if isinstance(v, validate.OneOf)]
    if isinstance(field, fields.String) and choices:
        return _one_of(choices[0])
    return _by_validators(field, int if isinstance(field, fields.Integer) else str)


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise _Unusual
    return moment


def _boolean(value: Any) -> bool:
    if value is True or value is False:
        return bool(value)
    raise _Unusual


def _one_of(choices: frozenset[Any]) -> _Convert:
    def convert(value: Any) -> Any:
        if value in choices:
            return value
        raise _Unusual

    return convert


def _by_validators(field: fields.Field[Any], kind: type) -> _Convert:
    validators = list(field.validators)

    def convert(value: Any) -> Any:
        if type(value) is not kind:
            raise _Unusual
        for check in validators:
            check(value)
        return value

    return convert
