"""What history costs: the same work with few and with millions of tasks, and their events, in the database.

Each size has its own database, filled by the server itself. They are measured in turn, A B C A B C. Open work is the
same in all of them: what grows is what is over.
"""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import repeat
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Engine, text

from deploy.local.processes import ManagedProcess
from shared.messaging.topology import events_queue
from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer
from tests.benchmarks import backlog, drain
from tests.benchmarks.drain import SERVICE, handover_process
from tests.benchmarks.figures import interleaved, medians, rounded
from tests.benchmarks.load import closed_loop
from tests.benchmarks.setting import Setting

OPEN = 2_000
PAGE_SECONDS = 1.0
ONE_BY_ONE = 40
LOOK_EVERY_SECONDS = 0.001
HISTORY = Path(__file__).with_name("history.sql")
PLACES = {
    "id": "('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid",
    "release": "('01900000-0000-7000-9000-' || lpad(to_hex(n), 12, '0'))::uuid",
    "person": "('01900000-0000-7000-8000-' || lpad(to_hex(n / 3 + 1), 12, '0'))::uuid",
    "event": "('01900000-0000-7000-a000-' || lpad(to_hex(2 * n + version), 12, '0'))::uuid",
}


def run(setting: Setting) -> dict[str, Any]:
    """Rates and times by number of tasks, and the ratios of the largest to the smallest."""
    backlog.declare_topology(setting.broker)
    histories = [_History(setting, number) for number in setting.size.history]
    drained = interleaved({one.name: one.drained_a_second for one in histories}, setting.size.rounds)
    times = {"message_to_task": medians({one.name: one.message_ms for one in histories})}
    times |= {
        page: medians(interleaved({one.name: one.page_ms(page) for one in histories}, setting.size.rounds))
        for page in PAGES
    }
    for one in histories:
        one.close()
    rates = medians(drained)
    least, most = histories[0].name, histories[-1].name
    return {
        "tasks": [one.number for one in histories],
        "drain": rates,
        "ms": times,
        "filling_seconds": {one.name: rounded(one.filling_seconds) for one in histories},
        "database_gigabytes": {one.name: one.gigabytes for one in histories},
        "times_slower_at_most": {
            "drain": round(rates[least] / rates[most], 2),
            **{name: round(by_size[most] / by_size[least], 2) for name, by_size in times.items()},
        },
        "how": f"each task with two events, its inbox and audit row; {OPEN} tasks are open in each database",
        "unit": "drain: messages a second; a message to its task, and requests of the API: milliseconds",
    }


def _principal(role: Role, organisation: str, division: str) -> Principal:
    return Principal("bench", role, organisation, division)


_OFFICER = _principal(Role.COMMUNITY_OFFICER, "OFFICE-7", "430802001")
_SUPERVISOR = _principal(Role.COUNTY_SUPERVISOR, "NCO-430802", "430802")
# What the console asks for to show each page.
PAGES: dict[str, tuple[Principal, Callable[[int], str]]] = {
    "officers_tasks": (_OFFICER, lambda number: "/tasks?open=true&limit=100"),
    "one_task": (_SUPERVISOR, lambda number: f"/tasks/{_id(number - 10)}"),
    "supervisors_board": (_SUPERVISOR, lambda number: "/tasks?open=true&limit=100"),
    "latest_done": (_SUPERVISOR, lambda number: "/tasks?open=false&newest_first=true&limit=20"),
    "persons_tasks": (_SUPERVISOR, lambda number: f"/tasks?person_id={_id(number // 3)}"),
}


class _History:
    """A database with so many tasks."""

    def __init__(self, setting: Setting, number: int) -> None:
        self.number = number
        self.name = f"{number:,}".replace(",", "_")
        self._setting = setting
        self._people = [_id(n) for n in range(1, 501)]
        self._url = setting.postgres.create_database(f"growth_{number}")
        self._engine = drain.prepare(self._url, [])
        began = time.monotonic()
        fill(self._engine, number)
        self.filling_seconds = time.monotonic() - began
        with self._engine.connect() as connection:
            size = connection.execute(text("select pg_database_size(current_database())")).scalar_one()
        self.gigabytes = round(size / 1e9, 2)
        self.message_ms: list[float] = []
        self._process: ManagedProcess | None = None
        print(f"  {self.name} tasks: {self.gigabytes} GB, filled in {self.filling_seconds:.0f} s", flush=True)

    def drained_a_second(self) -> float:
        """See `drain`."""
        bodies = backlog.planned_releases(self._setting.size.backlog, self._people)
        backlog.fill(self._setting.broker, events_queue(SERVICE), bodies)
        began_at = datetime.now(UTC)
        with handover_process(self._setting, self._url, name=f"handover_{self.number}"):
            rate = drain.committed_rate(self._engine, len(bodies), began_at)
            self.message_ms.append(self._message_to_task_ms())
            return rate

    def _message_to_task_ms(self) -> float:
        """Milliseconds from a message on its way to the queue to its task, one after the other."""
        seconds = []
        look = text("select 1 from community_handover.task where release_id = :id")
        with (
            backlog.publishing(self._setting.broker, events_queue(SERVICE)) as publish,
            self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection,
        ):
            for body in backlog.planned_releases(ONE_BY_ONE, self._people):
                release = {"id": orjson.loads(body)["subject"]}
                began = time.perf_counter()
                publish([body])
                while connection.execute(look, release).first() is None:
                    time.sleep(LOOK_EVERY_SECONDS)
                seconds.append(time.perf_counter() - began)
        return 1000 * statistics.median(seconds)

    def page_ms(self, page: str) -> Callable[[], float]:
        """Milliseconds for one request, one after the other."""
        principal, path = PAGES[page]

        def measure() -> float:
            process = self._served()
            issuer = TokenIssuer.from_file(self._setting.folder / "keys" / "private.jwk")
            asked = f"GET {path(self.number)} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            request = f"{asked}Authorization: Bearer {issuer.issue(principal)}\r\n\r\n".encode()
            load = closed_loop(process.url, repeat(request), connections=1, seconds=PAGE_SECONDS)
            load.require_all_accepted()
            return 1000 * sorted(one.answered - one.due for one in load.answers)[len(load.answers) // 2]

        return measure

    def close(self) -> None:
        """End the process, throw the database away."""
        if self._process is not None:
            self._process.stop()
        self._engine.dispose()
        self._setting.postgres.drop_database(f"growth_{self.number}")

    def _served(self) -> ManagedProcess:
        if self._process is None:
            self._process = handover_process(self._setting, self._url, name=f"pages_{self.number}").__enter__()
            self._process.wait_ready(60)
        return self._process


def fill(engine: Engine, number: int) -> None:
    """A history of so many tasks, written by the database itself."""
    statements = HISTORY.read_text().format(number=number, open=min(OPEN, number), **PLACES)
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("vacuum analyze")


def _id(number: int) -> UUID:
    return UUID(f"01900000-0000-7000-8000-{number:012x}")
