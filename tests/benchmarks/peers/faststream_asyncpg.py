"""FastStream with asyncpg, as their documentations show them: a subscriber, a pool, one transaction a message.

Tuned: uvloop, a prefetch window that keeps every connection of the pool at work, asyncpg's prepared statements,
orjson for what is written; a message is acknowledged when its handler is done and given again when it fails.
"""

import sys
from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import uvloop
from faststream import AckPolicy, FastStream
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.schemas.queue import QueueType

from tests.benchmarks.peers.rows import LOG, TASK, log_row, task_row

CONNECTIONS = 10
PREFETCH = 40
QUEUE = "faststream.events"


def _insert(table: str, columns: list[str]) -> str:
    places = ", ".join(f"${place}" for place, _ in enumerate(columns, start=1))
    return f"insert into {table} ({', '.join(columns)}) values ({places})"


_INBOX = "insert into inbox (message_id, received_at) values ($1, $2) on conflict do nothing returning message_id"
_TASK = _insert("task", TASK) + " on conflict (release_id) do nothing"
_LOG = _insert("event_log", LOG) + " returning position"
_OUTBOX = "insert into outbox (position, subject) values ($1, $2)"


async def main(amqp_uri: str, database_url: str) -> None:
    """Run the application until it is terminated."""
    settings = {"search_path": "community_handover"}
    pool = await asyncpg.create_pool(database_url, min_size=CONNECTIONS, max_size=CONNECTIONS, server_settings=settings)
    broker = RabbitBroker(amqp_uri, default_channel=Channel(prefetch_count=PREFETCH), log_level=30)
    queue = RabbitQueue(QUEUE, durable=True, queue_type=QueueType.QUORUM)

    @broker.subscriber(queue, ack_policy=AckPolicy.NACK_ON_ERROR)
    async def on_release_planned(event: dict[str, Any]) -> None:
        async with pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_INBOX, event["id"], datetime.now(UTC)) is None:
                return
            task = task_row(event)
            await connection.execute(_TASK, *task.values())
            log = log_row(task, orjson.dumps)
            position = await connection.fetchval(_LOG, *log.values())
            await connection.execute(_OUTBOX, position, task["id"])

    await FastStream(broker).run(log_level=30)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], sys.argv[2]))
