"""The formulas of the rates that the city is judged by. Pure.

No document fixes them (domain rules, section 7); ours are published beside each figure, with a version.
"""

from services.oversight.indicators import Finding, Indicator, Period, Scope, Snapshot, Verdict
from shared.kernel.clock import china_day


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


def _executed(one: Snapshot, period: Period) -> Finding | None:
    """Until the person is registered the handover speaks, from then on the measure."""
    return _executed_measure(one) if one.kind == "measure" else _not_yet_registered(one, period)


def _not_yet_registered(task: Snapshot, period: Period) -> Finding | None:
    data, released_at = task.data, task.moment("released_at")
    ordered = data["kind"] == "order" or (released_at is not None and released_at < period.ends)
    if data["legal_ground"] == "contact_only" or data["registered_at"] is not None or not ordered:
        return None
    if data["state"] in ("withdrawn", "remote_accepted"):
        return Verdict.EXCLUDED, str(data["state"])
    if data["close_reason"] in _AWAY:
        return Verdict.EXCLUDED, str(data["close_reason"])
    return Verdict.MISSING, str(data["state"])


_LOST = ("tracing", "whereabouts_unknown")
_NOT_IN_FORCE = ("suspended", "expired", "completed", "terminated")


def _executed_measure(measure: Snapshot) -> Finding:
    data = measure.data
    if data["state"] in _NOT_IN_FORCE:
        return Verdict.EXCLUDED, str(data["end_reason"] or data["state"])
    if data["state"] in _LOST:
        return Verdict.MISSING, str(data["state"])
    if data["breached_at"] is not None:
        return Verdict.MISSING, "grave_breach"
    signed = data["agreement_signed_at"] is not None
    return (Verdict.COUNTED, "agreement_signed") if signed else (Verdict.MISSING, "no_agreement")


def _in_contact(one: Snapshot, _period: Period) -> Finding | None:
    data = one.data
    if one.kind == "measure":
        if data["state"] in _NOT_IN_FORCE:
            return (Verdict.EXCLUDED, "suspended") if data["state"] == "suspended" else None
        return (Verdict.MISSING if data["state"] in _LOST else Verdict.COUNTED), str(data["state"])
    if data["legal_ground"] == "contact_only" or data["registered_at"] is not None:
        return None
    if data["state"] in (*_LOST, "not_met"):
        return Verdict.MISSING, str(data["state"])
    return (Verdict.COUNTED, str(data["state"])) if data["state"] in ("met", "contacted") else None


def _unknown(one: Snapshot, _period: Period) -> Finding | None:
    return (Verdict.COUNTED, "whereabouts_unknown") if one.data["state"] == "whereabouts_unknown" else None


def _cleared(one: Snapshot, period: Period) -> Finding | None:
    if one.data["unknown_at"] is None or one.data["state"] == "whereabouts_unknown":
        return None
    found_at = one.moment("found_at" if one.kind == "measure" else "contacted_at")
    ended_at = one.moment("ended_at" if one.kind == "measure" else "closed_at")
    if period.holds(found_at):
        return Verdict.COUNTED, "found"
    return (Verdict.COUNTED, str(one.data["state"])) if found_at is None and period.holds(ended_at) else None


def _scheduled(test: Snapshot, period: Period) -> Finding | None:
    if test.data["ground"] != "scheduled" or not period.holds(test.moment("collect_due_at")):
        return None
    if test.data["state"] == "exempted":
        return Verdict.EXCLUDED, str(test.data["exempt_reason"])
    return (Verdict.COUNTED, "told") if test.data["told_at"] else (Verdict.MISSING, str(test.data["state"]))


def _special(one: Snapshot, period: Period) -> Finding | None:
    data = one.data
    if one.kind == "stay":
        admitted = data["special"] and period.holds(one.moment("admitted_at"))
        return (Verdict.COUNTED, "admitted") if admitted else None
    refused = data["refusal_reason"] in ("danger_to_life", "cannot_care_for_self")
    if data["kind"] != "compulsory_isolation" or not refused or data["admitted_at"] is not None:
        return None
    return (Verdict.MISSING, str(data["refusal_reason"])) if period.holds(one.moment("served_at")) else None


