"""What can be done with a result that was told: objections, examinations, samples, the opinion on addiction.

See `testing_acts`.
"""

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l

from services.console import testing_words as said
from services.console.acts import Act, Field, Kind
from services.console.pages.testing_acts import COUNTY, NOW, REFUSED_TO_SIGN, SIGNED, STATION, TOLD_AT

_EXAMINED = ("lab_requested", "lab_approved", "lab_sent", "lab_reported", "lab_told", "sample_unfit")
_EXAMINED_AGAIN = ("retest_requested", "retest_approved", "retest_sent", "retest_reported")
STANDING = frozenset({"positive_told", "settled", *_EXAMINED, *_EXAMINED_AGAIN})  # told, and not overturned

CONTESTED: Mapping[str, Act] = {
    "addiction-opinion": Act(
        _l("登记吸毒成瘾认定意见"),
        _l("已登记认定意见。"),
        (
            Field("opinion", _l("认定意见"), Kind.CHOICE, choices=said.OPINIONS),
            Field("officers", _l("认定民警（至少两名，每行一名）"), Kind.NAMES),
        ),
        STATION,
        STANDING,
        _l("《吸毒成瘾认定办法》第六条至第八条"),
    ),
    "objection": Act(
        _l("本人申请实验室检测或者复检"),
        _l("已登记申请，请在期限内决定。"),
        (
            Field("requested_at", _l("申请时间"), Kind.MOMENT, required=False, hint=NOW),
            Field("late_reason", _l("逾期理由（超过期限时必填）"), required=False),
        ),
        STATION,
        frozenset({"positive_told", "lab_told", "settled"}),
        _l("《吸毒检测程序规定》第十条、第十三条。申请不影响案件办理（第十七条），费用由公安机关承担（第十八条）。"),
    ),
    "waiver": Act(
        _l("本人签字不申请"),
        _l("已登记放弃申请，结果已确定。"),
        (Field("signed_at", _l("签字时间"), Kind.MOMENT, required=False, hint=_l("不填即为现在。放弃后不能再申请。")),),
        STATION,
        frozenset({"positive_told", "lab_told"}),
    ),
    "objection-decision": Act(
        _l("登记对申请的决定"),
        _l("已登记决定，请告知本人。"),
        (
            Field(
                "approved",
                _l("是否同意"),
                Kind.YES_OR_NO,
                choices={"yes": _l("同意"), "no": _l("不同意")},
            ),
            Field("note", _l("不同意的理由（不同意时必填）"), Kind.LONG, required=False),
        ),
        STATION | COUNTY,
        frozenset({"lab_requested", "retest_requested"}),
        _l("《吸毒检测程序规定》第十条、第十三条"),
    ),
    "dispatch": Act(
        _l("登记送检"),
        _l("已登记送检。"),
        (
            Field("laboratory", _l("检测机构"), Kind.CHOICE, choices={}),
            Field("sent_by", _l("送检人")),
            Field("sent_at", _l("送检时间"), Kind.MOMENT, required=False, hint=NOW),
        ),
        STATION,
        frozenset({"lab_approved", "retest_approved"}),
        _l(
            "《吸毒检测程序规定》第四条、第八条、第十一条、第十四条：送检至少两名工作人员；复检须由另一家有资质的鉴定机构进行"
        ),
    ),
    "report-telling": Act(
        _l("已告知本人检测报告"),
        _l("已登记告知。"),
        (Field("signed", _l("本人是否签名"), Kind.YES_OR_NO, choices=SIGNED), REFUSED_TO_SIGN, TOLD_AT),
        STATION,
        frozenset({"lab_reported", "retest_reported"}),
        _l("《吸毒检测程序规定》第十二条、第十五条"),
    ),
    "unfit-sample": Act(
        _l("样本不符合检测条件"),
        _l("已登记样本不合格。"),
        (Field("reason", _l("原因"), Kind.LONG),),
        STATION,
        frozenset({"lab_approved", "lab_sent", "retest_approved", "retest_sent"}),
        _l("《吸毒检测程序规定》第十六条"),
    ),
    "new-sample": Act(
        _l("登记重新采样"),
        _l("已登记新样本，请送检。"),
        (
            Field("seal", _l("新封条编号")),
            Field("collected_by", _l("采样人")),
            Field("approver", _l("批准人"), hint=_l("县级公安机关负责人。")),
            Field("collected_at", _l("采样时间"), Kind.MOMENT, required=False, hint=NOW),
        ),
        STATION,
        frozenset({"sample_unfit"}),
        _l("《吸毒检测程序规定》第十六条"),
    ),
    "abandonment": Act(
        _l("无法取得可检样本，撤销阳性结果"),
        _l("阳性结果已撤销。依据它作出的决定须复核。"),
        (),
        COUNTY,
        frozenset({"sample_unfit"}),
        _l("《吸毒检测程序规定》第十六条"),
    ),
    "custody": Act(
        _l("登记样本保管"),
        _l("已登记样本保管。"),
        (
            Field("seal", _l("封条编号"), Kind.CHOICE, choices={}),
            Field("step", _l("事项"), Kind.CHOICE, choices={name: said.CUSTODY_STEPS[name] for name in said.BY_HAND}),
            Field("given_by", _l("交出人")),
            Field("held_by", _l("现在的保管人")),
            Field("intact", _l("封条是否完好"), Kind.YES_OR_NO, choices={"yes": _l("完好"), "no": _l("破损")}),
            Field("witness", _l("见证人（销毁时必填）"), required=False),
            Field("note", _l("说明"), required=False),
            Field("at", _l("时间"), Kind.MOMENT, required=False, hint=NOW),
        ),
        STATION,
        STANDING | {"positive_sealed", "overturned"},
        _l("《吸毒检测程序规定》第八条"),
    ),
}
