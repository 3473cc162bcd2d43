"""Putting things into words: deadlines as people say them, states and kinds in the user's language."""

from datetime import UTC, datetime

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from shared.kernel.clock import CHINA

STATES = {
    "ordered": _l("待采样"),
    "collected": _l("已采样"),
    "negative": _l("阴性，待告知"),
    "positive_sealed": _l("阳性，待告知"),
    "negative_told": _l("阴性，已告知"),
    "positive_told": _l("异议期内"),
    "settled": _l("结果已确定"),
    "decision_due": _l("待决定"),
    "issued": _l("已决定"),
    "served": _l("已送达"),
    "admitted": _l("已入所"),
    "in_custody": _l("在所"),
    "ended": _l("已出所"),
    "planned": _l("计划出所"),
    "executed": _l("已出所"),
    "cancelled": _l("已取消"),
    "announced": _l("已预告"),
    "unresolved": _l("未找到接收单位"),
    "offered": _l("待确认"),
    "accepted": _l("待接回"),
    "met": _l("待登记"),
    "registered": _l("已登记"),
    "contact_done": _l("已联系"),
    "withdrawn": _l("已撤回"),
    "active": _l("在册"),
}
KINDS = {
    "person": _l("人员"),
    "test_order": _l("检测"),
    "order": _l("决定"),
    "stay": _l("在所执行"),
    "release": _l("出所"),
    "handover_task": _l("接送任务"),
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
PROBLEMS = {
    "task.already_accepted": _l("已有人确认接收"),
    "task.wrong_state": _l("任务状态已变化，请看下方最新状态"),
    "task.no_order": _l("没有社区戒毒（康复）决定，无需登记，请记录联系结果"),
    "task.order_in_force": _l("已有决定，应当登记"),
    "time.before_previous_step": _l("时间早于上一步"),
    "time.in_future": _l("时间不能晚于现在"),
    "release.wrong_state": _l("该出所记录的状态已变化"),
}


def _(text: str, **values: object) -> str:
    translated: str = gettext(text, **values)
    return translated


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
