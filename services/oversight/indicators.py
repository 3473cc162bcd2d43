"""The rates that the city is judged by: who counts, who is missing, who is left out, and why. Pure.

No document fixes the formulas (domain rules, section 7); ours are published beside each figure, with a version. Each
case that a figure rests on can be listed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from shared.kernel.clock import china_day

SMALLEST_DENOMINATOR = 5  # OURS: a rate of fewer cases is shown as a count


class Verdict(StrEnum):
    """How a case bears on a figure."""

    COUNTED = "counted"  # in numerator and denominator
    MISSING = "missing"  # in the denominator only
    EXCLUDED = "excluded"  # listed apart, never removed silently


class Scope(StrEnum):
    """Whether a figure is about what happened in a period, or how things stood at its end."""

    PERIOD = "period"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Period:
    """From a moment until before another one."""

    begins: datetime
    ends: datetime

    def holds(self, moment: datetime | None) -> bool:
        """Whether a moment lies in it."""
        return moment is not None and self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An aggregate as it was known at some moment."""

    aggregate_id: UUID
    person_id: UUID
    kind: str
    division: str | None
    data: Mapping[str, Any]

    def moment(self, field: str) -> datetime | None:
        """A moment of the data."""
        text = self.data.get(field)
        return datetime.fromisoformat(text) if text else None


Finding = tuple[Verdict, str]
Classify = Callable[[Snapshot, Period], Finding | None]


@dataclass(frozen=True, slots=True)
class Indicator:
    """One figure: what it is of, its formula in words, and who counts."""

    key: str
    zh: str
    en: str
    formula_zh: str
    formula_en: str
    version: int
    source: str
    kind: str
    scope: Scope
    is_rate: bool
    classify: Classify


@dataclass(frozen=True, slots=True)
class Case:
    """One case behind a figure."""

    aggregate_id: UUID
    person_id: UUID
    division: str | None
    verdict: Verdict
    reason: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and the cases behind it."""

    indicator: Indicator
    cases: tuple[Case, ...]

    def count(self, verdict: Verdict) -> int:
        """How many cases have a verdict."""
        return sum(case.verdict is verdict for case in self.cases)

    @property
    def numerator(self) -> int:
        """Those that count."""
        return self.count(Verdict.COUNTED)

    @property
    def denominator(self) -> int:
        """Those that count and those that are missing."""
        return self.numerator + self.count(Verdict.MISSING)

    @property
    def rate(self) -> float | None:
        """The share, or None where there are too few cases, or the figure is a count."""
        if not self.indicator.is_rate or self.denominator < SMALLEST_DENOMINATOR:
            return None
        return round(self.numerator / self.denominator, 4)


def compute(indicator: Indicator, snapshots: Iterable[Snapshot], period: Period) -> Figure:
    """The figure over the aggregates of the indicator's kind, in the order given."""
    cases = []
    for snapshot in snapshots:
        finding = indicator.classify(snapshot, period) if snapshot.kind == indicator.kind else None
        if finding is not None:
            cases.append(Case(snapshot.aggregate_id, snapshot.person_id, snapshot.division, *finding))
    return Figure(indicator, tuple(cases))


def _must_test(test: Snapshot, period: Period) -> Finding | None:
    if not period.holds(test.moment("collect_due_at")):
        return None
    if test.data["state"] == "exempted":
        return Verdict.COUNTED, "exempted"
    return (Verdict.COUNTED, "told") if test.data["told_at"] else (Verdict.MISSING, str(test.data["state"]))


def _admission(order: Snapshot, period: Period) -> Finding | None:
    if order.data["kind"] != "compulsory_isolation" or not period.holds(order.moment("served_at")):
        return None
    if order.data["admitted_at"]:
        return Verdict.COUNTED, "admitted"
    state = str(order.data["state"])
    return (Verdict.EXCLUDED if state in ("not_admitted", "revoked") else Verdict.MISSING), state


_BY_OFFICIALS = frozenset({"met_official", "refused_company", "hospital"})


def _pickup(task: Snapshot, period: Period) -> Finding | None:
    data, released_at = task.data, task.moment("released_at")
    if data["kind"] != "release" or not period.holds(released_at):
        return None
    if data["state"] == "withdrawn":
        return Verdict.EXCLUDED, str(data["withdrawn_reason"])
    if data["outcome"] in ("other_authority", "remote"):
        return Verdict.EXCLUDED, str(data["outcome"])
    if data["outcome"] in _BY_OFFICIALS:
        return Verdict.COUNTED, str(data["outcome"])
    met_at, contacted_at = task.moment("met_at"), task.moment("contacted_at")
    same_day = met_at is not None and contacted_at is not None and china_day(met_at) == china_day(contacted_at)
    if data["outcome"] == "met_family" and same_day:
        return Verdict.COUNTED, "family_and_official_same_day"
    return Verdict.MISSING, str(data["outcome"] or "no_meeting")


def _confirmed(task: Snapshot, period: Period) -> Finding | None:
    due_at, accepted_at = task.moment("accept_due_at"), task.moment("accepted_at")
    if not period.holds(due_at):
        return None
    if task.data["state"] == "withdrawn":
        return Verdict.EXCLUDED, str(task.data["withdrawn_reason"])
    if accepted_at is None:
        return Verdict.MISSING, "not_confirmed"
    return (Verdict.COUNTED, "in_time") if due_at and accepted_at < due_at else (Verdict.MISSING, "late")


_AWAY = frozenset({"died", "in_custody", "abroad", "other_authority"})


