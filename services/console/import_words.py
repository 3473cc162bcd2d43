"""What is wrong with a file or a row of it, in the user's language: the place, what it holds, and what to do."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from services.console.clients import Refused
from services.console.problem_words import PROBLEMS
from shared.reference.divisions import divisions

STATES = {
    "checking": _l("正在核对"),
    "ready": _l("已核对，待确认"),
    "applying": _l("正在导入"),
    "done": _l("已完成"),
    "cancelled": _l("已取消"),
    "waiting": _l("待核对"),
    "good": _l("可导入"),
    "known": _l("已存在，不变"),
    "bad": _l("有误"),
    "applied": _l("已导入"),
    "refused": _l("未导入"),
}
CHANGES = {
    "added": _l("新增"),
    "changed": _l("变更"),
    "closed": _l("停用"),
    "none": _l("不变"),
}
HOLDS = {
    "empty": _l("空"),
    "formula": _l("公式"),
    "number": _l("数字"),
    "time": _l("日期或时间"),
    "text": _l("文字"),
}
FAULTS = {
    "cell.missing": _l("必填"),
    "cell.formula": _l("是公式，请改成数值或文字"),
    "cell.excel_error": _l("是 Excel 的错误值"),
    "cell.number_too_long": _l("数字超过十五位，末尾已被 Excel 改动；请先设为文本格式再重新填写"),
    "cell.not_a_time": _l("不是时间，应如 2026-11-23 22:15"),
    "cell.no_time_of_day": _l("只有日期，缺少几点几分"),
    "cell.not_a_choice": _l("不是可选的内容"),
    "cell.not_yes_or_no": _l("应填是或否"),
    "cell.too_long": _l("超过五百字"),
    "cell.control_character": _l("含有看不见的控制字符"),
    "row.repeated": _l("与第 %(told)s 行重复"),
    "row.too_many_cells": _l("这一行比列名多出单元格"),
    "value.out_of_range": _l("数值或日期超出范围"),
    "internal": _l("系统出错，请联系运维"),
    "test_order.not_found": _l("本单位没有这张检测单"),
    "test_order.malformed_number": _l("检测单号应为三十六位"),
    "test.wrong_state": _l("检测单的状态不允许这一步，可能已有人办理"),
    "collection.too_few_collectors": _l("须由两名不同的民警采样"),
    "collection.female_collector_needed": _l("女性尿样须由女性工作人员采集"),
    "collection.by_the_approver": _l("批准强制检测的人不能采样"),
    "result.substances_of_negative": _l("阴性结果不能填检出物质"),
    "result.substances_missing": _l("阳性结果须填检出物质"),
    "result.substance_unknown": _l("不认识的检出物质"),
    "result.seal_missing": _l("阳性样本须分装封存并编号"),
    "result.seals_equal": _l("A、B 样本编号不能相同"),
    "result.seal_used": _l("这个编号已用于其他样本"),
    "result.seal_note_missing": _l("被检测人签名，或注明拒签"),
    "telling.refusal_note_missing": _l("拒签须由民警注明"),
    "person.merged": _l("这份档案已并入另一份"),
    "office.name_missing": _l("没有这个单位；新单位须填名称"),
}
REFUSALS = {
    "file.missing": _l("请选择一个文件"),
    "file.empty": _l("文件是空的"),
    "file.no_rows": _l("只有列名，没有数据行"),
    "file.encoding": _l("无法识别编码：请另存为 UTF-8 或 GB18030（GBK）编码的 CSV，或 xlsx 文件"),
    "file.old_excel": _l("旧版 .xls 或加了密码的文件：请另存为不加密码的 .xlsx"),
    "file.broken_xlsx": _l("Excel 文件打不开，请打开后重新保存"),
    "upload.damaged": _l("文件已损坏，或不是 Excel 文件"),
    "upload.bomb": _l("文件解开后太大，请分成几个文件"),
    "upload.active_content": _l("含有宏或嵌入对象，请另存为不含宏的 .xlsx"),
    "file.broken_csv": _l("第 %(line)s 行附近有未配对的引号或过长的行"),
    "file.too_many_rows": _l("最多 %(most_rows)s 行，请分成几个文件并删去空行"),
    "columns.merged_or_missing": _l("第一行必须是列名，每格一个：上方不能有标题，不能有合并单元格"),
    "columns.personal": _l("文件里不应有姓名、证件号码、电话，请删去这些列：%(columns)s"),
    "columns.unknown": _l("不认识的列：%(columns)s。请使用模板的列名；如果是乱码，请检查编码"),
    "columns.twice": _l("有重复的列：%(columns)s"),
    "columns.missing": _l("缺少列：%(columns)s"),
    "columns.too_many": _l("最多 %(most_columns)s 列"),
    "import.too_many_under_way": _l("已有多个文件正在处理，请等其中一个完成"),
    "import.wrong_state": _l("该文件的状态已变化，请看下方"),
    "import.nothing_to_apply": _l("没有可导入的行"),
    "body.too_large": _l("文件太大，最多 6 MB，请分成几个文件"),
}
NOTICES = {
    "coverage.lost": _l("%(place)s：确认后将没有负责单位"),
    "coverage.gap": _l("%(place)s：仍然没有负责单位"),
}


def fault_words(fault: Mapping[str, Any], keys: Sequence[str], headings: Sequence[str]) -> str:
    """One fault of a row: the column as the file calls it, what is wrong, and what kind of thing the cell holds."""
    said = str(FAULTS.get(fault["code"]) or PROBLEMS.get(fault["code"]) or fault["detail"])
    text = said % {"told": fault["detail"]} if "%(" in said else said
    if fault["holds"] in HOLDS and fault["holds"] != "empty":
        text = _("%(text)s（现为%(holds)s）", text=text, holds=HOLDS[fault["holds"]])
    if fault["column"] in keys:
        text = _("%(column)s：%(text)s", column=headings[list(keys).index(fault["column"])], text=text)
    return text


def refusal_words(refused: Refused) -> str:
    """Why a file is not taken."""
    said = REFUSALS.get(refused.code)
    if said is None:
        return str(PROBLEMS.get(refused.code) or refused.problem.get("detail") or _("无法办理"))
    told = {name: "、".join(value) if isinstance(value, list) else value for name, value in refused.problem.items()}
    return str(said) % told if "%(" in str(said) else str(said)


def notice_words(notice: Mapping[str, str]) -> str:
    """What is to be known before confirming."""
    said = NOTICES.get(notice["code"])
    return str(said) % {"place": divisions().full_name(notice["subject"])} if said else notice["code"]
