"""Photographs of signed papers at a task: added, listed, looked at, and gone with the seal on a person's file."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

import filetype
from sqlalchemy import delete, select

from services.community_handover.domain.task import Task
from services.community_handover.photo_box import close_up, open_up
from services.community_handover.store import Attachment, Work, attachment_contents, attachments, known_persons, tasks
from shared.kernel.errors import Conflict, NotFound, invalid_field
from shared.kernel.ids import new_id

LARGEST = 4 * 1024 * 1024  # bytes
MOST = 10  # of one task
KINDS = {"image/jpeg": "jpg", "image/png": "png", "image/webp": "webp", "application/pdf": "pdf"}
AT_ONCE = 200
_GONE = ("sealed", "erased")


class AttachmentKind(StrEnum):
    """What a photograph shows."""

    AGREEMENT = "agreement"
    REGISTRATION_FORM = "registration_form"
    CERTIFICATE = "certificate"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Attach:
    """A photograph of a paper."""

    kind: AttachmentKind
    content: bytes


def attach(task: Task, command: Attach, *, by: str, work: Work) -> Attachment:
    """Keep a photograph, encrypted.

    What it is says its content, not its name.

    Raises: InvalidInput ``attachment.type``, ``attachment.too_large``; Conflict ``attachment.too_many``,
    ``attachment.person_sealed``, ``attachment.no_keys``.
    """
    person = work.persons.find(task.person_id)
    if person is not None and person.state in _GONE:
        raise Conflict("attachment.person_sealed", "the person's file is sealed")
    if len(command.content) > LARGEST:
        raise invalid_field("/content", "attachment.too_large", f"at most {LARGEST} bytes")
    content_type = _type_of(command.content)
    if len(attachments_of(task, work)) >= MOST:
        raise Conflict("attachment.too_many", f"a task has at most {MOST} attachments")
    digest = hashlib.sha256(command.content).hexdigest()
    added = Attachment(new_id(), task.id, command.kind.value, content_type, len(command.content), digest, work.now, by)
    work.attachments.add(added)
    sealed = close_up(command.content)
    work.write_last(lambda writes: writes.insert(attachment_contents, [{"id": added.id, "sealed": sealed}]))
    work.note_act("attachment.added", task.id, task.version, basis=f"attachment {added.id}")
    return added


def attachments_of(task: Task, work: Work) -> list[Attachment]:
    """All of a task, the oldest first."""
    return work.attachments.select(attachments.c.task_id == task.id, order_by=attachments.c.id)


def look_at(task: Task, attachment_id: UUID, *, work: Work) -> tuple[Attachment, bytes]:
    """One of a task, with its content; that somebody looked is written down.

    Raises: NotFound ``attachment.not_found``.
    """
    found = work.attachments.find(attachment_id)
    sealed = work.connection.execute(
        select(attachment_contents.c.sealed).where(attachment_contents.c.id == attachment_id)
    ).scalar()
    if found is None or found.task_id != task.id or sealed is None:
        raise NotFound("attachment.not_found", f"no attachment {attachment_id}")
    work.note_act("attachment.viewed", task.id, task.version, basis=f"attachment {attachment_id}")
    return found, open_up(sealed)


def remove_sealed(work: Work, *, only: UUID | None = None) -> int:
    """Remove what shows somebody whose file is sealed or erased; how many. Also what came at the same moment."""
    whose = [known_persons.c.person_id == only] if only else [known_persons.c.state.in_(_GONE)]
    found = (
        select(attachments.c.id)
        .join(tasks, tasks.c.id == attachments.c.task_id)
        .join(known_persons, known_persons.c.person_id == tasks.c.person_id)
        .where(*whose)
        .limit(AT_ONCE)
    )
    work.flush()
    gone = list(work.connection.execute(found).scalars())
    if gone:
        work.connection.execute(delete(attachment_contents).where(attachment_contents.c.id.in_(gone)))
        work.connection.execute(delete(attachments).where(attachments.c.id.in_(gone)))
    return len(gone)


def _type_of(content: bytes) -> str:
    guessed = filetype.guess_mime(content)
    if guessed not in KINDS:
        raise invalid_field("/content", "attachment.type", f"send one of {', '.join(KINDS)}")
    return str(guessed)
