"""The peer: nameko's ``event_handler`` as its documentation shows it, one transaction a message."""

import sys

SOURCE = "/baton/release_notification"
EVENT_TYPE = "release.planned.v1"
QUEUE = "evt-release_notification-release_planned--plain_handover.on_release_planned"
CREATE_TABLES = (
    "create table inbox (event_id uuid primary key, received_at timestamptz default now())",
    "create table task (id uuid primary key, release_id uuid unique, person_id uuid, state text,"
    " release_at timestamptz)",
    "create table outbox (position bigserial primary key, subject uuid, type text, body text)",
)


def main(amqp_uri: str, database_url: str) -> None:
    """Run the service until it is terminated."""
    import json
    from uuid import uuid4

    from nameko.events import event_handler
    from nameko.runners import ServiceRunner
    from sqlalchemy import create_engine, text

    engine = create_engine(database_url, pool_size=10)
    inbox = text("insert into inbox (event_id) values (:id) on conflict do nothing")
    task = text(
        "insert into task (id, release_id, person_id, state, release_at)"
        " values (:id, :release, :person, 'offered', :at)"
    )
    outbox = text("insert into outbox (subject, type, body) values (:subject, 'handover.offered.v1', :body)")

    class PlainHandover:
        """One handler."""

        name = "plain_handover"

        @event_handler("release_notification", "release_planned")
        def on_release_planned(self, event):  # type: ignore[no-untyped-def]
            """One event, one transaction."""
            data = event["data"]
            with engine.begin() as connection:
                if connection.execute(inbox, {"id": event["id"]}).rowcount == 0:
                    return
                task_id = uuid4()
                row = {"release": data["release_id"], "person": data["person_id"], "at": data["release_at"]}
                connection.execute(task, {"id": task_id, **row})
                connection.execute(outbox, {"subject": task_id, "body": json.dumps(data)})

    runner = ServiceRunner({"AMQP_URI": amqp_uri, "max_workers": 10})
    runner.add_service(PlainHandover)
    runner.start()
    runner.wait()


if __name__ == "__main__":
    import eventlet

    eventlet.monkey_patch()
    main(sys.argv[1], sys.argv[2])
