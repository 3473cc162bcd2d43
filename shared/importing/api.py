"""The HTTP API of one kind of import: the same for every service that has one."""

import re
from typing import Any
from uuid import UUID

from flask import Response, g, request
from flask.views import MethodView
from marshmallow import Schema, fields, validate

from shared.importing import jobs
from shared.importing.importer import Importer
from shared.importing.reading import MOST_BYTES, read_sheet
from shared.importing.tables import Import, RowState, State
from shared.importing.writing import CONTENT_TYPES, XLSX, write_template
from shared.web import (
    Blueprint,
    CursorQuery,
    Jurisdiction,
    Outside,
    current_principal,
    current_work,
    operation,
    page_of_rows,
    page_schema,
)
from shared.web.body import read_body
from shared.web.offload import offloaded
from shared.web.refusals import UnsupportedBody

_BYTES: dict[str, Any] = {"type": "string", "format": "binary"}
_UPLOADS = ("text/csv", XLSX, "application/vnd.ms-excel", "application/octet-stream")
_NOT_IN_A_NAME = re.compile(r"[\x00-\x1f\x7f/\\]")


class UploadQuery(Schema):
    """What the file is called."""

    filename = fields.String(load_default="", validate=validate.Length(max=200))


class TemplateQuery(Schema):
    """Which form of the template."""

    format = fields.String(load_default="xlsx", validate=validate.OneOf(sorted(CONTENT_TYPES)))
    language = fields.String(load_default="zh", validate=validate.OneOf(["zh", "en"]))
    filled = fields.Boolean(load_default=False, metadata={"description": "With what is known already filled in"})


class RowsQuery(CursorQuery):
    """Which rows."""

    state = fields.Enum(RowState, by_value=True)


class NoticeOut(Schema):
    """What is to be known before confirming."""

    code = fields.String()
    subject = fields.String()


class ImportOut(Schema):
    """An import and how far it is."""

    id = fields.UUID()
    kind = fields.String()
    state = fields.Enum(State, by_value=True)
    filename = fields.String()
    rows = fields.Integer()
    headings = fields.List(fields.String())
    keys = fields.List(fields.String(), metadata={"description": "The column that each heading stands for"})
    counts = fields.Dict(fields.String(), fields.Integer(), metadata={"description": "Rows by state"})
    changes = fields.Dict(fields.String(), fields.Integer(), metadata={"description": "Good rows by what they change"})
    notices = fields.List(fields.Nested(NoticeOut))
    created_at = fields.AwareDateTime()
    created_by = fields.String(attribute="subject")
    confirmed_at = fields.AwareDateTime(allow_none=True)
    confirmed_by = fields.String(attribute="confirmed_as.subject", load_default=None)
    finished_at = fields.AwareDateTime(allow_none=True)


class FaultOut(Schema):
    """Why a row is not applied."""

    column = fields.String(allow_none=True)
    code = fields.String()
    detail = fields.String()
    holds = fields.String(allow_none=True, metadata={"description": "What kind of thing the cell holds"})


class ImportRowOut(Schema):
    """A row of the file."""

    number = fields.Integer(metadata={"description": "In the file, the first being 1"})
    state = fields.Enum(RowState, by_value=True)
    texts = fields.List(fields.String())
    faults = fields.List(fields.Nested(FaultOut))
    change = fields.String(allow_none=True)


class NothingIn(Schema):
    """An act that needs no more words."""


ImportPage = page_schema(ImportOut)
ImportRowPage = page_schema(ImportRowOut)
_FILE = {
    "required": True,
    "content": {kind: {"schema": _BYTES} for kind in _UPLOADS},
}


def import_blueprint(importer: Importer) -> Blueprint:
    """``/<kind>-imports``: send a file, see what is in it, confirm, see what came of it."""
    name = f"{importer.kind}-imports"
    blp = Blueprint(name, __name__, url_prefix=f"/{name}", description="Imports from spreadsheets")
    blp.before_request(_allow_a_file)
    _add_files(blp, importer)
    _add_one(blp, importer)
    return blp


def _allow_a_file() -> None:
    """A file may be larger than other bodies; said before anything is read."""
    if request.endpoint and request.endpoint.endswith(".upload"):
        request.max_content_length = MOST_BYTES


