"""The gauges of what a database says: set from what is there, never left at what once was."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import Counter, Gauge, Histogram

from deploy.local.stack import ROOT
from services.oversight.dues import KINDS
from services.oversight.service import SERVICE
from shared.messaging.morgue import Morgue
from shared.observability.metrics import Metrics
from shared.service import measuring_timers
from shared.storage import dead_letters
from shared.storage.dead_letters import LetterState
from tests.support.builders import NOW, event
from tests.support.service import ServiceUnderTest, delivery_of, service_under_test


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


def measured(service: ServiceUnderTest) -> dict[str, float]:
    """What a replica's gauges are after it measured, by name and kind; a new one, as after a restart."""
    metrics = Metrics()
    (timer,) = measuring_timers(SERVICE, metrics)
    with service.work() as work:
        timer.run(work)
    samples = [sample for family in metrics.registry.collect() for sample in family.samples]
    return {" ".join([sample.name, *sample.labels.values()]): sample.value for sample in samples}


def test_of_each_kind_is_counted_what_is_due_and_what_is_overdue(service: ServiceUnderTest) -> None:
    for hours in (-2, -1, 3):
        service.react(event("test.ordered.v1", due_at=service.clock.now() + timedelta(hours=hours)))
    service.react(event("order.issued.v1", due_at=None))
    seen = measured(service)
    assert (seen["baton_due test_order"], seen["baton_overdue test_order"]) == (1, 2)
    assert (seen["baton_due order"], seen["baton_overdue order"]) == (0, 0)
    assert {name.split()[1] for name in seen if name.startswith("baton_due ")} == KINDS
    service.clock.set(NOW + timedelta(days=30))
    assert measured(service)["baton_overdue test_order"] == 3


def test_a_dead_letter_counts_until_it_is_decided_whichever_replica_took_it(service: ServiceUnderTest) -> None:
    Morgue(service.storage, Metrics()).process([delivery_of(event("test.ordered.v1"))])
    assert measured(service)["baton_dead_letters_waiting"] == 1
    with service.work() as work:
        (letter,) = work.records(dead_letters.DEAD_LETTER, dead_letters.Letter).select()
        letters = work.records(dead_letters.DEAD_LETTER, dead_letters.Letter)
        dead_letters.decide(letters, letter, LetterState.DISCARDED, by="x", now=work.now, note="x")
    assert measured(service)["baton_dead_letters_waiting"] == 0


def test_every_metric_that_is_exposed_is_set_somewhere() -> None:
    sources = [path for folder in ("shared", "services") for path in (ROOT / folder).rglob("*.py")]
    code = "\n".join(path.read_text() for path in sources if path.name != "metrics.py")
    names = {name for name, one in vars(Metrics()).items() if isinstance(one, Counter | Gauge | Histogram)}
    used = r"metrics\.{}\s*\.(labels|set|inc|dec|observe|set_function|set_to_current_time)\b"
    assert {name for name in names if not re.search(used.format(name), code)} == set()
