"""Spreadsheet files as people make them: read, or refused with what to do about it."""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from shared.importing.columns import CellFault, Column, Kind, class_of, value_of
from shared.importing.reading import MOST_LINES, Sheet, read_sheet, repeated
from shared.importing.writing import write_table, write_template
from shared.kernel.errors import BatonError
from tests.support.spreadsheets import csv_file, xlsx_file

COLUMNS = (
    Column("number", "编号", "Number", required=True, only_once=True),
    Column("at", "时间", "Time", Kind.MOMENT),
    Column("note", "备注", "Note", Kind.WORDS),
    Column("result", "结果", "Result", Kind.CHOICE, choices={"阳性": "positive", "positive": "positive"}),
    Column("signed", "签名", "Signed", Kind.YES_NO),
    Column("substances", "物质", "Substances", Kind.LIST),
)
BY_KEY = {column.key: column for column in COLUMNS}
HEAD = ["编号", "时间", "备注"]


def read(rows: Any, encoding: str = "utf-8") -> Sheet:
    return read_sheet(rows if isinstance(rows, bytes) else csv_file(rows, encoding), COLUMNS)


def refusal(content: bytes) -> BatonError:
    with pytest.raises(BatonError) as caught:
        read_sheet(content, COLUMNS)
    assert caught.value.detail
    return caught.value


def excel(write: Callable[[Any], None]) -> bytes:
    book = Workbook()
    write(book.active)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
def test_csv_is_read_in_the_encodings_that_spreadsheet_programs_write(encoding: str) -> None:
    sheet = read([HEAD, ["1", "2026-11-23 22:15", "尿样（左）"]], encoding)
    assert sheet.keys == ("number", "at", "note")
    assert sheet.lines[0].texts == ("1", "2026-11-23 22:15", "尿样（左）")
    assert sheet.lines[0].number == 2


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_is_read_whatever_stands_between_the_cells(delimiter: str) -> None:
    assert read(f"编号{delimiter}备注\n1{delimiter}x\n".encode()).lines[0].texts == ("1", "x")


def test_headings_may_be_in_either_language_in_any_order_and_marked_as_needed() -> None:
    assert read([["备注", "number *", " Ｔime "], ["x", "1", ""]]).keys == ("note", "number", "at")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file.empty"),
        (b" \n\n", "file.empty"),
        (b",,\n,,\n", "file.empty"),
        (csv_file([HEAD]), "file.no_rows"),
        (b"\xd0\xcf\x11\xe0 an old workbook", "file.old_excel"),
        (b"PK\x03\x04 no archive", "upload.damaged"),
        (b"\x00\x01\x02\xff\xfe\xff" * 9, "file.encoding"),
        ("編號,備註\n1,x\n".encode("big5"), "columns.unknown"),
        (b'"never closed,1\n2,3\n', "file.broken_csv"),
        (csv_file([["夜间检测汇总"], HEAD, ["1", "", ""]]), "columns.merged_or_missing"),
        (csv_file([["编号", "", "备注"], ["1", "", "x"]]), "columns.merged_or_missing"),
        (csv_file([["编号", "数量"], ["1", "2"]]), "columns.unknown"),
        (csv_file([["编号", "编号"], ["1", "2"]]), "columns.twice"),
        (csv_file([["备注", "时间"], ["1", "2"]]), "columns.missing"),
        (csv_file([["编号", "姓 名", "身份证号"], ["1", "x", "y"]]), "columns.personal"),
        (csv_file([[*HEAD, *("x" for _ in range(60))], ["1"]]), "columns.too_many"),
        (csv_file([["编号", "备注"], *([number, ""] for number in range(20_001))]), "file.too_many_rows"),
        (b"\xe7\xbc\x96\xe5\x8f\xb7,note\n" + b"\n" * (MOST_LINES + 1), "file.too_many_rows"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_as_a_whole(content: bytes, code: str) -> None:
    assert refusal(content).code == code


def test_a_title_over_merged_cells_is_told_from_a_header() -> None:
    def write(page: Any) -> None:
        page.append(["夜间检测汇总"])
        page.merge_cells("A1:C1")
        page.append(HEAD)
        page.append(["1", "", "x"])

    assert refusal(excel(write)).code == "columns.merged_or_missing"


def test_excel_cells_are_read_for_what_they_hold() -> None:
    def write(page: Any) -> None:
        page.append([*HEAD, "签名"])
        page.append([430802, datetime(2026, 11, 23, 22, 15), "=A1+1", True])
        page.append([430802199001011234, datetime(2026, 11, 23), "plain", False])
        page.append(["  ４３０８０２\u3000", 46349.927083333336, None, None])
        page["C2"].data_type = "f"

    first, second, third = read(excel(write)).lines
    assert first.texts[:2] == ("430802", "2026-11-23 22:15:00")
    assert (first.texts[3], first.faults) == ("是", {2: "cell.formula"})
    assert second.faults == {0: "cell.number_too_long"}  # an identity card's number typed as a number
    assert second.texts[1] == "2026-11-23"
    values = [value_of(column, text) for column, text in zip(COLUMNS, third.texts, strict=False)]
    assert values[:2] == ["430802", "2026-11-23T22:15:00+08:00"]


def test_a_formula_in_a_csv_is_a_fault_and_text_marked_as_text_is_not() -> None:
    sheet = read([HEAD, ['="0012"', "", "=HYPERLINK(1)"], ["'=1", "", "-5"], ["2", "", "@x"]])
    assert [line.texts[0] for line in sheet.lines] == ["0012", "=1", "2"]
    assert [line.faults for line in sheet.lines] == [{2: "cell.formula"}, {}, {2: "cell.formula"}]


def test_a_line_with_more_cells_than_names_is_a_fault_and_a_shorter_one_is_not() -> None:
    sheet = read([HEAD, ["1", "", "x", "more"], ["2"]])
    assert [line.faults for line in sheet.lines] == [{0: "row.too_many_cells"}, {}]
    assert sheet.lines[1].texts == ("2", "", "")


def test_empty_lines_are_left_out_and_numbers_are_those_of_the_file() -> None:
    sheet = read([HEAD, ["", "", ""], ["1", "", ""], ["", " ", ""], ["2", "", ""]])
    assert [(line.number, line.texts[0]) for line in sheet.lines] == [(3, "1"), (5, "2")]


def test_what_may_be_there_once_is_found_again_in_any_width() -> None:
    sheet = read([HEAD, ["A1", "", ""], ["B", "", ""], ["Ａ１ ", "", ""]])
    assert repeated(sheet, COLUMNS) == {4: (0, 2)}


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("number", " Ａ－１２ ", "A-12"),
        ("note", " （左）， ", "（左），"),
        ("at", "2026/11/3 8:05", "2026-11-03T08:05:00+08:00"),
        ("at", "２０２６－１１－２３　２２：１５", "2026-11-23T22:15:00+08:00"),
        ("at", "2026年11月23日 22时15分", "2026-11-23T22:15:00+08:00"),
        ("at", "2026-11-23T22:15:30", "2026-11-23T22:15:30+08:00"),
        ("at", "", None),
        ("result", "阳性", "positive"),
        ("result", " Positive ", "positive"),
        ("signed", "是", True),
        ("signed", "Ｎ", False),
        ("substances", "MET、MOR， KET", ["MET", "MOR", "KET"]),
    ],
)
def test_a_cell_is_read_as_the_one_thing_it_can_mean(key: str, text: str, value: Any) -> None:
    assert value_of(BY_KEY[key], text) == value