def _reported(task: Snapshot, period: Period) -> Finding | None:
    data, due_at, registered_at = task.data, task.moment("report_due_at"), task.moment("registered_at")
    if data["legal_ground"] == "contact_only" or not period.holds(due_at):
        return None
    if data["close_reason"] in _AWAY:
        return Verdict.EXCLUDED, str(data["close_reason"])
    if data["state"] == "withdrawn":
        return Verdict.EXCLUDED, str(data["withdrawn_reason"])
    if data["paused_at"]:
        return Verdict.EXCLUDED, str(data["pause_reason"])
    if registered_at is None:
        return Verdict.MISSING, "not_reported"
    return (Verdict.COUNTED, "in_time") if due_at and registered_at < due_at else (Verdict.MISSING, "late")


def _executed(task: Snapshot, period: Period) -> Finding | None:
    data, released_at = task.data, task.moment("released_at")
    if data["legal_ground"] == "contact_only" or released_at is None or released_at >= period.ends:
        return None
    if data["state"] in ("withdrawn", "remote_accepted"):
        return Verdict.EXCLUDED, str(data["state"])
    if data["close_reason"] in _AWAY:
        return Verdict.EXCLUDED, str(data["close_reason"])
    signed = data["agreement_signed_at"] is not None
    return (Verdict.COUNTED, "agreement_signed") if signed else (Verdict.MISSING, str(data["state"]))


def _unknown(task: Snapshot, _period: Period) -> Finding | None:
    return (Verdict.COUNTED, "whereabouts_unknown") if task.data["state"] == "whereabouts_unknown" else None


def _tiered(risk: Snapshot, _period: Period) -> Finding | None:
    if risk.data["state"] == "ended":
        return None
    return (Verdict.COUNTED, str(risk.data["tier"])) if risk.data["tier"] else (Verdict.MISSING, "not_decided")


def _clean(risk: Snapshot, period: Period) -> Finding | None:
    is_clean = risk.data["state"] == "ended" and period.holds(risk.moment("clean_until"))
    return (Verdict.COUNTED, "clean_three_years") if is_clean else None


INDICATORS = (
    Indicator(
        "must_test_rate",
        "重嫌必检率",
        "must-test rate",
        "应检期限在期内的检测中，结果已告知或依法免检的 ÷ 全部",
        "test orders due in the period whose result was told, or lawfully exempted / all due",
        1,
        "OURS",
        "test_order",
        Scope.PERIOD,
        True,
        _must_test,
    ),
    Indicator(
        "admission_rate",
        "收戒率",
        "admission rate",
        "期内送达的强制隔离戒毒决定中，已入所的 ÷ 全部；依法不收的单列",
        "isolation orders served in the period with an admission / all; lawful non-admissions apart",
        1,
        "Guizhou 黔府办发〔2019〕14号 + OURS",
        "order",
        Scope.PERIOD,
        True,
        _admission,
    ),
    Indicator(
        "pickup_rate",
        "出所接送率",
        "pick-up rate",
        "期内出所需衔接人员中，工作人员接到的（或家属接到且工作人员当日见面的）÷ 全部；撤销、移交的单列",
        "releases in the period met by officials, or by family with an official the same day / all that need a task",
        1,
        "OURS",
        "handover_task",
        Scope.PERIOD,
        True,
        _pickup,
    ),
    Indicator(
        "confirmed_in_time_rate",
        "按期确认率",
        "confirmed in time",
        "确认期限在期内的任务中，按期确认接收的 ÷ 全部",
        "tasks whose confirmation was due in the period, confirmed in time / all",
        1,
        "OURS",
        "handover_task",
        Scope.PERIOD,
        True,
        _confirmed,
    ),
    Indicator(
        "report_in_rate",
        "按期报到率",
        "reported in time",
        "报到期限在期内的决定中，按期报到的 ÷ 全部；羁押、住院等暂停的单列",
        "orders whose time to report ended in the period, reported in time / all; pauses apart",
        1,
        "戒毒条例 arts 14, 38",
        "handover_task",
        Scope.PERIOD,
        True,
        _reported,
    ),
    Indicator(
        "execution_rate",
        "社区戒毒社区康复执行率",
        "execution rate",
        "期末有决定在身的人员中，已报到并签订协议的 ÷ 全部；羁押、死亡、出境、异地接收的单列",
        "persons with an order at the period's end who reported and signed the agreement / all",
        1,
        "MEM 0.7",
        "handover_task",
        Scope.DATE,
        True,
        _executed,
    ),
    Indicator(
        "unknown_count",
        "现状不明人数",
        "whereabouts unknown",
        "期末仍未找到的人数（清零即为 0）",
        "persons not found at the period's end",
        1,
        "OURS",
        "handover_task",
        Scope.DATE,
        False,
        _unknown,
    ),
    Indicator(
        "tiered_rate",
        "定级率",
        "tiered rate",
        "期末有风险评估的人员中，已由人员认定等级的 ÷ 全部",
        "persons with an assessment at the period's end whose tier a person decided / all",
        1,
        "Guangzhou 2017 (above 99 %)",
        "risk_assessment",
        Scope.DATE,
        True,
        _tiered,
    ),
    Indicator(
        "clean3_count",
        "戒断三年未发现复吸人数",
        "clean for three years",
        "期内满三年未发现复吸的人数",
        "persons whose three years without relapse ended in the period",
        1,
        "戒毒条例 art. 7",
        "risk_assessment",
        Scope.PERIOD,
        False,
        _clean,
    ),
)
BY_KEY = {indicator.key: indicator for indicator in INDICATORS}
