"""The limit that Baton is measured against does Baton's work: the same rows in the same tables, the same columns."""

from collections.abc import Iterator
from typing import Any

import orjson
import psycopg2
import pytest
from sqlalchemy import Engine, text

from services.community_handover.service import SERVICE
from shared.kernel.ids import new_id
from shared.messaging.delivery import Delivery
from shared.messaging.processor import EventProcessor
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage
from tests.benchmarks import backlog, drain
from tests.benchmarks.peers import bare
from tests.benchmarks.setting import plain_url

TABLES = ("inbox", "task", "event_log", "outbox", "audit")


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    engine = drain.prepare(postgres_url, PEOPLE)
    yield engine
    engine.dispose()


PEOPLE = [new_id()]


def written(engine: Engine) -> dict[str, tuple[int, set[str]]]:
    """The number of rows of each table, and the columns of the first one that hold something."""
    found: dict[str, tuple[int, set[str]]] = {}
    with engine.begin() as connection:
        connection.execute(text("set local session_replication_role = replica"))  # the audit's rows cannot be deleted
        for table in TABLES:
            rows = connection.execute(text(f"select * from community_handover.{table}")).mappings().all()
            found[table] = len(rows), {name for name, value in rows[0].items() if value is not None} if rows else set()
            connection.execute(text(f"delete from community_handover.{table}"))
    return found


def body_length(engine: Engine) -> int:
    with engine.connect() as connection:
        statement = text("select max(length(body)) from community_handover.event_log")
        return int(connection.execute(statement).scalar_one())


def test_the_bare_limit_writes_what_baton_writes(postgres_url: str, engine: Engine) -> None:
    bodies = backlog.planned_releases(3, PEOPLE)
    storage: Storage[Any] = Storage(service=SERVICE.name, url=postgres_url, work=SERVICE.work)
    assert SERVICE.reactions is not None
    processor = EventProcessor(storage, SERVICE.reactions, Metrics())
    deliveries = [Delivery(body, backlog.CONTENT_TYPE, None, "release.planned.v1", {}) for body in bodies]
    assert processor.process(deliveries) == []
    storage.dispose()
    length = body_length(engine)
    ours = written(engine)

    database = psycopg2.connect(plain_url(postgres_url), options="-c search_path=community_handover")
    bare._write(database, [orjson.loads(body) for body in bodies])
    database.close()
    assert body_length(engine) == pytest.approx(length, rel=0.1)
    assert written(engine) == ours
    assert ours["task"][0] == 3
