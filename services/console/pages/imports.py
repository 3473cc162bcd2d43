"""Imports from spreadsheets: send a file, see what is wrong and what it would change, confirm, see what came of it.

All state is the service's, so that a reload, another browser or a colleague sees the same.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, redirect, render_template, request, session, url_for
from flask_babel import lazy_gettext as _l

from services.console.clients import Refused
from services.console.import_words import fault_words
from services.console.pages.common import act, all_pages, get, get_bytes, send_file
from services.console.uploads import NoFile, sent_file
from shared.importing.reading import LINE, REASON
from shared.importing.writing import CONTENT_TYPES, write_table
from shared.web.access import Jurisdiction, Outside, allows
from shared.web.principal import Role

bp = Blueprint("imports", __name__, url_prefix="/imports/<any(results, coverage):kind>")
FIRST_ROWS, FIRST_CHANGES, FIRST_FAULTS = 10, 100, 50
SENDERS = (Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)  # of each kind its own
_WORKING = ("checking", "applying")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of import: where it is, and what its pages say."""

    service: str
    path: str
    title: Any
    filled: Any  # what the filled template holds
    back: str
    back_title: Any
    only_changes: bool = False  # the preview shows what changes, else how the file begins


KINDS = {
    "results": Kind(
        "drug_testing", "/result-imports", _l("导入检测结果"), _l("已填待检单号"), "tests.index", _l("检测")
    ),
    "coverage": Kind(
        "community_handover",
        "/coverage-imports",
        _l("导入责任区设置"),
        _l("已填现有设置"),
        "settings_pages.coverage",
        _l("责任区设置"),
        only_changes=True,
    ),
}


@bp.get("")
@allows(*SENDERS, within=Jurisdiction.SYSTEMS, outside=Outside.LEFT_OUT)
def index(kind: str) -> Any:
    """A form for a file, and the files that were sent."""
    return _index(kind)


@bp.post("")
@allows(*SENDERS, within=Jurisdiction.OWN_NAME)
def send(kind: str) -> Any:
    """Send a file; it is checked, and nothing is changed."""
    one = KINDS[kind]
    try:
        content, media_type, name = sent_file("file")
        taken = send_file(one.service, one.path, content, media_type, name)
    except NoFile:
        return _index(kind, Refused(422, {"code": "file.missing"}))
    except Refused as refused:
        return _index(kind, refused)
    return redirect(url_for("imports.show", kind=kind, import_id=taken["id"]), 303)


@bp.get("/<uuid:import_id>")
@allows(*SENDERS, within=Jurisdiction.SYSTEMS)
def show(kind: str, import_id: UUID) -> Any:
    """How far it is, what is in it, and what to do."""
    return _show(kind, import_id)


@bp.post("/<uuid:import_id>/<any(confirmation, cancellation):what>")
@allows(*SENDERS, within=Jurisdiction.SYSTEMS)
def decide(kind: str, import_id: UUID, what: str) -> Any:
    """Have it applied, or give it up."""
    one = KINDS[kind]
    try:
        act(one.service, f"{one.path}/{import_id}/{what}", {})
    except Refused as refused:
        return _show(kind, import_id, refused)
    return redirect(url_for("imports.show", kind=kind, import_id=import_id), 303)


@bp.get("/<uuid:import_id>/rejected.<any(xlsx, csv):file_format>")
@allows(*SENDERS, within=Jurisdiction.SYSTEMS)
def rejected(kind: str, import_id: UUID, file_format: str) -> Response:
    """The rows that were not applied, as they were, with the reasons. Mended, the same file can be sent again."""
    one = KINDS[kind]
    job = get(one.service, f"{one.path}/{import_id}")
    rows = _rejected_rows(one, job)
    english = session.get("language") == "en"
    headings = [LINE[english], REASON[english], *job["headings"]]
    cells = [[str(row["number"]), _reasons(row, job), *row["texts"]] for row in rows]
    return _file(write_table(file_format, headings, cells, title=REASON[english]), f"{kind}-rejected.{file_format}")


@bp.get("/template.<any(xlsx, csv):file_format>")
@allows(*SENDERS, within=Jurisdiction.SYSTEMS, outside=Outside.LEFT_OUT)
def template(kind: str, file_format: str) -> Response:
    """The columns to fill in."""
    one = KINDS[kind]
    query = {"format": file_format, "language": session.get("language", "zh")}
    filled = "true" if "filled" in request.args else None
    content = get_bytes(one.service, f"{one.path}/template", filled=filled, **query)
    return _file(content, f"{kind}-template.{file_format}")


def _index(kind: str, refused: Refused | None = None) -> Any:
    one = KINDS[kind]
    sent = get(one.service, one.path, limit=20)["items"]
    page = render_template("imports.html", kind=kind, one=one, sent=sent, refused=refused)
    return page, refused.status if refused else 200


def _show(kind: str, import_id: UUID, refused: Refused | None = None) -> Any:
    one = KINDS[kind]
    job = get(one.service, f"{one.path}/{import_id}")
    told: dict[str, Any] = {"kind": kind, "one": one, "job": job, "refused": refused, "first": [], "faulty": []}
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
