"""Starting one service: configuration, logs, migrations, topology, then nameko; and ending it in order."""

import gc
import os
import signal
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import eventlet
import structlog
from eventlet import tpool
from eventlet.event import Event
from flask import Flask
from nameko.runners import ServiceRunner
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from shared.kernel.clock import SystemClock
from shared.messaging.backoff import Backoff
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.topology import TopologyMismatch, declare
from shared.observability.logs import configure_logs
from shared.observability.metrics import Metrics
from shared.observability.tracing import Tracing, tracing_of
from shared.runtime.clock import FileClock
from shared.runtime.health import BrokerWatch
from shared.runtime.host import nameko_service
from shared.runtime.priority import step_aside
from shared.runtime.settings import ConfigurationError, Settings, Topology, load_settings
from shared.runtime.topology import look_for_mark
from shared.runtime.version import tell_version
from shared.service import ServiceDefinition
from shared.storage.compatibility import OldCodeRuns, SchemaTooNew
from shared.storage.engine import Storage
from shared.storage.migrations import bring_up
from shared.web.app import create_app
from shared.web.tokens import TokenVerifier

STOP_DEADLINE_SECONDS = 20
ASSETS = Path(__file__).parents[2] / "build" / "node_modules"

log = structlog.get_logger(__name__)


def main(arguments: list[str]) -> int:
    """The command line: the name of one service."""
    if len(arguments) != 1:
        print("usage: python -m shared.runtime <service>", file=sys.stderr)
        return 2
    try:
        definition = _definition(arguments[0])
        settings = load_settings(definition.name)
    except ConfigurationError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return 2
    configure_logs(definition.name, settings.log_level)
    try:
        _run(definition, settings)
    except ConfigurationError as error:  # of what a service needs beside what every service does
        print(f"configuration: {error}", file=sys.stderr)
        return 2
    except TopologyMismatch as error:
        log.error("service.topology_mismatch", entity=str(error))
        return 1
    except SchemaTooNew as error:
        log.error("service.schema_too_new", cause=str(error))
        return 1
    return 0


def _definition(name: str) -> ServiceDefinition:
    try:
        module = import_module(f"services.{name}.service")
    except ModuleNotFoundError as error:
        if error.name and error.name.startswith(f"services.{name}"):
            raise ConfigurationError(f"there is no service {name}") from error
        raise
    definition = module.SERVICE
    assert isinstance(definition, ServiceDefinition)
    return definition


def _run(definition: ServiceDefinition, settings: Settings) -> None:
    # A batch makes tens of thousands of short-lived objects; looking through them again and again finds nothing.
    gc.freeze()
    gc.set_threshold(100_000, 50, 50)
    step_aside(definition.niceness)
    stop = _stop_on_signals()
    metrics = Metrics()
    clock = FileClock(settings.clock_file) if settings.clock_file else SystemClock()
    storage: Storage[Any] = Storage(
        service=definition.name, url=settings.database_url, work=definition.work, clock=clock
    )
    metrics.db_connections.set_function(storage.engine.pool.checkedout)  # type: ignore[attr-defined]
    broker = Broker(settings.amqp_uri, name=definition.name)
    watch = BrokerWatch(broker, metrics)
    _wait_for(stop, "database", lambda: _bring_up(storage, metrics), (SQLAlchemyError, OldCodeRuns))
    _wait_for(stop, "broker", lambda: _prepare(broker, settings.topology), CONNECTION_ERRORS)
    if stop.ready():
        return
    tracing = tracing_of(definition.name, os.environ)
    app = application(definition, settings, storage, watch, metrics, tracing)
    service = nameko_service(
        definition, settings=settings, storage=storage, broker=broker, metrics=metrics, app=app, tracing=tracing
    )
    runner = ServiceRunner({"WEB_SERVER_ADDRESS": f"{settings.http_host}:{settings.http_port}", "max_workers": 20})
    runner.add_service(service)
    runner.start()
    watching = eventlet.spawn(watch.run, definition.name)
    log.info("service.started", port=settings.http_port)
    _serve_until(stop, runner)
    watching.kill()
    tracing.stop()
    storage.dispose()
    log.info("service.stopped")


def application(
    definition: ServiceDefinition,
    settings: Settings,
    storage: Storage[Any],
    watch: BrokerWatch,
    metrics: Metrics,
    tracing: Tracing,
) -> Flask:
    """The service's HTTP application."""
    return create_app(
        name=definition.name,
        title=definition.title,
        blueprints=definition.blueprints,
        open_work=storage.work,
        verifier=TokenVerifier(settings.token_keys, expected=settings.expected),
        metrics=metrics,
        probes={"database": lambda: _database_complaint(storage), "broker": watch.complaint},
        assets=ASSETS,
        offload=tpool.execute,
        forwarded_hops=settings.forwarded_hops,
        tracing=tracing,
        rate_limit=settings.rate_limit,
    )


def _stop_on_signals() -> Event:
    stop = Event()

    def on_signal(_number: int, _frame: Any) -> None:
        if not stop.ready():
            eventlet.spawn(stop.send, None)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    return stop


def _wait_for(stop: Event, what: str, attempt: Any, errors: tuple[type[BaseException], ...]) -> None:
    backoff = Backoff(first=0.2)
    while not stop.ready():
        try:
            attempt()
            return
        except errors as trouble:
            log.warning("service.waiting", what=what, cause=type(trouble).__name__)
            time.sleep(backoff.next())


def _bring_up(storage: Storage[Any], metrics: Metrics) -> None:
    bring_up(storage.engine, storage.service)
    tell_version(metrics, storage.engine, storage.service)


def _prepare(broker: Broker, topology: Topology) -> None:
    connection = broker.connect()
    try:
        if topology is Topology.DECLARE:
            declare(connection)
        else:
            look_for_mark(connection)
    finally:
        drop(connection)


def _database_complaint(storage: Storage[Any]) -> str | None:
    try:
        with storage.engine.connect() as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as error:
        return type(error).__name__
    return None


def _serve_until(stop: Event, runner: ServiceRunner) -> None:
    """Until a signal asks to stop, or the container dies of something that cannot be waited for."""
    ended = eventlet.spawn(runner.wait)
    ended.link(lambda _thread: stop.ready() or stop.send(None))
    stop.wait()
    with eventlet.Timeout(STOP_DEADLINE_SECONDS, False):
        runner.stop()
        ended.wait()
        return
    log.error("service.stop_deadline_passed")
    runner.kill()
