"""The deadlines of handovers (register: domain rules, ids H1 …)."""

from datetime import timedelta

from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty

OFFER_AHEAD = timedelta(days=30)  # H1, OURS: a task is offered so long before the release day
URGENT_WITHIN = timedelta(days=3)  # H6, OURS: a release known so late is confirmed within hours
BEFORE_GATE = timedelta(hours=24)  # H2, OURS: a confirmation must leave this much time to prepare
# After a missed confirmation: township at once, county and city later (OURS).
LADDER = (timedelta(0), timedelta(hours=4), timedelta(hours=24))

CONFIRM = DeadlineRule(
    id="H2",
    title_zh="确认接收时限",
    title_en="office confirms the handover",
    basis=Basis.WORKING_DAYS,
    length=1,
    starts="task offered",
    source="product decision",
    confidence=Confidence.OURS,
)
CONFIRM_URGENT = DeadlineRule(
    id="H6",
    title_zh="紧急确认时限",
    title_en="office confirms an urgent handover",
    basis=Basis.HOURS,
    length=2,
    starts="task offered",
    source="product decision",
    confidence=Confidence.OURS,
)
REPORT_IN = DeadlineRule(
    id="C1",
    title_zh="报到时限",
    title_en="person reports to the township",
    basis=Basis.CALENDAR_DAYS,
    length=15,
    starts="decision received by the person (here: met at the gate, where it is handed over)",
    source="戒毒条例 arts 14, 38",
    confidence=Confidence.READ,
    duty=Duty.PERSON,
)
RULES = (CONFIRM, CONFIRM_URGENT, REPORT_IN)
