"""The limit: py-amqp and psycopg2 alone, in batches, with the SQL that Baton sends. No framework, no validation.

One statement of arrays for each table, one acknowledgement for each batch, what is on the way prefetched; the person,
the coverage and an earlier task are looked up as the real work demands.
"""

import sys
from datetime import UTC, datetime
from typing import Any

import amqp
import orjson
import psycopg2

from tests.benchmarks.peers.rows import DIVISION, LOG, TASK, log_row, task_row

BATCH = 500
QUEUE = "bare.events"
_MOMENTS = ("release_at", "due_at", "wake_at", "offered_at", "accept_due_at", "created_at", "received_at")
_TYPES = {
    **dict.fromkeys(("id", "release_id", "person_id", "message_id", "subject"), "uuid"),
    **dict.fromkeys(_MOMENTS, "timestamptz"),
    **dict.fromkeys(("version", "release_version", "escalation_level", "rejections", "sequence"), "int"),
    "assigned": "boolean",
}


def _unnested(columns: list[str]) -> str:
    return "select * from unnest(" + ", ".join(f"%s::{_TYPES.get(name, 'text')}[]" for name in columns) + ")"


_INBOX = f"insert into inbox (message_id, received_at) {_unnested(['message_id', 'received_at'])}"
_INBOX += " on conflict do nothing returning message_id"
_TASKS = "select id, release_id, release_version from task where release_id = any(%s::uuid[])"
_DROPPED = "select release_id, version from dropped_release where release_id = any(%s::uuid[])"
_PERSONS = "select person_id, residence_division from known_person where person_id = any(%s::uuid[])"
_COVERAGE = "select division, office from coverage where division = any(%s)"
_TASK = f"insert into task ({', '.join(TASK)}) {_unnested(TASK)}"
_LOG = (
    f"with entered as (insert into event_log ({', '.join(LOG)}) {_unnested(LOG)} returning position, subject)"
    " insert into outbox (position, subject) select position, subject from entered"
)


def main(amqp_uri: str, database_url: str) -> None:
    """Consume until killed."""
    database = psycopg2.connect(database_url, options="-c search_path=community_handover")
    broker = _broker(amqp_uri)
    channel = broker.channel()
    channel.auto_decode = False
    messages: list[Any] = []
    channel.basic_qos(0, 2 * BATCH, False)
    channel.basic_consume(QUEUE, callback=messages.append)
    while True:
        while not messages:
            broker.drain_events()
        _drain_ready(broker, messages)
        batch, messages[:BATCH] = messages[:BATCH], []
        _write(database, [orjson.loads(message.body) for message in batch])
        channel.basic_ack(batch[-1].delivery_tag, multiple=True)


def _broker(uri: str) -> amqp.Connection:
    user, _, rest = uri.removeprefix("amqp://").partition(":")
    password, _, host = rest.partition("@")
    broker = amqp.Connection(host.rstrip("/"), user, password)
    broker.connect()
    return broker


def _drain_ready(broker: amqp.Connection, messages: list[Any]) -> None:
    """What has arrived, up to a batch."""
    while len(messages) < BATCH:
        try:
            broker.drain_events(timeout=0.0005)
        except TimeoutError:
            return


def _write(database: Any, events: list[dict[str, Any]]) -> None:
    now = datetime.now(UTC)
    with database, database.cursor() as cursor:
        cursor.execute(_INBOX, (_literal([e["id"] for e in events]), _literal([now] * len(events))))
        fresh = {row[0] for row in cursor.fetchall()}
        events = [event for event in events if event["id"] in fresh]
        releases = _literal([event["subject"] for event in events])
        for lookup in (_TASKS, _DROPPED):
            cursor.execute(lookup, (releases,))
        cursor.execute(_PERSONS, (_literal([event["data"]["person_id"] for event in events]),))
        cursor.execute(_COVERAGE, ([DIVISION],))
        tasks = [task_row(event) for event in events]
        logs = [log_row(task, orjson.dumps) for task in tasks]
        cursor.execute(_TASK, [_literal([task[name] for task in tasks]) for name in TASK])
        cursor.execute(_LOG, [_literal([log[name] for log in logs]) for name in LOG])


def _literal(values: list[Any]) -> str:
    """An array literal: the server reads it far faster than an ``ARRAY[…]`` of constants."""
    return "{" + ",".join(map(_element, values)) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str) and not value.isalnum():
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f'"{value}"' if isinstance(value, datetime) else str(value)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
