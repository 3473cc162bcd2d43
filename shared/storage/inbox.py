"""The inbox: which messages already had their effect here. Its row and the effect commit together."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from shared.storage.bulk import Writes
from shared.storage.chassis import INBOX


def first_seen(writes: Writes, message_ids: Sequence[UUID], *, now: datetime) -> set[UUID]:
    """Send what was gathered, enter the ids and give those that were not there before."""
    rows = [{"message_id": message_id, "received_at": now} for message_id in sorted(set(message_ids))]
    entered = writes.insert_fresh(INBOX, rows, "message_id")
    return {one if isinstance(one, UUID) else UUID(one) for one in entered}
