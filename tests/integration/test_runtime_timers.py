"""The timer loop: what fails is tried again, a jump of the clock runs everything at once."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from services.person_registry.store import Work
from shared.observability.metrics import Metrics
from shared.runtime import timers as timers_module
from shared.runtime.timers import TimerLoop
from shared.service import Timer
from shared.storage.engine import Storage
from tests.support.messaging import registry, wait_until

SELDOM = timedelta(hours=1)


class SetClock:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 2, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def storage(database_url: str, clock: SetClock) -> Iterator[Storage[Work]]:
    with registry(database_url) as made:
        made.clock = clock
        yield made


@contextmanager
def running(storage: Storage[Work], *runs: Callable[[Work], int]) -> Iterator[None]:
    loop = TimerLoop(storage, [Timer(f"timer_{place}", SELDOM, run) for place, run in enumerate(runs)], Metrics())
    thread = threading.Thread(target=loop.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.stop()
        thread.join(30)
        assert not thread.is_alive()


def counting(outcomes: Sequence[int | Exception]) -> tuple[list[int], Callable[[Work], int]]:
    """A timer that does as told, once for each outcome and then nothing; with how often it was run."""
    runs: list[int] = []

    def run(_work: Work) -> int:
        runs.append(1)
        outcome = outcomes[len(runs) - 1] if len(runs) <= len(outcomes) else 0
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return runs, run


def test_a_timer_runs_until_nothing_is_due(storage: Storage[Work]) -> None:
    runs, run = counting([200, 200, 7])
    with running(storage, run):
        wait_until(lambda: len(runs) == 4, "run until nothing was due")


def test_a_timer_that_the_database_refused_does_not_wait_for_its_next_hour(
    storage: Storage[Work], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(timers_module, "RETRY_SECONDS", 0.05)
    runs, run = counting([OperationalError("update", {}, Exception("database is locked"))])
    with running(storage, run):
        wait_until(lambda: len(runs) == 2, "tried again")


def test_a_failing_timer_does_not_stop_the_others_and_runs_again_when_the_clock_jumps(
    storage: Storage[Work], clock: SetClock
) -> None:
    failing, fail = counting([ValueError("no such thing")])
    healthy, work = counting([])
    with running(storage, fail, work):
        wait_until(lambda: len(healthy) == 1, "the other one run")
        assert len(failing) == 1
        clock.moment += timedelta(days=40)
        wait_until(lambda: (len(failing), len(healthy)) == (2, 2), "both run after the jump")
