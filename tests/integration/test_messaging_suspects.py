"""Who kills its consumer is found; who was only unlucky with the database is not taken for one."""

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from deploy.local.stack import ROOT
from services.oversight.service import SERVICE as OVERSIGHT
from services.person_registry import store
from shared.contracts.envelope import Event, encode
from shared.kernel.outcomes import Applied, Outcome
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.processor import EventProcessor, Unavailable
from shared.messaging.reactions import Reactions
from shared.messaging.suspects import KILLER_AFTER_ATTEMPTS, SUSPICIOUS_AFTER_RETURNS
from shared.observability.metrics import Metrics
from shared.storage.chassis import INBOX, SUSPECT
from shared.storage.engine import Storage
from tests.support.builders import person_registered, release_planned
from tests.support.messaging import publish, registry, take_one, topology, wait_until, waiting_in
from tests.support.service import delivery_of, service_under_test


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


class Unlucky(Reactions):
    """Reactions that fail so many times, then work."""

    def __init__(self, failure: BaseException, times: int) -> None:
        super().__init__({"release.planned.v1": self._react})
        self._failure = failure
        self.left = times

    def _react(self, event: Event, work: Any) -> Outcome:
        if self.left:
            self.left -= 1
            raise self._failure
        return Applied()


def come_back() -> Delivery:
    """A delivery that was in the hands of lost consumers before."""
    fresh = delivery_of(release_planned())
    headers = {"x-delivery-count": SUSPICIOUS_AFTER_RETURNS}
    return Delivery(fresh.body, fresh.content_type, fresh.message_id, fresh.routing_key, headers)


def try_often(
    storage: Storage[store.Work], reactions: Reactions, delivery: Delivery, times: int, *, restarted: bool
) -> Sequence[DeadLetter]:
    """What the last of so many attempts gives; ``restarted`` has a new process for each."""
    processor = EventProcessor(storage, reactions, Metrics())
    for _ in range(times - 1):
        with pytest.raises((Unavailable, Killed)):
            processor.process([delivery])
        processor = EventProcessor(storage, reactions, Metrics()) if restarted else processor
    return processor.process([delivery])


def test_a_database_that_fails_often_makes_no_killer_of_a_message(database_url: str) -> None:
    away = OperationalError("select", {}, Exception("the server closed the connection"))
    reactions = Unlucky(away, times=3 * KILLER_AFTER_ATTEMPTS)
    with registry(database_url) as storage:
        dead = try_often(storage, reactions, come_back(), 3 * KILLER_AFTER_ATTEMPTS + 1, restarted=False)
        assert [letter.reason for letter in dead] == []
        assert reactions.left == 0
        with storage.engine.connect() as connection:
            assert connection.execute(SUSPECT.select()).all() == []


def test_a_message_that_ends_every_process_is_given_up(database_url: str) -> None:
    reactions = Unlucky(Killed(), times=100)
    with registry(database_url) as storage:
        dead = try_often(storage, reactions, come_back(), KILLER_AFTER_ATTEMPTS + 1, restarted=True)
        assert [letter.reason for letter in dead] == ["kills_the_consumer"]


def test_of_two_consumers_that_die_together_only_the_killer_is_given_up(postgres_url: str, amqp_uri: str) -> None:
    events = [person_registered() for _ in range(20)]
    killer = str(events[2].id)
    with service_under_test(OVERSIGHT, postgres_url) as service, topology(amqp_uri) as (_, connection):
        for event in events:
            publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))

        def done() -> int:
            with service.storage.engine.connect() as reading:
                return int(reading.execute(select(func.count()).select_from(INBOX)).scalar_one())

        def all_done_by(process: subprocess.Popen[bytes]) -> bool:
            """Run it until everything is done, or it is killed."""
            wait_until(
                lambda: process.poll() is not None or done() + waiting_in(connection, "oversight.dead") >= len(events),
                "a death or the end",
            )
            return process.poll() is None

        command = [sys.executable, "-m", "tests.support.killed", amqp_uri, postgres_url, killer]
        for _ in range(3 * KILLER_AFTER_ATTEMPTS):
            with subprocess.Popen(command, cwd=ROOT) as process:
                is_done = all_done_by(process)
                process.kill()
            if is_done:
                break
        letters = []
        while (letter := take_one(connection, "oversight.dead")) is not None:
            letters.append(
                (letter.properties["message_id"], letter.properties["application_headers"]["x-baton-reason"])
            )
        assert letters == [(killer, "kills_the_consumer")]
        assert done() == len(events) - 1
