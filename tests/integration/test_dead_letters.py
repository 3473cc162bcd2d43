"""Dead letters for operators: kept as rows, looked into without personal data, given again safely, discarded with a
reason; every act audited."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from services.oversight.service import SERVICE as OVERSIGHT
from services.release_notification.service import SERVICE as RELEASES
from shared.contracts.envelope import Event, encode
from shared.kernel.ids import new_id
from shared.kernel.outcomes import Outcome
from shared.messaging.intake import IntakeProcessor
from shared.messaging.morgue import UNROUTED, Morgue, Replayer
from shared.messaging.processor import EventProcessor
from shared.messaging.reactions import Reactions
from shared.messaging.topology import UNROUTED as UNROUTED_QUEUE
from shared.storage.dead_letters import LetterState
from shared.web import Role
from tests.support.builders import person_registered
from tests.support.messaging import consuming, publish, take_one, topology, wait_until, waiting_in
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

QUEUE, DEAD = "oversight.events", "oversight.dead"
OPERATOR = principal_of(Role.OPERATOR, subject="operator")
NOTE = {"note": "release 1.2 mends the cause"}


class Mendable:
    """Reactions of oversight with a fault that can be mended."""

    def __init__(self) -> None:
        self.broken = True

    def reactions(self) -> Reactions:
        return Reactions({"person.registered.v1": self._react})

    def _react(self, event: Event, work: Any) -> Outcome:
        if self.broken:
            raise ZeroDivisionError(f"of {event.subject}")
        assert OVERSIGHT.reactions is not None
        return OVERSIGHT.reactions.apply(event, work)


def letters(service: ServiceUnderTest, **query: Any) -> list[Any]:
    found: list[Any] = service.client.get("/ops/dead-letters", as_=OPERATOR, query_string=query).get_json()["items"]
    return found


def decide(service: ServiceUnderTest, letter: Any, what: str, body: dict[str, str] = NOTE, as_: Any = OPERATOR) -> Any:
    return service.client.post(f"/ops/dead-letters/{letter['id']}/{what}", body, as_=as_)


def lines(service: ServiceUnderTest) -> int:
    with service.work() as work:
        return len(work.timeline.select())


@contextmanager
def platform(database_url: str, amqp_uri: str) -> Iterator[tuple[ServiceUnderTest, Any, Any, Mendable]]:
    """oversight with its consumer and its morgue on a broker."""
    fault = Mendable()
    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        events = EventProcessor(service.storage, fault.reactions(), service.metrics)
        with (
            consuming(broker, QUEUE, events, metrics=service.metrics),
            consuming(broker, DEAD, Morgue(service.storage, service.metrics), metrics=service.metrics),
        ):
            yield service, broker, connection, fault


def test_a_letter_is_kept_looked_into_and_given_again_when_the_cause_is_mended(
    database_url: str, amqp_uri: str
) -> None:
    with platform(database_url, amqp_uri) as (service, broker, connection, fault):
        event = person_registered()
        publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))
        (letter,) = wait_until(lambda: letters(service), "a letter")
        assert waiting_in(connection, DEAD) == 0
        assert (letter["reason"], letter["queue"], letter["state"]) == ("reaction_failed", QUEUE, "waiting")
        assert letter["message_id"] == str(event.id)
        whole = service.client.get(f"/ops/dead-letters/{letter['id']}", as_=OPERATOR).get_json()
        assert "ZeroDivisionError" in whole["detail"]
        assert "_react" in whole["detail"]
        assert str(event.subject) not in whole["detail"]  # frames, never values
        assert '"person.registered.v1"' in whole["payload"]
        fault.broken = False
        assert decide(service, letter, "replay").status_code == 202
        replayer = Replayer(service.storage, broker, service.metrics)
        assert replayer.replay_once() == 1
        wait_until(lambda: lines(service) == 1, "the event applied")
        assert replayer.replay_once() == 0
        (after,) = letters(service)
        assert (after["state"], after["decided_by"], after["note"]) == ("replayed", "operator", NOTE["note"])
        assert [row.action for row in service.audit()] == ["dead_letter.replaying"]


def test_a_letter_given_again_too_early_dies_again_and_given_twice_has_one_effect(
    database_url: str, amqp_uri: str
) -> None:
    with platform(database_url, amqp_uri) as (service, broker, connection, fault):
        event = person_registered()
        publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))
        (first,) = wait_until(lambda: letters(service), "a letter")
        decide(service, first, "replay")
        replayer = Replayer(service.storage, broker, service.metrics)
        replayer.replay_once()
        wait_until(lambda: len(letters(service)) == 2, "dead again")
        assert service.client.get(f"/ops/dead-letters/{first['id']}", as_=OPERATOR).get_json()["deaths"] == 2
        fault.broken = False
        (again,) = letters(service, state="waiting")
        decide(service, again, "replay")
        replayer.replay_once()
        wait_until(lambda: lines(service) == 1, "the event applied")
        publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))  # and once more
        wait_until(lambda: service.metrics.registry.get_sample_value("baton_inbox_duplicates_total") == 1, "known")
        assert lines(service) == 1


def test_a_command_that_died_is_given_again_under_its_own_key_and_answered(database_url: str, amqp_uri: str) -> None:
    broken = [True]

    class Failing(IntakeProcessor):
        def _first_answer(self, *arguments: Any) -> bytes:
            if broken[0]:
                raise ZeroDivisionError
            return super()._first_answer(*arguments)

    with service_under_test(RELEASES, database_url) as service, topology(amqp_uri) as (broker, connection):
        assert RELEASES.intake is not None
        person = person_registered()
        service.react(person)
        commands = Failing(service.storage, RELEASES.intake, service.metrics)
        body = (
            f'{{"person_id": "{person.subject}", "centre": "centre-1", "kind": "converted",'
            ' "release_at": "2026-12-20T01:00:00Z"}'
        )
        morgue = Morgue(service.storage, service.metrics)
        with (
            consuming(broker, "release_notification.intake", commands, metrics=service.metrics),
            consuming(broker, "release_notification.dead", morgue, metrics=service.metrics),
        ):
            publish(
                connection,
                body.encode(),
                exchange="baton.intake.releases",
                routing_key="release.plan",
                content_type="application/json",
                message_id="key-1",
                reply_to="centre-1.answers",
                application_headers={"centre": "centre-1"},
            )
            (letter,) = wait_until(lambda: letters(service), "a letter")
            assert (letter["reason"], letter["routing_key"]) == ("command_failed", "release.plan")
            broken[0] = False
            decide(service, letter, "replay")
            Replayer(service.storage, broker, service.metrics).replay_once()
            (answer,) = wait_until(service.answers, "an answer")
        assert (answer["to"], answer["in_reply_to"], answer["accepted"]) == ("centre-1.answers", "key-1", True)


def test_a_letter_is_decided_once_and_only_by_an_operator(database_url: str, amqp_uri: str) -> None:
    with platform(database_url, amqp_uri) as (service, _, connection, _):
        publish(connection, b"{", routing_key="person.registered.v1", message_id="m-1")
        (letter,) = wait_until(lambda: letters(service), "a letter")
        assert decide(service, letter, "discard", as_=Role.CITY_SUPERVISOR).status_code == 403
        assert decide(service, letter, "discard", {}).status_code == 422
        discarded = decide(service, letter, "discard", {"note": "sent by a test of the station's system"})
        assert (discarded.status_code, discarded.get_json()["state"]) == (201, "discarded")
        again = decide(service, letter, "replay")
        assert (again.status_code, again.get_json()["code"]) == (409, "dead_letter.decided")
        assert again.get_json()["by"] == "operator"
        auditor = service.client.get("/ops/dead-letters", as_=Role.AUDITOR)
        assert len(auditor.get_json()["items"]) == 1


def test_many_letters_of_one_cause_are_given_again_together(database_url: str, amqp_uri: str) -> None:
    with platform(database_url, amqp_uri) as (service, broker, connection, fault):
        for event in (person_registered() for _ in range(12)):
            publish(connection, encode(event), routing_key=event.type, message_id=str(event.id))
        publish(connection, b"{", routing_key="person.registered.v1", message_id="other")
        wait_until(lambda: len(letters(service)) == 13, "all letters")
        counts = service.client.get("/ops/dead-letters/summary", as_=OPERATOR).get_json()["items"]
        assert {(one["state"], one["reason"], one["count"]) for one in counts} == {
            ("waiting", "reaction_failed", 12),
            ("waiting", "not_json", 1),
        }
        fault.broken = False
        body = {**NOTE, "reason": "reaction_failed", "routing_key": "person.registered.v1"}
        answer = service.client.post("/ops/dead-letters/replay", body, as_=OPERATOR)
        assert (answer.status_code, answer.get_json()["count"]) == (202, 12)
        Replayer(service.storage, broker, service.metrics).replay_once()
        wait_until(lambda: lines(service) == 12, "all applied")
        assert [letter["message_id"] for letter in letters(service, state="waiting")] == ["other"]


def test_a_payload_is_shown_without_what_could_be_personal(database_url: str, amqp_uri: str) -> None:
    with platform(database_url, amqp_uri) as (service, _, connection, _):
        body = '{"name": "张三", "phone": "13800138000", "number": "11010519491231002X"}'.encode()
        publish(connection, body, routing_key="person.registered.v1", message_id="m-1")
        (letter,) = wait_until(lambda: letters(service), "a letter")
        payload = service.client.get(f"/ops/dead-letters/{letter['id']}", as_=OPERATOR).get_json()["payload"]
        assert not any(secret in payload for secret in ("张三", "13800138000", "11010519491231002X"))


def test_what_the_broker_gave_up_or_a_stranger_garbled_is_a_letter_too(database_url: str, amqp_uri: str) -> None:
    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        publish(connection, b"\x00\xff", routing_key=DEAD, exchange="baton.dead", content_type="")
        for _ in range(2):  # delivered twice: the same letter
            publish(
                connection,
                b"x",
                routing_key=DEAD,
                exchange="baton.dead",
                message_id="\x00m",
                application_headers={"x-baton-letter": "01a20c96-b921-7071-9ad9-7d382f839537", "a\x00": "b\x00"},
            )
        with consuming(broker, DEAD, Morgue(service.storage, service.metrics)):
            wait_until(lambda: len(letters(service)) == 2, "both kept")
            wait_until(lambda: waiting_in(connection, DEAD) == 0, "none left")
        assert len(letters(service)) == 2


def test_an_event_that_no_queue_took_is_a_letter_and_an_answer_is_only_counted(
    database_url: str, amqp_uri: str
) -> None:
    with service_under_test(OVERSIGHT, database_url) as service, topology(amqp_uri) as (broker, connection):
        event = person_registered()
        publish(connection, encode(event), routing_key="weather.changed.v1", message_id=str(event.id))
        publish(
            connection, b"{}", exchange="baton.intake.replies", routing_key="centre-9", content_type="application/json"
        )
        unrouted = Morgue(service.storage, service.metrics, events_only=True)
        with consuming(broker, UNROUTED_QUEUE, unrouted, metrics=service.metrics):
            (letter,) = wait_until(lambda: letters(service), "a letter")
            sample = service.metrics.registry.get_sample_value
            wait_until(lambda: sample("baton_unclaimed_answers_total") == 1, "the answer counted")
        assert (letter["reason"], letter["queue"], letter["routing_key"]) == (UNROUTED, None, "weather.changed.v1")
        with connection.channel() as channel:
            channel.queue_bind(QUEUE, "baton.events", "weather.changed.v1")
        decide(service, letter, "replay")
        Replayer(service.storage, broker, service.metrics).replay_once()
        message = wait_until(lambda: take_one(connection, QUEUE), "the event where it belongs")
        assert message.properties["message_id"] == str(event.id)


@pytest.mark.parametrize("state", [state for state in LetterState if state != LetterState.WAITING])
def test_nothing_is_there_that_was_not_asked_for(database_url: str, state: LetterState) -> None:
    with service_under_test(OVERSIGHT, database_url) as service:
        assert letters(service, state=state.value) == []
        missing = service.client.get(f"/ops/dead-letters/{new_id()}", as_=OPERATOR)
        assert (missing.status_code, missing.get_json()["code"]) == (404, "dead_letter.not_found")
