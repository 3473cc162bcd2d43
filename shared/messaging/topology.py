"""The broker's exchanges, queues and bindings: all of them, in one place, declared by every service at start.

Valid on RabbitMQ 3.10 and 4.x: durable quorum queues only, an explicit delivery limit, dead letters at least once.
What no queue is bound for goes through the alternate exchange to ``baton.unrouted`` and is counted there.
"""

from collections.abc import Mapping

from amqp.exceptions import PreconditionFailed
from kombu import Connection, Exchange, Queue, binding

from shared.messaging.subscriptions import SUBSCRIPTIONS
from shared.storage.outbox import EVENTS_EXCHANGE

UNROUTED = "baton.unrouted"
DEAD = "baton.dead"
INTAKE = "baton.intake.releases"
REPLIES = "baton.intake.replies"
INTAKE_COMMANDS: Mapping[str, tuple[str, ...]] = {
    "release_notification": ("release.plan", "release.reschedule", "release.cancel", "release.execute"),
}
DELIVERY_LIMIT = 200  # the same on every version; a backstop, for killers are found long before

_unrouted = Exchange(UNROUTED, "fanout", durable=True)
_dead = Exchange(DEAD, "direct", durable=True)
_events = Exchange(EVENTS_EXCHANGE, "topic", durable=True, arguments={"alternate-exchange": UNROUTED})
_intake = Exchange(INTAKE, "topic", durable=True, arguments={"alternate-exchange": UNROUTED})
_replies = Exchange(REPLIES, "topic", durable=True, arguments={"alternate-exchange": UNROUTED})


class TopologyMismatch(Exception):
    """Something in the broker was declared with other arguments. Changing a queue is a migration."""


def events_queue(service: str) -> str:
    """The queue of the events that a service hears."""
    return f"{service}.events"


def intake_queue(service: str) -> str:
    """The queue of the commands that outside systems send to a service."""
    return f"{service}.intake"


def dead_queue(service: str) -> str:
    """Where a service's poison messages wait for an operator."""
    return f"{service}.dead"


def entities() -> list[Exchange | Queue]:
    """All exchanges and queues, in the order in which they can be declared."""
    declared: list[Exchange | Queue] = [_unrouted, _dead, _events, _intake, _replies]
    declared.append(Queue(UNROUTED, _unrouted, routing_key="", queue_arguments={"x-queue-type": "quorum"}))
    for service, event_types in SUBSCRIPTIONS.items():
        key = dead_queue(service)
        declared.append(Queue(key, _dead, routing_key=key, queue_arguments={"x-queue-type": "quorum"}))
        if event_types:
            declared.append(_work_queue(events_queue(service), service, _events, sorted(event_types)))
        if service in INTAKE_COMMANDS:
            declared.append(_work_queue(intake_queue(service), service, _intake, INTAKE_COMMANDS[service]))
    return declared


def declare(connection: Connection) -> None:
    """Declare everything; what is there already stays.

    Raises: TopologyMismatch naming what was declared otherwise before.
    """
    for entity in entities():
        # A channel each, because a refusal closes it.
        with connection.channel() as channel:
            try:
                entity(channel).declare()
            except PreconditionFailed as refused:
                raise TopologyMismatch(f"{entity.name}: {refused.message}") from refused


def _work_queue(name: str, service: str, exchange: Exchange, keys: list[str] | tuple[str, ...]) -> Queue:
    return Queue(
        name,
        bindings=[binding(exchange, routing_key=key) for key in keys],
        queue_arguments={
            "x-queue-type": "quorum",
            "x-delivery-limit": DELIVERY_LIMIT,
            "x-dead-letter-exchange": DEAD,
            "x-dead-letter-routing-key": dead_queue(service),
            "x-dead-letter-strategy": "at-least-once",
            "x-overflow": "reject-publish",  # what at-least-once dead-lettering asks for
        },
    )
