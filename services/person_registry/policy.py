"""Rules of risk tiers, what each tier means, and their deadlines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from services.person_registry.risk import Fact, Policy, Rule, Tier
from shared.kernel.deadlines import Basis, Confidence, DeadlineRule

_37 = "禁毒办通〔2016〕37号, high-risk heads"
TIER_RULES = (
    Rule(
        "R1",
        Fact.REFUSED_MEASURE,
        Tier.HIGH,
        "拒绝接受社区戒毒（康复）",
        "refused community detox or rehab",
        _37,
        Confidence.PAGE,
    ),
    Rule("R2", Fact.GRAVE_BREACH, Tier.HIGH, "严重违反协议", "gravely breached the agreement", _37, Confidence.PAGE),
    Rule(
        "R3",
        Fact.SELF_HARM_OR_DISORDER,
        Tier.HIGH,
        "有自伤、自杀倾向或精神异常",
        "at risk of self-harm, or mentally unwell",
        _37,
        Confidence.PAGE,
    ),
    Rule(
        "R4",
        Fact.ILLNESS_BARS_CUSTODY,
        Tier.HIGH,
        "严重病残无法收治",
        "illness or disability that bars custody",
        _37,
        Confidence.PAGE,
    ),
    Rule("R5", Fact.VIOLENCE, Tier.HIGH, "有暴力史或扬言肇事", "violence, or threat of it", _37, Confidence.MEM),
    Rule(
        "R6",
        Fact.WHEREABOUTS_UNKNOWN,
        Tier.HIGH,
        "现状不明",
        "whereabouts unknown",
        "product decision",
        Confidence.OURS,
    ),
    Rule(
        "R7",
        Fact.IN_COMMUNITY_MEASURE,
        Tier.MEDIUM,
        "正在执行社区戒毒（康复）",
        "in community detox or rehab",
        "禁毒办通〔2016〕37号",
        Confidence.MEM,
    ),
    Rule(
        "R8",
        Fact.MAINTENANCE_TREATMENT,
        Tier.MEDIUM,
        "正在参加药物维持治疗",
        "in maintenance treatment",
        "禁毒办通〔2016〕37号",
        Confidence.MEM,
    ),
    Rule(
        "R9",
        Fact.LEFT_CUSTODY,
        Tier.MEDIUM,
        "解除强制隔离未满三年",
        "less than three years since custody",
        "禁毒办通〔2016〕37号",
        Confidence.MEM,
    ),
    Rule(
        "R10",
        Fact.POSITIVE_TEST,
        Tier.MEDIUM,
        "三年内检测阳性",
        "a positive test within three years",
        "禁毒办通〔2016〕37号",
        Confidence.MEM,
    ),
)
POLICY = Policy(TIER_RULES, clean_years=3)  # C9, 戒毒条例 art. 7 [READ]

DECIDE = DeadlineRule(
    "R-D",
    "风险等级认定",
    "risk tier decided",
    Basis.WORKING_DAYS,
    3,
    "tier proposed",
    "product decision",
    Confidence.OURS,
)
APPROVE = DeadlineRule(
    "K1",
    "无职责查看的批准",
    "opening of an identity without a duty approved by somebody else",
    Basis.HOURS,
    24,
    "identity opened",
    "product decision (戒毒条例 arts 7, 43; 个人信息保护法 art. 34)",
    Confidence.OURS,
)
# OURS: for how long an identity stays open without a duty, and after a duty ended.
OPENED_FOR = timedelta(hours=8)
GRACE = timedelta(days=30)
REVIEW = DeadlineRule(
    "R-R",
    "风险等级复评",
    "risk tier reviewed",
    Basis.CALENDAR_DAYS,
    180,
    "tier decided",
    "product decision",
    Confidence.OURS,
)


@dataclass(frozen=True, slots=True)
class Measures:
    """What a tier means. Numbers are OURS; the group sizes are 六包一, 三管一, 二管一."""

    tier: Tier
    contact_every_days: int
    contact_in_person: bool
    test_every_days: int | None  # None: by the order's schedule, or none
    companions: tuple[str, ...]


MEASURES = (
    Measures(
        Tier.HIGH,
        14,
        True,
        30,
        ("police_officer", "community_worker", "medic", "cadre", "volunteer", "family"),
    ),
    Measures(Tier.MEDIUM, 30, True, None, ("community_worker", "police_officer", "family")),
    Measures(Tier.LOW, 90, False, None, ("community_worker", "family")),
)
MEASURES_OF: Mapping[Tier | None, Measures] = {one.tier: one for one in MEASURES}
