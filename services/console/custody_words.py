"""Decisions, stays and releases in words: kinds, grounds, reasons, and what each deadline asks for and rests on."""

from collections.abc import Mapping
from typing import Any

from flask_babel import lazy_gettext as _l

ORDER_KINDS = {
    "compulsory_isolation": _l("强制隔离戒毒"),
    "administrative_detention": _l("行政拘留"),
    "community_detox": _l("责令社区戒毒"),
    "community_rehab": _l("责令社区康复"),
    "fine": _l("罚款"),
    "no_measure": _l("不予处理"),
}
ISOLATION_GROUNDS = {
    "refused_community_detox": _l("拒绝接受社区戒毒"),
    "used_during_community_detox": _l("社区戒毒期间吸食、注射毒品"),
    "grave_breach": _l("严重违反社区戒毒协议"),
    "used_after_treatment": _l("经社区戒毒、强制隔离戒毒后再次吸食、注射毒品"),
    "severe_addiction": _l("吸毒成瘾严重，社区戒毒难以戒除毒瘾"),
    "voluntary": _l("自愿接受强制隔离戒毒"),
}
CIRCUMSTANCES = {
    "pregnant_or_nursing": _l("怀孕或者哺乳自己不满一周岁婴儿"),
    "under_16": _l("不满十六周岁"),
    "first_time_under_18": _l("已满十六不满十八周岁，初次违反治安管理"),
    "seventy_or_older": _l("七十周岁以上"),
}
REFUSAL_REASONS = {
    "pregnant_or_nursing": _l("怀孕或者哺乳自己不满一周岁婴儿"),
    "under_16": _l("不满十六周岁"),
    "danger_to_life": _l("患病可能危及生命"),
    "cannot_care_for_self": _l("生活不能自理"),
}
SPECIALS = {"ill": _l("患病"), "disabled": _l("残疾"), "infectious": _l("传染病")}
NOTICE_CHANNELS = {
    "in_person": _l("当面送交"),
    "post": _l("邮寄"),
    "phone": _l("电话"),
    "public_notice": _l("公告"),
    "system": _l("系统推送"),
}
DOCUMENT_KINDS = {
    "addiction_opinion": _l("吸毒成瘾认定意见书"),
    "penalty_decision": _l("行政处罚决定书"),
    "community_detox_order": _l("责令社区戒毒决定书"),
    "compulsory_isolation_order": _l("强制隔离戒毒决定书"),
    "community_rehab_order": _l("责令社区康复决定书"),
    "early_release_decision": _l("提前解除强制隔离戒毒决定书"),
    "extension_decision": _l("延长强制隔离戒毒期限决定书"),
    "conversion_decision": _l("变更社区戒毒决定书"),
    "service_receipt": _l("送达回证"),
    "other": _l("其他"),
}
REVIEW_OUTCOMES = {"upheld": _l("维持"), "revoked": _l("撤销")}
REVIEW_REASONS = {"test_overturned": _l("所依据的检测结果已被推翻")}
GRADES = {"good": _l("优秀（良好）"), "fair": _l("合格"), "failed": _l("不合格")}
PROPOSALS = {
    "early_release": _l("提前解除"),
    "extension": _l("延长期限"),
    "conversion": _l("变更为社区戒毒"),
}
END_KINDS = {"term_over_in_criminal_custody": _l("刑事羁押期间期满"), "converted": _l("变更为社区戒毒")}
PRESENT = {
    "official": _l("街道（乡镇）、派出所工作人员"),
    "family": _l("家属"),
    "other_authority": _l("其他机关"),
    "nobody": _l("无人来接"),
}
REHABS = {
    "pending": _l("待原决定机关决定"),
    "ordered": _l("责令接受社区康复"),
    "not_ordered": _l("不责令社区康复"),
}
ALARMS = {
    "over_term": _l("期满未登记出所，有超期羁押风险：已离开的立即登记，没有离开的依法放人"),
    "silent": _l("计划出所日已过，没有登记：核实后登记出所或变更计划"),
    "notice_late": _l("出所前通知逾期：补发通知，或登记未通知的原因"),
    "centre_quiet": _l("一天以上没有收到本所的消息，而近日有人出所"),
}
# Why a plan changed or ended, where the platform says it; what a clerk wrote stands as it is.
REASONS = {
    "term_changed": _l("期限变更"),
    "centre_transfer": _l("转所"),
    "stay_goes_on": _l("本人仍在执行"),
    "stay_ended": _l("执行已结束"),
    "order_revoked": _l("决定被撤销"),
    "escaped": _l("脱逃"),
    "in_criminal_custody": _l("转刑事羁押"),
}
MOVEMENTS = {
    "admitted": _l("收治"),
    "returned": _l("回所"),
    "transferred_in": _l("转入"),
    "transferred_out": _l("转出"),
    "released": _l("出所"),
    "died": _l("死亡"),
    "on_medical_leave": _l("所外就医"),
    "out_to_court": _l("出庭"),
    "escaped": _l("脱逃"),
    "in_criminal_custody": _l("转刑事羁押"),
}
_PLATFORM = _l("本平台的工作要求")
# What a deadline asks for, and what it rests on, by its rule.
DUES: Mapping[str, tuple[Any, Any]] = {
    "Dd": (_l("作出处理决定"), _PLATFORM),
    "Ds": (_l("送达决定书"), _l("本平台的工作要求；执行前送达：禁毒法第四十条")),
    "D0": (_l("送所收治，应收尽收"), _PLATFORM),
    "D0a": (_l("复查逃避执行的人员"), _PLATFORM),
    "V1": (_l("复查原决定"), _PLATFORM),
    "D14": (_l("复查离所人员"), _PLATFORM),
    "D1": (_l("通知家属、所在单位、户籍地派出所"), _l("禁毒法第四十条")),
    "D2": (_l("书面通知家属入所"), _l("《司法行政机关强制隔离戒毒工作规定》")),
    "D3": (_l("转送司法行政强制隔离戒毒所"), _l("戒毒条例第二十七条")),
    "D4": (_l("提前解除最短执行期"), _l("禁毒法第四十七条")),
    "D5": (_l("批复提前解除或者延长期限"), _l("戒毒条例第三十三条")),
    "D7": (_l("批复变更社区戒毒"), _l("戒毒条例第三十一条")),
    "D8": (_l("期满，最迟当日出所"), _l("禁毒法第四十七条、戒毒条例第二十七条")),
    "D8e": (_l("最长延长期"), _l("禁毒法第四十七条")),
    "D13": (_l("本人申请行政复议"), _l("行政复议法第二十条")),
    "D13s": (_l("本人提起行政诉讼"), _l("行政诉讼法第四十六条")),
    "D9": (_l("出所前通知原决定机关、家属、单位、派出所"), _l("戒毒条例第三十四条")),
    "D9a": (_l("出所前通知"), _l("地方规定，仅作提醒")),
    "D9d": (_l("拘留期满前通知家属和街道（乡镇）"), _PLATFORM),
    "D10": (_l("向街道（乡镇）移交法律文书"), _l("地方规定，仅作提醒")),
    "D12": (_l("报告原决定机关：无人接回"), _l("《司法行政机关强制隔离戒毒工作规定》")),
    "G1": (_l("登记出所"), _PLATFORM),
    "G2": (_l("期满当日离所"), _l("禁毒法第四十七条、拘留所条例第三十条")),
}
# As the templates call them.
TABLES = {
    "order_kinds": ORDER_KINDS,
    "isolation_grounds": ISOLATION_GROUNDS,
    "circumstances": CIRCUMSTANCES,
    "refusal_reasons": REFUSAL_REASONS,
    "specials": SPECIALS,
    "notice_channels": NOTICE_CHANNELS,
    "document_kinds": DOCUMENT_KINDS,
    "review_outcomes": REVIEW_OUTCOMES,
    "review_reasons": REVIEW_REASONS,
    "grades": GRADES,
    "proposals": PROPOSALS,
    "end_kinds": END_KINDS,
    "present_words": PRESENT,
    "rehabs": REHABS,
    "alarms": ALARMS,
    "reasons": REASONS,
    "movement_words": MOVEMENTS,
}
