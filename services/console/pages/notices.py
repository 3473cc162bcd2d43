"""Notices of a release, one sheet for each who has to be told (戒毒条例 art. 34): to be looked at, printed and stamped.

In Chinese whatever the user's language is: they are papers of an authority.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from flask import Blueprint, Response
from flask_babel import force_locale

from services.console.pages.common import get, person_of
from services.console.pages.sheets import NAMELESS, document_of, page_of, sealed_by
from services.console.papers import Paper, moment_of
from services.console.words import ADDRESSEES, RELEASE_KINDS, moment
from shared.reference.divisions import divisions
from shared.web.access import Jurisdiction, allows
from shared.web.principal import SUPERVISORS, Role

bp = Blueprint("notices", __name__, url_prefix="/releases/<uuid:release_id>")


@bp.get("/notices")
@allows(Role.CENTRE_CLERK, *SUPERVISORS, within=Jurisdiction.HOLDER)
def show(release_id: UUID) -> Any:
    """All sheets as a page, for the browser's printer."""
    return page_of("release_notices.html", _papers(release_id), release_id=release_id)


@bp.get("/notices.pdf")
@allows(Role.CENTRE_CLERK, *SUPERVISORS, within=Jurisdiction.HOLDER)
def pdf(release_id: UUID) -> Response:
    """All sheets as a document."""
    return document_of(_papers(release_id), f"notices-{str(release_id)[:8]}")


def _papers(release_id: UUID) -> list[Paper]:
    release = get("release_notification", f"/releases/{release_id}")
    person = person_of(release["person_id"]) or {}
    told = [notice["addressee"] for notice in release["notices"]]
    with force_locale("zh"):
        return [_paper(release, person, addressee) for addressee in dict.fromkeys([*release["untold"], *told])]


def _paper(release: Mapping[str, Any], person: Mapping[str, Any], addressee: str) -> Paper:
    at = moment(release["release_at"])
    assert at is not None
    name = person.get("full_name") or NAMELESS
    place = person.get("residence_division")
    lives = f"，居住地：{divisions().full_name(place)}" if place else ""
    return Paper(
        title="出所通知书",
        addressee=f"{ADDRESSEES.get(addressee, addressee)}：",
        paragraphs=(
            f"{name}{lives}，定于{moment_of(at)}因{RELEASE_KINDS[release['kind']]}从本所出所。",
            "依据《戒毒条例》第三十四条，现予通知。请按时到本所门口接回本人，并带好有效证件。",
            "本人到期依法出所，不因无人接回而延迟。",
        ),
        signature=sealed_by(release["centre"]),
        foot=f"出所编号 {release['id']} · 第 {release['version']} 版",
    )
