"""Imports from spreadsheets: send a file, see what is wrong and what it would change, confirm, see what came of it.

All state is the service's, so that a reload, another browser or a colleague sees the same.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, session, url_for

from services.console.clients import Refused
from services.console.import_words import fault_words
from services.console.pages.common import act, all_pages, get, get_bytes, send_file
from services.console.uploads import NoFile, sent_file
from shared.importing.reading import LINE, REASON
from shared.importing.writing import CONTENT_TYPES, write_table
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import Role

FIRST_ROWS, FIRST_CHANGES, FIRST_FAULTS = 10, 100, 50
_WORKING = ("checking", "applying")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import: where it is, who sends files, and what its pages say."""

    name: str  # of the blueprint
    service: str
    path: str
    roles: tuple[Role, ...]
    title: Any
    filled: Any  # what the filled template holds
    back: str
    back_title: Any
    only_changes: bool = False  # the preview shows what changes, else how the file begins


def import_pages(one: Kind, address: str) -> Blueprint:
    """The pages of a kind."""
    bp = Blueprint(one.name, __name__, url_prefix=address)
    _add_files(bp, one)
    _add_one(bp, one)
    return bp


def _add_files(bp: Blueprint, one: Kind) -> None:
    @bp.get("")
    @allows(*one.roles, within=Jurisdiction.ORGANISATION, outside=Outside.LEFT_OUT)
    def index() -> Any:
        """A form for a file, and the files that were sent."""
        return _index(one)

    @bp.post("")
    @allows(*one.roles, within=Jurisdiction.OWN_NAME)
    def send() -> Any:
        """Send a file; it is checked, and nothing is changed."""
        try:
            content, media_type, name = sent_file("file")
            taken = send_file(one.service, one.path, content, media_type, name)
        except NoFile:
            return _index(one, Refused(422, {"code": "file.missing"}))
        except Refused as refused:
            return _index(one, refused)
        return redirect(url_for(f"{one.name}.show", import_id=taken["id"]), 303)

    @bp.get("/template.<any(xlsx, csv):file_format>")
    @allows(*one.roles, within=Jurisdiction.OWN_NAME)
    def template(file_format: str) -> Response:
        """The columns to fill in."""
        query = {"format": file_format, "language": session.get("language", "zh")}
        filled = "true" if "filled" in request.args else None
        content = get_bytes(one.service, f"{one.path}/template", filled=filled, **query)
        return _file(content, f"{one.name}-template.{file_format}")


def _add_one(bp: Blueprint, one: Kind) -> None:
    @bp.get("/<uuid:import_id>")
    @allows(*one.roles, within=Jurisdiction.ORGANISATION)
    def show(import_id: UUID) -> Any:
        """How far it is, what is in it, and what to do."""
        return _show(one, import_id)

    @bp.post("/<uuid:import_id>/<any(confirmation, cancellation):what>")
    @allows(*one.roles, within=Jurisdiction.ORGANISATION)
    def decide(import_id: UUID, what: str) -> Any:
        """Have it applied, or give it up."""
        try:
            act(one.service, f"{one.path}/{import_id}/{what}", {})
        except Refused as refused:
            return _show(one, import_id, refused)
        return redirect(url_for(f"{one.name}.show", import_id=import_id), 303)

    @bp.get("/<uuid:import_id>/rejected.<any(xlsx, csv):file_format>")
    @allows(*one.roles, within=Jurisdiction.ORGANISATION)
    def rejected(import_id: UUID, file_format: str) -> Response:
        """The rows that were not applied, as they were, with the reasons. Mended, the same file can be sent again."""
        job = get(one.service, f"{one.path}/{import_id}")
        rows = _rejected_rows(one, job)
        english = session.get("language") == "en"
        headings = [LINE[english], REASON[english], *job["headings"]]
        cells = [[str(row["number"]), _reasons(row, job), *row["texts"]] for row in rows]
        content = write_table(file_format, headings, cells, title=REASON[english])
        return _file(content, f"{one.name}-rejected.{file_format}")


def _index(one: Kind, refused: Refused | None = None) -> Any:
    sent = get(one.service, one.path, limit=20)["items"]
    page = render_template("imports.html", one=one, sent=sent, refused=refused)
    return page, refused.status if refused else 200


def _show(one: Kind, import_id: UUID, refused: Refused | None = None) -> Any:
    job = get(one.service, f"{one.path}/{import_id}")
    told: dict[str, Any] = {"one": one, "job": job, "refused": refused, "first": [], "faulty": []}
    told["is_working"] = job["state"] in _WORKING
    if not told["is_working"]:
        told["first"] = _first(one, job)
        told["faulty"] = _faulty(one, job)
    name = "import_state.html" if "HX-Request" in request.headers else "import.html"
    return render_template(name, **told), refused.status if refused else 200


def _first(one: Kind, job: Any) -> list[Any]:
    path = f"{one.path}/{job['id']}/rows"
    if not one.only_changes:
        items: list[Any] = get(one.service, path, limit=FIRST_ROWS)["items"]
        return items
    states = [state for state in ("good", "applied") if job["counts"].get(state)]
    return [row for state in states for row in get(one.service, path, state=state, limit=FIRST_CHANGES)["items"]]


def _faulty(one: Kind, job: Any) -> list[Any]:
    """The first rows with faults."""
    found: list[Any] = []
    for state in ("bad", "refused"):
        if job["counts"].get(state):
            found += get(one.service, f"{one.path}/{job['id']}/rows", state=state, limit=FIRST_FAULTS)["items"]
    return sorted(found, key=lambda row: row["number"])[:FIRST_FAULTS]


def _rejected_rows(one: Kind, job: Any) -> list[Any]:
    path = f"{one.path}/{job['id']}/rows"
    rows = [row for state in ("bad", "refused") for row in all_pages(one.service, path, state=state)]
    return sorted(rows, key=lambda row: row["number"])


def _reasons(row: Any, job: Any) -> str:
    return "；".join(fault_words(fault, job["keys"], job["headings"]) for fault in row["faults"])


def _file(content: bytes, name: str) -> Response:
    kind = CONTENT_TYPES[name.rsplit(".", 1)[1]]
    return Response(content, content_type=kind, headers={"Content-Disposition": f"attachment; filename={name}"})
