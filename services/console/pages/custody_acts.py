"""What can be done with a decision and with a stay: the forms, as `services.console.acts` has them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask_babel import lazy_gettext as _l

from services.console import custody_words as words
from services.console.acts import Act, Field, Kind
from services.console.words import ADDRESSEES
from shared.web.principal import Role

DECIDERS = frozenset({Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR})
CENTRE = frozenset({Role.CENTRE_CLERK})
NOW = _l("空着表示现在")
WHEN = Field("at", _l("时间"), Kind.MOMENT, required=False, hint=NOW)
TOLD_OF_ORDER = {name: ADDRESSEES[name] for name in ("family", "work_unit", "station_of_registration", "township")}

_TO_ADMIT = frozenset({"served", "deferred", "absconded"})
_SERVED = _TO_ADMIT | {"admitted", "in_force", "completed", "not_admitted"}
_STANDS = _SERVED | {"issued"}

NOTICE_FIELDS = (
    Field("channel", _l("方式"), Kind.CHOICE, choices=words.NOTICE_CHANNELS),
    Field("proof", _l("凭据：送达回证、挂号信、通话记录等的编号"), Kind.LONG, required=False),
    Field("not_told_reason", _l("没有通知到的，写明原因"), Kind.LONG, required=False),
)
DECISION_FIELDS = (
    Field("kind", _l("决定"), Kind.CHOICE, choices=words.ORDER_KINDS),
    Field("deciding_organ", _l("决定机关")),
    Field("decided_on", _l("决定日期"), Kind.DAY),
    Field("legal_reviewer", _l("法制审核人"), required=False, hint=_l("强制隔离戒毒必填")),
    Field(
        "isolation_ground",
        _l("强制隔离戒毒的事由（禁毒法第三十八条）"),
        Kind.CHOICE,
        required=False,
        choices=words.ISOLATION_GROUNDS,
    ),
    Field("detention_days", _l("拘留天数"), Kind.NUMBER, required=False, hint=_l("仅行政拘留填写")),
    Field("circumstances", _l("特殊情形"), Kind.CHOICES, required=False, choices=words.CIRCUMSTANCES),
    Field("spared_reason", _l("不满十六周岁仍予强制隔离戒毒的理由"), Kind.LONG, required=False),
    Field(
        "early_release_barred",
        _l("拒绝或者严重违反社区康复后复吸，不得提前解除（戒毒条例第三十八条）"),
        Kind.YES_OR_NO,
        required=False,
    ),
    Field("ahead_reason", _l("检测结果未确定即作决定的理由"), Kind.LONG, required=False),
)

ORDER_ACTS: Mapping[str, Act] = {
    "decision": Act(
        _l("登记决定"),
        _l("已登记决定。"),
        DECISION_FIELDS,
        DECIDERS,
        frozenset({"decision_due"}),
        _l("禁毒法第三十八条、第四十条、第六十二条"),
        is_main=True,
    ),
    "service": Act(
        _l("登记送达"),
        _l("已登记送达。"),
        (Field("served_at", _l("送达时间"), Kind.MOMENT, required=False, hint=NOW),),
        DECIDERS,
        frozenset({"issued"}),
        _l("禁毒法第四十条：执行前送达本人"),
        is_main=True,
    ),
    "admission": Act(
        _l("登记收治入所"),
        _l("已收治入所，期满出所已自动计划。"),
        (
            Field("centre", "", Kind.FIXED),
            Field("admitted_at", _l("入所时间"), Kind.MOMENT, required=False, hint=NOW),
            Field("special", _l("病残收治"), Kind.CHOICE, required=False, choices=words.SPECIALS),
        ),
        CENTRE,
        _TO_ADMIT,
        _l("应收尽收；期限按决定自动计算（戒毒条例第二十七条）"),
        is_main=True,
    ),
    "notices": Act(
        _l("登记通知"),
        _l("已登记通知。"),
        (
            Field("addressee", _l("通知谁"), Kind.CHOICE, choices=TOLD_OF_ORDER),
            NOTICE_FIELDS[0],
            WHEN,
            *NOTICE_FIELDS[1:],
        ),
        DECIDERS,
        _SERVED,
        _l("禁毒法第四十条：送达后二十四小时以内"),
    ),
    "admission-refusal": Act(
        _l("依法不予收治"),
        _l("已登记不予收治及理由。"),
        (
            Field("reason", _l("法定理由"), Kind.CHOICE, choices=words.REFUSAL_REASONS),
            Field("note", _l("说明"), Kind.LONG),
            Field(
                "retry_on",
                _l("再次送所的日期"),
                Kind.DAY,
                required=False,
                hint=_l("患病或者不能自理的必填；怀孕哺乳、不满十六周岁的不填，系统会提请另作决定"),
            ),
        ),
        CENTRE,
        frozenset({"served", "deferred"}),
        _l("禁毒法第三十九条、戒毒条例第二十六条"),
    ),
    "documents": Act(
        _l("登记文书"),
        _l("已登记文书。"),
        (
            Field("kind", _l("文书"), Kind.CHOICE, choices=words.DOCUMENT_KINDS),
            Field("number", _l("文号")),
            Field("issued_on", _l("签发日期"), Kind.DAY),
        ),
        DECIDERS | CENTRE,
        _STANDS | {"revoked"},
    ),
    "evasion": Act(
        _l("登记逃避执行"), _l("已登记逃避执行。"), (), DECIDERS, frozenset({"served", "deferred"}), _l("收治义务不变")
    ),
    "review-decision": Act(
        _l("复查后维持"),
        _l("已维持原决定。"),
        (Field("note", _l("维持的理由"), Kind.LONG),),
        DECIDERS,
        _STANDS,
        _l("检测结果被推翻的，须凭其他证据"),
    ),
    "revocation": Act(
        _l("撤销决定"),
        _l("已撤销决定。"),
        (Field("note", _l("撤销的理由"), Kind.LONG),),
        DECIDERS,
        _STANDS,
        _l("复查、行政复议或者行政诉讼"),
    ),
}
NEW_ORDER = Act(
    _l("登记决定"),
    _l("已登记决定。"),
    (Field("division", _l("所在地"), Kind.CHOICE, choices={}), *DECISION_FIELDS),
    DECIDERS | CENTRE,
    is_main=True,
)
# Which act a deadline asks for.
ORDER_ACT_OF = {"Dd": "decision", "Ds": "service", "D0": "admission", "D0a": "admission", "D1": "notices"} | {
    "V1": "review-decision"
}

_INSIDE = frozenset({"in_custody", "on_medical_leave"})
_AWAY = frozenset({"on_medical_leave", "out_to_court", "escaped", "in_criminal_custody"})
_OPEN = _AWAY | {"in_custody"}


def _moves(button: Any, receipt: Any, states: frozenset[str], basis: Any = "") -> Act:
    return Act(button, receipt, (WHEN,), CENTRE, states, basis)


STAY_ACTS: Mapping[str, Act] = {
    "family-notice": _moves(
        _l("已书面通知家属入所"),
        _l("已登记通知家属。"),
        _OPEN,
        _l("《司法行政机关强制隔离戒毒工作规定》：入所之日起五日内"),
    ),
    "return": replace(
        _moves(_l("登记回所"), _l("已登记回所。"), _AWAY, _l("脱逃在外的天数不计入期限（戒毒条例第三十二条）")),
        is_main=True,
    ),
    "transfer": Act(
        _l("转所"),
        _l("已登记转所，期限连续计算。"),
        (Field("to", _l("转往"), Kind.CHOICE, choices={}), WHEN),
        CENTRE,
        frozenset({"in_custody"}),
        _l("戒毒条例第二十七条"),
    ),
    "medical-leave": _moves(
        _l("所外就医"),
        _l("已登记所外就医，期限连续计算；社区会派人接。"),
        frozenset({"in_custody"}),
        _l("戒毒条例第三十一条：期限连续计算"),
    ),
    "court-appearance": _moves(_l("出庭"), _l("已登记出庭。"), frozenset({"in_custody"})),
    "assessments": Act(
        _l("登记诊断评估"),
        _l("已登记诊断评估。"),
        (
            Field("on", _l("评估日期"), Kind.DAY),
            Field("grade", _l("评估结果"), Kind.CHOICE, choices=words.GRADES),
        ),
        CENTRE,
        frozenset({"in_custody"}),
        _l("禁毒法第四十七条、《强制隔离戒毒诊断评估办法》"),
    ),
    "term-proposal": Act(
        _l("提出期限意见"),
        _l("已提出意见，等原决定机关批复。"),
        (
            Field("kind", _l("意见"), Kind.CHOICE, choices=words.PROPOSALS),
            Field("last_day", _l("建议的最后一天"), Kind.DAY, required=False, hint=_l("变更为社区戒毒的不填")),
        ),
        CENTRE,
        _INSIDE,
        _l("禁毒法第四十七条：执行一年后可提前解除，延长最多一年；戒毒条例第三十一条、第三十三条"),
    ),
    "term-decision": Act(
        _l("批复期限意见"),
        _l("已批复。"),
        (
            Field("approved", _l("是否批准"), Kind.YES_OR_NO, choices={"yes": _l("批准"), "no": _l("不批准")}),
            Field("note", _l("理由"), Kind.LONG, required=False, hint=_l("不批准的必填")),
        ),
        DECIDERS,
        _OPEN,
        _l("戒毒条例第三十三条：收到意见之日起七日内"),
        is_main=True,
    ),
    "criminal-custody": _moves(
        _l("转刑事羁押"),
        _l("已登记转刑事羁押，期限连续计算。"),
        _OPEN - {"in_criminal_custody"},
        _l("戒毒条例第三十六条"),
    ),
    "escape": _moves(
        _l("脱逃"),
        _l("已登记脱逃，期限停止计算。"),
        _INSIDE | {"out_to_court"},
        _l("戒毒条例第三十二条：立即通知当地公安机关"),
    ),
    "death": _moves(_l("死亡"), _l("已登记死亡。"), _OPEN),
}
STAY_ACT_OF = {"D2": "family-notice", "D3": "transfer", "D5": "term-decision", "D7": "term-decision", "D14": "return"}
