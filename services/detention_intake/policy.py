"""The deadlines and terms of detention intake (register: domain rules, ids D0 …)."""

from datetime import time, timedelta

from services.detention_intake.domain.order import RefusalReason
from services.detention_intake.domain.stay import TERM_RULE, TermPolicy
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty

# 治安管理处罚法 arts 10, 16 (2012 text) READ: 1 to 15 days, 20 where several are executed together.
DETENTION_DAYS = (1, 20)
# Where another measure takes the place of isolation for good (禁毒法 art. 39, 戒毒条例 art. 26).
CONVERTS = frozenset({RefusalReason.PREGNANT_OR_NURSING, RefusalReason.UNDER_16})
HEADCOUNT_BY = time(10, 0)  # OURS: on the next morning
RECOUNTED_FOR = timedelta(days=7)  # OURS: so long after a day a late entry changes who should have been there


def _ours(id: str, zh: str, en: str, basis: Basis, length: int, starts: str) -> DeadlineRule:
    return DeadlineRule(id, zh, en, basis, length, starts, "product decision", Confidence.OURS)


def _read(id: str, zh: str, en: str, basis: Basis, length: int, starts: str, source: str) -> DeadlineRule:
    return DeadlineRule(id, zh, en, basis, length, starts, source, Confidence.READ)


DECIDE = _ours("Dd", "作出处理决定", "decide what follows", Basis.WORKING_DAYS, 3, "positive result settled")
SERVE = _ours("Ds", "送达决定", "serve the decision", Basis.WORKING_DAYS, 1, "decision issued")
ADMIT = _ours("D0", "送所执行时限", "admit the person", Basis.HOURS, 24, "order served, or a detention before it ends")
FIND = _ours("D0a", "逃避执行复查", "review of somebody who evades an order", Basis.CALENDAR_DAYS, 7, "evaded")
REVIEW = _ours("V1", "决定复查", "review of a decision whose test fell", Basis.WORKING_DAYS, 1, "result overturned")
AWAY = _ours("D14", "离所复查", "review of somebody who is away from the centre", Basis.CALENDAR_DAYS, 30, "left")
NOTIFY = _read(
    "D1",
    "通知家属、单位、户籍地派出所时限",
    "notify family, work unit and police station of registration",
    Basis.HOURS,
    24,
    "order served",
    "禁毒法 art. 40",
)
TELL_FAMILY = DeadlineRule(
    id="D2",
    title_zh="书面通知家属入所",
    title_en="tell the family of the admission in writing",
    basis=Basis.CALENDAR_DAYS,
    length=5,
    starts="admission",
    source="司法行政机关强制隔离戒毒工作规定 (MoJ Order 127)",
    confidence=Confidence.PAGE,
)
MOVE = _read(
    "D3",
    "转送司法行政戒毒所",
    "move to a justice centre",
    Basis.TERM_MONTHS,
    6,
    "admission to a police centre",
    "戒毒条例 art. 27 (3 to 6 months, 12 where a province lacks the conditions)",
)
EXECUTED = _read(
    "D4",
    "提前解除最短执行期",
    "early release not before",
    Basis.TERM_MONTHS,
    12,
    "decision",
    "禁毒法 art. 47",
)
ANSWER = _read(
    "D5",
    "批复提前解除、延长期限",
    "answer a proposal of early release or extension",
    Basis.CALENDAR_DAYS,
    7,
    "proposal received",
    "戒毒条例 art. 33",
)
ANSWER_CONVERSION = _read(
    "D7",
    "批复变更社区戒毒",
    "answer a proposal of conversion",
    Basis.CALENDAR_DAYS,
    7,
    "proposal received",
    "戒毒条例 art. 31",
)
ISOLATION = _read(
    TERM_RULE,
    "强制隔离戒毒期满",
    "end of the term of isolation",
    Basis.TERM_MONTHS,
    24,
    "decision",
    "禁毒法 art. 47, 戒毒条例 art. 27",
)
EXTENSION = _read(
    "D8e",
    "最长延长期",
    "longest extension of isolation",
    Basis.TERM_MONTHS,
    12,
    "end of the regular term",
    "禁毒法 art. 47",
)
RECONSIDER = DeadlineRule(
    id="D13",
    title_zh="申请行政复议",
    title_en="ask for reconsideration",
    basis=Basis.CALENDAR_DAYS,
    length=60,
    starts="decision served",
    source="行政复议法 art. 20",
    confidence=Confidence.READ,
    duty=Duty.PERSON,
)
SUE = DeadlineRule(
    id="D13s",
    title_zh="提起行政诉讼",
    title_en="sue",
    basis=Basis.TERM_MONTHS,
    length=6,
    starts="decision served",
    source="行政诉讼法 art. 46",
    confidence=Confidence.READ,
    duty=Duty.PERSON,
)
TERMS = TermPolicy(isolation=ISOLATION.length, most_extension=EXTENSION.length, early_release_after=EXECUTED.length)
