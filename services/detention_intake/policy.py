"""The deadlines and terms of detention intake (register: domain rules, ids D1 …)."""

from shared.kernel.deadlines import Basis, Confidence, DeadlineRule

ISOLATION_YEARS = 2  # 禁毒法 art. 47, 戒毒条例 art. 27
DETENTION_DAYS = (1, 20)  # 拘留所条例 art. 30: 1 to 15, combined at most 20

ADMIT = DeadlineRule(
    id="D0",
    title_zh="送所执行时限",
    title_en="admit the person",
    basis=Basis.HOURS,
    length=24,
    starts="order served",
    source="product decision",
    confidence=Confidence.OURS,
)
NOTIFY_FAMILY = DeadlineRule(
    id="D1",
    title_zh="通知家属、单位、户籍地派出所时限",
    title_en="notify family, work unit and police station of registration",
    basis=Basis.HOURS,
    length=24,
    starts="order served",
    source="禁毒法 art. 40",
    confidence=Confidence.READ,
)
RULES = (ADMIT, NOTIFY_FAMILY)
