"""What is lost by hand on real processes is found, named, mended and resolved: a task's row, an outbox row, a message.

The platform has a clock that is set, so that the minutes and hours that a comparison waits pass at once. Each wait has
a deadline of real time. It is one platform, on PostgreSQL; what each service does of it is tested on SQLite as well.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from playwright.sync_api import Browser
from sqlalchemy import select

from deploy.local.accounts import CENTRE, OFFICE, OFFICE_TOWNSHIP, ensure_accounts
from deploy.local.broker import PrivateBroker
from deploy.local.client import Platform
from deploy.local.ports import free_port
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES, Stack
from services.community_handover.store import known_persons, tasks
from services.release_notification import commands
from services.release_notification import store as releases
from services.release_notification.commands import ExecuteRelease
from shared.kernel.clock import FixedClock, china_day
from shared.messaging.broker import Broker, drop
from shared.messaging.topology import events_queue
from shared.runtime.clock import set_clock
from shared.storage.chassis import EVENT_LOG, OUTBOX
from shared.storage.engine import Storage, make_engine
from tests.support.browser import page_for, violations_on
from tests.support.messaging import take_one, wait_until, waiting_in
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

PEOPLE = ("station-system", "centre-system", "county", "city", "officer", "operator")
DEADLINE_SECONDS = 60
BEGINS = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)


@dataclass
class City:
    """The platform, its clock and its databases, for somebody who may do anything by hand."""

    running: RunningPlatform
    client: Platform
    clock_file: Path
    now: datetime

    def pass_time(self, by: timedelta) -> None:
        """Let it be later everywhere; every timer runs at once when that is more than a minute."""
        self.now += by
        set_clock(self.clock_file, self.now)

    def stop(self, service: str) -> None:
        """End a service politely."""
        assert self.running.stack.processes[service].stop() == 0

    def start(self, service: str) -> None:
        """Start it again."""
        process = self.running.stack.processes[service]
        process.start()
        process.wait_ready(DEADLINE_SECONDS)

    @property
    def database_url(self) -> str:
        """Where all data is."""
        return self.running.stack.env["DATABASE_URL"]

    def discrepancies(self, state: str = "open") -> set[tuple[str, str, str | None]]:
        """Kind, subject and detail of every discrepancy in a state."""
        items = self.client.get("city", "oversight", "/discrepancies", state=state, limit=200)["items"]
        return {(one["kind"], one["subject"], one["detail"]) for one in items}

    def metrics(self) -> str:
        """What oversight's gauges say."""
        return httpx.get(f"{self.running.stack.urls['oversight']}/metrics", trust_env=False).text

    def waits_until(self, done: Callable[[], Any], what: str) -> None:
        """Let time pass, ten minutes by ten minutes, until something is so. Raises: AssertionError naming it."""
        until = time.monotonic() + DEADLINE_SECONDS
        while not done():
            assert time.monotonic() < until, f"within {DEADLINE_SECONDS} s: not {what}; {self.discrepancies()}"
            self.pass_time(timedelta(minutes=10))
            time.sleep(0.5)

    def person(self) -> str:
        """Somebody is registered, and the handover knows it; the id."""
        body = {"identity_kind": "none", "full_name": "某人", "sex": "male", "residence_division": OFFICE_TOWNSHIP}
        person_id = self.client.post("station-system", "person_registry", "/persons", body)["id"]
        known = select(known_persons.c.person_id).where(known_persons.c.person_id == UUID(person_id))
        engine = make_engine(self.database_url, schema="community_handover")

        def is_known() -> bool:
            with engine.connect() as connection:
                return connection.execute(known).one_or_none() is not None

        wait_until(is_known, "the person known to the handover")
        engine.dispose()
        return str(person_id)

    def release(self, person_id: str | None = None, *, executed: bool = True) -> str:
        """Somebody's release is planned, and takes place; its id."""
        person_id = person_id or self.person()
        plan = {"person_id": person_id, "centre": CENTRE, "kind": "converted", "release_at": self.now.isoformat()}
        release_id = self.client.post("centre-system", "release_notification", "/releases", plan)["id"]
        if executed:
            gate = {"certificate_number": "JC-1"}
            path = f"/releases/{release_id}/execution"
            self.client.post("centre-system", "release_notification", path, gate)
        return str(release_id)

    def task_of(self, release_id: str) -> list[Any]:
        """The task of a release, if there is one that knows that the person left."""
        items = self.client.get("officer", "community_handover", "/tasks", release_id=release_id)["items"]
        return [task for task in items if task["released_at"]]


