"""A service states every event that it logged, once, in numbered pages; what is said again goes out again."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import select, text

from services.person_registry.service import SERVICE
from shared.contracts.reconciliation import MOST_ENTRIES
from shared.kernel.errors import NotFound
from shared.kernel.ids import new_id
from shared.service import STATE_STREAM
from shared.storage import streams
from shared.storage.chassis import OUTBOX
from shared.storage.streams import say_again, state_stream
from shared.web import Role
from tests.support.messaging import say_events
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
OPERATOR = principal_of(Role.OPERATOR)


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def state(service: ServiceUnderTest) -> int:
    """Run the timer until it finds nothing more to say; how many pages were said."""
    pages = 0
    while True:
        with service.work() as work:
            if not state_stream(work):
                return pages
        pages += 1


def outbox(service: ServiceUnderTest) -> list[int]:
    with service.storage.engine.connect() as connection:
        return list(connection.execute(select(OUTBOX.c.position).order_by(OUTBOX.c.position)).scalars())


def test_the_first_page_says_that_the_service_is_there(service: ServiceUnderTest) -> None:
    assert STATE_STREAM.run is state_stream
    assert state(service) == 1
    (page,) = service.events("stream.stated.v1")
    assert (page.sequence, page.data["service"], page.data["events"]) == (1, "person_registry", [])
    assert state(service) == 0


def test_every_event_is_on_exactly_one_page(service: ServiceUnderTest) -> None:
    state(service)
    for count in (3, 450, 1):
        say_events(service.storage, count)
        service.clock.advance(2 * MINUTE)
        state(service)
    service.clock.advance(2 * MINUTE)
    pages = service.events("stream.stated.v1")
    assert [page.sequence for page in pages] == list(range(1, len(pages) + 1))
    listed = [entry for page in pages for entry in page.data["events"]]
    said = [event for event in service.events() if event.id != pages[-1].id]
    assert [entry["event_id"] for entry in listed] == [event.id for event in said]
    assert [(entry["subject"], entry["sequence"], entry["type"]) for entry in listed] == [
        (event.subject, event.sequence, event.type) for event in said
    ]
    assert max(len(page.data["events"]) for page in pages) == MOST_ENTRIES
    edges = [(page.data["first_position"], page.data["last_position"]) for page in pages]
    assert all(first == before + 1 for (_, before), (first, _) in pairwise(edges))


def test_a_few_events_are_collected_for_a_minute_and_a_full_page_is_not(service: ServiceUnderTest) -> None:
    state(service)
    say_events(service.storage, 5)
    assert state(service) == 0
    service.clock.advance(MINUTE)
    assert state(service) == 1
    say_events(service.storage, MOST_ENTRIES)
    assert state(service) == 1


def test_silence_is_stated_every_hour(service: ServiceUnderTest) -> None:
    state(service)
    service.clock.advance(59 * MINUTE)
    assert state(service) == 0
    service.clock.advance(MINUTE)
    assert state(service) == 1
    (entry,) = service.events("stream.stated.v1")[-1].data["events"]
    assert entry["type"] == "stream.stated.v1"


def test_a_number_that_may_still_come_is_waited_for(service: ServiceUnderTest) -> None:
    state(service)
    say_events(service.storage, 2)
    with service.storage.engine.begin() as connection:  # as if its transaction had not committed yet
        position = connection.execute(text("select max(position) - 1 from event_log")).scalar_one()
        kept = connection.execute(text("select * from event_log where position = :p"), {"p": position}).one()
        connection.execute(text("delete from event_log where position = :p"), {"p": position})
    service.clock.advance(2 * MINUTE)
    assert state(service) == 0
    columns = list(kept._mapping)
    with service.storage.engine.begin() as connection:
        names = ", ".join(columns)
        values = ", ".join(f":{name}" for name in columns)
        connection.execute(text(f"insert into event_log ({names}) values ({values})"), dict(kept._mapping))
    assert state(service) == 1
    people = [entry for entry in service.events("stream.stated.v1")[-1].data["events"] if "person" in entry["type"]]
    assert len(people) == 2


def test_a_number_that_never_comes_is_not_waited_for_for_ever(service: ServiceUnderTest) -> None:
    state(service)
    say_events(service.storage, 2)
    with service.storage.engine.begin() as connection:
        connection.execute(text("delete from event_log where position = (select max(position) - 1 from event_log)"))
    service.clock.advance(11 * MINUTE)
    assert state(service) == 1
    types = [entry["type"] for entry in service.events("stream.stated.v1")[-1].data["events"]]
    assert types == ["stream.stated.v1", "person.registered.v1"]


def test_an_operator_says_an_event_again_and_it_is_audited(service: ServiceUnderTest) -> None:
    (person,) = say_events(service.storage, 1)
    (event,) = service.events("person.registered.v1")
    with service.storage.engine.begin() as connection:
        connection.execute(OUTBOX.delete())
    body = {"subject": str(person), "sequence": 1}
    answer = service.client.post("/ops/events/say-again", body, as_=OPERATOR)
    assert (answer.status_code, answer.get_json()) == (202, {"event_id": str(event.id)})
    assert len(outbox(service)) == 1
    service.client.post("/ops/events/say-again", body, as_=OPERATOR)
    assert len(outbox(service)) == 1
    assert [(row.action, row.subject, row.version) for row in service.audit()] == 2 * [("event.said_again", person, 1)]
    assert service.events("person.registered.v1") == [event]


def test_what_was_never_said_cannot_be_said_again(service: ServiceUnderTest) -> None:
    answer = service.client.post("/ops/events/say-again", {"subject": str(new_id()), "sequence": 1}, as_=OPERATOR)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "event.not_found")
    with service.work() as work, pytest.raises(NotFound):
        say_again(work, new_id(), 1)


def empty_outbox(service: ServiceUnderTest) -> None:
    with service.storage.engine.begin() as connection:
        connection.execute(OUTBOX.delete())


def republish(service: ServiceUnderTest, **body: Any) -> Any:
    told = {"since": service.clock.now().isoformat(), "note": "hearers were restored", **body}
    return service.client.post("/ops/events/republication", told, as_=OPERATOR)


def test_everything_since_a_moment_is_said_again_page_by_page_and_audited(
    service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "AT_ONCE", 4)
    say_events(service.storage, 3)
    service.clock.advance(2 * HOUR)
    since = service.clock.now()
    say_events(service.storage, 10)
    with service.work() as work:
        work.post(exchange="x", routing_key="an.answer", content_type="x", body="{}", subject=new_id())
    after = outbox(service)[3:-1]  # an answer is no event
    empty_outbox(service)
    service.clock.advance(HOUR)
    counts, before = [], None
    while not counts or before is not None:
        answer = republish(service, since=since.isoformat(), before=before)
        assert answer.status_code == 202
        counts.append(answer.get_json()["count"])
        before = answer.get_json()["before"]
    assert counts == [3, 4, 3]
    assert outbox(service) == after
    acts = [(row.action, row.subject, row.basis) for row in service.audit()]
    assert acts[0] == ("events.said_again", None, f"3 since {since.isoformat()}: hearers were restored")
    assert len(acts) == len(counts)
    republish(service, since=since.isoformat())
    assert outbox(service) == after  # what is on its way is not doubled


def test_more_than_a_month_is_not_said_again(service: ServiceUnderTest) -> None:
    long_ago = service.clock.now() - timedelta(days=31)
    answer = republish(service, since=long_ago.isoformat())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "events.too_far_back")
    assert service.audit() == []


def test_only_operators_have_events_said_again(service: ServiceUnderTest) -> None:
    body = {"since": service.clock.now().isoformat(), "note": "x"}
    answer = service.client.post("/ops/events/republication", body, as_=principal_of(Role.AUDITOR))
    assert answer.status_code == 403


def test_what_a_service_does_not_remember_is_named_also_where_it_said_the_number_anew(
    service: ServiceUnderTest,
) -> None:
    (person,) = say_events(service.storage, 1)
    (known,) = service.events("person.registered.v1")
    forgotten, never = new_id(), new_id()
    heard = [
        {"event_id": str(known.id), "subject": str(person), "sequence": 1},
        {"event_id": str(forgotten), "subject": str(person), "sequence": 1},
        {"event_id": str(never), "subject": str(new_id()), "sequence": 2},
    ]
    answer = service.client.post("/ops/events/unsaid", {"events": heard}, as_=OPERATOR)
    assert answer.get_json() == {"event_ids": [str(forgotten), str(never)]}
