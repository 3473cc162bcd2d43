"""Score sheets and figures as an Excel workbook: the table, the formulas, and a sheet of evidence for each figure.

What comes from outside is written as text, so that no cell is ever taken for a formula.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from services.oversight.assessment import SCORES, Line, Sheet
from services.oversight.indicators import Figure
from shared.kernel.clock import CHINA

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_WIDTHS = {"A": 16, "B": 24}
_VERDICTS = {"counted": "已完成", "missing": "未完成", "excluded": "单列"}


def assessment_workbook(
    year: int, sheets: Sequence[Sheet], figures: Sequence[Figure], names: Mapping[str, str], known_at: datetime
) -> bytes:
    """The yearly assessment. ``names`` are those of the areas' codes; the same input gives the same table."""
    book = Workbook()
    table = book.active
    assert isinstance(table, Worksheet)
    table.title = "考核表"
    _write_table(table, year, sheets, names, known_at)
    _write_formulas(book.create_sheet("公式"), figures)
    for figure in figures:
        _write_evidence(book.create_sheet(figure.indicator.zh[:31]), figure, names)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _write_table(
    table: Worksheet, year: int, sheets: Sequence[Sheet], names: Mapping[str, str], known_at: datetime
) -> None:
    told = f"{known_at.astimezone(CHINA):%Y-%m-%d %H:%M}"
    _row(table, [f"{year} 年度禁毒工作考核表（按 {told} 掌握的情况）"], bold=True)
    lines = sheets[0].lines if sheets else ()
    head = [text for line in lines for text in (_title(line), "得分")]
    _row(table, ["区划代码", "单位", "总分", *head], bold=True)
    for sheet in sheets:
        told_lines = [cell for line in sheet.lines for cell in (_share(line.figure), line.earned)]
        _row(table, [sheet.code, names.get(sheet.code, ""), sheet.total, *told_lines])
    table.freeze_panes = "D3"
    for column in range(1, table.max_column + 1):
        letter = get_column_letter(column)
        table.column_dimensions[letter].width = _WIDTHS.get(letter, 14)


def _write_formulas(page: Worksheet, figures: Iterable[Figure]) -> None:
    _row(page, ["指标", "公式", "版本", "来源", "满分", "满分所需"], bold=True)
    scores = {score.key: score for score in SCORES}
    for figure in figures:
        one, score = figure.indicator, scores.get(figure.indicator.key)
        _row(page, [one.zh, one.formula_zh, one.version, one.source, *((score.points, score.target) if score else ())])


def _write_evidence(page: Worksheet, figure: Figure, names: Mapping[str, str]) -> None:
    _row(page, ["区划代码", "单位", "事项编号", "人员编号", "结果", "理由"], bold=True)
    for case in figure.cases:
        place = case.division or ""
        told = (str(case.aggregate_id), str(case.person_id), _VERDICTS[case.verdict], case.reason)
        _row(page, [place, names.get(place[:9]) or names.get(place[:6], ""), *told])


def _title(line: Line) -> str:
    zh = line.figure.indicator.zh
    return f"{zh}（{line.possible:g} 分）" if line.possible else f"{zh}（扣分）"


def _share(figure: Figure) -> str | int:
    return f"{figure.numerator}/{figure.denominator}" if figure.indicator.is_rate else figure.numerator


def _row(page: Worksheet, cells: Sequence[Any], *, bold: bool = False) -> None:
    page.append(list(cells))
    for cell in page[page.max_row]:
        if isinstance(cell.value, str):
            cell.data_type = "s"
        cell.font = Font(bold=bold)
        cell.alignment = Alignment(wrap_text=bold, vertical="top")
