"""Putting things into words: deadlines as people say them, states and kinds in the user's language."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import g, has_request_context
from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from shared.kernel.clock import CHINA
from shared.reference.divisions import divisions

UNDO_WITHIN = timedelta(minutes=5)  # as community_handover has it
SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
    "notification",
)
STATES = {
    "ordered": _l("待采样"),
    "collected": _l("已采样"),
    "negative": _l("阴性，待告知"),
    "positive_sealed": _l("阳性，待告知"),
    "negative_told": _l("阴性，已告知"),
    "positive_told": _l("异议期内"),
    "settled": _l("结果已确定"),
    "refused": _l("拒绝检测"),
    "force_approved": _l("已批准强制检测"),
    "lab_requested": _l("申请实验室检测，待决定"),
    "lab_approved": _l("同意检测，待送检A样本"),
    "lab_sent": _l("A样本已送检"),
    "lab_reported": _l("实验室报告，待告知"),
    "lab_told": _l("复检申请期内"),
    "retest_requested": _l("申请复检，待决定"),
    "retest_approved": _l("同意复检，待送检B样本"),
    "retest_sent": _l("B样本已送检"),
    "retest_reported": _l("复检报告，待告知"),
    "sample_unfit": _l("样本不合格"),
    "untested": _l("未检测"),
    "exempted": _l("依法免检"),
    "missed": _l("未按期接受检测"),
    "overturned": _l("结果已推翻"),
    "decision_due": _l("待决定"),
    "issued": _l("已决定"),
    "served": _l("已送达"),
    "admitted": _l("已入所"),
    "no_measure": _l("不予处理"),
    "deferred": _l("暂缓收治"),
    "absconded": _l("逃避执行"),
    "in_force": _l("执行中"),
    "completed": _l("已执行"),
    "not_admitted": _l("依法不收"),
    "lapsed": _l("不再需要决定"),
    "revoked": _l("已撤销"),
    "on_medical_leave": _l("所外就医"),
    "out_to_court": _l("出庭"),
    "escaped": _l("脱逃"),
    "in_criminal_custody": _l("转刑事羁押"),
    "in_custody": _l("在所"),
    "ended": _l("已出所"),
    "planned": _l("计划出所"),
    "executed": _l("已出所"),
    "cancelled": _l("已取消"),
    "retracted": _l("误报，已撤回"),
    "announced": _l("已预告"),
    "unresolved": _l("未找到接收单位"),
    "offered": _l("待确认"),
    "accepted": _l("待接回"),
    "met": _l("待登记"),
    "registered": _l("已登记"),
    "contact_done": _l("已联系"),
    "withdrawn": _l("已撤回"),
    "disputed": _l("有争议，待区县决定"),
    "remote_sent": _l("已发函，待回执"),
    "not_met": _l("未接到"),
    "tracing": _l("查找中"),
    "whereabouts_unknown": _l("现状不明"),
    "contacted": _l("已见面，待登记"),
    "refused_to_report": _l("拒绝报到"),
    "referred": _l("已报告公安机关"),
    "remote_accepted": _l("异地已接收"),
    "closed": _l("已办结"),
    "active": _l("在册"),
    "merged": _l("已并入另一档案"),
    "sealed": _l("已封存"),
    "erased": _l("已删除"),
    "open": _l("待核查"),
    "approved": _l("理由成立"),
    "disapproved": _l("理由不成立"),
    "unanswered": _l("逾期未核查"),
    "moving": _l("变更执行地，待报到"),
    "suspended": _l("中止"),
    "expired": _l("期满，待解除"),
    "terminated": _l("终止"),
    "proposed": _l("待认定"),
    "decided": _l("已认定"),
}
# States of which another kind has one of the same name.
_STATES_OF_KIND = {
    ("risk_assessment", "ended"): _l("三年未复吸，结束动态管控"),
    ("discrepancy", "open"): _l("未消除"),
    ("discrepancy", "explained"): _l("已说明"),
    ("discrepancy", "resolved"): _l("已消除"),
    ("measure", "active"): _l("执行中"),
    ("measure", "completed"): _l("已解除"),
    ("notification", "failed"): _l("无人查阅"),
    ("notification", "settled"): _l("已查阅或已办理"),
}
KINDS = {
    "risk_assessment": _l("风险等级"),
    "person": _l("人员"),
    "test_order": _l("检测"),
    "order": _l("决定"),
    "stay": _l("在所执行"),
    "release": _l("出所"),
    "handover_task": _l("接送任务"),
    "measure": _l("社区戒毒（康复）"),
    "discrepancy": _l("差错"),
    "opening": _l("无职责查看"),
    "notification": _l("通知"),
}
GROUNDS = {
    "community_detox_order": _l("社区戒毒决定"),
    "community_rehab_order": _l("社区康复决定"),
    "contact_only": _l("无决定，仅提供帮助"),
}
RELEASE_KINDS = {
    "term_expired": _l("期满解除"),
    "early_release": _l("提前解除"),
    "extended_term_expired": _l("延长期满解除"),
    "converted": _l("变更为社区戒毒"),
    "medical_leave": _l("所外就医"),
    "detention_expired": _l("拘留期满"),
    "revoked": _l("决定被撤销"),
    "detention_to_isolation": _l("拘留期满转强戒"),
    "centre_transfer": _l("转所"),
    "criminal_custody": _l("转刑事羁押"),
    "death": _l("死亡"),
}
OUTCOMES = {
    "met_official": _l("工作人员接到"),
    "met_family": _l("家属接到"),
    "refused_company": _l("接到，本人拒绝同行"),
    "hospital": _l("接到，送医"),
    "left_alone": _l("没有接到，本人自行离开"),
    "other_authority": _l("由其他机关带走"),
}
TRACE_KINDS = {
    "call": _l("电话"),
    "home_visit": _l("上门走访"),
    "family": _l("询问家属"),
    "employer": _l("询问单位"),
    "police_check": _l("公安机关核查"),
}
DISCREPANCIES = {
    "over_term": _l("期满未登记出所，有超期羁押风险"),
    "release_without_task": _l("出所没有接送任务"),
    "release_silent": _l("计划出所日已过，没有登记"),
    "stale_task": _l("接送任务与出所记录不一致"),
    "event_missing": _l("消息没有送达"),
    "two_histories": _l("服务恢复后编号重复"),
    "duplicate_task": _l("一次出所有多个接送任务"),
    "task_without_release": _l("接送任务没有对应的出所记录"),
    "headcount_differs": _l("点名人数不符"),
    "two_open_stays": _l("同一人的两份档案都在所"),
    "service_silent": _l("服务没有报告"),
    "statement_missing": _l("缺少出所日报"),
    "headcount_missing": _l("没有上报点名人数"),
    "notice_late": _l("出所前通知逾期"),
}
DISCREPANCY_DETAILS = {
    "never_made": _l("任务从未生成"),
    "row_lost": _l("任务数据丢失"),
    "gate_unknown": _l("任务不知道本人已出所"),
    "other_time": _l("任务上的出所时间不同"),
    "withdrawn": _l("任务已撤回，但仍需接送"),
    "not_needed": _l("已不需要接送，任务仍在进行"),
    "release_version": _l("任务数据落后"),
    "ended_before": _l("任务办结在先，本人出所在后"),
    "no_release": _l("查无此次出所"),
    "tasks_unread": _l("接送任务清单没有更新"),
}
# What the one who has to act does about it.
REMEDIES = {
    "over_term": _l("立即核实本人是否还在所：已离开的登记出所，没有离开的依法放人"),
    "release_without_task": _l("先电话通知乡镇接人，再由运维重新发送或恢复任务"),
    "release_silent": _l("核实本人是否已离开，登记出所或变更计划"),
    "stale_task": _l("先电话通知乡镇，再由运维重新发送出所消息"),
    "event_missing": _l("由运维重新发送；接收方不会重复处理"),
    "two_histories": _l("由运维列出恢复时丢失的事项，请经办单位重新登记"),
    "duplicate_task": _l("保留一个，其余由上级撤回"),
    "task_without_release": _l("核实出所记录是否被删除"),
    "headcount_differs": _l("清点人数，补登漏报的出入所；确有原因的由上级说明"),
    "two_open_stays": _l("核实哪一份是误登，撤销误登的入所"),
    "service_silent": _l("由运维检查该服务是否运行"),
    "statement_missing": _l("由运维检查出所通知服务；确有原因的由上级说明"),
    "headcount_missing": _l("清点后补报"),
    "notice_late": _l("补发通知，或登记未通知的原因"),
}
ADDRESSEES = {
    "deciding_organ": _l("原决定机关"),
    "family": _l("家属"),
    "work_unit": _l("所在单位"),
    "station_of_registration": _l("户籍地派出所"),
    "station_of_residence": _l("居住地派出所"),
    "township": _l("居住地街道办事处（乡镇人民政府）"),
}
LETTER_STATES = {
    "waiting": _l("待处理"),
    "replaying": _l("正在重新投递"),
    "replayed": _l("已重新投递"),
    "discarded": _l("已放弃"),
}
SEXES = {"male": _l("男"), "female": _l("女"), "unknown": _l("不详")}
LOOKS = {
    "person.viewed": _l("查看档案"),
    "person.found": _l("按证件号码查找"),
    "person.disclosed": _l("打印查阅记录"),
}
VERDICTS = {
    "missing": _l("未完成"),
    "excluded": _l("单列"),
    "counted": _l("已完成"),
}
PARTY_ROLES = {
    "community_worker": _l("禁毒专干"),
    "police_officer": _l("民警"),
    "cadre": _l("村（社区）干部"),
    "medic": _l("医务人员"),
    "family": _l("家属"),
    "guardian": _l("监护人"),
    "volunteer": _l("志愿者"),
}
REJECTION_GROUNDS = {
    "lives_elsewhere": _l("本人不住在本辖区"),
    "moved_away": _l("本人已搬离"),
    "address_not_ours": _l("该地址不属于本辖区"),
    "unknown_at_address": _l("该地址查无此人"),
    "other": _l("其他（请写明）"),
}
ATTACHMENT_KINDS = {
    "agreement": _l("社区戒毒（康复）协议"),
    "registration_form": _l("报到登记表"),
    "certificate": _l("解除证明书"),
    "other": _l("其他材料"),
}
PAUSE_REASONS = {
    "hospital": _l("住院"),
    "custody": _l("被羁押"),
    "disaster": _l("自然灾害"),
    "no_transport": _l("交通中断"),
    "decision_not_received": _l("未收到决定书"),
}
CLOSE_REASONS = {
    "in_custody": _l("已被羁押"),
    "abroad": _l("已出境"),
    "died": _l("已死亡"),
    "other_authority": _l("由其他机关带走"),
    "not_reached": _l("无决定，多次联系未果"),
}
CLOSED_BY_ITSELF = {
    "agreement_signed": _l("已签协议，转入社区执行"),
    "measure_ended": _l("签订协议前社区执行已经结束"),
}
# What the next deadline of a task asks for, by its rule.
RULES = {
    "H1": _l("前系统会请您确认"),
    "H2": _l("确认接收"),
    "H3": _l("确定接人小组"),
    "H4": _l("登记接人情况"),
    "H5": _l("工作人员首次见面"),
    "H6": _l("紧急：电话确认接收"),
    "H7": _l("上门走访"),
    "H7s": _l("完成查找"),
    "H8": _l("区县决定接收单位"),
    "H9": _l("收到异地回执"),
    "H10": _l("上级指定接收单位"),
    "H11": _l("复查现状不明人员"),
    "H12": _l("提供帮助"),
    "H13": _l("复查暂停事由"),
    "C1": _l("本人报到"),
    "C2": _l("签订协议"),
    "C5": _l("报告公安机关"),
    "C6": _l("本人到新执行地报到"),
    "C7": _l("送达解除通知书并告知乡镇"),
    "C8": _l("期满解除"),
    "M1": _l("见面走访"),
}
CHANNELS = {
    "in_page": _l("站内"),
    "email": _l("电子邮件"),
    "sms": _l("短信"),
    "webhook": _l("系统接口"),
}
TELLING_STATES = {
    "open": _l("尚无人查阅"),
    "heard": _l("已有人查阅"),
    "unheard": _l("逾期无人查阅，已报上级"),
    "past": _l("事项已有进展"),
}
DELIVERY_STATES = {
    "waiting": _l("待发送"),
    "sending": _l("发送中"),
    "sent": _l("已送达对方服务器"),
    "failed": _l("发送失败"),
    "spared": _l("无需发送"),
}
DELIVERY_REASONS = {
    "no_address": _l("没有地址"),
    "not_set_up": _l("渠道未配置"),
    "not_allowed": _l("地址不在允许范围"),
    "recipient_refused": _l("对方不接收该地址"),
    "server_refused": _l("邮件服务器拒绝"),
    "server_away": _l("邮件服务器无应答"),
    "sign_in_refused": _l("邮件服务器登录失败"),
    "not_secure": _l("无法建立加密连接"),
    "gateway_refused": _l("短信网关拒绝"),
    "gateway_away": _l("短信网关无应答"),
    "receiver_away": _l("对方系统无应答"),
}
DIGESTS = {
    "none": _l("逐条发送"),
    "hourly": _l("每小时合并为一条"),
    "daily": _l("每天早上 8 点合并为一条"),
}
AREA_ROLES = {
    "township_supervisor": _l("乡镇（街道）负责人"),
    "county_supervisor": _l("区县禁毒办"),
    "city_supervisor": _l("市禁毒办"),
    "auditor": _l("审计员"),
    "operator": _l("运维"),
}


def state_words(kind: str, state: str) -> str:
    """A state of an aggregate in the user's language; a word that is not known yet is shown as it is."""
    return str(_STATES_OF_KIND.get((kind, state)) or STATES.get(state, state))


