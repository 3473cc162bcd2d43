"""Tracing, if it is wanted: what happened because of what, from a request through events to their effects.

``OTEL_EXPORTER_OTLP_ENDPOINT`` turns it on; OpenTelemetry's other variables say the rest. Off, OpenTelemetry is not
even imported, and the ``traceparent`` that comes in is passed on as it is. A span tells routes, types and pseudonymous
ids, never what a request or a message says.
"""

import re
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from types import TracebackType
from typing import Any, Protocol, Self

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
STOP_SECONDS = 2.0
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Attributes = Mapping[str, str | int]


class Kind(Enum):
    """What a span stands for, in OpenTelemetry's words."""

    SERVER = "SERVER"  # a request is answered
    PRODUCER = "PRODUCER"  # a message waits, in the outbox and in the queue
    CONSUMER = "CONSUMER"  # a message takes effect


class Span(Protocol):
    """Something that has begun."""

    @property
    def traceparent(self) -> str | None:
        """By which what it causes names it."""

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        """It is over; ``error`` is the kind of fault, if it failed."""


class Tracing(Protocol):
    """Where spans begin."""

    is_on: bool

    def begin(
        self, name: str, kind: Kind, cause: str | None, attributes: Attributes, *, since: datetime | None = None
    ) -> Span:
        """Begin a span, now or at a moment that has passed. ``cause`` is the traceparent of what it follows from."""

    def stop(self) -> None:
        """Send what was not sent yet."""


class Passed:
    """No span: what comes in is passed on."""

    def __init__(self, traceparent: str | None) -> None:
        self.traceparent = traceparent

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        """See `Span.end`."""


class Off:
    """No tracing (a `Tracing`)."""

    is_on = False

    def begin(
        self, name: str, kind: Kind, cause: str | None, attributes: Attributes, *, since: datetime | None = None
    ) -> Span:
        """See `Tracing.begin`."""
        return Passed(cause)

    def stop(self) -> None:
        """See `Tracing.stop`."""


OFF = Off()


class OpenTelemetry:
    """Spans sent to a collector (a `Tracing`). ``processor`` says where to, if not where the environment says."""

    is_on = True

    def __init__(self, service: str, processor: Any = None) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        resource = Resource.create({"service.name": service})
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(processor or _in_batches())
        self._tracer = self._provider.get_tracer("baton")

    def begin(
        self, name: str, kind: Kind, cause: str | None, attributes: Attributes, *, since: datetime | None = None
    ) -> Span:
        """See `Tracing.begin`."""
        from opentelemetry.trace import SpanKind
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        context = TraceContextTextMapPropagator().extract({"traceparent": cause} if cause else {})
        start = min(int(since.timestamp() * 1e9), time.time_ns()) if since else None
        span = self._tracer.start_span(
            name, context=context, kind=SpanKind[kind.value], attributes=dict(attributes), start_time=start
        )
        return _Begun(span)

    def stop(self) -> None:
        """See `Tracing.stop`. For a collector that is away nobody waits for long."""
        ended = threading.Event()

        def end() -> None:
            self._provider.shutdown()
            ended.set()

        threading.Thread(target=end, daemon=True).start()
        # Not by joining the thread: on Python 3.13, eventlet's raises when the time is over.
        ended.wait(STOP_SECONDS)


class _Begun:
    """A span of OpenTelemetry's (a `Span`)."""

    def __init__(self, span: Any) -> None:
        self._span = span
        told = span.get_span_context()
        self.traceparent: str | None = f"00-{told.trace_id:032x}-{told.span_id:016x}-{told.trace_flags:02x}"

    def end(self, attributes: Attributes | None = None, *, error: str | None = None) -> None:
        """See `Span.end`."""
        from opentelemetry.trace import StatusCode

        self._span.set_attributes(dict(attributes or {}))
        if error is not None:
            self._span.set_attribute("error.type", error)  # its text can quote what was in the message
            self._span.set_status(StatusCode.ERROR)
        self._span.end()


class Effects:
    """The spans of all that takes effect in one transaction: they end with it, and fail with it."""

    def __init__(self, tracing: Tracing) -> None:
        self._tracing = tracing
        self._spans: list[Span] = []

    def begin(self, name: str, cause: str | None, attributes: Attributes, *, since: datetime) -> str | None:
        """A message begins to take effect that was said at a moment; the traceparent of what follows from it."""
        waiting = self._tracing.begin(f"{name} waits", Kind.PRODUCER, cause, attributes, since=since)
        waiting.end()
        span = self._tracing.begin(name, Kind.CONSUMER, waiting.traceparent, attributes)
        self._spans.append(span)
        return span.traceparent

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for span in self._spans:
            span.end(error=kind.__name__ if kind else None)


def tracing_of(service: str, env: Mapping[str, str]) -> Tracing:
    """As the environment says: OpenTelemetry, or nothing."""
    return OpenTelemetry(service) if env.get(ENDPOINT) else OFF


def well_formed(header: str) -> str | None:
    """A request's traceparent, if it is one."""
    return header if _TRACEPARENT.fullmatch(header) else None


def _in_batches() -> Any:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    return BatchSpanProcessor(OTLPSpanExporter())
