"""Builds the nameko service class of a `ServiceDefinition`: what it hears, says, serves and does by itself."""

from collections.abc import Sequence
from typing import Any

from flask import Flask

from shared.audit.anchors import AnchorSigner
from shared.messaging.broker import Broker
from shared.messaging.consumer import BatchConsumer
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.intake import IntakeProcessor
from shared.messaging.morgue import Morgue, Replayer
from shared.messaging.pressure import Pressure
from shared.messaging.processor import EventProcessor, Processor, Unavailable
from shared.messaging.relay import Relay
from shared.messaging.suspects import Suspects
from shared.messaging.topology import UNROUTED, dead_queue, events_queue, intake_queue
from shared.observability.metrics import Metrics
from shared.observability.tracing import OFF, Tracing
from shared.runtime.extensions import BatchEntrypoint, HttpApi, LoopProvider, TimerEntrypoint
from shared.runtime.settings import Settings
from shared.runtime.timers import TimerLoop
from shared.service import STATE_STREAM, ServiceDefinition, audit_timers, measuring_timers, retention_timers
from shared.storage.engine import Storage


def nameko_service(
    definition: ServiceDefinition,
    *,
    settings: Settings,
    storage: Storage[Any],
    broker: Broker,
    metrics: Metrics,
    app: Flask,
    tracing: Tracing = OFF,
) -> type:
    """A class that nameko's runner can host; each entrypoint and provider stands for one line of the definition."""
    pressure, suspects = Pressure(), Suspects(storage)
    members: dict[str, Any] = {
        "name": definition.name,
        "__doc__": definition.title,
        "api": HttpApi(app),
        "relay": LoopProvider(Relay(storage, broker, metrics, pressure)),
        "replayer": LoopProvider(Replayer(storage, broker, metrics)),
    }
    letters = Morgue(storage, metrics)
    members["bury"] = _batches(dead_queue(definition.name), letters, settings, broker, metrics, pressure)
    if definition.takes_unrouted:
        unrouted = Morgue(storage, metrics, events_only=True)
        members["find"] = _batches(UNROUTED, unrouted, settings, broker, metrics, pressure)
    if definition.reactions is not None:
        events = EventProcessor(storage, definition.reactions, metrics, suspects, tracing)
        told = settings.batch_linger
        linger = definition.linger.total_seconds() if told is None else told
        for number in range(settings.consumers):
            queue = events_queue(definition.name)
            members[f"react_{number}"] = _batches(queue, events, settings, broker, metrics, pressure, linger)
    if definition.intake is not None:
        commands = IntakeProcessor(storage, definition.intake, metrics, suspects)
        members["take_in"] = _batches(intake_queue(definition.name), commands, settings, broker, metrics, pressure)
    if definition.loops is not None:
        loops = enumerate(definition.loops(storage, metrics))
        members |= {f"loop_{number}": LoopProvider(loop) for number, loop in loops}
    signer = AnchorSigner.from_file(settings.audit_key) if settings.audit_key else None
    chassis = (
        STATE_STREAM,
        *measuring_timers(definition, metrics),
        *retention_timers(settings.retention, metrics),
        *audit_timers(signer),
    )
    members["tick"] = _ticks(TimerLoop(storage, (*definition.timers, *chassis), metrics))
    if definition.jobs:
        members["work_off"] = _ticks(TimerLoop(storage, definition.jobs, metrics))
    return type(definition.name.title().replace("_", ""), (), members)


def _batches(
    queue: str,
    processor: Processor,
    settings: Settings,
    broker: Broker,
    metrics: Metrics,
    pressure: Pressure,
    linger: float = 0.0,
) -> Any:
    def consumer_for(entrypoint: BatchEntrypoint) -> BatchConsumer:
        return BatchConsumer(
            queue=queue,
            dead_key=dead_queue(settings.service),
            broker=broker,
            processor=entrypoint,
            metrics=metrics,
            size=settings.batch_size,
            linger=linger,
            pressure=pressure,
        )

    def handle(_service: Any, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
        return processor.process(deliveries)

    return BatchEntrypoint.decorator(make_consumer=consumer_for, expected_exceptions=Unavailable)(handle)


def _ticks(loop: TimerLoop) -> Any:
    def tick(_service: Any) -> None:
        """The loop runs in the entrypoint's own thread."""

    return TimerEntrypoint.decorator(timer_loop=loop)(tick)
