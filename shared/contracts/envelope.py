"""The envelope: CloudEvents 1.0 in JSON structured mode, the same bytes in outbox, broker and archive."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from marshmallow import ValidationError

from shared.contracts.catalogue import CATALOGUE, Contract
from shared.contracts.fields import LARGEST_NUMBER
from shared.kernel.errors import Poison

CONTENT_TYPE = "application/cloudevents+json"
LONGEST_ATTRIBUTE = 500
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?")


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

    Raises: ValueError for an event that a hearer could not read: a type that is not in the catalogue, data that
    lacks or exceeds the contract's fields or holds a value outside them (it is named, its value is not), a subject
    that is not the data's own id, a version below 1.
    """
    contract = CATALOGUE.get(event.type)
    if contract is None:
        raise ValueError(f"{event.type} is not in the catalogue")
    if contract.keys != event.data.keys():
        raise ValueError(f"{event.type}: data differs in {sorted(contract.keys ^ event.data.keys())}")
    wrong = contract.fast_check(event.data)
    if wrong:
        raise ValueError(f"{event.type}: no hearer could load {wrong}")
    if event.data[contract.own_id] != event.subject or not 1 <= event.sequence <= LARGEST_NUMBER:
        raise ValueError(f"{event.type}: subject is not {contract.own_id}, or sequence is no version")
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
        event = Event(
            id=UUID(envelope["id"]),
            source=_text(envelope["source"]),
            type=contract.type,
            subject=UUID(envelope["subject"]),
            sequence=_version(envelope["sequence"]),
            time=_moment(envelope["time"]),
            data=_data(contract, _json_data(envelope)),
            actor=None if envelope.get("actor") is None else _text(envelope["actor"]),
            traceparent=_traceparent(envelope.get("traceparent")),
        )
    except (KeyError, ValueError, AttributeError, TypeError, OverflowError) as error:
        raise Malformed("not_cloudevent", f"{type(error).__name__} in an envelope attribute") from None
    if event.data[contract.own_id] != event.subject:
        raise Malformed("invalid_data", f"/subject is not /data/{contract.own_id}")
    return event


def _contract(event_type: Any) -> Contract:
    contract = CATALOGUE.get(event_type) if isinstance(event_type, str) else None
    if contract is not None:
        return contract
    name = event_type.rpartition(".v")[0] if isinstance(event_type, str) else ""
    known = any(other.rpartition(".v")[0] == name for other in CATALOGUE)
    raise Malformed("unknown_version" if known else "unknown_type", "/type")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    if "\0" in value or len(value) > LONGEST_ATTRIBUTE:
        raise ValueError("no attribute")
    return value


def _version(value: Any) -> int:
    text = _text(value)
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= LARGEST_NUMBER:
        raise ValueError("no version")
    return int(text)


def _traceparent(value: Any) -> str | None:
    # A broken trace is no reason to refuse what happened: the trace begins anew (W3C Trace Context).
    return value if isinstance(value, str) and _TRACEPARENT.fullmatch(value) else None


def _json_data(envelope: Mapping[str, Any]) -> Any:
    if envelope.get("datacontenttype", "application/json") != "application/json":
        raise ValueError("data is no JSON")
    return envelope.get("data")


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
