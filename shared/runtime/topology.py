"""The topology, declared by the one user who may configure the broker, and awaited by everybody else.

``python -m shared.runtime.topology`` declares everything and then, as the last act, a mark: an exchange whose name is
the fingerprint of all that was declared before it. A service that may not configure anything (``TOPOLOGY=check``)
waits for the mark of its own version, so it never says an event into a topology without its hearers' queues. Marks of
earlier versions stay, so that a service of the version before can be started again beside the new one.
"""

import hashlib
import os
import sys
import time

import orjson
import structlog
from kombu import Connection, Exchange, Queue

from shared.messaging.backoff import Backoff
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.messaging.topology import TopologyMismatch, declare, entities
from shared.observability.logs import configure_logs
from shared.runtime.settings import ConfigurationError, amqp_uri

MARK_PREFIX = "baton.topology."
PATIENCE_SECONDS = 300

log = structlog.get_logger(__name__)


def mark() -> Exchange:
    """What says that everything is there that this version knows."""
    told = orjson.dumps([_told(entity) for entity in entities()], option=orjson.OPT_SORT_KEYS)
    return Exchange(MARK_PREFIX + hashlib.sha256(told).hexdigest()[:16], "fanout", durable=True)


def declare_and_mark(connection: Connection) -> None:
    """Declare everything, then the mark.

    Raises: TopologyMismatch, one of CONNECTION_ERRORS.
    """
    declare(connection)
    with connection.channel() as channel:
        mark()(channel).declare()


def look_for_mark(connection: Connection) -> None:
    """Asks for no right at all.

    Raises: one of CONNECTION_ERRORS, also when the mark is not there (yet).
    """
    with connection.channel() as channel:
        mark()(channel).declare(passive=True)


def main() -> int:
    """The command line: wait for the broker, declare, end."""
    configure_logs("topology", os.environ.get("LOG_LEVEL", "INFO"))
    try:
        broker = Broker(amqp_uri(), name="topology")
        connection = _connected(broker)
        declare_and_mark(connection)
    except ConfigurationError as error:
        log.error("topology.configuration", cause=str(error))
        return 2
    except TopologyMismatch as error:
        log.error("topology.mismatch", entity=str(error))
        return 1
    drop(connection)
    log.info("topology.declared", entity=mark().name)
    return 0


def _connected(broker: Broker) -> Connection:
    backoff, until = Backoff(first=0.2), time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return broker.connect()
        except CONNECTION_ERRORS as trouble:
            if time.monotonic() > until:
                raise
            log.warning("topology.waiting", cause=type(trouble).__name__)
            time.sleep(backoff.next())


def _told(entity: Exchange | Queue) -> list[object]:
    if isinstance(entity, Exchange):
        return ["exchange", entity.name, entity.type, entity.arguments]
    bindings = entity.bindings or [entity]
    keys = sorted((each.exchange.name, each.routing_key) for each in bindings)
    return ["queue", entity.name, entity.queue_arguments, keys]


if __name__ == "__main__":
    sys.exit(main())
