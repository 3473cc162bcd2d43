"""What a service is: one declaration that shows all it hears, says and serves.

`shared.runtime` turns it into a nameko service; tests use it directly, without broker and network.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from flask_smorest import Blueprint
from sqlalchemy import MetaData

from shared.audit.anchors import AnchorSigner
from shared.audit.sealing import anchor_day, seal_more, signed_until
from shared.importing.importer import Importer
from shared.importing.jobs import advance, forget_old
from shared.messaging.intake import Intake
from shared.messaging.reactions import Reactions
from shared.observability.metrics import Metrics
from shared.storage.dead_letters import waiting
from shared.storage.engine import Storage
from shared.storage.retention import prune
from shared.storage.streams import state_stream
from shared.storage.work import Transaction, UnitOfWork

PRUNE_EVERY = timedelta(seconds=5)
STATE_EVERY = timedelta(seconds=20)
MEASURE_EVERY = timedelta(seconds=15)
SEAL_EVERY = timedelta(seconds=5)
ANCHOR_EVERY = timedelta(minutes=5)
IMPORT_EVERY = timedelta(milliseconds=200)
FORGET_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class Timer:
    """Something that happens by itself: ``run`` does what is due and not done and says how much it did.

    It is called again at once while it did something, so a backlog after an outage is caught up in small
    transactions. Only one replica runs a timer at a time.
    """

    name: str
    every: timedelta
    run: Callable[[Any], int]


class Loop(Protocol):
    """Something of a service's own that runs beside it until it is told to stop."""

    def run(self) -> None:
        """Run; returns after `stop`. Trouble that passes is waited for."""

    def stop(self) -> None:
        """Finish what is under way."""


@dataclass(frozen=True)
class ServiceDefinition:
    """A bounded context: its database, its HTTP API, the events it reacts to, its timers."""

    name: str
    title: str
    work: Callable[[Transaction], UnitOfWork]
    metadata: MetaData
    blueprints: Sequence[Blueprint]
    reactions: Reactions | None = None
    timers: Sequence[Timer] = ()
    jobs: Sequence[Timer] = ()  # long work in small steps, which no timer has to wait for
    intake: Intake | None = None
    linger: timedelta = timedelta(0)  # how long a batch of events waits for more, where nobody waits for its effect
    niceness: int = 0  # steps by which it takes less of a busy processor than services that somebody waits for
    takes_unrouted: bool = False  # keeps the events that no queue is bound for, for an operator
    measure: Callable[[Any, Metrics], None] | None = None  # sets gauges from what the database says
    loops: Callable[[Storage[Any], Metrics], Sequence[Loop]] | None = None  # what talks to the world, in no transaction


# What every service states by itself, whatever it is about.
STATE_STREAM = Timer("state_stream", STATE_EVERY, state_stream)


def audit_timers(signer: AnchorSigner | None) -> tuple[Timer, ...]:
    """The timers that link the audit into its chain and, where there is a key, sign its end of every day."""
    seal = Timer("seal_audit", SEAL_EVERY, seal_more)
    if signer is None:
        return (seal,)
    return (seal, Timer("anchor_audit", ANCHOR_EVERY, lambda work: anchor_day(work, signer)))


def import_jobs(importer: Importer) -> tuple[Timer, ...]:
    """What works imports off, step by step, and forgets the rows of old ones."""
    return (
        Timer(f"advance_{importer.kind}_imports", IMPORT_EVERY, lambda work: advance(importer, work)),
        Timer(f"forget_{importer.kind}_imports", FORGET_EVERY, lambda work: forget_old(importer, work)),
    )


def measuring_timers(definition: ServiceDefinition, metrics: Metrics) -> tuple[Timer, ...]:
    """The timer that sets the gauges of what the database says: letters, the audit, what is the service's own."""

    def run(work: UnitOfWork) -> int:
        metrics.dead_letters_waiting.set(waiting(work.connection))
        metrics.audit_anchor.set(signed_until(work.connection))
        if definition.measure is not None:
            definition.measure(work, metrics)
        return 0

    return (Timer("measure", MEASURE_EVERY, run),)


def retention_timers(kept_for: timedelta, metrics: Metrics) -> tuple[Timer, ...]:
    """The timer that every service has: what was kept long enough goes, a little at a time."""

    def prune_a_little(work: UnitOfWork) -> int:
        for table, rows in prune(work.connection, before=work.now - kept_for):
            metrics.pruned_rows.labels(table).inc(rows)
        return 0  # however much is left, other timers come first

    return (Timer("prune", PRUNE_EVERY, prune_a_little),)