def holder_words(task: Mapping[str, Any]) -> str:
    """Who is responsible, as people say it."""
    if task["holder_kind"] == "station_of_registration":
        place = divisions().full_name(task["holder"]) if task["holder"] in divisions() else ""
        return _("户籍地派出所（%(place)s）", place=place) if place else _("户籍地派出所（户籍地不明）")
    return str(task["holder"])


def owner_words(owner: str) -> str:
    """Who has to act on a discrepancy: a service's operator, or a centre."""
    return _("运维（%(service)s）", service=owner) if owner in SERVICES else owner


def recipient_words(recipient: str) -> str:
    """Who was told, as people say it."""
    kind, _colon, name = recipient.partition(":")
    if kind == "office":
        return _("%(office)s（单位）", office=name)
    if kind == "webhook":
        return str(CHANNELS["webhook"])
    if kind == "area":
        role, _colon, division = name.partition(":")
        place = divisions().full_name(division)
        return f"{AREA_ROLES.get(role, role)} {place}".strip()
    return name


def office_choices(offices: Iterable[Mapping[str, str]], own: str | None = None) -> list[tuple[str, str]]:
    """Offices to choose from, without the own one."""
    return [(office["code"], office["name"]) for office in offices if office["code"] != own]


def _(text: str, **values: object) -> str:
    """Translated once in a request: a list says the same words a hundred times."""
    if not has_request_context():
        return str(gettext(text, **values))
    known: dict[str, str] = g.setdefault("translated", {})
    if text not in known:
        known[text] = gettext(text)
    return known[text] % values if values else known[text]