_LEFT = ("ended", "merged")


def _tiered(risk: Snapshot, _period: Period) -> Finding | None:
    if risk.data["state"] in _LEFT:
        return None
    return (Verdict.COUNTED, str(risk.data["tier"])) if risk.data["tier"] else (Verdict.MISSING, "not_decided")


def _current(risk: Snapshot, _period: Period) -> Finding | None:
    return None if risk.data["state"] in _LEFT else (Verdict.COUNTED, str(risk.data["tier"] or "not_decided"))


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
        ("test_order",),
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
        ("order",),
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
        ("handover_task",),
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
        ("handover_task",),
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
        ("handover_task",),
        Scope.PERIOD,
        True,
        _reported,
    ),
    Indicator(
        "execution_rate",
        "社区戒毒社区康复执行率",
        "execution rate",
        "期末有决定在身的人员中，已报到并签订协议、未失联、未严重违反协议的 ÷ 全部；"
        "羁押、死亡、出境、异地接收、期满的单列",
        "persons with an order at the period's end who reported, signed the agreement, and are neither lost nor in"
        " grave breach / all; custody, death, abroad, other cities and ended terms apart",
        2,
        "MEM 0.7",
        ("handover_task", "measure"),
        Scope.DATE,
        True,
        _executed,
    ),
    Indicator(
        "control_rate",
        "管控率",
        "in-contact rate",
        "期末应联系的人员中，没有失去联系的 ÷ 全部（1 - 失控率）；中止的单列",
        "persons to be kept in contact with at the period's end who are not lost / all (1 - loss rate)",
        1,
        "Yinchuan 2008 (LOCAL)",
        ("handover_task", "measure"),
        Scope.DATE,
        True,
        _in_contact,
    ),
    Indicator(
        "scheduled_test_rate",
        "定期检测率",
        "scheduled-test rate",
        "应检期限在期内的定期检测中，结果已告知的 ÷ 全部；依法免检的单列",
        "scheduled tests due in the period whose result was told / all; exemptions apart",
        1,
        "戒毒条例 art. 19 + OURS",
        ("test_order",),
        Scope.PERIOD,
        True,
        _scheduled,
    ),
    Indicator(
        "special_admission_rate",
        "病残吸毒人员收治率",
        "admission of the sick and disabled",
        "期内决定强制隔离戒毒的病残人员中，已收治的 ÷ 全部",
        "sick or disabled persons ordered into isolation in the period who were admitted / all",
        1,
        "Guizhou 黔府办发〔2019〕14号",
        ("order", "stay"),
        Scope.PERIOD,
        True,
        _special,
    ),
    Indicator(
        "unknown_count",
        "现状不明人数",
        "whereabouts unknown",
        "期末仍未找到的人数（清零即为 0）",
        "persons not found at the period's end",
        2,
        "OURS",
        ("handover_task", "measure"),
        Scope.DATE,
        False,
        _unknown,
    ),
    Indicator(
        "unknown_cleared_count",
        "现状不明清零人数",
        "whereabouts cleared",
        "期内找到，或依法办结的现状不明人数",
        "persons of unknown whereabouts who were found in the period, or whose case lawfully ended",
        1,
        "OURS",
        ("handover_task", "measure"),
        Scope.PERIOD,
        False,
        _cleared,
    ),
    Indicator(
        "current_users",
        "现有服务对象人数",
        "persons accompanied",
        "期末仍在动态管控中的人数",
        "persons still under dynamic control at the period's end",
        1,
        "戒毒条例 art. 7; definition of the national report",
        ("risk_assessment",),
        Scope.DATE,
        False,
        _current,
    ),
    Indicator(
        "tiered_rate",
        "定级率",
        "tiered rate",
        "期末有风险评估的人员中，已由人员认定等级的 ÷ 全部",
        "persons with an assessment at the period's end whose tier a person decided / all",
        1,
        "Guangzhou 2017 (above 99 %)",
        ("risk_assessment",),
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
        ("risk_assessment",),
        Scope.PERIOD,
        False,
        _clean,
    ),
)
BY_KEY = {indicator.key: indicator for indicator in INDICATORS}
