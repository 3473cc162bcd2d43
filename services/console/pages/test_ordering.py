"""A suspected person is registered, or found by the number of the identity document, and a test is ordered.

One form stands for two acts in two services: each is done once however often the form is sent. The person is entered
first; who has a file already is shown, and only the test is asked for.
"""

import time
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask_babel import lazy_gettext as _l

from services.console import testing_words as said
from services.console.acts import Act, Field, Kind
from services.console.clients import Refused
from services.console.pages import acting
from services.console.pages.common import act, person_of
from services.console.words import SEXES
from shared.reference.divisions import divisions
from shared.web.access import Jurisdiction, allows
from shared.web.principal import Role

bp = Blueprint("test_ordering", __name__, url_prefix="/tests")
CITY = "4308"
PATIENCE_SECONDS = 3.0  # within which a new file is usually known to drug_testing
AGAIN_SECONDS = 0.1


def _townships(within: str) -> dict[str, str]:
    """Townships to choose from, by code."""
    return {one.code: divisions().full_name(one.code) for one in divisions().of_level("township", within)}


PERSON = (
    Field("identity_kind", _l("证件种类"), Kind.CHOICE, choices=said.IDENTITY_KINDS, usual="resident_id"),
    Field(
        "identity_number",
        _l("证件号码"),
        required=False,
        hint=_l("居民身份证必填。已有档案的，会先请您核对，不会重复登记。"),
    ),
    Field("full_name", _l("姓名"), hint=_l("身份不明的，填写绰号或者“无名氏”加编号。")),
    Field("sex", _l("性别"), Kind.CHOICE, choices=SEXES),
    Field("residence_division", _l("现居住地"), Kind.CHOICE, required=False, choices=_townships(CITY)),
    Field("residence_detail", _l("详细地址"), required=False),
    Field("phone", _l("电话"), required=False),
)
BASIS = _l("《禁毒法》第三十二条：对涉嫌吸毒的人员可以进行必要的检测。每次检测须写明理由。")
RECEIPT = _l("已下达检测。")


@bp.get("/new")
@allows(Role.STATION_OFFICER, within=Jurisdiction.OWN_NAME)
def new() -> Any:
    """The form: of somebody new, or of somebody who is known."""
    return _page(acting.asked("person"))


@bp.post("/new")
@allows(Role.STATION_OFFICER, within=Jurisdiction.OWN_NAME)
def order() -> Any:
    """The person is registered and the test is ordered."""
    person = acting.asked("person")
    try:
        if person is None:
            entered = Act("", "", PERSON).body(request.form)
            person = str(act("person_registry", "/persons", entered, part="person")["id"])
    except Refused as refused:
        known = refused.problem.get("person_id")
        return _page(str(known), is_found=True) if known else _page(None, refused)
    return _order(person)


def _order(person: str) -> Any:
    body = Act("", "", _test_fields()).body(request.form) | {"person_id": person}
    try:
        done = _act_when_known(body)
    except Refused as refused:
        return _page(str(refused.problem.get("merged_into", person)), refused)
    acting.keep_receipt(RECEIPT, done)
    return redirect(url_for("tests.one", test_order_id=done["id"]), 303)


def _act_when_known(body: dict[str, Any]) -> Any:
    """Order the test as soon as drug_testing has heard of the person.

    Raises: Refused, Away.
    """
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act("drug_testing", "/test-orders", body, part="order")
        except Refused as refused:
            is_unknown = any(one["code"] == "person.unknown" for one in refused.problem.get("errors", ()))
            if not is_unknown or time.monotonic() >= until:
                raise
        time.sleep(AGAIN_SECONDS)


def _test_fields() -> tuple[Field, ...]:
    townships = _townships(acting.user().division[:9])
    by_hand = {code: words for code, words in said.TEST_GROUNDS.items() if code != "scheduled"}
    return (
        Field("ground", _l("检测理由（重嫌必检）"), Kind.CHOICE, choices=by_hand),
        Field("ground_detail", _l("情况说明（选“其他”时必填）"), Kind.LONG, required=False),
        Field("division", _l("查获地点"), Kind.CHOICE, choices=townships),
    )


def _page(person_id: str | None, refused: Refused | None = None, *, is_found: bool = False) -> Any:
    fields = _test_fields() if person_id else (*PERSON, *_test_fields())
    page = render_template(
        "test_new.html",
        form=Act(_l("下达检测") if person_id else _l("登记并下达检测"), "", fields, basis=BASIS, is_main=True),
        person_id=person_id,
        person=person_of(person_id) if person_id else None,
        is_found=is_found,
        is_registered=person_id is not None and "person" not in request.args and not is_found,
        refused=refused,
        entered=request.form or None,
    )
    return page, refused.status if refused else 200
