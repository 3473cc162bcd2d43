"""Centres that speak AMQP: commands published with confirms, sent again under the same id until an answer comes.

One thread, two connections: one publishes, one reads the answers from a queue of the centres' own.
"""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from amqp import Message
from kombu import Connection, Exchange, Queue, binding

from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.publisher import ConfirmingPublisher
from shared.messaging.topology import INTAKE, REPLIES, UNROUTED
from tests.faults.courses import Agenda, Course, is_definite
from tests.faults.history import History

ANSWERS_QUEUE = "faults.answers"
CONFIRM_SECONDS = 5.0
ANSWER_WITHIN_SECONDS = 6.0  # then it is sent again
AT_ONCE = 50


def declare_answers(connection: Connection, centres: Sequence[str]) -> None:
    """The queue of the centres' answers, before the first command is sent."""
    exchange = Exchange(REPLIES, "topic", durable=True, arguments={"alternate-exchange": UNROUTED})
    queue = Queue(
        ANSWERS_QUEUE,
        bindings=[binding(exchange, routing_key=centre) for centre in centres],
        queue_arguments={"x-queue-type": "quorum"},
    )
    with connection.channel() as channel:
        queue(channel).declare()


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the publisher takes it."""

    message_id: str
    type: str
    body: bytes
    headers: Mapping[str, str]
    exchange: str = INTAKE
    content_type: str = "application/json"
    reply_to: str | None = None


class AmqpClient:
    """The thread of all centres that speak AMQP."""

    def __init__(
        self, agenda: Agenda, *, broker: Broker, history: History, done: Callable[[Course], None], seed: str
    ) -> None:
        self._agenda = agenda
        self._broker = broker
        self._history = history
        self._done = done
        self._chance = Random(seed)
        self._waiting: dict[str, tuple[Course, float]] = {}  # until when an answer is waited for
        self._connections: list[Connection] = []

    def run(self, stopped: threading.Event) -> None:
        """Until told to stop; a broker that is away is waited for."""
        while not stopped.is_set():
            try:
                self._connect()
                while not stopped.is_set():
                    self._send()
                    self._receive()
            except CONNECTION_ERRORS:
                time.sleep(self._chance.uniform(0.1, 0.5))
            finally:
                self._disconnect()

    def _connect(self) -> None:
        self._connections = [self._broker.connect(), self._broker.connect()]
        self._publisher = ConfirmingPublisher(self._connections[0], app_id="faults")
        self._reading = self._connections[1].connection
        self._channel = self._reading.channel()
        self._channel.basic_qos(0, AT_ONCE, False)
        self._channel.basic_consume(ANSWERS_QUEUE, callback=self._answered)

    def _disconnect(self) -> None:
        for connection in self._connections:
            drop(connection)
        self._connections = []

    def _send(self) -> None:
        now = time.monotonic()
        for key, (course, until) in list(self._waiting.items()):
            if until < now:
                del self._waiting[key]
                self._agenda.add(course, now)
        begun = []
        while len(self._waiting) < AT_ONCE and (course := self._agenda.next(0.0)) is not None:
            self._waiting[str(course.act.key)] = course, now + ANSWER_WITHIN_SECONDS
            begun.append(course)
        if not begun:
            self._publisher.heartbeat()
            return
        window = self._publisher.publish(map(self._command, begun), deadline=CONFIRM_SECONDS)
        if window.interrupted is not None:
            raise window.interrupted

    def _command(self, course: Course) -> Command:
        body, key = course.begin(self._history), str(course.act.key)
        if course.release_id is not None:
            body = {**body, "release_id": course.release_id}
        self._history.note("attempt", key=key, to="amqp")
        command = f"release.{course.act.kind.value}"
        return Command(key, command, json.dumps(body).encode(), {"centre": course.life.centre})

    def _receive(self) -> None:
        try:
            self._reading.drain_events(timeout=0.02)
        except TimeoutError:
            self._reading.heartbeat_tick()

    def _answered(self, message: Message) -> None:
        self._take(json.loads(message.body))
        self._channel.basic_ack(message.delivery_info["delivery_tag"])

    def _take(self, answer: dict[str, Any]) -> None:
        key = str(answer["in_reply_to"])
        course, _ = self._waiting.pop(key, (None, 0.0))
        if answer["accepted"]:
            told = {name: answer["receipt"].get(name) for name in ("id", "version", "state")}
            self._history.note("answer", key=key, status=200, **told)
            if course is not None:
                course.advance(answer["receipt"])
                self._done(course)
        elif course is not None:
            self._refused(course, answer["problem"])

    def _refused(self, course: Course, problem: dict[str, Any]) -> None:
        key = str(course.act.key)
        if is_definite(course, problem):
            self._history.note("refusal", key=key, status=problem["status"], code=problem["code"])
            course.end()
            self._done(course)
        else:
            self._history.note("trouble", key=key, cause=f"{problem['status']} {problem['code']}")
            self._agenda.add(course, time.monotonic() + course.retry_after(self._chance))
