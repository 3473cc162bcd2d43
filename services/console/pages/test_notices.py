"""The notice of a test's result for the person: what was found, what may be asked for, until when and of whom.

One sheet for the on-site result and one for each examination (吸毒检测程序规定 arts 9 to 15), to be signed by the
person and kept in the file. In Chinese whatever the user's language is: they are papers of an authority.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from flask import Blueprint, Response
from flask_babel import force_locale

from services.console.pages.common import get, person_of
from services.console.pages.sheets import NAMELESS, document_of, page_of, sealed_by
from services.console.pages.tests import READERS, laboratories_for
from services.console.papers import Paper, moment_of
from services.console.testing_words import RESULTS, SAMPLE_TYPES, SUBSTANCES
from services.console.words import moment
from shared.web.access import Jurisdiction, allows

bp = Blueprint("test_notices", __name__, url_prefix="/tests/<uuid:test_order_id>")
TITLES = {"on_site": "现场检测结果告知书", "lab": "实验室检测结果告知书", "retest": "实验室复检结果告知书"}
_NEXT = {
    "on_site": ("实验室检测", "《吸毒检测程序规定》第十条"),
    "lab": ("实验室复检", "《吸毒检测程序规定》第十三条"),
}
_WAIVED = "申请不收取费用，也不影响案件的办理。不申请的，可以签字说明；期满不申请的，以本次结果为准。"


@bp.get("/notice")
@allows(*READERS, within=Jurisdiction.HOLDER)
def show(test_order_id: UUID) -> Any:
    """All sheets as a page, for the browser's printer."""
    return page_of("test_notices.html", _papers(test_order_id), test_order_id=test_order_id)


@bp.get("/notice.pdf")
@allows(*READERS, within=Jurisdiction.HOLDER)
def pdf(test_order_id: UUID) -> Response:
    """All sheets as a document."""
    return document_of(_papers(test_order_id), f"test-result-{str(test_order_id)[:8]}")


def _papers(test_order_id: UUID) -> list[Paper]:
    order = get("drug_testing", f"/test-orders/{test_order_id}")
    person = person_of(order["person_id"]) or {}
    laboratories = {one["code"]: one["name"] for one in laboratories_for(order)}
    with force_locale("zh"):
        parts = ("on_site", "lab", "retest")
        return [_paper(order, part, person, laboratories) for part in parts if _of(order, part).get("result")]


def _of(order: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    """What was found and told: on the spot, or by an examination."""
    return order if part == "on_site" else order[part] or {}


def _paper(order: Mapping[str, Any], part: str, person: Mapping[str, Any], laboratories: Mapping[str, str]) -> Paper:
    name = person.get("full_name") or NAMELESS
    number = f"（证件号码：{person['identity_number']}）" if person.get("identity_number") else ""
    found = _of(order, part)
    return Paper(
        title=TITLES[part],
        addressee=f"{name}{number}：",
        paragraphs=(*_found(order, part, laboratories), *_rights(order, part)),
        signature=_signature(order, found),
        foot=f"检测编号 {order['id']} · 第 {order['version']} 版",
    )


def _found(order: Mapping[str, Any], part: str, laboratories: Mapping[str, str]) -> Sequence[str]:
    found, sample = _of(order, part), SAMPLE_TYPES[order["sample_type"]]
    if part == "on_site":
        named = "、".join(str(SUBSTANCES.get(one, one)) for one in order["substances"])
        what = f"，检出：{named}" if named else ""
        said = f"{_when(order['collected_at'])}采集您的{sample}进行现场检测，结果为{RESULTS[order['result']]}{what}。"
        sealed = f"样本已分装封存，A 样本编号 {order['sample_a']}，B 样本编号 {order['sample_b']}，至少保存六个月。"
        return (said, sealed) if order["sample_a"] else (said,)
    seal, by = order["sample_b" if part == "retest" else "sample_a"], laboratories.get(found["laboratory"], "")
    measured = "；".join(
        f"{SUBSTANCES.get(one['substance'], one['substance'])} {one['value']:g} {one['unit']}"
        for one in found["findings"]
    )
    values = f"，测得：{measured}" if measured else ""
    report = f"（报告编号 {found['report_number']}）"
    return (f"经{by or found['laboratory']}检验，样本 {seal} 的结果为{RESULTS[found['result']]}{report}{values}。",)


def _rights(order: Mapping[str, Any], part: str) -> Sequence[str]:
    """What the person may do against the result."""
    found = _of(order, part)
    if found["result"] == "negative":
        return () if part == "on_site" else ("此前的阳性结果不成立，依据它作出的决定将予以复核。",)
    if part == "retest":
        return ("复检为最后一次检测。对依据本结果作出的决定不服的，可以依法申请行政复议或者提起行政诉讼。",)
    ask, basis = _NEXT[part]
    until = _deadline(order, part)
    where = f"向{order['station']}提出" + ("。" if part == "on_site" else "，由另一家有资质的鉴定机构进行。")
    return (f"您对结果有异议的，可以依据{basis}申请{ask}，{until}{where}", _WAIVED)


def _deadline(order: Mapping[str, Any], part: str) -> str:
    """Until when: a day once the person was told, before that the rule. Of an earlier result only the rule is known."""
    told, is_last = _of(order, part)["told_at"], part == "lab" or order["lab"] is None
    at = moment(order["objection_due_at"]) if told and is_last else None
    rule = "自被告知结果之日起三个工作日内"
    return f"{rule}（{moment_of(at)}前）" if at else rule


def _signature(order: Mapping[str, Any], found: Mapping[str, Any]) -> Sequence[str]:
    if found["told_at"] and not found["signed"]:
        noted = order["refusal_note"] if found is order and order["refusal_note"] else ""
        person = "被检测人拒绝签名" + (f"：{noted}" if noted else "")
    else:
        person = "被检测人（签名）：＿＿＿＿＿＿＿＿"
    tester = (f"检测人：{order['tester']}",) if found is order else ()
    return (person, *tester, *sealed_by(order["station"]))


def _when(text: str) -> str:
    at = moment(text)
    assert at is not None
    return moment_of(at)
