"""A message as it came from a queue, and one that is given up."""

from dataclasses import dataclass, field
from typing import Any

from amqp import Message

from shared.kernel.ids import new_id

LETTER_HEADER = "x-baton-letter"  # the id of this death: a message that is given again may die again
REASON_HEADER = "x-baton-reason"
DETAIL_HEADER = "x-baton-detail"
KEY_HEADER = "x-baton-routing-key"
QUEUE_HEADER = "x-baton-queue"


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

    @property
    def plain_headers(self) -> dict[str, str]:
        """The headers that its sender gave, as text; what the broker and we added is left out."""
        return {name: str(value) for name, value in self.headers.items() if not name.startswith("x-")}

    @classmethod
    def of(cls, message: Message) -> "Delivery":
        """From py-amqp's message."""
        properties, info = message.properties, message.delivery_info
        body, headers = message.body, properties.get("application_headers") or {}
        return cls(
            body=body.encode() if isinstance(body, str) else bytes(body),
            content_type=properties.get("content_type"),
            message_id=properties.get("message_id"),
            routing_key=_routing_key(info, headers),
            headers=headers,
            reply_to=properties.get("reply_to"),
            user_id=properties.get("user_id"),
            tag=info["delivery_tag"],
            redelivered=bool(info["redelivered"]),
        )


def _routing_key(info: dict[str, Any], headers: dict[str, Any]) -> str:
    """The key under which it was sent; a letter given again comes straight to its queue and says it in a header."""
    was_given_again = info["exchange"] == "" and KEY_HEADER in headers
    return str(headers[KEY_HEADER]) if was_given_again else str(info["routing_key"])


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that can never work here, and why."""

    delivery: Delivery
    reason: str
    detail: str

    def publishable(self, *, exchange: str, key: str, queue: str) -> "PublishableLetter":
        """The copy for the dead-letter queue: body as it came, the reason and the way back in the headers."""
        told = {
            LETTER_HEADER: str(new_id()),
            REASON_HEADER: self.reason,
            DETAIL_HEADER: self.detail,
            KEY_HEADER: self.delivery.routing_key,
            QUEUE_HEADER: queue,
        }
        return PublishableLetter(
            message_id=self.delivery.message_id or str(new_id()),
            exchange=exchange,
            type=key,
            content_type=self.delivery.content_type or "application/octet-stream",
            body=self.delivery.body,
            headers={**self.delivery.plain_headers, **told},
            reply_to=self.delivery.reply_to,
        )


@dataclass(frozen=True, slots=True)
class PublishableLetter:
    """See `DeadLetter.publishable`."""

    message_id: str
    exchange: str
    type: str
    content_type: str
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    reply_to: str | None = None
