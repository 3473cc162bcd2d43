"""Tables for spreadsheets, in which no cell is ever taken for a formula.

Whatever somebody typed may stand in an export and is opened by somebody else's spreadsheet. A text that begins like a
formula gets an apostrophe before it (CWE-1236); numbers stay as they are.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

BOM = "\ufeff"  # lets spreadsheets know that it is UTF-8
_BEGINS_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def defused(cell: Any) -> Any:
    """A cell's value as it may stand in a table."""
    if isinstance(cell, str) and cell.startswith(_BEGINS_FORMULA):
        return f"'{cell}"
    return cell


def csv_table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table as CSV (RFC 4180), with the mark of its encoding at the beginning."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([defused(cell) for cell in head])
    writer.writerows([defused(cell) for cell in row] for row in rows)
    return BOM + text.getvalue()
