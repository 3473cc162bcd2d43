"""The platform under faults, the short form of `make faults`. Every kind of fault happens but a cluster's."""

from pathlib import Path

import pytest

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import SERVICES
from tests.faults.plan import Fault, laid_out
from tests.faults.run import Result, Size, run
from tests.faults.servers import Database, Rabbit
from tests.faults.world import PROCESSES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

SIZE = Size(seed=1, releases=150, seconds=20.0)
LONGEST_FAULT_SECONDS = 4.0
ON_POSTGRES = (
    Fault.POISON,
    Fault.KILL,
    Fault.CUT,
    Fault.DATABASE_KILL,
    Fault.REPLAY,
    Fault.FREEZE,
    Fault.PAUSE,
    Fault.BROKER_KILL,
    Fault.CLOCK,
    Fault.POISON,
    Fault.TERMINATE,
)
ON_SQLITE = (
    Fault.KILL,
    Fault.DISK_FULL,
    Fault.RESET,
    Fault.BROKER_BLOCK,
    Fault.TEAR,
    Fault.POISON,
    Fault.BROKER_KILL,
    Fault.DELAY,
    Fault.REPLAY,
    Fault.KILL,
)
NEEDS_A_CLUSTER = {Fault.LEADER_KILL, Fault.NODE_KILL, Fault.PARTITION}  # which takes too long for here


def promises_kept(result: Result, kinds: tuple[Fault, ...]) -> None:
    assert list(result.complaints()) == []
    assert result.figures["accepted"] == SIZE.releases
    assert result.figures["faults"] == len(kinds)
    assert result.figures["dead_letters_found"] > 0


def test_on_postgres_every_promise_is_kept(broker: PrivateBroker, postgres: PrivatePostgres, tmp_path: Path) -> None:
    plan = laid_out(1, ON_POSTGRES, seconds=SIZE.seconds, processes=PROCESSES, longest=LONGEST_FAULT_SECONDS)
    urls = dict.fromkeys(SERVICES, postgres.create_database("faults"))
    rabbit, database = Rabbit(broker, "faults-postgres"), Database(postgres, urls)
    result = run(tmp_path / "run", SIZE, plan, rabbit=rabbit, database=database, say=print)
    promises_kept(result, ON_POSTGRES)


def test_on_sqlite_every_promise_is_kept(broker: PrivateBroker, servers: Path, tmp_path: Path) -> None:
    plan = laid_out(2, ON_SQLITE, seconds=SIZE.seconds, processes=PROCESSES, longest=LONGEST_FAULT_SECONDS)
    urls = {service: f"sqlite:///{servers / 'faults' / service / 'd.sqlite3'}" for service in SERVICES}
    rabbit, database = Rabbit(broker, "faults-sqlite"), Database(None, urls)
    result = run(tmp_path / "run", SIZE, plan, rabbit=rabbit, database=database, say=print)
    promises_kept(result, ON_SQLITE)


def test_together_every_kind_happens_that_one_broker_can_have() -> None:
    assert set(ON_POSTGRES) | set(ON_SQLITE) == set(Fault) - NEEDS_A_CLUSTER
