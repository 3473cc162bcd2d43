"""The forms of a test order: which acts may come next, which of them is the usual one, and what stands in them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from services.console import testing_words as said
from services.console.acts import Act, Field, Kind, offered
from services.console.pages.objection_acts import CONTESTED
from services.console.pages.testing_acts import ON_SITE
from shared.web.principal import Role

Laboratories = Sequence[Mapping[str, Any]]
ACTS: Mapping[str, Act] = {**ON_SITE, **CONTESTED}
# What is usually done next in a state. Where nothing has to be done, the opinion on addiction is, until there is one.
NEXT: Mapping[str, str] = {
    "ordered": "collection",
    "refused": "forced-test",
    "force_approved": "collection",
    "collected": "negative",
    "negative": "telling",
    "positive_sealed": "telling",
    "lab_requested": "objection-decision",
    "retest_requested": "objection-decision",
    "lab_approved": "dispatch",
    "retest_approved": "dispatch",
    "lab_reported": "report-telling",
    "retest_reported": "report-telling",
    "sample_unfit": "new-sample",
}


def acts_for(
    order: Mapping[str, Any], role: Role, usual: Mapping[str, str], laboratories: Laboratories, sex: str | None
) -> dict[str, Act]:
    """The acts that may come next, with what this order makes of their fields. ``usual`` says what somebody usually
    enters, by a field's name; ``sex`` is the person's, as far as known.
    """
    usual_next = NEXT.get(order["state"]) or ("" if order["opinion"] else "addiction-opinion")
    made = {name: _made_for(act, order, usual, laboratories, sex) for name, act in ACTS.items()}
    found = offered(made, order["state"], role, usual_next)
    if "objection" in found and why_no_objection(order):
        del found["objection"]
    return found


def why_no_objection(order: Mapping[str, Any]) -> Any:
    """Why the person cannot ask for a further test any more; "" where that is not so."""
    if order["state"] not in ACTS["objection"].states:
        return ""
    if order["retest"] or (order["lab"] and order["lab"]["approved"] is False):
        return _l("没有进一步的检测。本人对依据它作出的决定不服的，可以依法申请行政复议或者提起行政诉讼。")
    return _l("本人已签字不申请实验室检测或者复检。") if order["settled_by"] == "waived" else ""


def _made_for(
    act: Act, order: Mapping[str, Any], usual: Mapping[str, str], laboratories: Laboratories, sex: str | None
) -> Act:
    fields = [replace(field, usual=usual[field.name]) if field.name in usual else field for field in act.fields]
    return replace(act, fields=tuple(_of_order(field, order, laboratories, sex) for field in fields))


def _of_order(field: Field, order: Mapping[str, Any], laboratories: Laboratories, sex: str | None) -> Field:
    """The field, with the choices that there are for this order."""
    holders = {link["seal"]: link["held_by"] for link in order["custody"]}
    match field.name:
        case "collectors" if sex != "male":
            return replace(field, hint=_l("被检测人是女性或者性别不详：尿样须由女性工作人员采集。"))
        case "laboratory":
            choices = {one["code"]: one["name"] for one in laboratories if _may_examine(one, order)}
            hint = "" if choices else _l("没有可以送检的机构，须先由区县指定。")
            return replace(field, choices=choices, hint=hint)
        case "seal" if field.kind is Kind.CHOICE:
            return replace(field, choices={seal: seal for seal in holders})
        case "given_by" if holders:
            told = "；".join(f"{seal}：{holder}" for seal, holder in holders.items())
            same = next(iter(holders.values())) if len(set(holders.values())) == 1 else ""
            return replace(field, usual=same, hint=_("现在的保管人：%(told)s。与此不符即为保管中断。", told=told))
        case "reason" if field.kind is Kind.CHOICE:
            missed = order["state"] == "missed"
            kept = {code: words for code, words in said.EXEMPT_REASONS.items() if (code == "excused") is missed}
            return replace(field, choices=kept)
    return field


def _may_examine(laboratory: Mapping[str, Any], order: Mapping[str, Any]) -> bool:
    """Whether the sample may go there: a re-test is made by another, accredited one (吸毒检测程序规定 art. 4)."""
    is_other = laboratory["kind"] == "accredited" and laboratory["code"] != order["lab"]["laboratory"]
    return bool(laboratory["designated"]) and (is_other or not order["retest"])