class Spoken(dict[str, str]):
    """Words of a table in the user's language, each translated once; for lists."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, key: str) -> str:
        self[key] = str(self._table[key]) if key in self._table else ""
        return self[key]


def can_undo(task: Mapping[str, Any], subject: str, now: datetime | None = None) -> bool:
    """Whether somebody may still take back the own confirmation."""
    at = moment(task["accepted_at"])
    is_own = task["state"] == "accepted" and task["accepted_by"] == subject and not task["party"]
    return is_own and at is not None and (now or datetime.now(UTC)) - at < UNDO_WITHIN


def moment(text: str | None) -> datetime | None:
    """A moment from a service's answer, in China time."""
    return datetime.fromisoformat(text).astimezone(CHINA) if text else None


def clock_words(text: str | None) -> str:
    """A moment as people write it: ``11月23日 18:00``."""
    at = moment(text)
    return "" if at is None else _("%(month)s月%(day)s日 %(time)s", month=at.month, day=at.day, time=f"{at:%H:%M}")


def due_words(text: str | None, now: datetime | None = None) -> str:
    """A deadline as people say it: ``今天 18:00 前``, ``逾期 2 小时``."""
    at = moment(text)
    if at is None:
        return ""
    now = (now or datetime.now(UTC)).astimezone(CHINA)
    if at <= now:
        return _overdue((now - at).total_seconds())
    days = (at.date() - now.date()).days
    if days == 0:
        return _("今天 %(time)s 前", time=f"{at:%H:%M}")
    if days == 1:
        return _("明天 %(time)s 前", time=f"{at:%H:%M}")
    return _("%(moment)s 前", moment=clock_words(text))


def is_overdue(text: str | None, now: datetime | None = None) -> bool:
    """Whether a deadline has passed."""
    at = moment(text)
    return at is not None and at <= (now or datetime.now(UTC))


def _overdue(seconds: float) -> str:
    minutes = int(seconds // 60)
    if minutes < 60:
        return _("逾期 %(n)s 分钟", n=max(1, minutes))
    if minutes < 48 * 60:
        return _("逾期 %(n)s 小时", n=minutes // 60)
    return _("逾期 %(n)s 天", n=minutes // (24 * 60))
