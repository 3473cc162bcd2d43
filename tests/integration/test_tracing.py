"""Tracing: one case's way is one trace, over request, outbox, queue and effect; off, there is nothing of it."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from deploy.local.stack import ROOT
from services.community_handover.service import SERVICE as HANDOVERS
from services.oversight.service import SERVICE as OVERSIGHT
from services.person_registry.service import SERVICE as REGISTRY
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Outcome
from shared.messaging.processor import EventProcessor
from shared.messaging.reactions import Reactions
from shared.observability.metrics import Metrics
from shared.observability.tracing import ENDPOINT, OFF, Effects, OpenTelemetry, Tracing, tracing_of
from shared.service import ServiceDefinition
from shared.web import Role
from tests.support.builders import NOW, release_planned
from tests.support.service import ServiceUnderTest, delivery_of, service_under_test

ASKER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
PERSON = {"full_name": "示例某", "sex": "male", "identity_kind": "none", "residence_division": "430802001"}
ATTRIBUTES = {
    "http.request.method", "http.route", "http.response.status_code", "baton.request_id",
    "messaging.message.id", "baton.subject", "error.type",
}  # fmt: skip


@dataclass
class Traced:
    """Services that are traced into memory."""

    folder: Path
    exporter: InMemorySpanExporter
    tracing: Tracing

    def spans(self) -> dict[str, Any]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    def react(self, service: ServiceUnderTest, *events: Event, reactions: Reactions | None = None) -> Any:
        heard = reactions or service.definition.reactions
        assert heard is not None
        processor = EventProcessor(service.storage, heard, Metrics(), tracing=self.tracing)
        return processor.process([delivery_of(event) for event in events])


@pytest.fixture
def traced(tmp_path: Path) -> Traced:
    exporter = InMemorySpanExporter()
    return Traced(tmp_path, exporter, OpenTelemetry("test", SimpleSpanProcessor(exporter)))


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with opened(REGISTRY, tmp_path) as service:
        yield service
        service.app.extensions["baton_tracing"] = OFF  # the application serves other tests, too


def opened(definition: ServiceDefinition, folder: Path) -> Any:
    return service_under_test(definition, f"sqlite:///{folder / definition.name}.sqlite3")


def register(registry: ServiceUnderTest, tracing: Tracing, traceparent: str) -> Event:
    """Register a person as somebody whose request is traced; the event that says so."""
    registry.app.extensions["baton_tracing"] = tracing
    headers = registry.client.headers(Role.STATION_OFFICER, "a-key-of-its-own") | {"traceparent": traceparent}
    assert registry.client.http.post("/persons", json=PERSON, headers=headers).status_code == 201
    return registry.events()[-1]


def test_a_case_s_way_is_one_trace(traced: Traced, registry: ServiceUnderTest) -> None:
    registered = register(registry, traced.tracing, ASKER)
    planned = replace(release_planned(person_id=registered.subject), traceparent=registered.traceparent)
    with opened(HANDOVERS, traced.folder) as handovers, opened(OVERSIGHT, traced.folder) as oversight:
        assert traced.react(handovers, registered, planned) == []
        (task,) = handovers.events()
        assert traced.react(oversight, task) == []
    spans = traced.spans()
    way = ["POST /persons", "release.planned.v1 waits", "release.planned.v1", f"{task.type} waits", task.type]
    assert {span.context.trace_id for span in spans.values()} == {int(ASKER.split("-")[1], 16)}
    parents = [spans[name].parent.span_id for name in way]
    assert parents == [int(ASKER.split("-")[2], 16), *(spans[name].context.span_id for name in way[:-1])]
    assert spans["release.planned.v1"].attributes["baton.subject"] == str(planned.subject)


def test_a_span_says_nothing_of_what_is_said(traced: Traced, registry: ServiceUnderTest) -> None:
    registered = register(registry, traced.tracing, ASKER)
    with opened(HANDOVERS, traced.folder) as handovers:
        traced.react(handovers, registered)
    told = [span.to_json() for span in traced.spans().values()]
    assert set().union(*(span.attributes for span in traced.spans().values())) <= ATTRIBUTES
    assert not any(str(value) in text for text in told for value in PERSON.values() if value not in ("male", "none"))


def test_what_is_rolled_back_is_a_fault_and_its_kind_is_all_that_is_told(traced: Traced) -> None:
    def fail(event: Event, work: Any) -> Outcome:
        raise ZeroDivisionError("示例某")

    event = release_planned()
    with opened(HANDOVERS, traced.folder) as handovers:
        traced.react(handovers, event, reactions=Reactions({event.type: fail}))
    span = traced.spans()[event.type]
    assert (span.attributes["error.type"], span.status.is_ok) == ("ZeroDivisionError", False)
    assert "示例某" not in span.to_json()


def test_off_the_cause_is_passed_on_through_every_hop(tmp_path: Path, registry: ServiceUnderTest) -> None:
    registered = register(registry, OFF, ASKER)
    assert registered.traceparent == ASKER
    planned = replace(release_planned(person_id=registered.subject), traceparent=ASKER)
    with opened(HANDOVERS, tmp_path) as handovers:
        handovers.react(registered, planned)
        assert {event.traceparent for event in handovers.events()} == {ASKER}


def test_what_is_no_traceparent_is_not_passed_on(traced: Traced, registry: ServiceUnderTest) -> None:
    assert register(registry, OFF, "示例某").traceparent is None


def test_off_nothing_of_it_is_even_loaded() -> None:
    code = (
        "import sys, shared.web.app, shared.messaging.processor; from shared.observability.tracing import tracing_of;"
        "tracing_of('x', {}); print([name for name in sys.modules if 'opentelemetry' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_on_spans_are_sent_to_the_collector_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        env = {ENDPOINT: f"http://127.0.0.1:{server.server_port}", "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        tracing = tracing_of("oversight", env)
        with Effects(tracing) as effects:
            effects.begin("release.planned.v1", ASKER, {}, since=NOW)
        tracing.stop()
        server.shutdown()
        thread.join()
    (told,) = [ExportTraceServiceRequest.FromString(body) for body in received]
    (resource,) = told.resource_spans
    assert {one.key: one.value.string_value for one in resource.resource.attributes}["service.name"] == "oversight"
    names = [span.name for scope in resource.scope_spans for span in scope.spans]
    assert names == ["release.planned.v1 waits", "release.planned.v1"]
