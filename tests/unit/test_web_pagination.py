"""Pages: walking them yields each row exactly once and in order, whatever is added meanwhile."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, Date, Integer, MetaData, Table, Text, Uuid, delete, insert, select

from shared.storage import EnumText, Storage
from shared.web import page_of, page_of_rows
from shared.web.pagination import CursorQuery
from shared.web.refusals import InvalidQuery
from tests.support.notebook import Notebook, Notes, notebook, notes, prepare

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
nullable = Table("nullable", MetaData(), Column("id", Uuid, primary_key=True), Column("rank", Integer))


class Colour(StrEnum):
    """What an enumeration column holds."""

    RED = "red"
    BLUE = "blue"


colours = Table(
    "colours",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("colour", EnumText(Colour), nullable=False),
)
days = Table(
    "days",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("day", Date, nullable=False),
)

rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.uuids(),
            "text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
            "rank": st.integers(-3, 3),
            "written_at": st.integers(-3, 3).map(lambda hours: NOON + timedelta(hours=hours, microseconds=hours)),
        }
    ),
    unique_by=(lambda row: row["id"], lambda row: row["text"]),
    max_size=25,
)
sorts = st.sampled_from(["rank", "written_at", "text", "id"])
relaxed = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage[Notes]]:
    opened: Storage[Notes] = Storage(service="notebook", url=f"sqlite:///{tmp_path}/n.sqlite3", work=Notes)
    prepare(opened)
    yield opened
    opened.dispose()


def fill(storage: Storage[Notes], with_rows: list[dict[str, Any]]) -> None:
    with storage.engine.begin() as connection:
        connection.execute(delete(notes))
        add(connection, with_rows)


def add(connection: Any, with_rows: list[dict[str, Any]]) -> None:
    if with_rows:
        connection.execute(insert(notes), with_rows)


def walk(storage: Storage[Notes], sort: str, limit: int, descending: bool) -> list[list[Any]]:
    pages: list[list[Any]] = []
    cursor = None
    while not pages or cursor is not None:
        with storage.work(read_only=True) as work:
            page = page_of(work.notes, sort=notes.c[sort], limit=limit, cursor=cursor, descending=descending)
        pages.append(page["items"])
        cursor = page["next_cursor"]
    return pages


@relaxed
@given(rows=rows, sort=sorts, limit=st.integers(1, 8), descending=st.booleans())
def test_walking_the_pages_yields_each_row_once_and_in_order(
    storage: Storage[Notes], rows: list[dict[str, Any]], sort: str, limit: int, descending: bool
) -> None:
    fill(storage, rows)
    pages = walk(storage, sort, limit, descending)
    seen = [note for page in pages for note in page]
    assert sorted(str(note.id) for note in seen) == sorted(str(row["id"]) for row in rows)
    places = [(_comparable(getattr(note, sort)), str(note.id)) for note in seen]
    assert places == sorted(places, reverse=descending)
    assert all(len(page) == limit for page in pages[:-1])


@relaxed
@given(rows=rows, later=rows, sort=sorts, limit=st.integers(1, 8))
def test_rows_added_while_walking_neither_hide_nor_repeat_another(
    storage: Storage[Notes], rows: list[dict[str, Any]], later: list[dict[str, Any]], sort: str, limit: int
) -> None:
    fill(storage, rows)
    taken = {str(row["id"]) for row in rows} | {row["text"] for row in rows}
    later = [row for row in later if str(row["id"]) not in taken and row["text"] not in taken]
    seen: list[str] = []
    cursor = None
    while True:
        with storage.work(read_only=True) as work:
            page = page_of(work.notes, sort=notes.c[sort], limit=limit, cursor=cursor)
        seen += [str(note.id) for note in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
        with storage.engine.begin() as connection:
            add(connection, [later.pop()] if later else [])
    assert len(set(seen)) == len(seen)
    assert {str(row["id"]) for row in rows} <= set(seen)


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode()


@relaxed
@given(st.one_of(st.text(min_size=1, max_size=40), st.binary(min_size=1, max_size=40).map(_encoded)))
def test_any_text_that_is_no_cursor_is_refused(storage: Storage[Notes], cursor: str) -> None:
    with pytest.raises(InvalidQuery), storage.work(read_only=True) as work:
        page_of(work.notes, sort=notes.c.rank, limit=5, cursor=cursor)


@pytest.mark.parametrize(
    "values",
    [
        ["7", "00000000-0000-7000-8000-000000000000"],
        [7.5, "00000000-0000-7000-8000-000000000000"],
        [True, "00000000-0000-7000-8000-000000000000"],
        [2**63, "00000000-0000-7000-8000-000000000000"],
        [None, "00000000-0000-7000-8000-000000000000"],
        [7, "not a uuid"],
        [7, 7],
        [7],
        [7, "00000000-0000-7000-8000-000000000000", 1],
    ],
)
def test_a_cursor_whose_values_do_not_fit_the_columns_is_refused(storage: Storage[Notes], values: list[Any]) -> None:
    with pytest.raises(InvalidQuery), storage.work(read_only=True) as work:
        page_of(work.notes, sort=notes.c.rank, limit=5, cursor=_forged(storage, "rank", values))


@pytest.mark.parametrize("moment", ["2026-11-23T04:00:00", "noon", 5, None])
def test_a_cursor_with_a_moment_that_is_none_is_refused(storage: Storage[Notes], moment: Any) -> None:
    cursor = _forged(storage, "written_at", [moment, str(UUID(int=1))])
    with pytest.raises(InvalidQuery), storage.work(read_only=True) as work:
        page_of(work.notes, sort=notes.c.written_at, limit=5, cursor=cursor)


def test_a_cursor_with_a_nul_character_is_refused(storage: Storage[Notes]) -> None:
    cursor = _forged(storage, "text", ["\0", str(UUID(int=1))])
    with pytest.raises(InvalidQuery), storage.work(read_only=True) as work:
        page_of(work.notes, sort=notes.c.text, limit=5, cursor=cursor)


def test_a_cursor_of_another_order_is_refused(storage: Storage[Notes]) -> None:
    fill(storage, [_row(number) for number in range(3)])
    cursor = _first_cursor(storage, "rank")
    for sort, descending in (("written_at", False), ("rank", True)):
        with pytest.raises(InvalidQuery), storage.work(read_only=True) as work:
            page_of(work.notes, sort=notes.c[sort], limit=1, cursor=cursor, descending=descending)


def test_only_rows_that_match_are_on_the_pages(storage: Storage[Notes]) -> None:
    fill(storage, [_row(number) for number in range(6)])
    with storage.work(read_only=True) as work:
        page = page_of(work.notes, notes.c.rank >= 2, notes.c.rank < 4, sort=notes.c.rank, limit=9, cursor=None)
    assert [note.rank for note in page["items"]] == [2, 3]
    assert page["next_cursor"] is None


def test_a_select_of_any_columns_has_pages_too(storage: Storage[Notes]) -> None:
    fill(storage, [_row(number) for number in range(5)])
    seen: list[Any] = []
    cursor = None
    while not seen or cursor:
        with storage.work(read_only=True) as work:
            page = page_of_rows(
                work.connection,
                select(notes.c.id, notes.c.rank).where(notes.c.rank != 2),
                sort=notes.c.rank,
                key=notes.c.id,
                limit=2,
                cursor=cursor,
            )
        seen += [row.rank for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [0, 1, 3, 4]


def test_days_and_texts_are_read_back_from_a_cursor(storage: Storage[Notes]) -> None:
    with storage.engine.begin() as connection:
        days.create(connection)
        connection.execute(insert(days), [{"id": str(n), "day": NOON.date() + timedelta(n % 2)} for n in range(4)])
    seen: list[Any] = []
    cursor = None
    while not seen or cursor:
        with storage.work(read_only=True) as work:
            page = page_of_rows(work.connection, select(days), sort=days.c.day, key=days.c.id, limit=1, cursor=cursor)
        seen += [row.id for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["0", "2", "1", "3"]


def test_an_enumeration_is_read_back_from_a_cursor(storage: Storage[Notes]) -> None:
    with storage.engine.begin() as connection:
        colours.create(connection)
        connection.execute(
            insert(colours), [{"id": n, "colour": Colour.RED if n % 2 else Colour.BLUE} for n in range(4)]
        )
    seen: list[Any] = []
    cursor = None
    while not seen or cursor:
        with storage.work(read_only=True) as work:
            page = page_of_rows(
                work.connection,
                select(colours),
                sort=colours.c.colour,
                key=colours.c.id,
                limit=1,
                cursor=cursor,
            )
        seen += [row.id for row in page["items"]]
        cursor = page["next_cursor"]
    assert seen == [0, 2, 1, 3]


def test_a_list_is_never_ordered_by_a_column_that_may_be_null(storage: Storage[Notes]) -> None:
    with pytest.raises(ValueError, match="never null"), storage.work(read_only=True) as work:
        page_of_rows(work.connection, select(nullable), sort=nullable.c.rank, key=nullable.c.id, limit=1, cursor=None)


def test_the_query_has_a_default_and_a_largest_page() -> None:
    assert CursorQuery().load({}) == {"limit": 50, "cursor": None}
    assert CursorQuery().load({"limit": "200"})["limit"] == 200
    assert set(CursorQuery().validate({"limit": "201"})) == set(CursorQuery().validate({"limit": "0"})) == {"limit"}


def test_pages_are_walked_over_http(tmp_path: Path) -> None:
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as book:
        for number in range(5):
            assert book.write({"text": str(number), "rank": 4 - number}).status_code == 201
        assert _walk_over_http(book) == ["4", "3", "2", "1", "0"]


def _walk_over_http(book: Notebook) -> list[str]:
    seen: list[str] = []
    cursor = ""
    while True:
        page = book.read(f"/notes?limit=2{cursor}").json
        seen += [item["text"] for item in page["items"]]
        if page["next_cursor"] is None:
            return seen
        cursor = f"&cursor={page['next_cursor']}"


def _comparable(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value.encode() if isinstance(value, str) else value


def _row(number: int) -> dict[str, Any]:
    return {"id": UUID(int=number), "text": str(number), "rank": number, "written_at": NOON}


def _first_cursor(storage: Storage[Notes], sort: str) -> str:
    with storage.work(read_only=True) as work:
        cursor: str = page_of(work.notes, sort=notes.c[sort], limit=1, cursor=None)["next_cursor"]
    return cursor


def _forged(storage: Storage[Notes], sort: str, values: list[Any]) -> str:
    """A cursor of the right list with values of our own."""
    fill(storage, [_row(number) for number in range(2)])
    cursor = _first_cursor(storage, sort)
    of_list = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))[0]
    return base64.urlsafe_b64encode(orjson.dumps([of_list, *values])).decode()
