"""Retention: what was kept long enough goes in small steps; what is still needed stays."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from services.release_notification.service import SERVICE
from shared.kernel.ids import new_id
from shared.service import retention_timers
from shared.storage.bulk import insert_rows
from shared.storage.chassis import AUDIT, DEAD_LETTER, EVENT_LOG, IDEMPOTENCY, INBOX
from shared.storage.dead_letters import Letter, LetterState, enter
from shared.storage.retention import prune
from tests.support.service import ServiceUnderTest, command, service_under_test

KEPT = timedelta(days=30)


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def rows_of(service: ServiceUnderTest, table: Any) -> int:
    with service.storage.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def fill(service: ServiceUnderTest, at: datetime, count: int = 10) -> None:
    """As if so much had been done at a moment."""
    with service.work() as work:
        inbox = [{"message_id": new_id(), "received_at": at} for _ in range(count)]
        keys = [
            {"scope": f"s{n % 3}", "key": str(new_id()), "fingerprint": "f", "created_at": at} for n in range(count)
        ]
        insert_rows(work.connection, INBOX, inbox)
        insert_rows(work.connection, IDEMPOTENCY, keys)
        states = (LetterState.WAITING, LetterState.DISCARDED)
        enter(work.connection, [_letter(at, states[n % 2]) for n in range(count)])


def _letter(at: datetime, state: LetterState) -> Letter:
    return Letter(new_id(), "m", None, "k", None, {}, None, b"", "not_json", "", at, state)


def pruned(service: ServiceUnderTest, step: int = 1000) -> dict[str, int]:
    with service.work() as work:
        return dict(prune(work.connection, before=work.now - KEPT, step=step))


def test_what_is_old_goes_and_what_is_young_stays(service: ServiceUnderTest) -> None:
    fill(service, service.clock.now() - timedelta(days=31))
    fill(service, service.clock.now() - timedelta(days=29))
    assert pruned(service) == {"inbox": 10, "idempotency": 10, "event_log": 0, "dead_letter": 5}
    assert (rows_of(service, INBOX), rows_of(service, IDEMPOTENCY)) == (10, 10)
    assert rows_of(service, DEAD_LETTER) == 15  # one that waits for an operator waits for ever


def test_a_step_takes_no_more_than_it_may_and_the_oldest_first(service: ServiceUnderTest) -> None:
    fill(service, service.clock.now() - timedelta(days=31), 7)
    fill(service, service.clock.now() - timedelta(days=60), 7)
    assert pruned(service, step=5)["inbox"] == 5
    with service.storage.engine.connect() as connection:
        left = connection.execute(select(INBOX.c.received_at).order_by(INBOX.c.received_at)).scalars().all()
    assert [service.clock.now() - at for at in left] == [timedelta(days=60)] * 2 + [timedelta(days=31)] * 7


def test_answers_to_centres_go_and_events_and_audit_never_do(service: ServiceUnderTest) -> None:
    service.take_in(command("release.plan", {}, message_id="m-1"))  # refused, and answered
    person, order = new_id(), {"centre": "centre-1", "kind": "death", "release_at": "2026-12-20T01:00:00Z"}
    with service.work() as work:
        work.persons.put(_known(person))
    accepted = command("release.plan", {**order, "person_id": str(person)}, message_id="m-2")
    service.take_in(accepted)
    events, audit = len(service.events()), rows_of(service, AUDIT)
    assert events == audit == 1
    service.clock.advance(timedelta(days=31))
    assert pruned(service)["event_log"] == 2
    assert rows_of(service, EVENT_LOG) == events
    assert rows_of(service, AUDIT) == audit
    assert service.answers() == []


def _known(person: Any) -> Any:
    from services.release_notification.store import KnownPerson

    return KnownPerson(person, 1)


def test_the_timer_does_a_little_at_a_time_and_lets_others_come_first(service: ServiceUnderTest) -> None:
    fill(service, service.clock.now() - timedelta(days=31))
    (timer,) = retention_timers(KEPT, service.metrics)
    with service.work() as work:
        assert timer.run(work) == 0
    assert rows_of(service, INBOX) == 0
    assert service.metrics.registry.get_sample_value("baton_pruned_rows_total", {"table": "inbox"}) == 10
