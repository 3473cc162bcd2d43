"""The deadlines and choices of handovers (register: domain rules, ids H1 …, C1 …)."""

from collections.abc import Mapping
from datetime import timedelta

from services.community_handover.domain.measure import BreachLimits, Limits
from services.community_handover.domain.searching import TraceKind
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty

URGENT_WITHIN = timedelta(days=3)  # H6, OURS: a release known so late is confirmed within hours
BEFORE_GATE = timedelta(hours=24)  # H2, OURS: a confirmation must leave this much time to prepare
# After a missed deadline: township at once, county and city later (OURS).
LADDER = (timedelta(0), timedelta(hours=4), timedelta(hours=24))
# OURS: an office that refuses may name another one so often; then the county decides.
MOST_HOPS = 2
# OURS: what a search consists of before a supervisor may sign that the whereabouts are unknown.
SEARCH_NEEDED = {TraceKind.CALL: 3, TraceKind.HOME_VISIT: 1, TraceKind.FAMILY: 1}

# OURS: who confirmed by mistake may take it back so long; after that others rely on it.
UNDO_WITHIN = timedelta(minutes=5)

_COMPANION = frozenset({"family", "guardian", "village_cadre", "cadre", "volunteer"})
# OURS: who has to go to the gate by risk tier; of each group one. Without a tier one official is enough.
PARTY_NEEDED: Mapping[str | None, tuple[frozenset[str], ...]] = {
    "high": (frozenset({"police_officer"}), frozenset({"community_worker"}), _COMPANION),
    "medium": (frozenset({"community_worker"}), _COMPANION),
    "low": (frozenset({"community_worker", "police_officer", "cadre", "medic"}),),
    None: (frozenset({"community_worker", "police_officer", "cadre", "medic"}),),
}


def _ours(id: str, zh: str, en: str, basis: Basis, length: int, starts: str) -> DeadlineRule:
    return DeadlineRule(id, zh, en, basis, length, starts, "product decision", Confidence.OURS)


OFFER = _ours("H1", "衔接任务下发", "task offered to the office", Basis.DAYS_BEFORE, 30, "release day")
CONFIRM = _ours("H2", "确认接收时限", "office confirms the handover", Basis.WORKING_DAYS, 1, "task offered")
PARTY = _ours("H3", "确定接人小组", "those who go to the gate are named", Basis.DAYS_BEFORE, 2, "release day")
MEETING = _ours("H4", "出所接人登记", "meeting entered, else closed as not met", Basis.HOURS, 2, "gate")
FIRST_CONTACT = _ours("H5", "首次见面", "first contact by an official", Basis.HOURS, 24, "gate")
CONFIRM_URGENT = _ours("H6", "紧急确认时限", "office confirms an urgent handover", Basis.HOURS, 2, "task offered")
VISIT = _ours("H7", "未接到上门走访", "home visit after nobody was met", Basis.HOURS, 24, "gate")
SEARCH = _ours("H7s", "查找时限", "search for somebody who was not met", Basis.CALENDAR_DAYS, 7, "gate")
DISPUTE = _ours("H8", "管辖争议决定", "dispute of place decided", Basis.WORKING_DAYS, 1, "refusal")
RECEIPT = _ours("H9", "异地回执", "receipt of an office outside the area", Basis.WORKING_DAYS, 5, "letter sent")
RESOLVE = _ours("H10", "无法分派处理", "supervisor finds a receiver", Basis.WORKING_DAYS, 1, "no receiver found")
REVIEW_UNKNOWN = _ours(
    "H11", "现状不明复查", "review of unknown whereabouts", Basis.CALENDAR_DAYS, 30, "signed as unknown"
)
OFFER_HELP = _ours("H12", "提供帮扶", "help offered where no order is in force", Basis.WORKING_DAYS, 3, "first contact")
REVIEW_PAUSE = _ours("H13", "暂停事由复查", "review of a pause", Basis.CALENDAR_DAYS, 30, "pause began")
REPORT_IN = DeadlineRule(
    id="C1",
    title_zh="报到时限",
    title_en="person reports to the township",
    basis=Basis.CALENDAR_DAYS,
    length=15,
    starts="decision received by the person (for a release: handed over at the gate)",
    source="戒毒条例 arts 14, 38",
    confidence=Confidence.READ,
    duty=Duty.PERSON,
)
AGREEMENT = DeadlineRule(
    id="C2",
    title_zh="签订协议",
    title_en="agreement signed",
    basis=Basis.WORKING_DAYS,
    length=3,
    starts="person reported",
    source="戒毒条例 art. 16 (promptly); the number is ours",
    confidence=Confidence.OURS,
)
TELL_POLICE = DeadlineRule(
    id="C5",
    title_zh="拒绝报到、严重违反协议报告公安",
    title_en="police told of a refusal or a grave breach",
    basis=Basis.HOURS,
    length=24,
    starts="refusal or breach noted",
    source="戒毒条例 art. 21 (promptly); the number is ours",
    confidence=Confidence.OURS,
)
REPORT_AT_NEW_PLACE = DeadlineRule(
    id="C6",
    title_zh="变更执行地报到时限",
    title_en="person reports to the new township",
    basis=Basis.CALENDAR_DAYS,
    length=15,
    starts="change of place",
    source="戒毒条例 art. 22",
    confidence=Confidence.READ,
    duty=Duty.PERSON,
)
END_NOTICES = DeadlineRule(
    id="C7",
    title_zh="解除社区戒毒（康复）通知",
    title_en="end notice given, township told",
    basis=Basis.CALENDAR_DAYS,
    length=7,
    starts="term over",
    source="戒毒条例 arts 23, 40",
    confidence=Confidence.READ,
)
MEASURE_TERM = DeadlineRule(
    id="C8",
    title_zh="社区戒毒（康复）期限",
    title_en="end of a community measure, at most",
    basis=Basis.TERM_MONTHS,
    length=36,
    starts="person reported; a suspension is added",
    source="戒毒条例 arts 14, 24; 禁毒法 art. 48 (rehabilitation: up to three years)",
    confidence=Confidence.READ,
)
KEEP_CONTACT = _ours(
    "M1", "见面走访", "contact kept; by risk tier 14, 30 or 90 days", Basis.CALENDAR_DAYS, 30, "last contact"
)
# OURS: after a missed contact, before a search begins by itself.
VISIT_GRACE = timedelta(days=7)
BREACH = BreachLimits(evasions=3, absences=3, days_absent=30)  # C4, 戒毒条例 art. 20 READ
MEASURE_LIMITS = Limits(BREACH, VISIT_GRACE, SEARCH_NEEDED)
