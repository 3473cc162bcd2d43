"""A plain Flask handler as Flask's and SQLAlchemy's documentations show it: it inserts one row and answers.

No authentication, no validation, no idempotency, no audit, no event. Run by gunicorn, one worker with threads:
``gunicorn tests.benchmarks.peers.plain_flask:app``; ``DATABASE_URL`` says where.
"""

import os
import uuid
from datetime import datetime

from flask import Flask, Response, jsonify, request
from sqlalchemy import Boolean, Column, DateTime, Integer, MetaData, String, Table, Uuid, create_engine, insert
from sqlalchemy.dialects.postgresql import JSONB

CONNECTIONS = 8
app = Flask(__name__)
_engine = create_engine(
    os.environ["DATABASE_URL"],
    pool_size=CONNECTIONS,
    connect_args={"options": "-c search_path=release_notification"},
)
_release = Table(
    "release",
    MetaData(),
    Column("id", Uuid, primary_key=True),
    Column("version", Integer),
    Column("person_id", Uuid),
    Column("centre", String),
    Column("kind", String),
    Column("state", String),
    Column("release_at", DateTime(timezone=True)),
    Column("needs_handover", Boolean),
    Column("legal_ground", String),
    Column("notices", JSONB),
    Column("present", JSONB),
)


@app.post("/releases")
def plan() -> tuple[Response, int]:
    """Insert a release."""
    body = request.get_json()
    row = {
        "id": uuid.uuid4(),
        "version": 1,
        "person_id": uuid.UUID(body["person_id"]),
        "centre": body["centre"],
        "kind": body["kind"],
        "state": "planned",
        "release_at": datetime.fromisoformat(body["release_at"]),
        "needs_handover": True,
        "legal_ground": "contact_only",
        "notices": [],
        "present": [],
    }
    with _engine.begin() as connection:
        connection.execute(insert(_release), row)
    return jsonify(row), 201
