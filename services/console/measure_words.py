"""Community measures in words: kinds, grounds, reasons, and what each deadline asks for and rests on."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

from services.console.words import RULES

MEASURE_KINDS = {
    "community_detox": _l("社区戒毒"),
    "community_rehab": _l("社区康复"),
}
BREACH_GROUNDS = {
    "tests_evaded": _l("三次以上逃避、拒绝检测"),
    "left_without_leave": _l("三次以上擅自离开所在县（市、区）"),
    "absent_too_long": _l("擅自离开所在县（市、区）累计超过三十日"),
}
TERMINATION_REASONS = {
    "compulsory_isolation": _l("被决定强制隔离戒毒"),
    "prison": _l("被判处监禁刑罚"),
    "moved_out": _l("由平台外的单位接管"),
    "order_revoked": _l("决定被撤销"),
    "abroad": _l("已出境"),
    "died": _l("已死亡"),
}
# Why a measure stands still, where the platform says it; what an officer wrote stands as it is.
SUSPENSIONS = {
    "custody": _l("被羁押"),
    "administrative_detention": _l("行政拘留"),
}
_OURS = _l("平台规定，没有法定期限")
_SOURCES = {
    "C2": _l("戒毒条例第十六条（及时）；三个工作日为平台规定"),
    "C5": _l("戒毒条例第二十一条（及时）；二十四小时为平台规定"),
    "C6": _l("戒毒条例第二十二条，十五日"),
    "C7": _l("戒毒条例第二十三条、第四十条，七日"),
    "C8": _l("戒毒条例第十四条、第二十四条；禁毒法第四十八条，康复不超过三年"),
    "M1": _l("平台规定：按风险等级每 14、30 或 90 天见面一次"),
    **dict.fromkeys(("H7s", "H11", "H13"), _OURS),
}
# Of a deadline of a measure, by its rule: what is to be done, and where it is written.
MEASURE_RULES: Mapping[str, tuple[Any, Any]] = {rule: (RULES[rule], source) for rule, source in _SOURCES.items()}
# As the templates call them.
TABLES = {
    "measure_kinds": MEASURE_KINDS,
    "breach_grounds": BREACH_GROUNDS,
    "termination_reasons": TERMINATION_REASONS,
    "suspensions": SUSPENSIONS,
}
