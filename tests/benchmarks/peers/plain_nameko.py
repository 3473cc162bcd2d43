"""nameko's ``event_handler`` as its documentation shows it: one message, one worker, one transaction.

Tuned: as many database connections as workers, SQL text prepared once, orjson for what is written.
"""

import sys
from datetime import UTC, datetime

WORKERS = 10
QUEUE = "evt-release_notification-release_planned--plain_handover.on_release_planned"


def main(amqp_uri: str, database_url: str) -> None:
    """Run the service until it is terminated."""
    import orjson
    from nameko.events import event_handler
    from nameko.runners import ServiceRunner
    from sqlalchemy import create_engine, text

    from tests.benchmarks.peers.rows import LOG, TASK, log_row, task_row

    options = {"options": "-c search_path=community_handover"}
    engine = create_engine(database_url, pool_size=WORKERS, connect_args=options)
    inbox = text("insert into inbox (message_id, received_at) values (:id, :now) on conflict do nothing")
    insert_task = text(_insert("task", TASK) + " on conflict (release_id) do nothing")
    insert_log = text(_insert("event_log", LOG) + " returning position")
    insert_outbox = text("insert into outbox (position, subject) values (:position, :subject)")

    class PlainHandover:
        """One handler."""

        name = "plain_handover"

        @event_handler("release_notification", "release_planned")
        def on_release_planned(self, event):  # type: ignore[no-untyped-def]
            """One event, one transaction."""
            with engine.begin() as connection:
                if connection.execute(inbox, {"id": event["id"], "now": datetime.now(UTC)}).rowcount == 0:
                    return
                task = task_row(event)
                connection.execute(insert_task, task)
                log = log_row(task, orjson.dumps)
                position = connection.execute(insert_log, log).scalar_one()
                connection.execute(insert_outbox, {"position": position, "subject": task["id"]})

    runner = ServiceRunner({"AMQP_URI": amqp_uri, "max_workers": WORKERS})
    runner.add_service(PlainHandover)
    runner.start()
    runner.wait()


def _insert(table: str, columns: list[str]) -> str:
    places = ", ".join(f":{column}" for column in columns)
    return f"insert into {table} ({', '.join(columns)}) values ({places})"


if __name__ == "__main__":
    import eventlet

    eventlet.monkey_patch()
    main(sys.argv[1], sys.argv[2])
