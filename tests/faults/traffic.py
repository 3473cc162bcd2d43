"""The clients of a run, in a process of their own: ``python -m tests.faults.traffic ORDERS``.

``ORDERS`` is the JSON file in which the run says what there is (`Orders`). It ends by itself when every life is over.
On SIGTERM it says what is left and ends too.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

from shared.messaging.broker import Broker, drop
from tests.faults.by_amqp import AmqpClient, declare_answers
from tests.faults.by_http import HttpClient, Replicas, Tokens
from tests.faults.courses import Agenda, Course
from tests.faults.history import FILE, History
from tests.faults.lives import lives

HTTP_CLIENTS = 12


@dataclass(frozen=True)
class Orders:
    """What the traffic needs to know."""

    folder: str
    seed: int
    releases: int
    seconds: float
    centres: Sequence[str]
    persons: Sequence[str]
    urls: Mapping[str, Sequence[str]]
    amqp_uri: str
    private_jwk: str

    def write(self, path: Path) -> None:
        """For the other process; it holds the broker's password."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Orders":
        """From the file."""
        orders: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return cls(**orders)


class Traffic:
    """All clients at work."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._history = History(Path(orders.folder) / FILE)
        self._by_http, self._by_message = Agenda(), Agenda()
        self._finished = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._courses: list[Course] = []

    def run(self) -> int:
        """Until all is over or somebody stops it; how many acts were not begun."""
        orders, now = self._orders, time.monotonic()
        laid_down = lives(
            orders.seed,
            releases=orders.releases,
            seconds=orders.seconds,
            centres=orders.centres,
            persons=len(orders.persons),
        )
        self._courses = [Course(life, list(orders.persons)) for life in laid_down]
        for course in self._courses:
            self._enter(course, now + course.life.starts_at)
        threads = self._threads()
        self._over.wait()
        for thread in threads:
            thread.join(30)
        unfinished = sum(len(course.life.acts) - course.place for course in self._courses)
        self._history.note("end", unfinished=unfinished)
        self._history.close()
        return unfinished

    def stop(self) -> None:
        """End before everything is done."""
        self._over.set()

    def _enter(self, course: Course, due: float) -> None:
        (self._by_message if course.by_message else self._by_http).add(course, due)

    def _done(self, course: Course) -> None:
        if not course.is_over:
            self._enter(course, time.monotonic() + course.act.pause)
            return
        with self._lock:
            self._finished += 1
            if self._finished == len(self._courses):
                self._over.set()

    def _threads(self) -> list[threading.Thread]:
        orders = self._orders
        tokens, replicas = Tokens(Path(orders.private_jwk)), Replicas(orders.urls, Random(orders.seed))
        broker = Broker(orders.amqp_uri, name="faults traffic")
        connection = broker.connect()
        declare_answers(connection, orders.centres)
        drop(connection)
        workers: list[HttpClient | AmqpClient] = [
            HttpClient(
                self._by_http,
                tokens=tokens,
                replicas=replicas,
                history=self._history,
                done=self._done,
                seed=f"{orders.seed} http {number}",
            )
            for number in range(HTTP_CLIENTS)
        ]
        workers.append(
            AmqpClient(
                self._by_message,
                broker=broker,
                history=self._history,
                done=self._done,
                seed=f"{orders.seed} amqp",
            )
        )
        threads = [threading.Thread(target=worker.run, args=(self._over,), daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        return threads


def main(arguments: list[str]) -> int:
    """The command line."""
    traffic = Traffic(Orders.read(Path(arguments[0])))
    signal.signal(signal.SIGTERM, lambda number, frame: traffic.stop())
    traffic.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
