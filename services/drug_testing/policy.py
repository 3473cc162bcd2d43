"""The deadlines of drug testing (register: domain rules, ids T1 …)."""

from shared.kernel.deadlines import Basis, Confidence, DeadlineRule, Duty

COLLECT = DeadlineRule(
    id="T0",
    title_zh="采样时限",
    title_en="collect the sample",
    basis=Basis.HOURS,
    length=24,
    starts="test ordered",
    source="product decision",
    confidence=Confidence.OURS,
)
OBJECT = DeadlineRule(
    id="T1",
    title_zh="申请实验室检测期限",
    title_en="ask for a laboratory test",
    basis=Basis.WORKING_DAYS,
    length=3,
    starts="told the on-site result",
    source="吸毒检测程序规定 art. 10 (working days: art. 21)",
    confidence=Confidence.MEM,
    duty=Duty.PERSON,
)
RULES = (COLLECT, OBJECT)
