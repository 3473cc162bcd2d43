"""The rows that one release makes, for every peer alike. No validation, no routing, no calendar: what is known is said.

``INBOX``, ``TASK``, ``LOG`` and ``OUTBOX`` are the columns that Baton fills; the rest of a fresh task is null.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

EVENT_TYPE = "release.planned.v1"
OFFICE, DIVISION, COUNTY = "OFFICE-1", "430802001", "430822"
TASK = [
    "id",
    "version",
    "kind",
    "release_id",
    "release_version",
    "person_id",
    "legal_ground",
    "state",
    "holder_kind",
    "holder",
    "office",
    "division",
    "release_at",
    "due_rule",
    "due_at",
    "escalation_level",
    "wake_at",
    "offered_at",
    "accept_due_at",
    "assigned",
    "rejections",
]
LOG = ["message_id", "subject", "sequence", "exchange", "type", "content_type", "body", "created_at"]
# A task's event tells these as well, and they are null at its beginning.
_TOLD_LATER = dict.fromkeys(
    [
        "order_id",
        "released_at",
        "reminded_at",
        "accepted_at",
        "accepted_by",
        "rejected_by",
        "met_at",
        "outcome",
        "contacted_at",
        "unknown_at",
        "report_due_at",
        "registered_at",
        "agreement_signed_at",
        "contact_done_at",
        "refused_at",
        "referred_at",
        "remote_office",
        "paused_at",
        "pause_reason",
        "closed_at",
        "close_reason",
        "withdrawn_reason",
        "unresolved_reason",
    ]
)


def task_row(event: Mapping[str, Any]) -> dict[str, Any]:
    """The row of ``task``."""
    data = event["data"]
    release_at = datetime.fromisoformat(data["release_at"])
    due_at = release_at - timedelta(days=1)
    return {
        "id": str(uuid4()),
        "version": 1,
        "kind": "release",
        "release_id": data["release_id"],
        "release_version": int(event["sequence"]),
        "person_id": data["person_id"],
        "legal_ground": data["legal_ground"],
        "state": "offered",
        "holder_kind": "station_of_registration",
        "holder": COUNTY,
        "office": OFFICE,
        "division": DIVISION,
        "release_at": release_at,
        "due_rule": "H2",
        "due_at": due_at,
        "escalation_level": 0,
        "wake_at": due_at,
        "offered_at": datetime.now(UTC),
        "accept_due_at": due_at,
        "assigned": False,
        "rejections": 0,
    }


def log_row(task: Mapping[str, Any], dumps: Any = None) -> dict[str, Any]:
    """The row of ``event_log`` that tells the task; ``dumps`` gives JSON, as text or bytes."""
    now, message_id = datetime.now(UTC), str(uuid4())
    envelope = {
        "specversion": "1.0",
        "id": message_id,
        "source": "/peer/community_handover",
        "type": "handover.offered.v1",
        "subject": task["id"],
        "sequence": "0000000001",
        "time": now,
        "datacontenttype": "application/json",
        "data": {"task_id": task["id"], **{name: task[name] for name in TASK[2:]}, **_TOLD_LATER},
    }
    body = json.dumps(envelope, default=str) if dumps is None else dumps(envelope)
    return {
        "message_id": message_id,
        "subject": task["id"],
        "sequence": 1,
        "exchange": "baton.events",
        "type": "handover.offered.v1",
        "content_type": "application/cloudevents+json",
        "body": body if isinstance(body, str) else body.decode(),
        "created_at": now,
    }