@pytest.mark.parametrize(
    ("key", "text", "code"),
    [
        ("number", "  ", "cell.missing"),
        ("number", "4.30802E+17", "cell.number_too_long"),
        ("number", "a\x07b", "cell.control_character"),
        ("note", "字" * 501, "cell.too_long"),
        ("at", "2026-11-23", "cell.no_time_of_day"),
        ("at", "46349", "cell.no_time_of_day"),
        ("at", "2026-02-30 10:00", "cell.not_a_time"),
        ("at", "昨晚", "cell.not_a_time"),
        ("at", "22:15", "cell.not_a_time"),
        ("result", "弱阳性", "cell.not_a_choice"),
        ("signed", "也许", "cell.not_yes_or_no"),
    ],
)
def test_a_cell_that_could_mean_two_things_or_none_is_a_fault(key: str, text: str, code: str) -> None:
    with pytest.raises(CellFault) as caught:
        value_of(BY_KEY[key], text)
    assert caught.value.code == code


@settings(max_examples=50)
@given(st.sampled_from(COLUMNS), st.text(max_size=60))
def test_no_cell_makes_the_reader_stumble(column: Column, text: str) -> None:
    try:
        value_of(column, text)
    except CellFault as fault:
        assert fault.code.startswith("cell.")
    assert class_of(text) in ("empty", "formula", "number", "time", "text")


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", "编号,备注\n".encode()]))
def test_no_file_makes_the_reader_stumble(content: bytes, start: bytes) -> None:
    try:
        read_sheet(start + content, COLUMNS)
    except BatonError as refused:
        assert refused.code.split(".")[0] in ("file", "columns", "upload")


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=20), min_size=3, max_size=3))
def test_what_is_written_is_never_a_formula_and_read_again_is_the_same(cells: list[str]) -> None:
    written = write_table("csv", HEAD, [["1", "", cells[0]], ["2", "", cells[1]], ["3", "", cells[2]]], title="x")
    assert not any(
        row[2].startswith(("=", "+", "-", "@")) for row in csv.reader(written.decode("utf-8-sig").splitlines())
    )
    assert [line.texts[2] for line in read(written).lines] == [_read_back(cell) for cell in cells]


def _read_back(text: str) -> str:
    text = text.strip()
    return text[1:] if len(text) > 1 and text[0] == "'" else text


def test_rejected_rows_can_be_read_again_and_hold_no_formula() -> None:
    headings = ["行号", "原因", *HEAD]
    for kind in ("csv", "xlsx"):
        content = write_table(kind, headings, [["7", "错", "1", "", "=1+1"]], title="原因")
        assert read_sheet(content, COLUMNS).keys == ("number", "at", "note")
    page = load_workbook(io.BytesIO(content)).active
    assert page is not None
    assert {cell.data_type for cell in page[2] if cell.value is not None} == {"s"}


def test_a_template_explains_itself_and_has_the_names_that_are_read() -> None:
    for english in (False, True):
        book = load_workbook(io.BytesIO(write_template("xlsx", COLUMNS, [["1"]], english=english)))
        data, explained = book.worksheets
        assert [cell.value for cell in data[1]] == [c.en if english else c.zh for c in COLUMNS]
        assert explained.max_row == len(COLUMNS) + 1
        assert explained["C5"].value.endswith("positive" if english else "阳性")
    empty = write_template("csv", COLUMNS, [], english=False)
    assert refusal(empty).code == "file.no_rows"


def test_an_excel_file_of_many_rows_is_bounded_too() -> None:
    assert read(xlsx_file([HEAD, *([str(n), "", ""] for n in range(300))])).lines[-1].number == 301
