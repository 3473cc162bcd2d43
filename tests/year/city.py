"""All services of the city in one process, on their real databases, with one clock; events go from log to inbox.

The broker is left out, its promises are proven elsewhere: here each service's event log is read in its order and given
to those who hear it, in batches, through the same decoding, inbox and reactions.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from deploy.docs import definition_of
from deploy.local.stack import SERVICES
from shared.contracts.envelope import CONTENT_TYPE
from shared.kernel.clock import FixedClock
from shared.kernel.deadlines import start_of_day
from shared.kernel.ids import new_id
from shared.messaging.delivery import Delivery
from shared.messaging.processor import EventProcessor
from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.reference.divisions import divisions
from shared.service import STATE_STREAM
from shared.storage.chassis import EVENT_LOG
from shared.web.principal import Principal, Role
from tests.support.keys import use_new_keys
from tests.support.service import ServiceUnderTest, service_under_test

BATCH = 500
VARIABLE = "DATABASE_URL"
CENTRES = {"POLICE-1": "police", "JUSTICE-1": "justice", "LOCKUP-1": "lockup"}
LABORATORIES = {"LAB-1": "medical", "LAB-2": "accredited", "LAB-3": "accredited"}
CITY = Principal("city-1", Role.CITY_SUPERVISOR, "NCO-4308", "4308")


class Refused(Exception):
    """The platform refused; the codes that it gave."""

    def __init__(self, path: str, status: int, problem: Mapping[str, Any]) -> None:
        self.codes = {problem.get("code"), *(fault.get("code") for fault in problem.get("errors", ()))}
        super().__init__(f"{path}: {status} {sorted(map(str, self.codes))} {problem.get('detail')}")


class City:
    """The platform, and everybody who acts on it."""

    def __init__(self, services: Mapping[str, ServiceUnderTest], clock: FixedClock) -> None:
        self.services = services
        self.clock = clock
        self.calls = 0
        self.events = 0
        self._read_to = dict.fromkeys(services, 0)
        self._processors = {
            name: EventProcessor(service.storage, service.definition.reactions, service.metrics)
            for name, service in services.items()
            if service.definition.reactions is not None
        }

    @property
    def now(self) -> datetime:
        """The moment in the city."""
        return self.clock.now()

    def at(self, day: date, hour: float) -> None:
        """Let it be an hour of a day: timers run, everything that was said is heard, and then it is compared."""
        self.clock.set(start_of_day(day) + timedelta(hours=hour))
        for service in self.services.values():
            for timer in (*service.definition.timers, STATE_STREAM):
                if timer.name != "reconcile":
                    service.run(timer)
        self.deliver()
        self.services["oversight"].run_timer("reconcile")
        self.deliver()

    def deliver(self) -> None:
        """Give every event to those who hear it, until nothing new is said.

        Raises: RuntimeError when an event can never be taken in.
        """
        while sum(self._deliver_from(name) for name in self.services):
            pass

    def _deliver_from(self, producer: str) -> int:
        log = EVENT_LOG.c
        new = (
            select(log.position, log.message_id, log.type, log.body)
            .where(log.position > self._read_to[producer], log.sequence.is_not(None))
            .order_by(log.position)
            .limit(BATCH)
        )
        with self.services[producer].storage.engine.connect() as connection:
            rows = connection.execute(new).all()
        if not rows:
            return 0
        self._read_to[producer] = rows[-1].position
        self.events += len(rows)
        for name, processor in self._processors.items():
            heard = [
                Delivery(row.body.encode(), CONTENT_TYPE, str(row.message_id), row.type, {})
                for row in rows
                if row.type in SUBSCRIPTIONS[name]
            ]
            dead = processor.process(heard) if heard else []
            if dead:
                raise RuntimeError(f"{name} cannot take in {dead[0]}")
        return len(rows)

    def get(self, service: str, path: str, *, by: Principal = CITY, **query: Any) -> Any:
        """GET. Raises: Refused."""
        self.calls += 1
        answer = self.services[service].client.get(path, as_=by, query_string=query)
        return self._checked(path, answer)

    def post(self, service: str, path: str, body: Mapping[str, Any] | None = None, *, by: Principal) -> Any:
        """POST. Raises: Refused."""
        self.calls += 1
        sent = json.loads(json.dumps(body or {}, default=str))
        return self._checked(path, self.services[service].client.post(path, sent, as_=by, key=str(new_id())))

    def put(self, service: str, path: str, body: Mapping[str, Any], *, by: Principal = CITY) -> Any:
        """PUT. Raises: Refused."""
        self.calls += 1
        return self._checked(path, self.services[service].client.put(path, body, as_=by))

    def _checked(self, path: str, answer: Any) -> Any:
        if answer.status_code >= 400:
            raise Refused(path, answer.status_code, answer.get_json())
        return answer.get_json()

    def furnish(self) -> None:
        """An office for every township, centres, laboratories."""
        for township in divisions().of_level("township"):
            code = f"OFFICE-{township.code}"
            office = {"name": township.name, "level": "township", "division": township.code}
            self.put("community_handover", f"/offices/{code}", office)
            self.put("community_handover", f"/coverage/{township.code}", {"office": code})
        for code, kind in CENTRES.items():
            self.put("detention_intake", f"/centres/{code}", {"name": code, "kind": kind, "division": "430802"})
        for code, kind in LABORATORIES.items():
            self.put("drug_testing", f"/laboratories/{code}", {"name": code, "kind": kind})


@contextmanager
def city(folder: Path, start: datetime) -> Iterator[City]:
    """The city's services on empty databases: in a folder, or in the one that ``DATABASE_URL`` names."""
    clock = FixedClock(start)
    use_new_keys(folder)
    with ExitStack() as opened:
        services = {
            name: opened.enter_context(
                service_under_test(
                    definition_of(name), os.environ.get(VARIABLE) or f"sqlite:///{folder / name}.sqlite3", clock
                )
            )
            for name in SERVICES
        }
        yield City(services, clock)
