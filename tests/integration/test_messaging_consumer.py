"""Consuming: poison stands alone, an absent database costs nothing, a killer is isolated, stopping is exact."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from amqp.exceptions import PreconditionFailed
from sqlalchemy import func, select

from services.oversight.service import SERVICE as OVERSIGHT
from services.oversight.store import timeline
from shared.contracts.envelope import Event, encode
from shared.kernel.errors import Poison
from shared.kernel.outcomes import Applied, Outcome
from shared.messaging.delivery import DeadLetter, Delivery
from shared.messaging.processor import EventProcessor, Unavailable
from shared.messaging.reactions import Reactions
from shared.messaging.topology import TopologyMismatch, declare
from shared.observability.metrics import Metrics
from tests.support.builders import person_registered
from tests.support.messaging import Collecting, consuming, publish, take_one, topology, wait_until, waiting_in
from tests.support.service import delivery_of, service_under_test

QUEUE = "oversight.events"
DEAD = "oversight.dead"


class Killed(BaseException):
    """As if the process were gone."""


def send(connection: object, *events: Event) -> None:
    for event in events:
        publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))


def test_bad_messages_end_in_the_dead_letter_queue_and_the_rest_flows(database_url: str, amqp_uri: str) -> None:
    unknown_version = encode(person_registered()).replace(b"person.registered.v1", b"person.registered.v9")
    bad = {
        "not_json": (b"{", "application/cloudevents+json"),
        "content_type": (encode(person_registered()), "application/json"),
        "not_cloudevent": (b'{"a": 1}', "application/cloudevents+json"),
        "unknown_version": (unknown_version, "application/cloudevents+json"),
        "invalid_data": (encode(person_registered()).replace(b'"male"', b'"dog"'), "application/cloudevents+json"),
    }
    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        processor = EventProcessor(service.storage, OVERSIGHT.reactions or Reactions({}), service.metrics)
        good = [person_registered() for _ in range(20)]
        send(connection, *good[:10])
        for body, content_type in bad.values():
            publish(connection, body, routing_key="person.registered.v1", content_type=content_type)
        send(connection, *good[10:])
        with consuming(broker, QUEUE, processor, metrics=service.metrics):
            wait_until(lambda: waiting_in(connection, DEAD) == len(bad), "the bad ones dead-lettered")
            wait_until(lambda: _lines(service) == len(good), "the good ones applied")
        reasons = {}
        while (message := take_one(connection, DEAD)) is not None:
            reasons[message.properties["application_headers"]["x-baton-reason"]] = message.body
        assert set(reasons) == set(bad)
        assert waiting_in(connection, QUEUE) == 0


@pytest.mark.parametrize("position", [0, 7, 19])
def test_a_reaction_that_fails_is_split_off_from_its_batch(database_url: str, position: int) -> None:
    events = [person_registered() for _ in range(20)]
    poison = events[position].id

    def react(event: Event, work: object) -> Outcome:
        if event.id == poison:
            raise ZeroDivisionError
        return OVERSIGHT.reactions.apply(event, work) if OVERSIGHT.reactions else Applied()

    with service_under_test(OVERSIGHT, database_url) as service:
        processor = EventProcessor(service.storage, Reactions({"person.registered.v1": react}), service.metrics)
        dead = processor.process([delivery_of(event) for event in events])
        assert [letter.delivery.message_id for letter in dead] == [str(poison)]
        assert dead[0].reason == "reaction_failed"
        assert "ZeroDivisionError" in dead[0].detail
        assert _lines(service) == 19


def test_a_poison_event_keeps_its_own_reason(database_url: str) -> None:
    def react(_event: Event, _work: object) -> Outcome:
        raise Poison("never_works")

    with service_under_test(OVERSIGHT, database_url) as service:
        processor = EventProcessor(service.storage, Reactions({"person.registered.v1": react}), service.metrics)
        (letter,) = processor.process([delivery_of(person_registered())])
        assert letter.reason == "never_works"


def test_an_event_delivered_again_has_one_effect(database_url: str) -> None:
    event = person_registered()
    with service_under_test(OVERSIGHT, database_url) as service:
        assert service.react(event, event, event) == []
        assert service.react(event) == []
        assert _lines(service) == 1
        assert service.metrics.registry.get_sample_value("baton_inbox_duplicates_total") == 3


def test_an_absent_database_costs_no_message_and_no_delivery(amqp_uri: str) -> None:
    class AwayThenThere(Collecting):
        attempts = 0

        def process(self, deliveries: Sequence[Delivery]) -> list[DeadLetter]:
            self.attempts += 1
            if self.attempts <= 4:
                raise Unavailable("away")
            return super().process(deliveries)

    with topology(amqp_uri) as (broker, connection):
        events = [person_registered() for _ in range(10)]
        send(connection, *events)
        processor = AwayThenThere()
        with consuming(broker, QUEUE, processor):
            wait_until(lambda: len(processor.deliveries) == len(events), "everything processed")
        assert {delivery.returns for delivery in processor.deliveries} == {0}
        assert waiting_in(connection, QUEUE) == waiting_in(connection, DEAD) == 0


def test_a_message_that_kills_its_consumer_is_given_up_and_its_neighbours_are_not(
    database_url: str, amqp_uri: str
) -> None:
    events = [person_registered() for _ in range(30)]
    killer = str(events[3].id)

    def react(event: Event, work: object) -> Outcome:
        if str(event.id) == killer:
            raise Killed
        return OVERSIGHT.reactions.apply(event, work) if OVERSIGHT.reactions else Applied()

    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        processor = EventProcessor(service.storage, Reactions({"person.registered.v1": react}), service.metrics)
        send(connection, *events)
        with consuming(broker, QUEUE, processor, restarts_after=Killed):
            wait_until(lambda: waiting_in(connection, DEAD) == 1, "the killer dead-lettered")
            wait_until(lambda: _lines(service) == len(events) - 1, "its neighbours applied")
        message = take_one(connection, DEAD)
        assert message is not None
        assert message.properties["application_headers"]["x-baton-reason"] == "kills_the_consumer"
        assert message.properties["message_id"] == killer


def test_stopping_under_load_hands_nothing_back_that_was_done(database_url: str, amqp_uri: str) -> None:
    events = [person_registered() for _ in range(400)]
    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        processor = EventProcessor(service.storage, OVERSIGHT.reactions or Reactions({}), service.metrics)
        send(connection, *events)
        while (before := _lines(service)) < len(events):
            with consuming(broker, QUEUE, processor, size=40):
                wait_until(lambda before=before: _lines(service) > before, "some work done")
        assert service.metrics.registry.get_sample_value("baton_inbox_duplicates_total") == 0


def test_two_replicas_share_the_work_and_no_effect_happens_twice(postgres_url: str, amqp_uri: str) -> None:
    events = [person_registered() for _ in range(300)]
    again = [replace(event) for event in events]
    with service_under_test(OVERSIGHT, postgres_url) as service, topology(amqp_uri) as (broker, connection):
        send(connection, *events, *again)
        processors = [
            EventProcessor(service.storage, OVERSIGHT.reactions or Reactions({}), Metrics()) for _ in range(2)
        ]
        with consuming(broker, QUEUE, processors[0], size=20), consuming(broker, QUEUE, processors[1], size=20):
            wait_until(lambda: _lines(service) == len(events), "everything applied")
            wait_until(lambda: waiting_in(connection, QUEUE) == 0, "the queue empty")
        assert waiting_in(connection, DEAD) == 0
        assert _lines(service) == len(events)


def test_a_queue_declared_otherwise_is_named_and_not_waited_for(amqp_uri: str) -> None:
    with topology(amqp_uri) as (broker, connection):
        connection.default_channel.queue_delete("oversight.dead")
        other = broker.connect()
        other.default_channel.queue_declare("oversight.dead", durable=True, auto_delete=False)
        with pytest.raises(TopologyMismatch, match=r"oversight\.dead"):
            declare(connection)
        with pytest.raises(PreconditionFailed):
            other.default_channel.queue_declare("oversight.dead", durable=False, auto_delete=False)


def _lines(service: object) -> int:
    with service.storage.engine.connect() as connection:  # type: ignore[attr-defined]
        count: int = connection.execute(select(func.count()).select_from(timeline)).scalar_one()
        return count
