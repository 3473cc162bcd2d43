"""A task whose row is gone is put back as it was last told. Nothing new happens to it, so nothing is said.

Its events do not tell what was for the office alone (who goes to the gate, notes, steps of a search): that is lost.
"""

from uuid import UUID

from sqlalchemy import select

from services.community_handover.domain.task import Task
from services.community_handover.store import TOLD, Work, tasks
from shared.contracts.envelope import CONTENT_TYPE, Event, decode
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.ids import derived_id
from shared.storage.bulk import insert_rows
from shared.storage.chassis import EVENT_LOG


def restore_task(release_id: UUID, *, work: Work) -> Task:
    """Put the row of a release's task back.

    Raises: NotFound ``task.never_told``; Conflict ``task.exists``.
    """
    task_id = derived_id(release_id, "handover")
    if work.tasks.find_by("release_id", release_id) is not None:
        raise Conflict("task.exists", "the task is there")
    told = _last_told(task_id, work)
    if told is None:
        raise NotFound("task.never_told", f"nothing was ever said of a task of {release_id}")
    kept = {name: told.data[name] for name in TOLD}
    row = Task(id=task_id, version=told.sequence, wake_at=told.data["due_at"], **kept)
    insert_rows(work.connection, tasks, [work.tasks.values(row)])
    work.note_act("task.restored", task_id, told.sequence)
    return row


def _last_told(task_id: UUID, work: Work) -> Event | None:
    log = EVENT_LOG.c
    newest = select(log.body).where(log.subject == task_id).order_by(log.sequence.desc()).limit(1)
    body = work.connection.execute(newest).scalar()
    return None if body is None else decode(body.encode(), CONTENT_TYPE)
