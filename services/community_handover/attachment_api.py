"""Photographs of signed papers, over HTTP: who may see the task may see them, and each look is written down."""

import base64
import binascii
from typing import Any
from uuid import UUID

from flask import Response, request
from flask.views import MethodView
from marshmallow import RAISE, Schema, fields

from services.community_handover.access import acting_task, visible_task
from services.community_handover.attaching import (
    KINDS,
    LARGEST,
    Attach,
    AttachmentKind,
    attach,
    attachments_of,
    look_at,
)
from services.community_handover.store import Attachment, Work
from shared.web import (
    SUPERVISORS,
    Blueprint,
    Jurisdiction,
    Role,
    current_principal,
    current_work,
    field_error,
    operation,
)

OFFICERS = (Role.COMMUNITY_OFFICER, *SUPERVISORS)
LARGEST_BODY = LARGEST * 4 // 3 + 4096  # base64 and what is around it

attachments_blp = Blueprint(
    "attachments", __name__, url_prefix="/tasks/<uuid:task_id>/attachments", description="Photographs of signed papers"
)


class Base64(fields.Field[bytes]):
    """Bytes as text."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bytes:
        try:
            return base64.b64decode(value.encode("ascii"), validate=True)
        except (AttributeError, binascii.Error, ValueError):
            raise field_error("attachment.not_base64", "not Base64 (RFC 4648)") from None


class AttachmentIn(Schema):
    """A photograph."""

    class Meta:
        unknown = RAISE

    kind = fields.Enum(AttachmentKind, by_value=True, required=True)
    content = Base64(
        required=True, metadata={"type": "string", "format": "byte", "description": f"One of {', '.join(KINDS)}"}
    )


class AttachmentOut(Schema):
    """What is known of a photograph."""

    id = fields.UUID()
    kind = fields.String()
    content_type = fields.String()
    size = fields.Integer(metadata={"description": "Bytes"})
    sha256 = fields.String()
    added_at = fields.AwareDateTime()
    added_by = fields.String()


class AttachmentsOut(Schema):
    """All of a task."""

    items = fields.List(fields.Nested(AttachmentOut))


def work() -> Work:
    """The request's transaction."""
    found: Work = current_work()
    return found


@attachments_blp.before_request
def _allow_photographs() -> None:
    request.max_content_length = LARGEST_BODY


@attachments_blp.route("")
class Attachments(MethodView):
    """The photographs of a task."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER)
    @attachments_blp.response(200, AttachmentsOut)
    def get(self, task_id: UUID) -> dict[str, Any]:
        """List what is attached, without showing it."""
        return {"items": attachments_of(visible_task(task_id, current_principal(), work()), work())}

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, creates=True)
    @attachments_blp.arguments(AttachmentIn)
    @attachments_blp.response(201, AttachmentOut)
    def post(self, body: dict[str, Any], task_id: UUID) -> Attachment:
        """Attach a photograph (JPEG, PNG, WebP or PDF, at most 4 MiB; the content decides, not a name)."""
        task = acting_task(task_id, current_principal(), work())
        return attach(task, Attach(**body), by=current_principal().subject, work=work())


@attachments_blp.route("/<uuid:attachment_id>")
class OneAttachment(MethodView):
    """One photograph."""

    @operation(*OFFICERS, within=Jurisdiction.HOLDER, looks=True)
    @attachments_blp.response(200, {"type": "string", "format": "binary"}, content_type="image/*")
    def get(self, task_id: UUID, attachment_id: UUID) -> Response:
        """Look at it; that you looked is written down."""
        task = visible_task(task_id, current_principal(), work())
        found, content = look_at(task, attachment_id, work=work())
        shown = Response(content, mimetype=found.content_type)
        shown.headers["Content-Disposition"] = f"inline; filename={found.id}.{KINDS[found.content_type]}"
        shown.headers["Cache-Control"] = "no-store"
        return shown
