"""What can be done with a test order until its on-site result is told, as data: forms, roles and states.

The states and the roles are drug_testing's; that both agree is tested. What follows is in `objection_acts`.
"""

from collections.abc import Mapping
from dataclasses import replace

from flask_babel import lazy_gettext as _l

from services.console import testing_words as said
from services.console.acts import Act, Field, Kind
from services.console.words import SEXES
from shared.web.principal import Role

STATION = frozenset({Role.STATION_OFFICER})
COUNTY = frozenset({Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR})
NOW = _l("不填即为现在。")
_SEXES = {code: SEXES[code] for code in ("female", "male")}  # who collects is known
SIGNED = {"yes": _l("已签名"), "no": _l("拒绝签名")}
_TESTER = Field("tester", _l("检测人"))
_LOT = Field("reagent_lot", _l("试剂批号"))
_READ_AT = Field("resulted_at", _l("判读时间"), Kind.MOMENT, required=False, hint=NOW)
REFUSED_TO_SIGN = Field("refusal_note", _l("拒签说明（拒绝签名时必填）"), required=False)
TOLD_AT = Field("told_at", _l("告知时间"), Kind.MOMENT, required=False, hint=NOW)

ON_SITE: Mapping[str, Act] = {
    "collection": Act(
        _l("登记采样"),
        _l("已登记采样。"),
        (
            Field("sample_type", _l("检材"), Kind.CHOICE, choices=said.SAMPLE_TYPES),
            Field(
                "collectors",
                _l("采样人（至少两名）"),
                Kind.ROWS,
                columns=(
                    Field("officer", _l("警号或姓名")),
                    Field("sex", _l("性别"), Kind.CHOICE, required=False, choices=_SEXES),
                ),
            ),
            Field("declared_medicines", _l("本人自述服用的药物、维持治疗（每行一种）"), Kind.NAMES, required=False),
            Field("collected_at", _l("采样时间"), Kind.MOMENT, required=False, hint=NOW),
        ),
        STATION,
        frozenset({"ordered", "force_approved"}),
        _l("《吸毒检测程序规定》第八条"),
    ),
    "refusal": Act(
        _l("本人拒绝检测"),
        _l("已登记拒绝检测。"),
        (Field("refused_at", _l("拒绝时间"), Kind.MOMENT, required=False, hint=NOW),),
        STATION,
        frozenset({"ordered"}),
        _l("《禁毒法》第三十二条；《吸毒检测程序规定》第七条"),
    ),
    "agreement": Act(
        _l("本人同意检测"),
        _l("已登记同意检测。"),
        (),
        STATION,
        frozenset({"refused", "force_approved"}),
    ),
    "forced-test": Act(
        _l("登记批准强制检测"),
        _l("已登记强制检测的批准。"),
        (
            Field(
                "approver",
                _l("批准人"),
                hint=_l("县级以上公安机关或者其派出机构负责人；批准人不能参加采样。"),
            ),
        ),
        STATION | COUNTY,
        frozenset({"refused"}),
        _l("《吸毒检测程序规定》第七条"),
    ),
    "non-test": Act(
        _l("不再检测"),
        _l("已登记不再检测。"),
        (Field("reason", _l("原因"), Kind.LONG, hint=_l("计入未检测。依法不需要检测的，由区县登记免检。")),),
        STATION | COUNTY,
        frozenset({"ordered", "refused", "force_approved"}),
    ),
    "exemption": Act(
        _l("批准免检"),
        _l("已批准免检。"),
        (
            Field("reason", _l("理由"), Kind.CHOICE, choices=said.EXEMPT_REASONS),
            Field("note", _l("说明"), Kind.LONG),
        ),
        COUNTY,
        frozenset({"ordered", "refused", "missed"}),
    ),
    "invalid-card": Act(
        _l("试剂无效，重新检测"),
        _l("已登记无效试剂，请重新检测。"),
        (replace(_LOT, hint=_l("质控线没有出现的那一份。")),),
        STATION,
        frozenset({"collected"}),
    ),
    "negative": Act(
        _l("结果：阴性"),
        _l("已登记阴性结果，请当场告知本人。"),
        (Field("result", "", Kind.FIXED, fixed="negative"), _TESTER, _LOT, _READ_AT),
        STATION,
        frozenset({"collected"}),
        _l("《吸毒检测程序规定》第九条"),
        step="result",
    ),
    "positive": Act(
        _l("结果：阳性"),
        _l("已登记阳性结果，请当场告知本人。"),
        (
            Field("result", "", Kind.FIXED, fixed="positive"),
            Field(
                "substances",
                _l("检出物质"),
                Kind.CHOICES,
                choices=said.SUBSTANCES,
            ),
            _TESTER,
            _LOT,
            Field("sample_a", _l("A 样本封条编号")),
            Field("sample_b", _l("B 样本封条编号")),
            Field("seal_signed", _l("本人是否在封条上签名"), Kind.YES_OR_NO, choices=SIGNED),
            Field("seal_note", _l("拒签说明（拒绝签名时必填）"), required=False),
            _READ_AT,
        ),
        STATION,
        frozenset({"collected"}),
        _l("《吸毒检测程序规定》第八条、第九条：分装两份，编号封存，至少保存六个月"),
        step="result",
    ),
    "telling": Act(
        _l("已告知本人结果"),
        _l("已登记告知。"),
        (Field("signed", _l("本人是否签名"), Kind.YES_OR_NO, choices=SIGNED), REFUSED_TO_SIGN, TOLD_AT),
        STATION,
        frozenset({"negative", "positive_sealed"}),
        _l("《吸毒检测程序规定》第九条"),
    ),
}
