"""Writing spreadsheet files: templates, and the rows that were not applied with the reasons.

What comes from outside is written as text, so that no cell is ever taken for a formula.
"""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from shared.importing.columns import Column, Kind
from shared.web.spreadsheets import csv_table

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv; charset=utf-8"
CONTENT_TYPES = {"xlsx": XLSX, "csv": CSV}
_KINDS = {
    Kind.CODE: ("编号或代码", "a number or code"),
    Kind.WORDS: ("文字", "words"),
    Kind.LIST: ("文字，多项用顿号分开", "words, with commas between"),
    Kind.MOMENT: ("时间，如 2026-11-23 22:15", "a time such as 2026-11-23 22:15"),
    Kind.YES_NO: ("是或否", "yes or no"),
    Kind.CHOICE: ("选一项", "one of"),
}


def write_table(file_format: str, headings: Sequence[str], rows: Iterable[Sequence[str]], *, title: str) -> bytes:
    """A table as ``xlsx`` or ``csv``."""
    if file_format == "csv":
        return csv_table(headings, rows).encode()
    book = Workbook(write_only=True)
    _page(book, title, headings, rows)
    return _saved(book)


def write_template(
    file_format: str, columns: Sequence[Column], rows: Iterable[Sequence[str]], *, english: bool
) -> bytes:
    """The columns to fill in, with rows filled in as far as they are known; in xlsx a second sheet explains them."""
    headings = [column.en if english else column.zh for column in columns]
    if file_format == "csv":
        return csv_table(headings, rows).encode()
    book = Workbook(write_only=True)
    _page(book, "Data" if english else "数据", headings, rows)
    head = ("Column", "Needed", "What to enter") if english else ("列", "必填", "填什么")
    explained = [_explanation(column, english) for column in columns]
    _page(book, "How to fill in" if english else "填写说明", head, explained)
    return _saved(book)


def _explanation(column: Column, english: bool) -> tuple[str, str, str]:
    said = _KINDS[column.kind][english]
    if column.choices:
        said += ("：", ": ")[english] + ("、", ", ")[english].join(_words_for(column, english))
    hint = column.hint_en if english else column.hint_zh
    needed = ("是", "yes") if column.required else ("", "")
    return (column.en if english else column.zh, needed[english], f"{said} {hint}".strip())


def _words_for(column: Column, english: bool) -> list[str]:
    return [word for word in column.choices if word.isascii() == english]


def _page(book: Workbook, title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    page = book.create_sheet(title)
    page.freeze_panes = "A2"
    for column in range(1, len(headings) + 1):
        page.column_dimensions[get_column_letter(column)].width = 20
    page.append([_text(page, name, bold=True) for name in headings])
    for row in rows:
        page.append([_text(page, cell) if cell else None for cell in row])


def _text(page: WriteOnlyWorksheet, value: str, *, bold: bool = False) -> Any:
    cell = WriteOnlyCell(page, value)
    cell.data_type = "s"
    cell.number_format = "@"  # what is typed over it stays text, too
    if bold:
        cell.font = Font(bold=True)
    return cell


def _saved(book: Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
