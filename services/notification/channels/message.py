"""What goes out, and what takes it: each channel is one function from a message to what came of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.notification.domain.delivery import Answer

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Message:
    """One message. ``id`` is the same when it is tried again, so that the other side can know it."""

    id: str
    to: str  # an address, a number, a URL
    subject: str
    text: str
    body: Mapping[str, Any] | None = None  # what a system is told
    secrets: tuple[bytes, ...] = ()  # what it is signed with, the newest first


Post = Callable[[Message], Answer]
