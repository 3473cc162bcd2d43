"""The contracts as JSON Schema and AsyncAPI, and whether a changed schema still understands what was said before."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any

from marshmallow import Schema, fields, validate

from shared.contracts.catalogue import ANY_SERVICE, CATALOGUE, Contract
from shared.contracts.envelope import CONTENT_TYPE
from shared.contracts.fields import EventData

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TYPES: tuple[tuple[type[fields.Field[Any]], dict[str, Any]], ...] = (
    (fields.UUID, {"type": "string", "format": "uuid"}),
    (fields.AwareDateTime, {"type": "string", "format": "date-time"}),
    (fields.Date, {"type": "string", "format": "date"}),
    (fields.Boolean, {"type": "boolean"}),
    (fields.Integer, {"type": "integer"}),
    (fields.String, {"type": "string"}),
)


def json_schema(contract: Contract) -> dict[str, Any]:
    """The schema of an event's data."""
    head = {"$schema": _DIALECT, "title": contract.type, "description": contract.summary}
    return head | _object(contract.schema)


def envelope_schema(contract: Contract) -> dict[str, Any]:
    """The schema of a whole message."""
    text = {"type": "string"}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "sequence", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": _source(contract),
            "type": {"const": contract.type},
            "subject": {"type": "string", "format": "uuid", "description": f"id of the {contract.aggregate}"},
            "sequence": {"type": "string", "pattern": "^[0-9]{10}$", "description": "version of the aggregate"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "actor": text | {"description": "pseudonymous account of who did it"},
            "traceparent": text,
            "data": json_schema(contract),
        },
    }


def _source(contract: Contract) -> dict[str, Any]:
    if contract.producer == ANY_SERVICE:
        return {"type": "string", "pattern": "^/baton/[a-z_]+$"}
    return {"const": f"/baton/{contract.producer}"}


def breaks(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    """What in ``after`` breaks readers or writers of ``before``; nothing, if the schema only grew."""
    old, new = before["properties"], after["properties"]
    for name in old.keys() - new.keys():
        yield f"{name} was removed"
    for name in set(after["required"]) - set(before["required"]):
        yield f"{name} became required"
    for name in set(before["required"]) - set(after["required"]):
        yield f"{name} may be missing"
    for name in old.keys() & new.keys():
        if set(_types(old[name])) - set(_types(new[name])):
            yield f"{name} changed its type"
        if "enum" in new[name] and not set(old[name].get("enum", ["anything"])) <= set(new[name]["enum"]):
            yield f"{name} allows fewer values"
        if any(old[name].get(key) != new[name].get(key) for key in ("format", "pattern")):
            yield f"{name} is written in another form"
        if _narrower(old[name], new[name]):
            yield f"{name} has narrower bounds"
        if "items" in old[name] and "items" in new[name]:
            yield from (f"each of {name}: {fault}" for fault in breaks(old[name]["items"], new[name]["items"]))


def asyncapi(consumers: Mapping[str, frozenset[str]]) -> dict[str, Any]:
    """The AsyncAPI 3 document; ``consumers`` says who hears what."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Baton events",
            "version": "1.0.0",
            "description": "CloudEvents 1.0, JSON structured mode, on the topic exchange baton.events.",
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {_name(c): _channel(c) for c in CATALOGUE.values()},
        "operations": {
            **{f"say.{_name(c)}": _operation("send", c, c.producer) for c in CATALOGUE.values()},
            **{
                f"hear.{service}.{_name(CATALOGUE[event_type])}": _operation("receive", CATALOGUE[event_type], service)
                for service, heard in sorted(consumers.items())
                for event_type in sorted(heard)
            },
        },
        "components": {
            "schemas": {
                "Envelope": _envelope_of_all(),
                **{_state_name(c): _state_schema(c) for c in CATALOGUE.values()},
            }
        },
    }


def _state_name(contract: Contract) -> str:
    """The schema that all events of an aggregate share: an event's own class adds no field to its state's."""
    return next(cls.__name__ for cls in contract.schema_class.__mro__ if cls.__base__ is EventData)


def _state_schema(contract: Contract) -> dict[str, Any]:
    schema = json_schema(contract)
    del schema["$schema"], schema["description"]
    return schema | {"title": contract.aggregate}


def _object(schema: Schema) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {name: _property(field) for name, field in schema.fields.items()},
        "required": sorted(name for name, field in schema.fields.items() if field.required),
        "additionalProperties": True,
    }


def _property(field: fields.Field[Any]) -> dict[str, Any]:
    if isinstance(field, fields.List):
        longest = [validator.max for validator in field.validators if isinstance(validator, validate.Length)]
        return {"type": "array", "items": _property(field.inner), "maxItems": longest[0]}
    if isinstance(field, fields.Nested):
        return _object(field.schema)
    described = dict(next(schema for kind, schema in _TYPES if isinstance(field, kind)))
    for validator in field.validators:
        if isinstance(validator, validate.OneOf):
            described["enum"] = list(validator.choices)
        elif isinstance(validator, validate.Regexp):
            described["pattern"] = validator.regex.pattern
        elif isinstance(validator, validate.Range):
            described |= {"minimum": validator.min, "maximum": validator.max}
        elif isinstance(validator, validate.Length):
            described["maxLength"] = validator.max
    if field.allow_none:
        described["type"] = [described["type"], "null"]
    return described


def _types(described: Mapping[str, Any]) -> list[str]:
    kinds = described["type"]
    return list(kinds) if isinstance(kinds, list) else [kinds]


def _narrower(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether a bound is new or tighter."""
    highest = any(new.get(key, inf) < old.get(key, inf) for key in ("maximum", "maxLength", "maxItems"))
    return highest or bool(new.get("minimum", -inf) > old.get("minimum", -inf))


def _name(contract: Contract) -> str:
    return contract.type.replace(".", "_")


def _channel(contract: Contract) -> dict[str, Any]:
    message = {
        "name": contract.type,
        "title": contract.summary,
        "contentType": CONTENT_TYPE,
        "payload": _payload(contract),
    }
    return {
        "address": contract.type,
        "messages": {_name(contract): message},
        "bindings": {
            "amqp": {"is": "routingKey", "exchange": {"name": "baton.events", "type": "topic", "durable": True}}
        },
    }


_OF_ONE_TYPE = ("source", "type", "subject", "data")


def _envelope_of_all() -> dict[str, Any]:
    """What the messages of all types have in common."""
    schema = envelope_schema(next(iter(CATALOGUE.values())))
    shared = {name: value for name, value in schema["properties"].items() if name not in _OF_ONE_TYPE}
    return schema | {"title": "CloudEvents 1.0, structured mode", "properties": shared}


def _payload(contract: Contract) -> dict[str, Any]:
    properties = envelope_schema(contract)["properties"]
    own = {name: properties[name] for name in _OF_ONE_TYPE}
    own["data"] = {"$ref": f"#/components/schemas/{_state_name(contract)}"}
    return {"allOf": [{"$ref": "#/components/schemas/Envelope"}, {"type": "object", "properties": own}]}


def _operation(action: str, contract: Contract, service: str) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_name(contract)}"},
        "title": service,
    }
