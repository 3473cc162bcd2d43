"""Publishing a window of messages with one wait for all their confirms.

py-amqp's own confirmed publish takes any ack for its own, so a late one confirms the wrong message. Here every
delivery tag is settled by itself: an ack settles its tag (or all up to it), a nack its own, a return marks the
message that the ack which follows belongs to. A channel that timed out is never used again.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from amqp import Message, spec
from kombu import Connection

from shared.messaging.broker import CONNECTION_ERRORS, ReadAhead


class Publishable(Protocol):
    """What can be published."""

    @property
    def message_id(self) -> Any: ...
    @property
    def exchange(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> str | bytes: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def reply_to(self) -> str | None: ...


@dataclass
class Window:
    """What became of the messages of one window, by their place in it."""

    confirmed: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    interrupted: BaseException | None = None  # then the rest is unknown and stays to be published


class ConfirmingPublisher:
    """One confirm-mode channel on its own connection."""

    def __init__(self, connection: Connection, app_id: str) -> None:
        self._app_id = app_id
        self._transport = connection.connection
        self._reader = ReadAhead(connection)
        self._channel = connection.default_channel
        self._channel.confirm_select()
        self._channel.events["basic_ack"].add(self._on_ack)
        self._channel.events["basic_nack"].add(self._on_nack)
        self._channel.events["basic_return"].add(self._on_return)
        self._last_tag = 0
        self._open: dict[int, int] = {}
        self._places: dict[str, int] = {}
        self._returned: set[int] = set()
        self._window = Window()

    def publish(self, messages: Iterable[Publishable], *, deadline: float) -> Window:
        """Publish all and wait at most ``deadline`` seconds for every confirm.

        Never raises for the broker's sake: what was settled before trouble counts, and `Window.interrupted`
        says that this publisher must be thrown away.
        """
        self._window = Window()
        self._places.clear()
        self._returned.clear()
        until = time.monotonic() + deadline
        try:
            with self._one_write(deadline):
                for place, message in enumerate(messages):
                    self._send(place, message)
            while self._open:
                self._reader.drain(max(0.001, until - time.monotonic()))
        except CONNECTION_ERRORS as trouble:
            self._window.interrupted = trouble
        return self._window

    def heartbeat(self) -> None:
        """Answer the broker's heartbeats; call at least every few seconds while idle.

        Raises: one of CONNECTION_ERRORS when the connection is lost.
        """
        try:
            self._reader.drain(0.001)
        except TimeoutError:
            pass
        self._transport.heartbeat_tick()

    @contextmanager
    def _one_write(self, deadline: float) -> Iterator[None]:
        """Hand the whole window to the socket at once; a broker that stops reading is noticed by the deadline."""
        transport = self._transport.transport
        write, window = transport._write, bytearray()
        transport._write = window.extend
        try:
            yield
        finally:
            transport._write = write
        with transport.having_timeout(deadline):
            write(window)

    def _send(self, place: int, message: Publishable) -> None:
        message_id = str(message.message_id)
        self._last_tag += 1
        self._open[self._last_tag] = place
        self._places[message_id] = place
        # Not `basic_publish`: it looks for a word from the broker before each message, and we do after the window.
        self._channel.send_method(
            spec.Basic.Publish,
            "Bssbb",
            (0, message.exchange, message.type, True, False),
            Message(
                message.body,
                content_type=message.content_type,
                content_encoding="utf-8",
                delivery_mode=2,
                message_id=message_id,
                type=message.type,
                app_id=self._app_id,
                application_headers=dict(message.headers),
                **({"reply_to": message.reply_to} if message.reply_to else {}),
            ),
        )

    def _on_ack(self, tag: int, multiple: bool) -> None:
        for place in self._settled(tag, multiple):
            (self._window.returned if place in self._returned else self._window.confirmed).append(place)

    def _on_nack(self, tag: int, multiple: bool) -> None:
        self._window.refused.extend(self._settled(tag, multiple))

    def _on_return(self, _error: Any, _exchange: str, _routing_key: str, message: Any) -> None:
        self._returned.add(self._places[message.properties["message_id"]])

    def _settled(self, tag: int, multiple: bool) -> list[int]:
        tags = [t for t in self._open if t <= tag] if multiple else [tag]
        return [self._open.pop(t) for t in tags if t in self._open]
