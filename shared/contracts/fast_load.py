"""Loading and checking event data quickly. marshmallow says what is right; this only recognises what plainly is.

A loader is made from a schema's own fields. It gives the loaded data, or None for anything unusual, which then goes
to marshmallow: it decides, and names what is wrong. A checker is for the side that says the event: what it lets
through, every hearer can load. Tests hold all three against each other.
"""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from types import NoneType
from typing import Any
from uuid import UUID

from marshmallow import Schema, ValidationError, fields, validate

from shared.contracts.fields import YEARS, WholeText

Loader = Callable[[Mapping[str, Any]], dict[str, Any] | None]
Checker = Callable[[Mapping[str, Any]], list[str]]
_Convert = Callable[[Any], Any]
_Test = Callable[[Any], bool]


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


def fast_checker(schema: Schema) -> Checker:
    """A checker of data before it is said: the names of the fields whose values the schema would not load."""
    tests = [(name, _right_types(field), _test(field)) for name, field in schema.fields.items()]

    def check(data: Mapping[str, Any]) -> list[str]:
        return [name for name, types, right in tests if type(value := data[name]) not in types and not right(value)]

    return check


def _right_types(field: fields.Field[Any]) -> frozenset[type]:
    """The types of which every value is right."""
    kinds = (fields.UUID, UUID), (fields.Date, date), (fields.Boolean, bool)
    right = {kind for field_type, kind in kinds if isinstance(field, field_type)}
    return frozenset(right | ({NoneType} if field.allow_none else set()))


def _test(field: fields.Field[Any]) -> _Test:
    """Whether a value of another type is right."""
    if isinstance(field, fields.List):
        return _all_pass(_test_of_any_type(field.inner), _tests(field))
    if isinstance(field, fields.Nested):
        check, keys = fast_checker(field.schema), frozenset(field.schema.fields)
        return lambda value: isinstance(value, dict) and value.keys() == keys and not check(value)
    if isinstance(field, fields.UUID):
        return lambda value: isinstance(value, UUID)
    if isinstance(field, fields.AwareDateTime):
        return lambda value: isinstance(value, datetime) and value.tzinfo is not None and value.year in YEARS
    if isinstance(field, fields.Date | fields.Boolean):
        return lambda value: False
    choices = [frozenset(v.choices) for v in field.validators if isinstance(v, validate.OneOf)]
    if choices:
        return lambda value: isinstance(value, str) and value in choices[0]
    return _passes(field, int if isinstance(field, fields.Integer) else str)


def _test_of_any_type(field: fields.Field[Any]) -> _Test:
    types, right = _right_types(field), _test(field)
    return lambda value: type(value) in types or right(value)


def _all_pass(right: _Test, tests: tuple[_Test, ...]) -> _Test:
    def passes(value: Any) -> bool:
        return isinstance(value, list) and all(test(value) for test in tests) and all(map(right, value))

    return passes


def _passes(field: fields.Field[Any], kind: type) -> _Test:
    tests = _tests(field)

    def right(value: Any) -> bool:
        if not isinstance(value, kind) or isinstance(value, bool):
            return False
        for test in tests:  # noqa: SIM110 - half the time that `all` takes
            if not test(value):
                return False
        return True

    return right


def _tests(field: fields.Field[Any]) -> tuple[_Test, ...]:
    """What the field's validators ask, without the cost of their error messages where they are of a known kind."""
    return tuple(_test_of(validator) for validator in field.validators)


def _test_of(validator: Any) -> _Test:
    if isinstance(validator, WholeText):
        pattern = validator.regex
        return lambda value: pattern.fullmatch(value) is not None
    if type(validator) is validate.Length and validator.max and (validator.min, validator.equal) == (None, None):
        longest = validator.max
        return lambda value: len(value) <= longest

    def passes(value: Any) -> bool:
        try:
            validator(value)
        except ValidationError:
            return False
        return True

    return passes


def _converter(field: fields.Field[Any]) -> _Convert:
    if isinstance(field, fields.List):
        return _each(_converter(field.inner), _tests(field))
    if isinstance(field, fields.Nested):
        return _nested(fast_loader(field.schema))
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


def _each(convert: _Convert, tests: tuple[_Test, ...]) -> _Convert:
    def convert_all(value: Any) -> Any:
        if type(value) is not list or not all(test(value) for test in tests):
            raise _Unusual
        return [convert(one) for one in value]

    return convert_all


def _nested(load: Loader) -> _Convert:
    def convert(value: Any) -> Any:
        loaded = load(value) if type(value) is dict else None
        if loaded is None:
            raise _Unusual
        return loaded

    return convert


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or moment.year not in YEARS:
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
    tests = _tests(field)

    def convert(value: Any) -> Any:
        if type(value) is not kind:
            raise _Unusual
        for test in tests:
            if not test(value):
                raise _Unusual
        return value

    return convert
