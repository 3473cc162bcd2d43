"""No cell of a table that we give out is ever taken for a formula."""

import csv
import io
import re
from pathlib import Path

import pytest

from shared.web.spreadsheets import csv_table, defused

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "=cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_begins_like_a_formula_is_a_text(text: str) -> None:
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("value", ["示例", "a=b", "", "'=1", -1, 0.5, None, "430802001"])
def test_everything_else_stays_as_it_is(value: object) -> None:
    assert defused(value) is value


def test_a_table_keeps_its_cells_whatever_is_in_them() -> None:
    rows = [["a,b", 'c"d', "e\r\nf"], [*FORMULAS[:3]], [-1, None, 0.25]]
    text = csv_table(["=name", "x", "y"], rows)
    assert text[0] == "\ufeff"
    found = list(csv.reader(io.StringIO(text[1:], newline="")))
    assert found[0] == ["'=name", "x", "y"]
    assert found[1] == rows[0]
    assert found[2] == [f"'{cell}" for cell in FORMULAS[:3]]
    assert found[3] == ["-1", "", "0.25"]


def test_every_csv_is_written_here() -> None:
    sources = [path for folder in ("services", "shared") for path in Path(folder).rglob("*.py")]
    writers = [str(path) for path in sources if re.search(r"csv\.(writer|DictWriter)", path.read_text("utf-8"))]
    assert writers == ["shared/web/spreadsheets.py"]
