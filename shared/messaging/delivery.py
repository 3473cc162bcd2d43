"""A message as it came from a queue, and one that is given up."""

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from amqp import Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message taken from a queue and not yet acknowledged."""

    body: bytes
    content_type: str | None
    message_id: str | None
    routing_key: str
    headers: dict[str, Any]
    reply_to: str | None = None
    user_id: str | None = None
    tag: int = 0
    redelivered: bool = False

    @property
    def returns(self) -> int:
        """How often the message came back from a consumer that was lost (quorum queues count)."""
        return int(self.headers.get("x-delivery-count", 0))

    @classmethod
    def of(cls, message: Message) -> "Delivery":
        """From py-amqp's message."""
        properties, info = message.properties, message.delivery_info
        body = message.body
        return cls(
            body=body.encode() if isinstance(body, str) else bytes(body),
            content_type=properties.get("content_type"),
            message_id=properties.get("message_id"),
            routing_key=info["routing_key"],
            headers=properties.get("application_headers") or {},
            reply_to=properties.get("reply_to"),
            user_id=properties.get("user_id"),
            tag=info["delivery_tag"],
            redelivered=bool(info["redelivered"]),
        )


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never work here, and why."""

    delivery: Delivery
    reason: str
    detail: str

    def publishable(self, *, exchange: str, key: str) -> "PublishableLetter":
        """The copy for the dead-letter queue: body as it came, the reason in the headers."""
        return PublishableLetter(
            message_id=self.delivery.message_id or str(uuid4()),
            exchange=exchange,
            type=key,
            content_type=self.delivery.content_type or "application/octet-stream",
            body=self.delivery.body,
        )

    @property
    def headers(self) -> dict[str, Any]:
        """What an operator needs to know about it."""
        return {
            "x-baton-reason": self.reason,
            "x-baton-detail": self.detail,
            "x-baton-routing-key": self.delivery.routing_key,
        }


@dataclass(frozen=True, slots=True)
class PublishableLetter:
    """See `DeadLetter.publishable`."""

    message_id: str
    exchange: str
    type: str
    content_type: str
    body: bytes
