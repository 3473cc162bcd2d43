"""A service under test: its real database, API, reactions and timers, without broker and network."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import OKPKey
from sqlalchemy import select
from werkzeug.test import TestResponse

from shared.contracts.envelope import CONTENT_TYPE, Event, decode, encode
from shared.kernel.clock import FixedClock
from shared.kernel.ids import new_id
from shared.kernel.outcomes import Outcome
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.intake import IntakeProcessor
from shared.messaging.processor import EventProcessor
from shared.observability.metrics import Metrics
from shared.service import ServiceDefinition, Timer
from shared.storage.chassis import AUDIT, EVENT_LOG
from shared.storage.engine import Storage
from shared.web.app import create_app
from shared.web.operation import Gate
from shared.web.principal import Principal, Role
from shared.web.tokens import TokenIssuer, TokenVerifier
from tests.support.described import description_of
from tests.support.schema import migrate

START = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in China
_KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
CITY = "4308"
YONGDING = "430802"


@dataclass
class Client:
    """An HTTP client that says who it is with each call."""

    http: FlaskClient
    issuer: TokenIssuer

    def get(self, path: str, *, as_: Principal | Role, **options: Any) -> TestResponse:
        """GET."""
        return self._checked(self.http.get(path, headers=self._headers(as_, None), **options))

    def post(
        self, path: str, body: Any = None, *, as_: Principal | Role, key: str | None = None, **options: Any
    ) -> TestResponse:
        """POST with a new Idempotency-Key, or the given one."""
        headers = self._headers(as_, key or str(new_id()))
        return self._checked(self.http.post(path, json=body or {}, headers=headers, **options))

    def put(self, path: str, body: Any, *, as_: Principal | Role, **options: Any) -> TestResponse:
        """PUT."""
        return self._checked(self.http.put(path, json=body, headers=self._headers(as_, None), **options))

    def headers(self, as_: Principal | Role, key: str | None = None) -> dict[str, str]:
        """The headers of a call, for tests that send something else than JSON."""
        return self._headers(as_, key)

    def _checked(self, answer: TestResponse) -> TestResponse:
        """Every answer that any test gets is one that the service's OpenAPI document describes."""
        description_of(self.http.application).check(answer)
        return answer

    def _headers(self, as_: Principal | Role, key: str | None) -> dict[str, str]:
        principal = as_ if isinstance(as_, Principal) else principal_of(as_)
        headers = {"Authorization": f"Bearer {self.issuer.issue(principal)}"}
        return headers | ({"Idempotency-Key": key} if key else {})


def principal_of(role: Role, *, organisation: str = "org-1", division: str = CITY, subject: str = "") -> Principal:
    """Somebody in a role."""
    return Principal(subject or f"test.{role.value}", role, organisation, division)


