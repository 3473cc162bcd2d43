"""Reading a spreadsheet file: CSV in UTF-8 or GB18030, or Excel's xlsx, into rows of texts.

Invariants: nothing is guessed silently and nothing evaluated; a file that cannot be read is refused as a whole with a
reason that its author understands; size, rows and what an archive unpacks to are bounded before anything is read.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from openpyxl import load_workbook

from shared.importing.columns import Column, plain_code, plain_heading
from shared.kernel.errors import InvalidInput
from shared.web.uploads import refuse_bad_workbook

MOST_BYTES = 6 * 1024 * 1024
MOST_ROWS = 20_000
MOST_COLUMNS = 60
MOST_LINES = 100_000  # empty ones, too
_LONGEST_WHOLE_NUMBER = 10**15  # beyond that a spreadsheet has lost digits
_LONGEST_TEXT = 2_000
_TEXT_FORMULA = re.compile(r'="([^"]*)"')  # how text is kept from being taken for a number
_NUMBER = re.compile(r"-?[\d.]+")
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
# What a file of rejected rows has beside the rows; read again, it means nothing.
LINE, REASON = ("行号", "Line"), ("原因", "Reason")
_IGNORED = frozenset(plain_heading(name) for name in (*LINE, *REASON))
# As `plain_heading` writes them.
_PERSONAL = frozenset(
    "姓名|身份证|身份证号|身份证号码|证件号码|手机|手机号|电话|联系电话|住址".split("|")  # noqa: SIM905 - as a list it is a page
    + "name|fullname|idcard|idnumber|identitynumber|phone|mobile|address".split("|")  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number in the file, a text for each column of the table, and what is wrong with some of them."""

    number: int
    texts: tuple[str, ...]
    faults: dict[int, str]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table that was read: which columns it has, in its order, what it calls them, and the rows."""

    keys: tuple[str, ...]
    headings: tuple[str, ...]
    lines: tuple[Line, ...]


def refused(code: str, detail: str, **told: Any) -> InvalidInput:
    """A file that is refused as a whole."""
    return InvalidInput(code, detail, **told)


def read_sheet(content: bytes, columns: Sequence[Column], *, most_rows: int = MOST_ROWS) -> Sheet:
    """The table in a file.

    Raises: InvalidInput ``file.*`` and ``columns.*``, each with what to do about it; see also `refuse_bad_workbook`.
    """
    if not content.strip():
        raise refused("file.empty", "the file is empty")
    if content.startswith(_OLE):
        raise refused(
            "file.old_excel", "an old or encrypted Excel file; save it as .xlsx without a password, or as CSV"
        )
    rows = _xlsx_rows(content) if content.startswith(_ZIP) else _csv_rows(content)
    return _table(rows, columns, most_rows)


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    fault: str | None = None


_EMPTY = _Cell("")


def _table(rows: Iterable[tuple[int, list[_Cell]]], columns: Sequence[Column], most_rows: int) -> Sheet:
    filled = ((number, cells) for number, cells in _bounded(rows) if any(cell.text or cell.fault for cell in cells))
    first = next(filled, None)
    if first is None:
        raise refused("file.empty", "the file has no rows")
    headings = [cell.text.strip() for cell in first[1]]
    while headings and not headings[-1]:
        headings.pop()
    places = _places(headings, columns)
    lines: list[Line] = []
    for number, cells in filled:
        if len(lines) == most_rows:
            raise refused("file.too_many_rows", f"at most {most_rows} rows; split the file", most_rows=most_rows)
        lines.append(_line(number, cells, [place for place, _ in places], len(headings)))
    if not lines:
        raise refused("file.no_rows", "the file has column names and no rows below them")
    return Sheet(tuple(key for _, key in places), tuple(headings[place] for place, _ in places), tuple(lines))


def _bounded(rows: Iterable[tuple[int, list[_Cell]]]) -> Iterator[tuple[int, list[_Cell]]]:
    for number, cells in rows:
        if number > MOST_LINES:
            raise refused("file.too_many_rows", "the file goes on with empty rows; delete them", most_rows=MOST_LINES)
        yield number, cells


def _places(headings: list[str], columns: Sequence[Column]) -> list[tuple[int, str]]:
    """Where in a row each column stands."""
    if len(headings) <= 1 or "" in headings:
        detail = "the first row must hold the names of the columns, one in each cell: no title above, no merged cells"
        raise refused("columns.merged_or_missing", detail)
    names = {name: column.key for column in columns for name in column.headings}
    unknown = [name for name in headings if plain_heading(name) not in names and plain_heading(name) not in _IGNORED]
    if unknown:
        raise _unknown_columns(unknown, columns)
    places = [(n, names[key]) for n, name in enumerate(headings) if (key := plain_heading(name)) not in _IGNORED]
    twice = [key for key, times in Counter(key for _, key in places).items() if times > 1]
    if twice:
        raise refused("columns.twice", "a column is there twice", columns=_titles(twice, columns))
    missing = {column.key for column in columns if column.required} - {key for _, key in places}
    if missing:
        titles = _titles(missing, columns)
        raise refused("columns.missing", f"columns are missing: {'、'.join(titles)}", columns=titles)
    return places


def _unknown_columns(unknown: list[str], columns: Sequence[Column]) -> InvalidInput:
    personal = [name for name in unknown if plain_heading(name) in _PERSONAL]
    if personal:
        detail = "names, identity numbers and telephone numbers do not belong into this file; delete these columns"
        return refused("columns.personal", detail, columns=personal)
    told = [name[:40] for name in unknown[:10]]
    detail = "these columns are not known; use the names of the template. If they are unreadable, the encoding is wrong"
    return refused("columns.unknown", detail, columns=told, known=[column.zh for column in columns])


def _titles(keys: Iterable[str], columns: Sequence[Column]) -> list[str]:
    wanted = set(keys)
    return [f"{column.zh}（{column.en}）" for column in columns if column.key in wanted]


def _line(number: int, cells: list[_Cell], places: list[int], width: int) -> Line:
    read = [cells[place] if place < len(cells) else _EMPTY for place in places]
    faults = {n: cell.fault for n, cell in enumerate(read) if cell.fault}
    if any(cell.text.strip() for cell in cells[width:]):
        faults[0] = "row.too_many_cells"
    return Line(number, tuple(cell.text for cell in read), faults)


def _csv_rows(content: bytes) -> Iterator[tuple[int, list[_Cell]]]:
    text = _decoded(content)
    head = text.lstrip().split("\n", 1)[0]
    delimiter = max(",\t;", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    number = 0
    while True:
        started = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            detail = f"a quotation mark is not closed, or a line too long, near line {started}"
            raise refused("file.broken_csv", detail, line=started) from error
        number += 1
        _check_width(cells)
        yield number, [_from_csv(cell) for cell in cells]


def _decoded(content: bytes) -> str:
    encodings = ("utf-16",) if content.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise refused("file.encoding", "neither CSV in UTF-8 or GB18030 (GBK) nor an .xlsx file")


def _from_csv(text: str) -> _Cell:
    text = text.strip()[:_LONGEST_TEXT]
    if found := _TEXT_FORMULA.fullmatch(text):
        return _Cell(found[1])
    if len(text) > 1 and text[0] == "'":  # as a file of rejected rows writes what looks like a formula
        return _Cell(text[1:])
    return _Cell(text, "cell.formula") if _is_formula(text) else _Cell(text)


def _is_formula(text: str) -> bool:
    return text[:1] in ("=", "@") or (text[:1] in ("+", "-") and len(text) > 1 and not _NUMBER.fullmatch(text))


def _xlsx_rows(content: bytes) -> Iterator[tuple[int, list[_Cell]]]:
    refuse_bad_workbook(content)
    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=False, keep_links=False)
        page = book.worksheets[0]
        page.reset_dimensions()
        for number, row in enumerate(page.iter_rows(), start=1):
            _check_width(row)
            yield number, [_from_excel(cell) for cell in row]
    except InvalidInput:
        raise
    except Exception as error:  # whatever a file from outside can make a library stumble over
        raise refused("file.broken_xlsx", "the Excel file cannot be read; open it and save it anew") from error


def _from_excel(cell: Any) -> _Cell:
    value, kind = cell.value, cell.data_type
    if value is None:
        return _EMPTY
    if kind == "f":
        return _Cell(str(value)[:_LONGEST_TEXT], "cell.formula")
    if kind == "e":
        return _Cell(str(value), "cell.excel_error")
    if isinstance(value, bool):
        return _Cell("是" if value else "否")
    if isinstance(value, datetime | date | time):
        return _Cell(_clock(value))
    if isinstance(value, int | float):
        return _number(value)
    text = str(value).strip()[:_LONGEST_TEXT]
    return _Cell(text[1:] if len(text) > 1 and text[0] == "'" and _is_formula(text[1:]) else text)


def _clock(value: datetime | date | time) -> str:
    if isinstance(value, datetime):
        value = (value + timedelta(milliseconds=500)).replace(microsecond=0)  # a day's fraction is rarely exact
        return f"{value:%Y-%m-%d %H:%M:%S}" if value.time() != time() else f"{value:%Y-%m-%d}"
    return value.isoformat()


def _number(value: int | float) -> _Cell:
    if abs(value) >= _LONGEST_WHOLE_NUMBER:
        return _Cell(f"{value:.0f}", "cell.number_too_long")
    return _Cell(str(int(value)) if float(value).is_integer() else repr(value))


def _check_width(cells: Sequence[Any]) -> None:
    if len(cells) > MOST_COLUMNS:
        raise refused("columns.too_many", f"at most {MOST_COLUMNS} columns", most_columns=MOST_COLUMNS)


def repeated(sheet: Sheet, columns: Sequence[Column]) -> dict[int, tuple[int, int]]:
    """Rows that say what an earlier row says already where no two may: row number to column's place and that row."""
    once = {column.key for column in columns if column.only_once}
    places = [place for place, key in enumerate(sheet.keys) if key in once]
    seen: dict[str, int] = {}
    found: dict[int, tuple[int, int]] = {}
    for line in sheet.lines:
        for place in places:
            text = plain_code(line.texts[place])
            first = seen.setdefault(text, line.number) if text else line.number
            if first != line.number:
                found.setdefault(line.number, (place, first))
    return found
