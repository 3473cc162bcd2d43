"""The deadlines and choices of drug testing (register: domain rules, ids T1 …)."""

from services.drug_testing.domain.objecting import Cutoff
from services.drug_testing.domain.order import SampleType
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty

MINIMUM_COLLECTORS = 2  # 吸毒检测程序规定 art. 8(1) PAGE
MINIMUM_DETERMINING = 2  # 吸毒成瘾认定办法 art. 6 PAGE
# LOCAL (Xianyou): months between the scheduled tests in the first, second and third year of a community measure. The
# law leaves it to the police (戒毒条例 art. 19).
MONTHS_BETWEEN_TESTS = (1, 2, 3)

_HAIR = "涉毒人员毛发样本检测规范 art. 9 (PAGE)"
_HAIR_CUTOFFS = {
    0.2: ("6-MAM", "MOR", "MET", "AMP", "MDA", "MDMA", "KET", "NORKET", "MCAT"),
    0.5: ("COC",),
    0.05: ("BZE", "THC"),
}
_URINE_CUTOFFS = {  # reagent specifications, not law
    "MOR": (300.0, "PAGE"),
    "MET": (1000.0, "PAGE"),
    "KET": (1000.0, "MEM"),
    "MDMA": (500.0, "MEM"),
    "THC-COOH": (50.0, "MEM"),
    "COC": (300.0, "MEM"),
}
# From which concentration a substance counts as found. A substance without a row is judged by the laboratory alone.
CUTOFFS = (
    *(Cutoff(s, SampleType.HAIR, value, "ng/mg", _HAIR) for value, names in _HAIR_CUTOFFS.items() for s in names),
    *(
        Cutoff(name, SampleType.URINE, value, "ng/mL", f"reagent specification ({mark})")
        for name, (value, mark) in _URINE_CUTOFFS.items()
    ),
)
# What can be named as found: those with a cut-off, and those without one that was published.
SUBSTANCES = frozenset({cutoff.substance for cutoff in CUTOFFS} | {"ETO", "SCB", "FEN", "MTD", "BUP", "BZO"})


def _ours(id: str, zh: str, en: str, basis: Basis, length: int, starts: str) -> DeadlineRule:
    return DeadlineRule(id, zh, en, basis, length, starts, "product decision", Confidence.OURS)


def _days(
    id: str, zh: str, en: str, starts: str, article: str, mark: Confidence, duty: Duty = Duty.ORGAN
) -> DeadlineRule:
    source = f"吸毒检测程序规定 art. {article} (working days: art. 21)"
    return DeadlineRule(id, zh, en, Basis.WORKING_DAYS, 3, starts, source, mark, duty)


def _hours(id: str, zh: str, en: str, starts: str, article: str) -> DeadlineRule:
    return DeadlineRule(id, zh, en, Basis.HOURS, 24, starts, f"吸毒检测程序规定 art. {article}", Confidence.MEM)


COLLECT = _ours("T0", "采样时限", "collect the sample", Basis.HOURS, 24, "test ordered, or force approved")
DECIDE_FORCE = _ours("T0f", "强制检测审批", "decide on a forced test", Basis.HOURS, 24, "refused by the person")
COLLECT_SCHEDULED = _ours(
    "T0s", "定期检测窗口", "collect a scheduled sample", Basis.CALENDAR_DAYS, 7, "scheduled test falls due"
)
RESULT = _ours("T0r", "出具现场结果", "enter the on-site result", Basis.HOURS, 2, "sample collected")
TRANSPORT = _ours("T3t", "送达检测机构", "laboratory has the sample", Basis.WORKING_DAYS, 3, "sample sent")
RESOLVE_UNFIT = _ours("T16", "样本不合格处理", "resolve an unfit sample", Basis.WORKING_DAYS, 3, "sample found unfit")
OBJECT = _days(
    "T1",
    "申请实验室检测期限",
    "ask for a laboratory test",
    "told the on-site result",
    "10",
    Confidence.MEM,
    Duty.PERSON,
)
DECIDE_LAB = _days("T2", "决定是否实验室检测", "decide on a laboratory test", "request received", "10", Confidence.PAGE)
SEND_A = _days("T3", "送检A样本", "send sample A", "decision", "11", Confidence.PAGE)
LAB_REPORT = _days("T4", "出具实验室检测报告", "laboratory reports", "sample received", "12", Confidence.PAGE)
TELL_LAB = _hours("T5", "告知实验室检测结果", "tell the laboratory's result", "report received", "12")
OBJECT_AGAIN = _days(
    "T6", "申请复检期限", "ask for a re-test", "told the laboratory's result", "13", Confidence.PAGE, Duty.PERSON
)
DECIDE_RETEST = _days("T7", "决定是否复检", "decide on a re-test", "request received", "13", Confidence.MEM)
SEND_B = _days("T8", "送检B样本", "send sample B", "decision", "14", Confidence.MEM)
RETEST_REPORT = _days("T9", "出具复检报告", "re-test laboratory reports", "sample received", "15", Confidence.PAGE)
TELL_RETEST = _hours("T10", "告知复检结果", "tell the re-test's result", "report received", "15")
KEEP = DeadlineRule(
    id="T11",
    title_zh="样本保存期",
    title_en="keep the samples, at least",
    basis=Basis.TERM_MONTHS,
    length=6,
    starts="samples sealed",
    source="吸毒检测程序规定 art. 8",
    confidence=Confidence.PAGE,
)
TELL = DeadlineRule(
    id="T12",
    title_zh="当场告知",
    title_en="tell the on-site result",
    basis=Basis.HOURS,
    length=1,
    starts="on-site result",
    source="吸毒检测程序规定 art. 9 (on the spot); the number is ours",
    confidence=Confidence.OURS,
)
DETERMINE = DeadlineRule(
    id="T13",
    title_zh="吸毒成瘾认定",
    title_en="opinion on addiction",
    basis=Basis.HOURS,
    length=24,
    starts="positive result told",
    source="吸毒成瘾认定办法 art. 6",
    confidence=Confidence.PAGE,
)