@dataclass
class ServiceUnderTest:
    """See the module."""

    definition: ServiceDefinition
    storage: Storage[Any]
    clock: FixedClock
    app: Flask
    client: Client
    metrics: Metrics = field(default_factory=Metrics)

    def react(self, *events: Event) -> list[DeadLetter]:
        """Deliver events as one batch, through decoding, inbox and reactions; the dead letters."""
        assert self.definition.reactions is not None
        processor = EventProcessor(self.storage, self.definition.reactions, self.metrics)
        return processor.process([delivery_of(event) for event in events])

    def outcome(self, event: Event) -> Outcome:
        """What the reaction to one event says; its effect is committed.

        Raises: Poison when the event can never work.
        """
        assert self.definition.reactions is not None
        with self.storage.work() as work:
            self.definition.reactions.prefetch([event], work)
            return self.definition.reactions.apply(event, work)

    def take_in(self, *deliveries: Delivery) -> list[DeadLetter]:
        """Deliver commands by message; the dead letters."""
        assert self.definition.intake is not None
        return IntakeProcessor(self.storage, self.definition.intake, self.metrics).process(deliveries)

    def run_timer(self, name: str) -> int:
        """Run one timer until it finds nothing more to do; how much it did."""
        (timer,) = [timer for timer in (*self.definition.timers, *self.definition.jobs) if timer.name == name]
        return self.run(timer)

    def run(self, timer: Timer) -> int:
        """Run a timer until it finds nothing more to do; how much it did."""
        total = 0
        while True:
            with self.work() as work:
                done = timer.run(work)
            if not done:
                return total
            total += done

    def work(self) -> Any:
        """A unit of work of the service."""
        return self.storage.work()

    def events(self, *types: str) -> list[Event]:
        """The events said so far, in order; of the given types only, if any are given."""
        log = EVENT_LOG.c
        statement = select(log.body, log.type).where(log.sequence.is_not(None)).order_by(log.position)
        with self.storage.engine.connect() as connection:
            rows = connection.execute(statement).all()
        return [decode(row.body.encode(), CONTENT_TYPE) for row in rows if not types or row.type in types]

    def answers(self) -> list[dict[str, Any]]:
        """The answers given to commands by message, in order, with the routing key they go to."""
        log = EVENT_LOG.c
        statement = select(log.body, log.type).where(log.sequence.is_(None)).order_by(log.position)
        with self.storage.engine.connect() as connection:
            return [{"to": row.type, **orjson.loads(row.body)} for row in connection.execute(statement)]

    def audit(self) -> Sequence[Any]:
        """The audit rows in order."""
        with self.storage.engine.connect() as connection:
            return connection.execute(select(AUDIT).order_by(AUDIT.c.position)).all()


def delivery_of(event: Event) -> Delivery:
    """The event as it would come from a queue."""
    return Delivery(encode(event), CONTENT_TYPE, str(event.id), event.type, {})


def command(
    routing_key: str, body: Any, *, centre: str = "centre-1", message_id: str | None = None, reply_to: str | None = None
) -> Delivery:
    """A command by message as it would come from a queue."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body, default=str)
    return Delivery(
        raw, "application/json", message_id or str(new_id()), routing_key, {"centre": centre}, reply_to=reply_to
    )


@contextmanager
def service_under_test(
    definition: ServiceDefinition, database_url: str, clock: FixedClock | None = None
) -> Iterator[ServiceUnderTest]:
    """The service on an empty, migrated database, at 10:00 on a Monday unless a clock is given."""
    clock = clock or FixedClock(START)
    storage: Storage[Any] = Storage(service=definition.name, url=database_url, work=definition.work, clock=clock)
    try:
        migrate(storage)
        issuer = TokenIssuer(_KEY.as_dict(private=True), clock)
        with _app_of(definition, storage, clock) as app:
            yield ServiceUnderTest(definition, storage, clock, app, Client(app.test_client(), issuer))
    finally:
        storage.dispose()


_IDLE_APPS: dict[int, tuple[ServiceDefinition, list[Flask]]] = {}  # by identity; the definition is kept alive


@contextmanager
def _app_of(definition: ServiceDefinition, storage: Storage[Any], clock: FixedClock) -> Iterator[Flask]:
    """The service's application in front of a storage. To make one takes long, so it serves one test after another."""
    _, idle = _IDLE_APPS.setdefault(id(definition), (definition, []))
    app = idle.pop() if idle else _make_app(definition, storage, clock)
    app.extensions["baton_gate"] = _gate(storage, clock)
    yield app
    idle.append(app)


def _gate(storage: Storage[Any], clock: FixedClock) -> Gate:
    return Gate(storage.work, TokenVerifier({"keys": [_KEY.as_dict(private=False)]}, clock))


def _make_app(definition: ServiceDefinition, storage: Storage[Any], clock: FixedClock) -> Flask:
    gate = _gate(storage, clock)
    return create_app(
        name=definition.name,
        title=definition.title,
        blueprints=definition.blueprints,
        open_work=gate.open_work,
        verifier=gate.verifier,
        metrics=Metrics(),
        probes={},
        assets=Path("build/node_modules"),
    )
