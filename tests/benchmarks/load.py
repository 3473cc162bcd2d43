"""A load generator that is not the limit: one thread, plain sockets, requests made beforehand.

Closed loop: each connection sends as soon as it has its answer. Open loop: each request has its moment on a fixed
schedule, and what waits for a free connection has waited since that moment (no coordinated omission).
"""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
RECEIVE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request; moments are of `time.perf_counter`."""

    due: float
    answered: float
    status: int
    body: bytes


@dataclass
class Load:
    """What a run of requests came to. ``cpu_seconds`` is what the generator itself used."""

    answers: list[Answer]
    seconds: float
    cpu_seconds: float

    @property
    def accepted(self) -> int:
        """Answers with 2xx."""
        return sum(200 <= answer.status < 300 for answer in self.answers)

    def require_all_accepted(self) -> None:
        """Raises: RuntimeError with the first answer that was no success."""
        refused = [answer for answer in self.answers if not 200 <= answer.status < 300]
        if refused:
            raise RuntimeError(f"{len(refused)} of {len(self.answers)} refused: {refused[0].body[:300]!r}")


class _Connection:
    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, timeout=30)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.due = 0.0
        self._received = b""

    def send(self, request: bytes, due: float) -> None:
        self.due = due
        self.socket.sendall(request)

    def receive(self) -> Answer | None:
        """The answer, once it is here whole."""
        part = self.socket.recv(RECEIVE_BYTES)
        if not part:
            raise ConnectionError("the server closed a connection")
        self._received += part
        head, found, body = self._received.partition(_HEAD_END)
        if not found or len(body) < _content_length(head):
            return None
        self._received = b""
        return Answer(self.due, time.perf_counter(), int(head[9:12]), body)


def closed_loop(url: str, requests: Iterable[bytes], *, connections: int, seconds: float) -> Load:
    """As many requests as are answered in the time."""
    waiting = iter(requests)
    until = time.perf_counter() + seconds

    def next_due() -> float | None:
        now = time.perf_counter()
        return now if now < until else None

    return _run(url, waiting.__next__, next_due, connections)


def open_loop(
    url: str,
    requests: Iterable[bytes],
    *,
    connections: int,
    rate: float,
    number: int,
    on_answer: Callable[[Answer], None] | None = None,
) -> Load:
    """``number`` requests, ``rate`` a second."""
    waiting = iter(requests)
    began = time.perf_counter() + 0.05
    schedule = deque(began + place / rate for place in range(number))

    def next_due() -> float | None:
        return schedule.popleft() if schedule else None

    return _run(url, waiting.__next__, next_due, connections, on_answer)


def _run(
    url: str,
    next_request: Callable[[], bytes],
    next_due: Callable[[], float | None],
    connections: int,
    on_answer: Callable[[Answer], None] | None = None,
) -> Load:
    parts = urlsplit(url)
    selector = selectors.DefaultSelector()
    free = [_Connection((parts.hostname or "", parts.port or 80)) for _ in range(connections)]
    for connection in free:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
    answers: list[Answer] = []
    began, cpu = time.perf_counter(), time.thread_time()
    due, busy = next_due(), 0
    while due is not None or busy:
        while due is not None and free and due <= time.perf_counter():
            free.pop(0).send(next_request(), due)
            due, busy = next_due(), busy + 1
        pause = None if due is None or not free else max(0.0, due - time.perf_counter())
        for key, _ in selector.select(pause):
            answer = key.data.receive()
            if answer is not None:
                answers.append(answer)
                free.append(key.data)
                busy -= 1
                if on_answer is not None:
                    on_answer(answer)
    load = Load(answers, time.perf_counter() - began, time.thread_time() - cpu)
    for connection in free:
        connection.socket.close()
    return load


def _content_length(head: bytes) -> int:
    place = head.lower().find(_LENGTH)
    if place < 0:
        return 0
    return int(head[place + len(_LENGTH) :].partition(b"\r\n")[0])