@pytest.fixture(scope="module")
def city(broker: PrivateBroker, postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A platform of its own, for everything in it is going to be broken."""
    name, folder = "reconciliation", tmp_path_factory.mktemp("reconciliation")
    broker.rabbitmqctl("add_vhost", name)
    broker.rabbitmqctl("set_permissions", "-p", name, "guest", ".*", ".*", ".*")
    password = ensure_accounts(folder)
    clock_file = folder / "clock"
    set_clock(clock_file, BEGINS)
    stack = Stack(
        folder,
        amqp_uri=broker.uri.removesuffix("//") + f"/{name}",
        database_url=postgres.create_database(name),
        ports={service: free_port() for service in (*SERVICES, IDENTITY, CONSOLE)},
        extra_env={"CLOCK_FILE": str(clock_file)},
    )
    with stack:
        running = RunningPlatform(stack, password)
        client = running.client(*PEOPLE)
        office = {"name": "office", "level": "township", "division": OFFICE_TOWNSHIP}
        client.put("county", "community_handover", f"/offices/{OFFICE}", office)
        client.put("county", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})
        yield City(running, client, clock_file, BEGINS)


def delete_task_row(city: City, release_id: str) -> None:
    engine = make_engine(city.database_url, schema="community_handover")
    with engine.begin() as connection:
        gone = connection.execute(tasks.delete().where(tasks.c.release_id == UUID(release_id)))
        assert gone.rowcount == 1
    engine.dispose()


def execute_and_drop_from_outbox(city: City, release_id: str) -> None:
    """The gate is entered, and the row of its event deleted in the same transaction: no relay ever sees it."""
    url, clock = city.database_url, FixedClock(city.now)
    storage = Storage(service="release_notification", url=url, work=releases.Work, clock=clock)
    with storage.work() as work:
        commands.execute_release(ExecuteRelease(UUID(release_id), "JC-2"), work=work, centre=CENTRE)
        work.flush()
        log = EVENT_LOG.c
        lost = select(log.position).where(log.subject == UUID(release_id), log.type == "release.executed.v1")
        gone = work.connection.execute(OUTBOX.delete().where(OUTBOX.c.position.in_(lost)))
        assert gone.rowcount == 1
    storage.dispose()


def release_withheld(city: City) -> str:
    """Somebody leaves, and what was said of it is taken from the handover's queue before it is heard."""
    person_id = city.person()
    city.stop("community_handover")
    release_id = city.release(person_id)
    queue = events_queue("community_handover")
    connection = Broker(city.running.stack.env["AMQP_URI"], name="thief").connect()
    try:
        wait_until(lambda: waiting_in(connection, queue) == 2, "both events of the release")
        taken = [orjson.loads(message.body) for message in iter(lambda: take_one(connection, queue), None)]
    finally:
        drop(connection)
    assert [(one["type"], one["subject"]) for one in taken] == [
        ("release.planned.v1", release_id),
        ("release.executed.v1", release_id),
    ]
    city.start("community_handover")
    return release_id


def mend(city: City, kind: str, subject: str) -> None:
    """What the console's page does for an operator."""
    items = city.client.get("city", "oversight", "/discrepancies", kind=kind, state="open")["items"]
    (one,) = [one for one in items if one["subject"] == subject]
    if one["detail"] == "row_lost":
        city.client.post("operator", "community_handover", "/tasks/restoration", {"release_id": subject})
        return
    service = one["owner"] if kind == "event_missing" else "release_notification"
    body = {"subject": subject, "sequence": one["number"]}
    city.client.post("operator", service, "/ops/events/say-again", body)


def test_what_is_lost_by_hand_is_found_named_mended_and_resolved(city: City, browser: Browser) -> None:
    untouched, row_lost = city.release(), city.release()
    outbox_lost = city.release(executed=False)
    for release_id in (untouched, row_lost):
        city.client.wait_for("its task", lambda release_id=release_id: city.task_of(release_id))
    delete_task_row(city, row_lost)
    execute_and_drop_from_outbox(city, outbox_lost)
    withheld = release_withheld(city)
    lost = {
        ("release_without_task", row_lost, "row_lost"),
        ("release_without_task", withheld, "never_made"),
        ("event_missing", outbox_lost, "release.executed.v1"),
    }
    city.waits_until(lambda: lost <= city.discrepancies(), "all three found and named")
    about_releases = {one for one in city.discrepancies() if one[1] in (untouched, row_lost, outbox_lost, withheld)}
    assert about_releases == lost

    # The day ends: the centre's statement of it knows what no event told.
    city.pass_time(timedelta(days=1))
    behind = ("stale_task", outbox_lost, "release_version")
    city.waits_until(lambda: behind in city.discrepancies(), "the task behind the register found")

    gauge = 'baton_discrepancies{kind="release_without_task"} 2.0'
    city.waits_until(lambda: gauge in city.metrics(), "the gauge")

    page = page_for(browser, city.running, "operator")
    assert "未消除的差错" in page.locator("main").inner_text()
    page.get_by_role("link", name="差错", exact=True).click()
    assert page.locator("h1").inner_text() == "差错"
    assert violations_on(page) == []
    assert page.locator(".card").count() >= len(lost)
    card = page.locator(".card", has_text=withheld)
    assert "出所没有接送任务" in card.inner_text()
    card.get_by_role("button", name="重新发送").click()
    assert "已处理" in page.locator(".receipt").inner_text()
    card = page.locator(".card", has_text=row_lost)
    card.get_by_role("button", name="恢复任务").click()
    assert "已处理" in page.locator(".receipt").inner_text()
    page.context.close()
    mend(city, "event_missing", outbox_lost)

    for release_id in (row_lost, outbox_lost, withheld):
        city.client.wait_for("its task", lambda release_id=release_id: city.task_of(release_id))
    named = {row_lost, outbox_lost, withheld}
    city.waits_until(lambda: not {one for one in city.discrepancies() if one[1] in named}, "all of them resolved")
    assert {*lost, behind} <= city.discrepancies("resolved")
    for release_id in (untouched, row_lost, outbox_lost, withheld):
        assert len(city.task_of(release_id)) == 1


def test_a_supervisor_explains_a_headcount_in_the_console(city: City, browser: Browser) -> None:
    path = f"/centres/{CENTRE}/headcounts/{china_day(city.now)}"
    city.client.put("centre-system", "detention_intake", path, {"counted": 4711})
    differs = ("headcount_differs", CENTRE, None)
    city.waits_until(lambda: differs in city.discrepancies(), "the difference found")
    page = page_for(browser, city.running, "city")
    page.get_by_role("link", name="差错", exact=True).click()
    card = page.locator(".card", has_text="点名人数不符").first
    card.get_by_text("说明原因").click()
    assert violations_on(page) == []
    card.get_by_label("原因").fill("夜间统一就医，次日返回")
    card.get_by_role("button", name="提交说明").click()
    assert page.locator(".receipt").inner_text() == "已记录说明"
    assert "夜间统一就医" in page.locator("main").inner_text()
    assert page.get_by_role("button", name="重新发送").count() == 0  # that is the operator's
    page.get_by_role("button", name="English").click()
    page.get_by_role("heading", name="Discrepancies").wait_for()
    page.context.close()
    assert differs in city.discrepancies("explained")
