"""Papers of an authority, as a page for the browser's printer and as a document."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Response, abort, render_template

from services.console import papers
from services.console.papers import Paper, day_of
from shared.kernel.clock import CHINA

NAMELESS = "（姓名未开放）"


def page_of(template: str, sheets: Sequence[Paper], **about: Any) -> str:
    """All sheets as a page."""
    return render_template(template, sheets=sheets, has_pdf=papers.font() is not None, **about)


def document_of(sheets: Sequence[Paper], name: str) -> Response:
    """All sheets as a document; where there is no type for it, or nothing to say, there is none."""
    if papers.font() is None or not sheets:
        abort(404)
    headers = {"Content-Disposition": f"attachment; filename={name}.pdf"}
    return Response(papers.pdf_of(sheets), mimetype="application/pdf", headers=headers)


def sealed_by(organisation: str) -> tuple[str, ...]:
    """The end of a paper: whose it is, where the stamp goes, and today."""
    return organisation, "（盖章）", day_of(datetime.now(UTC).astimezone(CHINA))
