"""What can be done with a community measure: the forms, as `services.console.acts` has them."""

from collections.abc import Mapping
from dataclasses import replace

from flask_babel import lazy_gettext as _l

from services.console import measure_words as words
from services.console.acts import Act, Field, Kind
from services.console.pages.custody_acts import NOW, WHEN
from services.console.words import TRACE_KINDS
from shared.web.principal import SUPERVISORS, Role

ABOVE = frozenset(SUPERVISORS)
OFFICERS = ABOVE | {Role.COMMUNITY_OFFICER}
_LOST = frozenset({"tracing", "whereabouts_unknown"})
_IN_FORCE = _LOST | {"active", "moving", "suspended"}
_NOTE = Field("note", _l("说明"), Kind.LONG, required=False)

MEASURE_ACTS: Mapping[str, Act] = {
    "visits": Act(
        _l("登记见面走访"),
        _l("已登记见面走访。"),
        (replace(WHEN, label=_l("见面时间")),),
        OFFICERS,
        frozenset({"active", "moving", "suspended"}),
        _l("工作小组成员与本人见面谈话；下一次按风险等级计算"),
        is_main=True,
    ),
    "agreement": Act(
        _l("已签协议"),
        _l("已登记协议。"),
        (replace(WHEN, label=_l("签订时间")),),
        OFFICERS,
        frozenset({"active", "suspended"}),
        _l("戒毒条例第十六条；变更执行地后重新签订（第二十二条）"),
    ),
    "breach-report": Act(
        _l("已报告公安机关"),
        _l("已登记报告公安机关。"),
        (
            Field("number", _l("报告编号")),
            Field("told_at", _l("报告时间"), Kind.MOMENT, required=False, hint=NOW),
        ),
        OFFICERS,
        _IN_FORCE,
        _l("戒毒条例第二十一条：严重违反协议的，及时报告公安机关，由其决定"),
    ),
    "absences": Act(
        _l("登记外出或者返回"),
        _l("已登记外出情况。"),
        (
            Field("left_on", _l("离开日期"), Kind.DAY),
            Field(
                "returned_on",
                _l("返回日期"),
                Kind.DAY,
                required=False,
                hint=_l("还没有返回的不填；返回后按同一个离开日期再登记一次"),
            ),
            Field(
                "with_leave",
                _l("外出是否经过批准"),
                Kind.YES_OR_NO,
                choices={"yes": _l("经过批准"), "no": _l("未经批准")},
            ),
        ),
        OFFICERS,
        _IN_FORCE - {"suspended"},
        _l("戒毒条例第十九条、第二十条：离开所在县（市、区）三日以上须书面报告"),
    ),
    "trace-steps": Act(
        _l("登记查找"),
        _l("已登记查找情况。"),
        (
            Field("kind", _l("查找方式"), Kind.CHOICE, choices=TRACE_KINDS),
            Field(
                "found",
                _l("是否找到本人"),
                Kind.YES_OR_NO,
                choices={"yes": _l("找到了"), "no": _l("没有找到")},
            ),
            WHEN,
            _NOTE,
        ),
        OFFICERS,
        _LOST,
        _l("找到本人的，恢复执行，重新计算见面时间"),
    ),
    "whereabouts-unknown": Act(
        _l("签署现状不明"),
        _l("已签署现状不明。"),
        (),
        ABOVE,
        frozenset({"tracing"}),
        _l("至少三次电话、一次上门、一次询问家属之后；找到之前一直不办结"),
    ),
    "move": Act(
        _l("变更执行地"),
        _l("已告知新执行地，本人到那里报到之前仍由您单位负责。"),
        (Field("division", _l("搬到哪里"), Kind.CHOICE, choices={}),),
        OFFICERS,
        frozenset({"active", "moving"}),
        _l("戒毒条例第二十二条：本人十五日内到新执行地报到"),
    ),
    "arrival": Act(
        _l("本人已来报到"),
        _l("已登记报到，现在由新执行地负责。请重新签订协议。"),
        (replace(WHEN, label=_l("报到时间")),),
        OFFICERS,
        _LOST | {"moving"},
        _l("戒毒条例第二十二条；时间连续计算"),
    ),
    "suspension": Act(
        _l("中止执行"),
        _l("已登记中止执行。"),
        (Field("reason", _l("理由"), Kind.LONG), WHEN),
        OFFICERS,
        _IN_FORCE - {"suspended"},
        _l("戒毒条例第二十四条：被拘留、逮捕的中止"),
    ),
    "continuation": Act(
        _l("恢复执行"),
        _l("已恢复执行，最后一天按中止的天数顺延。"),
        (WHEN,),
        OFFICERS,
        frozenset({"suspended"}),
        _l("戒毒条例第二十四条：释放后继续执行"),
    ),
    "end-notice": Act(
        _l("登记解除通知书"),
        _l("已登记解除通知书，执行完毕。"),
        (Field("number", _l("解除通知书编号")),),
        OFFICERS,
        frozenset({"expired"}),
        _l("戒毒条例第二十三条、第四十条：送达本人和家属，七日内告知街道（乡镇）"),
    ),
    "termination": Act(
        _l("终止执行"),
        _l("已终止执行。"),
        (
            Field("reason", _l("理由"), Kind.CHOICE, choices=words.TERMINATION_REASONS),
            replace(_NOTE, hint=_l("由平台外的单位接管的，写明单位和回执编号")),
            WHEN,
        ),
        ABOVE,
        _IN_FORCE,
        _l("戒毒条例第二十四条"),
    ),
}
# Which act a deadline asks for.
MEASURE_ACT_OF = {
    "C2": "agreement",
    "C5": "breach-report",
    "C6": "arrival",
    "C7": "end-notice",
    "H7s": "trace-steps",
    "H11": "trace-steps",
    "H13": "visits",
    "M1": "visits",
}
