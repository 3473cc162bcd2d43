"""What happens by itself: every timer of a service, one replica at a time.

A timer does what is due and not done, so one that did not run for a week catches up; nothing here compares
times with "now" for equality and a lost run costs only time.
"""

import time
import zlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.observability.metrics import Metrics
from shared.service import Timer
from shared.storage.engine import Storage
from shared.storage.work import UnitOfWork

TICK_SECONDS = 0.2
RETRY_SECONDS = 2.0  # after trouble with the database, however seldom the timer runs otherwise
JUMP = timedelta(minutes=1)

log = structlog.get_logger(__name__)


class TimerLoop:
    """Runs a service's timers until stopped."""

    def __init__(self, storage: Storage[Any], timers: Sequence[Timer], metrics: Metrics) -> None:
        self._storage = storage
        self._timers = timers
        self._metrics = metrics
        self._next = {timer.name: time.monotonic() for timer in timers}
        self._seen_at = storage.clock.now()
        self._stopping = False

    def run(self) -> None:
        """Loop; a failing timer is logged, counted and tried again at its next time."""
        while not self._stopping:
            jumped = self._clock_jumped()
            for timer in self._timers:
                if jumped or time.monotonic() >= self._next[timer.name]:
                    self._next[timer.name] = time.monotonic() + self._run_due(timer)
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """End after the transaction under way."""
        self._stopping = True

    def _clock_jumped(self) -> bool:
        """Whether the clock was set, or the machine slept: then everything may have come due at once."""
        before, self._seen_at = self._seen_at, self._storage.clock.now()
        return abs(self._seen_at - before) > JUMP

    def _run_due(self, timer: Timer) -> float:
        """Do what is due; in how many seconds to look again."""
        every = timer.every.total_seconds()
        try:
            while self._once(timer) and not self._stopping:
                self._metrics.timer_runs.labels(timer.name, "worked").inc()
                time.sleep(0)  # others get their turn
            self._metrics.timer_runs.labels(timer.name, "idle").inc()
            self._metrics.timer_next_run.labels(timer.name).set(time.time() + every)
        except SQLAlchemyError as trouble:
            self._metrics.timer_runs.labels(timer.name, "unavailable").inc()
            log.warning("timer.waiting", timer=timer.name, cause=type(trouble).__name__)
            return min(every, RETRY_SECONDS)
        except Exception:
            self._metrics.timer_runs.labels(timer.name, "failed").inc()
            log.exception("timer.failed", timer=timer.name)
        return every

    def _once(self, timer: Timer) -> int:
        with self._storage.work() as work:
            return timer.run(work) if _is_ours(work, timer, self._storage.service) else 0


def _is_ours(work: UnitOfWork, timer: Timer, service: str) -> bool:
    if work.dialect != "postgresql":
        return True
    key = zlib.crc32(f"timer {service} {timer.name}".encode())
    return bool(work.connection.execute(text("select pg_try_advisory_xact_lock(:key)"), {"key": key}).scalar_one())
