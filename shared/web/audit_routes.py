"""What auditors can read in every service: who did, saw or was refused what, and what it changed."""

from collections.abc import Callable
from typing import Any

from flask.views import MethodView
from marshmallow import Schema, fields
from sqlalchemy import ColumnElement, select

from shared.audit.changes import changes_of
from shared.kernel.errors import NotFound
from shared.storage.chassis import AUDIT, AUDIT_ANCHOR
from shared.storage.work import UnitOfWork
from shared.web.access import Jurisdiction
from shared.web.body import Blueprint
from shared.web.operation import current_work, operation
from shared.web.pagination import CursorQuery, page_of_rows, page_schema
from shared.web.principal import Role

ANCHORS_SHOWN = 400  # a year and a bit


class AuditQuery(CursorQuery):
    """Which rows to list."""

    subject = fields.UUID(metadata={"description": "Of one case or file"})
    actor = fields.String()
    action = fields.String(metadata={"description": "Begins with this"})
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()
    refused = fields.Boolean(metadata={"description": "Only what was refused, or only what was done"})


class AuditRowOut(Schema):
    """Who did what."""

    position = fields.Integer()
    at = fields.AwareDateTime()
    actor = fields.String()
    role = fields.String()
    organisation = fields.String()
    origin = fields.String(allow_none=True)
    action = fields.String()
    subject = fields.UUID(allow_none=True)
    version = fields.Integer()
    basis = fields.String(allow_none=True)
    refused = fields.String(allow_none=True)
    request_id = fields.String(allow_none=True)


class ChangeOut(Schema):
    """What an act changed of one thing."""

    name = fields.String()
    before = fields.Raw(allow_none=True)
    after = fields.Raw(allow_none=True)


class WholeAuditRowOut(AuditRowOut):
    """A row with what it changed."""

    changes = fields.List(fields.Nested(ChangeOut))


class AnchorOut(Schema):
    """The signed end of a day."""

    day = fields.Date()
    number = fields.Integer(metadata={"description": "Of the seal"})
    signed = fields.String(metadata={"description": "A JWS"})


class AnchorsOut(Schema):
    """Signed days, the newest first."""

    items = fields.List(fields.Nested(AnchorOut))


AuditPage = page_schema(AuditRowOut)


def audit_blueprint() -> Blueprint:
    """The routes; a new blueprint for each application."""
    blp = Blueprint(
        "audit", __name__, url_prefix="/audit", description="For auditors: who did, saw or was refused what"
    )

    @blp.route("")
    class Rows(MethodView):
        """The audit."""

        @operation(Role.AUDITOR, within=Jurisdiction.CITY, looks=True)
        @blp.arguments(AuditQuery, location="query")
        @blp.response(200, AuditPage)
        def get(self, query: dict[str, Any]) -> dict[str, Any]:
            """List audit rows, the newest first. That it was read is written down too."""
            chosen = select(AUDIT).where(*(_CONDITIONS[name](query[name]) for name in _CONDITIONS if name in query))
            place, page = AUDIT.c.position, {"limit": query["limit"], "cursor": query["cursor"]}
            found = page_of_rows(_work().connection, chosen, sort=place, key=place, descending=True, **page)
            _work().note_act("audit.read", query.get("subject"))
            return found

    @blp.route("/<int:position>")
    class OneRow(MethodView):
        """One row."""

        @operation(Role.AUDITOR, within=Jurisdiction.CITY, looks=True)
        @blp.response(200, WholeAuditRowOut)
        def get(self, position: int) -> dict[str, Any]:
            """One audit row, with what was before and after it."""
            row = _work().connection.execute(select(AUDIT).where(AUDIT.c.position == position)).one_or_none()
            if row is None:
                raise NotFound("audit.not_found", f"there is no audit row {position}")
            _work().note_act("audit.read", row.subject)
            return {**row._asdict(), "changes": changes_of(_work().connection, row.subject, row.version)}

    @blp.route("/anchors")
    class Anchors(MethodView):
        """The signed ends of days."""

        @operation(Role.AUDITOR, Role.OPERATOR, within=Jurisdiction.CITY)
        @blp.response(200, AnchorsOut)
        def get(self) -> dict[str, Any]:
            """The newest signed days, to be kept elsewhere."""
            newest = select(AUDIT_ANCHOR).order_by(AUDIT_ANCHOR.c.day.desc()).limit(ANCHORS_SHOWN)
            return {"items": _work().connection.execute(newest).all()}

    return blp


_CONDITIONS: dict[str, Callable[[Any], ColumnElement[bool]]] = {
    "subject": lambda subject: AUDIT.c.subject == subject,
    "actor": lambda actor: AUDIT.c.actor == actor,
    "action": lambda action: AUDIT.c.action.startswith(action, autoescape=True),
    "since": lambda since: AUDIT.c.at >= since,
    "until": lambda until: AUDIT.c.at < until,
    "refused": lambda refused: AUDIT.c.refused.is_not(None) if refused else AUDIT.c.refused.is_(None),
}


def _work() -> UnitOfWork:
    work: UnitOfWork = current_work()
    return work
