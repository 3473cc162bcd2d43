"""Spreadsheet files for tests, and many test orders that such a file can be about."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from openpyxl import Workbook

from services.drug_testing import commands
from services.drug_testing.domain.order import Ground
from services.drug_testing.importing import COLUMNS
from services.drug_testing.store import KnownPerson
from shared.kernel.clock import CHINA
from shared.kernel.ids import new_id
from tests.support.service import START

HEADINGS = {column.key: column.zh for column in COLUMNS}
STATION = "ZJJ-YD-PCS-01"
BAD_KINDS = 5  # ways in which `night_of` spoils a row


def csv_file(rows: Sequence[Sequence[Any]], encoding: str = "utf-8") -> bytes:
    """Rows as a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(encoding)


def xlsx_file(rows: Sequence[Sequence[Any]]) -> bytes:
    """Rows as an Excel file."""
    book = Workbook(write_only=True)
    page = book.create_sheet()
    for row in rows:
        page.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def waiting_orders(service: Any, number: int) -> list[UUID]:
    """Orders of one station whose people were not tested yet, given at the time of the service or storage."""
    made = []
    with service.work() as work:
        for _ in range(number):
            person = KnownPerson(new_id(), 1, "male")
            work.persons.put(person)
            order = commands.OrderTest(person.person_id, STATION, "430802001", Ground.VENUE_CHECK)
            made.append(commands.order_test(order, work=work).id)
    return made


def result_row(order: Any, number: int = 1, *, ordered_at: datetime = START, **cells: Any) -> dict[str, Any]:
    """One row of a night's results, by the columns' keys: negative, collected, and told."""
    said = (ordered_at + timedelta(minutes=5)).astimezone(CHINA)
    return {
        "order": str(order),
        "sample_type": "尿液",
        "collected_at": f"{said:%Y-%m-%d %H:%M}",
        "collector_1": "P1",
        "collector_1_sex": "男",
        "collector_2": "P2",
        "collector_2_sex": "女",
        "result": "阴性",
        "tester": "P1",
        "reagent_lot": f"L{number % 7}",
        "signed": "是",
        **cells,
    }


def table(rows: Sequence[dict[str, Any]]) -> list[list[Any]]:
    """Rows by key as the rows of a file, the headings first."""
    keys = [key for key in HEADINGS if any(key in row for row in rows)]
    return [[HEADINGS[key] for key in keys], *([row.get(key, "") for key in keys] for row in rows)]


def night_of(orders: Sequence[UUID], bad: int, ordered_at: datetime = START) -> tuple[list[list[Any]], list[int]]:
    """A file about these orders, every tenth positive; and the numbers of its ``bad`` rows, spread over the file."""
    every = len(orders) // bad
    rows, spoiled = [], []
    for number, order in enumerate(orders):
        row = result_row(order, number, ordered_at=ordered_at)
        if number % 10 == 9:
            row |= {"result": "阳性", "substances": "MET、MOR", "seal_signed": "是"}
            row |= {"sample_a": f"A{number:06}", "sample_b": f"B{number:06}"}
        if number % every == 3 and len(spoiled) < bad:
            row |= _spoilt(len(spoiled))
            spoiled.append(number + 2)
        rows.append(row)
    return table(rows), spoiled


def _spoilt(number: int) -> dict[str, Any]:
    ways: tuple[dict[str, Any], ...] = (
        {"result": "弱阳性"},
        {"order": str(new_id())},
        {"collector_2": "P1"},
        {"tester": ""},
        {"collected_at": "昨天晚上"},
    )
    return ways[number % BAD_KINDS]
