"""Photographs of signed papers at a task: added from a phone, shown to who may see the task."""

import base64
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask_babel import gettext as _

from services.console.clients import Refused
from services.console.pages.common import act, get, get_bytes
from services.console.problem_words import PROBLEMS
from shared.web.access import Jurisdiction, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("attachments", __name__, url_prefix="/tasks/<uuid:task_id>/attachments")
LARGEST_BODY = 4 * 1024 * 1024 + 64 * 1024  # a photograph and what is around it


def allow_photographs() -> None:
    """More than other forms may send; said before anything reads the form."""
    if request.endpoint == "attachments.add":
        request.max_content_length = LARGEST_BODY


@bp.post("")
@allows(Role.COMMUNITY_OFFICER, *SUPERVISORS, within=Jurisdiction.HOLDER)
def add(task_id: UUID) -> Any:
    """Attach a photograph."""
    photograph = request.files.get("photograph")
    content = photograph.read() if photograph else b""
    body = {"kind": request.form.get("kind", "other"), "content": base64.b64encode(content).decode()}
    try:
        act("community_handover", f"/tasks/{task_id}/attachments", body)
    except Refused as refused:
        if refused.status not in (409, 413, 422):
            raise
        codes = [error["code"] for error in refused.problem.get("errors", ())] or [refused.code]
        flash(str(PROBLEMS.get(codes[0], refused.problem.get("detail", codes[0]))), "fault")
    else:
        flash(_("附件已保存。"))
    return redirect(f"{url_for('tasks.one', task_id=task_id)}#attachments", 303)


@bp.get("/<uuid:attachment_id>")
@allows(Role.COMMUNITY_OFFICER, *SUPERVISORS, within=Jurisdiction.HOLDER)
def show(task_id: UUID, attachment_id: UUID) -> Response:
    """One photograph, as its service keeps it. The service writes down that it was looked at."""
    path = f"/tasks/{task_id}/attachments"
    listed = get("community_handover", path)["items"]
    kind = next((one["content_type"] for one in listed if one["id"] == str(attachment_id)), "image/jpeg")
    shown = Response(get_bytes("community_handover", f"{path}/{attachment_id}"), mimetype=kind)
    if kind == "application/pdf":
        shown.headers["Content-Disposition"] = f"attachment; filename={attachment_id}.pdf"
    return shown
