"""A process with two consumers of oversight's queue, which one message kills: ``python -m tests.support.killed``.

Its arguments are the broker's address, the database's and the id of the event that ends the process.
"""

import os
import sys
import threading
import time
from typing import Any

from services.oversight.service import SERVICE
from shared.contracts.envelope import Event
from shared.kernel.outcomes import Outcome
from shared.messaging.broker import Broker
from shared.messaging.consumer import BatchConsumer
from shared.messaging.processor import EventProcessor
from shared.messaging.reactions import Reactions
from shared.observability.metrics import Metrics
from shared.storage.engine import Storage

CONSUMERS = 2
WORK_SECONDS = 0.05  # so that both are at work when one is killed


def main(amqp_uri: str, database_url: str, killer: str) -> None:
    """Work until killed."""
    reactions = SERVICE.reactions
    assert reactions is not None

    def react(event: Event, work: Any) -> Outcome:
        if str(event.id) == killer:
            time.sleep(WORK_SECONDS / 2)
            os._exit(1)
        time.sleep(WORK_SECONDS)
        return reactions.apply(event, work)

    storage: Storage[Any] = Storage(service=SERVICE.name, url=database_url, work=SERVICE.work)
    metrics = Metrics()
    processor = EventProcessor(storage, Reactions({"person.registered.v1": react}), metrics)
    consumers = [
        BatchConsumer(
            queue="oversight.events",
            dead_key="oversight.dead",
            broker=Broker(amqp_uri, name="killed"),
            processor=processor,
            metrics=metrics,
            size=200,
        )
        for _ in range(CONSUMERS)
    ]
    threads = [threading.Thread(target=consumer.run) for consumer in consumers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
