"""What can be done with a release: the forms, as `services.console.acts` has them. None of them holds anybody back."""

from collections.abc import Mapping
from dataclasses import replace

from flask_babel import lazy_gettext as _l

from services.console import custody_words as words
from services.console.acts import Act, Field, Kind
from services.console.pages.custody_acts import CENTRE, NOTICE_FIELDS, NOW
from services.console.words import ADDRESSEES, GROUNDS, RELEASE_KINDS

_PLANNED = frozenset({"planned"})
_REASON = Field("reason", _l("理由"), Kind.LONG)
_RELEASE_AT = Field("release_at", _l("出所时间"), Kind.MOMENT)
_KIND = Field("kind", _l("出所方式"), Kind.CHOICE, choices=RELEASE_KINDS)
_GROUND = Field(
    "legal_ground",
    _l("交接依据"),
    Kind.CHOICE,
    required=False,
    choices=GROUNDS,
    hint=_l("空着表示按出所方式确定"),
)
_ANOTHER = _l("空着表示不变")

RELEASE_ACTS: Mapping[str, Act] = {
    "execution": Act(
        _l("本人已出所"),
        _l("已登记出所，接人的单位马上知道。"),
        (
            Field("certificate_number", _l("解除证明书编号")),
            Field("executed_at", _l("出所时间"), Kind.MOMENT, required=False, hint=NOW),
            replace(_KIND, required=False, hint=_ANOTHER),
            Field("present", _l("大门口有谁"), Kind.CHOICES, required=False, choices=words.PRESENT),
        ),
        CENTRE,
        frozenset({"planned", "cancelled"}),
        _l("期满当日必须放人（禁毒法第四十七条）"),
        is_main=True,
    ),
    "notices": Act(
        _l("登记通知"),
        _l("已登记通知。"),
        (
            Field("addressee", _l("通知谁"), Kind.CHOICE, choices=ADDRESSEES),
            NOTICE_FIELDS[0],
            Field("sent_at", _l("发出时间"), Kind.MOMENT, required=False, hint=NOW),
            Field("delivered_at", _l("送达时间"), Kind.MOMENT, required=False, hint=_l("还不知道的空着")),
            *NOTICE_FIELDS[1:],
        ),
        CENTRE,
        frozenset({"planned", "executed"}),
        _l("戒毒条例第三十四条"),
    ),
    "rescheduling": Act(
        _l("变更计划"),
        _l("已变更计划；日期变了的，须重新通知。"),
        (
            _RELEASE_AT,
            _REASON,
            replace(_KIND, required=False, hint=_ANOTHER),
            replace(_GROUND, hint=_ANOTHER),
        ),
        CENTRE,
        _PLANNED,
        _l("不得晚于期满日（禁毒法第四十七条）"),
    ),
    "rehabilitation": Act(
        _l("登记社区康复决定"),
        _l("已登记社区康复决定。"),
        (
            Field(
                "rehab",
                _l("原决定机关的决定"),
                Kind.CHOICE,
                choices={name: words.REHABS[name] for name in ("ordered", "not_ordered")},
            ),
        ),
        CENTRE,
        _PLANNED,
        _l("禁毒法第四十八条"),
    ),
    "papers": Act(
        _l("法律文书已移交街道（乡镇）"),
        _l("已登记移交文书。"),
        (Field("sent_at", _l("移交时间"), Kind.MOMENT, required=False, hint=NOW),),
        CENTRE,
        frozenset({"executed"}),
        _l("地方规定：出所后三个工作日以内"),
    ),
    "cancellation": Act(
        _l("取消计划"), _l("已取消计划，接送任务一并撤回。"), (_REASON,), CENTRE, _PLANNED, _l("仅限误登记的计划")
    ),
    "retraction": Act(
        _l("误报，撤回出所登记"),
        _l("已撤回出所登记：本人仍在所。"),
        (_REASON,),
        CENTRE,
        frozenset({"executed"}),
        _l("仅限登记错误；本人确已出所的不得撤回"),
    ),
    "reinstatement": Act(
        _l("恢复计划"),
        _l("已恢复计划。"),
        (_RELEASE_AT, _REASON),
        CENTRE,
        frozenset({"cancelled", "retracted"}),
        _l("不得晚于期满日（禁毒法第四十七条）"),
    ),
}
NEW_RELEASE = Act(
    _l("登记计划"),
    _l("已登记出所计划。"),
    (
        _KIND,
        _RELEASE_AT,
        Field("term_last_day", _l("期限最后一天"), Kind.DAY, required=False, hint=_l("没有期限的空着")),
        _GROUND,
    ),
    CENTRE,
    is_main=True,
)
# Which act a deadline asks for.
RELEASE_ACT_OF = dict.fromkeys(("D9", "D9a", "D9d", "D12"), "notices") | {
    "D10": "papers",
    "G1": "execution",
    "G2": "execution",
}
