"""The envelope: CloudEvents 1.0 in JSON structured mode, the same bytes in outbox, broker and archive."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from marshmallow import ValidationError

from shared.contracts.catalogue import CATALOGUE, Contract
from shared.kernel.errors import Poison

CONTENT_TYPE = "application/cloudevents+json"


class Malformed(Poison):
    """A message that is no event of ours. Names the place of the fault, never a value."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact: the whole state of ``subject`` after its change number ``sequence``."""

    id: UUID
    source: str
    type: str
    subject: UUID
    sequence: int
    time: datetime
    data: dict[str, Any]
    actor: str | None = None
    traceparent: str | None = None


def encode(event: Event) -> bytes:
    """The event as bytes.

    Raises: ValueError when the type is not in the catalogue or data lacks or exceeds the contract's fields.
    """
    contract = CATALOGUE.get(event.type)
    if contract is None:
        raise ValueError(f"{event.type} is not in the catalogue")
    if contract.keys != event.data.keys():
        raise ValueError(f"{event.type}: data differs in {sorted(contract.keys ^ event.data.keys())}")
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "sequence": f"{event.sequence:010d}",
        "time": event.time,
        "datacontenttype": "application/json",
    }
    if event.actor is not None:
        envelope["actor"] = event.actor
    if event.traceparent is not None:
        envelope["traceparent"] = event.traceparent
    envelope["data"] = event.data
    return orjson.dumps(envelope)


def decode(body: bytes, content_type: str | None) -> Event:
    """The event in a message's body, its data validated and loaded.

    Raises: Malformed with reason ``content_type``, ``not_json``, ``not_cloudevent``, ``unknown_type``,
    ``unknown_version`` or ``invalid_data``.
    """
    if (content_type or "").partition(";")[0].strip() != CONTENT_TYPE:
        raise Malformed("content_type", f"expected {CONTENT_TYPE}")
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("not_json", f"at byte {error.pos}") from None
    if not isinstance(envelope, dict) or envelope.get("specversion") != "1.0":
        raise Malformed("not_cloudevent", "/specversion")
    contract = _contract(envelope.get("type"))
    try:
        return Event(
            id=UUID(envelope["id"]),
            source=_text(envelope, "source"),
            type=contract.type,
            subject=UUID(envelope["subject"]),
            sequence=int(envelope["sequence"]),
            time=_moment(envelope["time"]),
            data=_data(contract, envelope.get("data")),
            actor=envelope.get("actor"),
            traceparent=envelope.get("traceparent"),
        )
    except (KeyError, ValueError, AttributeError, TypeError) as error:
        raise Malformed("not_cloudevent", f"{type(error).__name__} in an envelope attribute") from None


def _contract(event_type: Any) -> Contract:
    contract = CATALOGUE.get(event_type) if isinstance(event_type, str) else None
    if contract is not None:
        return contract
    name = event_type.rpartition(".v")[0] if isinstance(event_type, str) else ""
    known = any(other.rpartition(".v")[0] == name for other in CATALOGUE)
    raise Malformed("unknown_version" if known else "unknown_type", "/type")


def _text(envelope: Mapping[str, Any], key: str) -> str:
    value = envelope[key]
    if not isinstance(value, str):
        raise TypeError(key)
    return value


def _moment(value: str) -> datetime:
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("no zone")
    return moment.astimezone(UTC)


def _data(contract: Contract, data: Any) -> dict[str, Any]:
    plain = contract.fast_load(data) if isinstance(data, dict) else None
    if plain is not None:
        return plain
    try:
        loaded: dict[str, Any] = contract.schema.load(data)
    except ValidationError as error:
        places = error.messages_dict if isinstance(error.messages, dict) else {}
        raise Malformed("invalid_data", ", ".join(f"/data/{name}" for name in sorted(places)) or "/data") from None
    return loaded
