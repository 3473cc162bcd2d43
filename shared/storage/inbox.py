"""The inbox: which messages already had their effect here. Its row and the effect commit together."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from shared.storage.bulk import insert_rows
from shared.storage.chassis import INBOX


def first_seen(connection: Connection, message_ids: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Enter the ids and give those that were not there before."""
    rows = [{"message_id": message_id, "received_at": now} for message_id in sorted(set(message_ids))]
    entered = insert_rows(connection, INBOX, rows, tail="on conflict do nothing returning message_id")
    return {row[0] if isinstance(row[0], UUID) else UUID(row[0]) for row in entered}
