"""Words for tests of suspected persons: what stands in an order, and what its next deadline asks for and rests on."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

TEST_GROUNDS = {
    "caught_using": _l("现场查获吸毒"),
    "paraphernalia": _l("查获毒品或吸毒工具"),
    "witness": _l("他人指认"),
    "intelligence": _l("线索核查"),
    "behaviour": _l("言行举止异常"),
    "venue_check": _l("场所检查"),
    "traffic_stop": _l("道路检查（毒驾）"),
    "self_report": _l("本人承认"),
    "admission": _l("入所检测"),
    "scheduled": _l("社区戒毒（康复）定期检测"),
    "other": _l("其他（请写明）"),
}
SAMPLE_TYPES = {"urine": _l("尿液"), "blood": _l("血液"), "saliva": _l("唾液"), "hair": _l("毛发")}
RESULTS = {"negative": _l("阴性"), "positive": _l("阳性")}
OPINIONS = {
    "not_addicted": _l("未成瘾"),
    "addicted": _l("吸毒成瘾"),
    "severely_addicted": _l("吸毒成瘾严重"),
}
EXEMPT_REASONS = {
    "suspicion_gone": _l("嫌疑已排除"),
    "illness": _l("因病不能检测"),
    "in_custody": _l("已被羁押"),
    "excused": _l("有正当理由未按期检测"),
    "died": _l("已死亡"),
}
SETTLED_BY = {
    "window_passed": _l("期限内没有申请"),
    "waived": _l("本人签字放弃申请"),
    "objection_denied": _l("申请未获同意"),
    "retest_confirmed": _l("复检仍为阳性"),
}
OVERTURNED_BY = {
    "laboratory": _l("实验室检测为阴性"),
    "retest": _l("复检为阴性"),
    "sample_unusable": _l("样本无法检验"),
}
CUSTODY_STEPS = {
    "sealed": _l("封存"),
    "stored": _l("入库保管"),
    "inspected": _l("检查封条"),
    "dispatched": _l("送检"),
    "received": _l("实验室收样"),
    "consumed": _l("检验用尽"),
    "returned": _l("退回"),
    "destroyed": _l("销毁"),
}
BY_HAND = ("stored", "inspected", "returned", "consumed", "destroyed")  # the other steps are entered by other acts
UNFIT_REASONS = {
    "seal broken on receipt": _l("收样时封条破损"),
    "chain of custody broken": _l("保管记录中断"),
}
SUBSTANCES = {
    "MET": _l("甲基苯丙胺（冰毒，MET）"),
    "MOR": _l("吗啡（海洛因，MOR）"),
    "6-MAM": _l("O6-单乙酰吗啡（6-MAM）"),
    "KET": _l("氯胺酮（K 粉，KET）"),
    "NORKET": _l("去甲氯胺酮（NORKET）"),
    "AMP": _l("苯丙胺（AMP）"),
    "MDMA": _l("MDMA（摇头丸）"),
    "MDA": _l("MDA"),
    "MCAT": _l("甲卡西酮（MCAT）"),
    "COC": _l("可卡因（COC）"),
    "BZE": _l("苯甲酰爱康宁（BZE）"),
    "THC": _l("四氢大麻酚（大麻，THC）"),
    "THC-COOH": _l("四氢大麻酸（大麻，THC-COOH）"),
    "ETO": _l("依托咪酯（ETO）"),
    "SCB": _l("合成大麻素（SCB）"),
    "FEN": _l("芬太尼类（FEN）"),
    "MTD": _l("美沙酮（MTD）"),
    "BUP": _l("丁丙诺啡（BUP）"),
    "BZO": _l("苯二氮䓬类（BZO）"),
}
IDENTITY_KINDS = {"resident_id": _l("居民身份证"), "foreign": _l("护照等外国证件"), "none": _l("无证件，身份待查")}
_OURS = _l("平台规定，没有法定期限")
# Of a deadline, by its rule: what is to be done, and where it is written.
TEST_RULES = {
    "T0": (_l("采样"), _OURS),
    "T0f": (_l("决定是否强制检测"), _l("平台规定；强制检测见《吸毒检测程序规定》第七条")),
    "T0s": (_l("完成定期检测采样"), _l("平台规定；定期检测见《戒毒条例》第十九条")),
    "T0r": (_l("出具现场检测结果"), _OURS),
    "T1": (_l("本人可以申请实验室检测"), _l("《吸毒检测程序规定》第十条，三个工作日")),
    "T2": (_l("决定是否实验室检测并告知本人"), _l("《吸毒检测程序规定》第十条，三个工作日")),
    "T3": (_l("送检 A 样本"), _l("《吸毒检测程序规定》第十一条，三个工作日")),
    "T3t": (_l("检测机构收到样本"), _OURS),
    "T4": (_l("检测机构出具报告"), _l("《吸毒检测程序规定》第十二条，三个工作日")),
    "T5": (_l("告知本人实验室检测结果"), _l("《吸毒检测程序规定》第十二条，二十四小时")),
    "T6": (_l("本人可以申请复检"), _l("《吸毒检测程序规定》第十三条，三个工作日")),
    "T7": (_l("决定是否复检并告知本人"), _l("《吸毒检测程序规定》第十三条，三个工作日")),
    "T8": (_l("送检 B 样本"), _l("《吸毒检测程序规定》第十四条，三个工作日")),
    "T9": (_l("复检机构出具报告"), _l("《吸毒检测程序规定》第十五条，三个工作日")),
    "T10": (_l("告知本人复检结果"), _l("《吸毒检测程序规定》第十五条，二十四小时")),
    "T11": (_l("样本至少保存"), _l("《吸毒检测程序规定》第八条，六个月")),
    "T12": (_l("当场告知本人检测结果"), _l("《吸毒检测程序规定》第九条；一小时为平台规定")),
    "T13": (_l("出具吸毒成瘾认定意见"), _l("《吸毒成瘾认定办法》第六条，二十四小时")),
    "T16": (_l("处理不合格样本"), _l("平台规定；重新采样见《吸毒检测程序规定》第十六条")),
}
_AT_THE_LABORATORY = frozenset({"lab_sent", "retest_sent"})
_OF_THE_PERSON = frozenset({"positive_told", "lab_told"})


def holder_of_test(order: Mapping[str, Any], laboratories: Mapping[str, str]) -> str:
    """Who has to act, as people say it: the laboratory that has the sample, the person whose right it is, else the
    station.
    """
    state = order["state"]
    if state in _AT_THE_LABORATORY:
        running = order["retest"] or order["lab"]
        return str(laboratories.get(running["laboratory"], running["laboratory"]))
    if state in _OF_THE_PERSON:
        return str(_("本人（期限内可以提出申请）；案件由 %(station)s 办理", station=order["station"]))
    return str(order["station"])


def custodian_words(name: str) -> str:
    """Who has a sample; the platform itself calls whoever carries one a courier."""
    return str(_("送检人 %(who)s", who=name.removeprefix("courier "))) if name.startswith("courier ") else name