def _add_files(blp: Blueprint, importer: Importer) -> None:
    @blp.route("")
    class Imports(MethodView):
        """Files that were sent."""

        @operation(*importer.roles, within=Jurisdiction.ORGANISATION, outside=Outside.LEFT_OUT)
        @blp.arguments(CursorQuery, location="query")
        @blp.response(200, ImportPage)
        def get(self, query: dict[str, Any]) -> dict[str, Any]:
            """List the own organisation's imports, the newest first."""
            table = importer.tables.imports
            mine = table.select().where(*jobs.own_imports(importer, current_principal()))
            order: dict[str, Any] = {"sort": table.c.created_at, "key": table.c.id, "descending": True}
            return page_of_rows(current_work().connection, mine, **order, limit=query["limit"], cursor=query["cursor"])

    @blp.route("", methods=["POST"])
    @operation(*importer.roles, within=Jurisdiction.OWN_NAME, creates=True)
    @blp.doc(requestBody=_FILE)
    @blp.arguments(UploadQuery, location="query")
    @blp.response(201, ImportOut)
    def upload(query: dict[str, Any]) -> Import:
        """Send a CSV (UTF-8 or GB18030) or xlsx file; it is checked, and nothing is changed before it is confirmed."""
        if request.mimetype not in _UPLOADS:
            raise UnsupportedBody("body.content_type", f"send one of {', '.join(_UPLOADS)}")
        content = read_body(request)
        sheet = offloaded(lambda: read_sheet(content, importer.columns))
        filename = _NOT_IN_A_NAME.sub(" ", query["filename"]).strip()
        return jobs.take_in(
            importer,
            sheet,
            filename=filename,
            principal=current_principal(),
            request_id=g.request_id,
            work=current_work(),
        )

    @blp.route("/template", methods=["GET"])
    @operation(*importer.roles, within=Jurisdiction.OWN_NAME)
    @blp.arguments(TemplateQuery, location="query")
    @blp.response(200)
    @blp.doc(responses={"200": {"content": {kind: {"schema": _BYTES} for kind in ("text/csv", XLSX)}}})
    def template(query: dict[str, Any]) -> Response:
        """A file with the columns to fill in."""
        known = list(importer.prefill(current_principal(), current_work())) if query["filled"] else []
        rows = [[row.get(column.key, "") for column in importer.columns] for row in known]
        kind, english = query["format"], query["language"] == "en"
        content = offloaded(lambda: write_template(kind, importer.columns, rows, english=english))
        answer = Response(content, content_type=CONTENT_TYPES[kind])
        answer.headers["Content-Disposition"] = f"attachment; filename={importer.kind}-template.{kind}"
        return answer


def _add_one(blp: Blueprint, importer: Importer) -> None:
    @blp.route("/<uuid:import_id>", methods=["GET"])
    @operation(*importer.roles, within=Jurisdiction.ORGANISATION)
    @blp.response(200, ImportOut)
    def one(import_id: UUID) -> Import:
        """How far an import is, and what it would change or has changed."""
        return jobs.find(importer, import_id, current_principal(), current_work())

    @blp.route("/<uuid:import_id>/rows", methods=["GET"])
    @operation(*importer.roles, within=Jurisdiction.ORGANISATION)
    @blp.arguments(RowsQuery, location="query")
    @blp.response(200, ImportRowPage)
    def rows(query: dict[str, Any], import_id: UUID) -> dict[str, Any]:
        """The rows of a file in their order, with what is wrong with them. Kept for 30 days."""
        job = jobs.find(importer, import_id, current_principal(), current_work())
        table = importer.tables.rows
        chosen = table.select().where(table.c.import_id == job.id)
        if "state" in query:
            chosen = chosen.where(table.c.state == query["state"])
        order: dict[str, Any] = {"sort": table.c.number, "key": table.c.number}
        return page_of_rows(current_work().connection, chosen, **order, limit=query["limit"], cursor=query["cursor"])

    @blp.route("/<uuid:import_id>/confirmation", methods=["POST"])
    @operation(*importer.roles, within=Jurisdiction.ORGANISATION, creates=True)
    @blp.arguments(NothingIn)
    @blp.response(201, ImportOut)
    def confirmation(_body: dict[str, Any], import_id: UUID) -> Import:
        """Have the good rows applied, in one's own name."""
        return jobs.confirm(importer, import_id, current_principal(), current_work())

    @blp.route("/<uuid:import_id>/cancellation", methods=["POST"])
    @operation(*importer.roles, within=Jurisdiction.ORGANISATION, creates=True)
    @blp.arguments(NothingIn)
    @blp.response(201, ImportOut)
    def cancellation(_body: dict[str, Any], import_id: UUID) -> Import:
        """Give the file up; nothing was changed."""
        return jobs.cancel(importer, import_id, current_principal(), current_work())
