"""A server is backed up while it works, lost, and restored to a moment; what is missing is named, and comes back once.

The scripts are those of docker compose, the server is a real one. The services run in this process, on one database as
there; the queues are lists, so that it can be said who had heard what when the disk failed.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg2
import pytest
from sqlalchemy import select
from sqlalchemy.engine import make_url

from deploy.backup.exporter import base_age
from deploy.local.ops import Ops
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import ROOT
from deploy.local.system_packages import program
from services.community_handover.service import SERVICE as HANDOVER
from services.oversight.service import SERVICE as OVERSIGHT
from services.release_notification.service import SERVICE as RELEASES
from shared.contracts.envelope import CONTENT_TYPE, Event, decode
from shared.kernel.clock import FixedClock
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.service import STATE_STREAM
from shared.storage.chassis import EVENT_LOG, OUTBOX
from shared.web import Role
from tests.support.builders import person_registered
from tests.support.messaging import wait_until
from tests.support.service import START, ServiceUnderTest, principal_of, service_under_test

DEFINITIONS = (RELEASES, HANDOVER, OVERSIGHT)
CENTRE = "centre-1"
CLERK = principal_of(Role.CENTRE_CLERK, organisation=CENTRE)
CITY = principal_of(Role.CITY_SUPERVISOR)
HOUR = timedelta(hours=1)
SCRIPTS = ROOT / "deploy" / "backup"
DEADLINE_SECONDS = 60


@dataclass
class City:
    """Services on one database, and the queues between them, which outlive the database."""

    services: dict[str, ServiceUnderTest]
    queues: dict[str, list[Event]] = field(default_factory=lambda: {one.name: [] for one in DEFINITIONS})

    def publish(self) -> None:
        """What every relay does: what is confirmed is forgotten."""
        log = EVENT_LOG.c
        for service in self.services.values():
            with service.storage.engine.begin() as connection:
                said = select(log.body).join(OUTBOX, OUTBOX.c.position == log.position).order_by(log.position)
                events = [decode(body.encode(), CONTENT_TYPE) for body in connection.execute(said).scalars()]
                connection.execute(OUTBOX.delete())
            for event in events:
                self.enqueue(event)

    def enqueue(self, event: Event) -> None:
        """Put an event into the queues of its hearers."""
        for name, queue in self.queues.items():
            if event.type in SUBSCRIPTIONS[name]:
                queue.append(event)

    def hear(self, *names: str) -> None:
        """Services work off what waits for them."""
        for name in names:
            waiting, self.queues[name] = self.queues[name], []
            assert self.services[name].react(*waiting) == []

    def settle(self) -> None:
        """Everything is published and heard, and what follows from it."""
        self.publish()
        while any(self.queues.values()):
            self.hear(*self.queues)
            self.publish()

    def act(self, path: str, **body: Any) -> Any:
        """What a centre enters; the answer."""
        answer = self.services["release_notification"].client.post(path, body, as_=CLERK)
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()

    def plan(self, person_id: Any) -> str:
        """A release; its id."""
        at = (START + timedelta(days=3)).isoformat()
        return str(
            self.act("/releases", person_id=str(person_id), centre=CENTRE, kind="early_release", release_at=at)["id"]
        )

    def leave(self, release_id: str) -> None:
        """The person passes the gate."""
        self.act(f"/releases/{release_id}/execution", certificate_number="JC-1")

    def put_off(self, release_id: str, days: int) -> None:
        """The person leaves later."""
        at = (START + timedelta(days=days)).isoformat()
        self.act(f"/releases/{release_id}/rescheduling", release_at=at, reason="term counted anew")

    def tasks(self) -> list[str]:
        """The releases of all tasks."""
        with self.services["community_handover"].work() as work:
            return sorted(str(task.release_id) for task in work.tasks.select())

    def compare(self) -> set[tuple[str, str]]:
        """Every service states what it has, and an hour later all is compared: kind and subject of what is open."""
        oversight = self.services["oversight"]
        oversight.clock.advance(HOUR)
        for service in self.services.values():
            service.run(STATE_STREAM)
        self.services["community_handover"].run_timer("state_tasks")
        self.services["release_notification"].run_timer("state_days")
        self.settle()
        oversight.clock.advance(HOUR)
        oversight.run_timer("reconcile")
        self.settle()
        found = oversight.client.get("/discrepancies?state=open", as_=CITY).get_json()["items"]
        return {(one["kind"], one["subject"]) for one in found}


@dataclass
class InProcess:
    """The platform as the command line tool of operators asks it."""

    city: City

    def get(self, _username: str, service: str, path: str, **query: Any) -> Any:
        """GET."""
        return self.city.services[service].client.get(f"{path}?{urlencode(query)}", as_=Role.OPERATOR).get_json()

    def post(self, _username: str, service: str, path: str, body: Any) -> Any:
        """POST."""
        return self.city.services[service].client.post(path, body, as_=Role.OPERATOR).get_json()


@pytest.fixture
def folder(servers: Path) -> Path:
    made = servers / "point-in-time"
    (made / "backups").mkdir(parents=True)
    made.chmod(0o755)
    return made


def environment(folder: Path, server: PrivatePostgres) -> dict[str, str]:
    url = make_url(server.url())
    return os.environ | {
        "PATH": f"{program('postgres').parent}:{os.environ['PATH']}",
        "BACKUPS": str(folder / "backups"),
        "BACKUP_LOOK_SECONDS": "1",
        "PGHOST": str(url.host),
        "PGPORT": str(url.port),
        "PGUSER": str(url.username),
    }


def ask(server: PrivatePostgres, statement: str) -> Any:
    with closing(psycopg2.connect(server.url().replace("+psycopg2", ""))) as connection:
        cursor = connection.cursor()
        cursor.execute(statement)
        return cursor.fetchone()[0]


@pytest.fixture
def backed_up(folder: Path) -> Iterator[tuple[PrivatePostgres, Callable[[], None]]]:
    """A server beside which the backup runs, and how to wait until all that was written is in the backup."""
    with PrivatePostgres(folder / "server", fsync=False) as server:
        env = environment(folder, server)
        backup = subprocess.Popen(["sh", SCRIPTS / "backup.sh", "run"], env=env, start_new_session=True)
        try:
            # A base backup is named by the second, and serves moments after that second.
            wait_until(lambda: 1 <= base_age(folder / "backups") < DEADLINE_SECONDS, "a base backup", DEADLINE_SECONDS)
            behind = "select bool_and(restart_lsn >= {}) from pg_replication_slots"

            def all_received() -> None:
                written = f"'{ask(server, 'select pg_current_wal_flush_lsn()')}'::pg_lsn"
                wait_until(lambda: ask(server, behind.format(written)), "the log received")

            yield server, all_received
            wait_until(lambda: backup.poll() is not None, "the backup noticing that the server is gone", 30)
        finally:
            if backup.poll() is None:
                os.killpg(backup.pid, signal.SIGTERM)
                backup.wait(10)


def restored(folder: Path, moment: str, server: PrivatePostgres) -> subprocess.CompletedProcess[str]:
    server.data.mkdir(parents=True, exist_ok=True)
    env = environment(folder, server) | {"PGDATA": str(server.data)}
    return subprocess.run(["sh", SCRIPTS / "restore.sh", moment], env=env, capture_output=True, text=True)


def opened(url: str, clock: FixedClock, stack: ExitStack) -> dict[str, ServiceUnderTest]:
    return {one.name: stack.enter_context(service_under_test(one, url, clock)) for one in DEFINITIONS}


def test_a_city_is_restored_to_a_moment_and_what_is_missing_is_named_and_comes_back_once(
    folder: Path, backed_up: tuple[PrivatePostgres, Callable[[], None]]
) -> None:
    server, all_received = backed_up
    clock = FixedClock(START)
    with ExitStack() as stack:
        city = City(opened(server.create_database("city"), clock, stack))
        people = [person_registered() for _ in range(3)]
        for person in people:
            city.enqueue(person)
        city.settle()
        whole, unheard = city.plan(people[0].subject), city.plan(people[1].subject)
        city.settle()
        city.leave(unheard)
        forgotten_task = city.plan(people[2].subject)
        city.leave(forgotten_task)
        city.publish()  # the outbox forgets it, the broker has it
        city.hear("oversight")

        moment = ask(server, "select clock_timestamp()::text")

        clock.advance(timedelta(minutes=5))
        city.hear("community_handover")  # and this is forgotten by the restore, though the broker has no copy any more
        assert city.tasks() == sorted([whole, unheard, forgotten_task])
        city.put_off(whole, 5)
        city.publish()
        city.hear("release_notification", "community_handover")
        in_queues = city.queues
        assert [event.subject for event in in_queues["oversight"] if event.type.startswith("release")]
        all_received()
        server.kill()

    again = PrivatePostgres(folder / "again", fsync=False)
    began = time.monotonic()
    done = restored(folder, moment, again)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "recovery stopping before" in done.stdout
    with again, ExitStack() as stack:
        assert time.monotonic() - began < DEADLINE_SECONDS
        city = City(opened(again.url("city"), clock, stack), in_queues)
        assert city.tasks() == sorted([whole, unheard])
        city.settle()  # outboxes and queues give what they have
        found = city.compare()
        # What the queues told of days that are gone hides a task that is behind: the day's statement does not.
        clock.advance(timedelta(days=1))
        found |= city.compare()
        missing = {("release_without_task", forgotten_task), ("stale_task", unheard)}
        assert missing <= found, found

        lines: list[str] = []
        ops = Ops(InProcess(city), "operator", say=lines.append)  # type: ignore[arg-type]
        ops.lost("release_notification", (START - HOUR).isoformat())
        assert len(lines) == 2
        assert f"{whole} number 2" in lines[0]
        ops.republish([one.name for one in DEFINITIONS], (START - HOUR).isoformat(), "restored")
        city.settle()
        assert city.tasks() == sorted([whole, unheard, forgotten_task])
        found = city.compare()
        assert not missing & found, found

        city.put_off(whole, 6)  # the centre enters anew what was lost
        city.settle()
        assert ("two_histories", whole) in city.compare()
        city.put_off(whole, 7)
        city.settle()
        assert ("two_histories", whole) not in city.compare()
        with city.services["community_handover"].work() as work:
            (task,) = [one for one in work.tasks.select() if str(one.release_id) == whole]
        assert task.release_at == START + timedelta(days=7)
