"""The HTTP chassis on each database: pages in the database's own order, and a database that is away."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from shared.kernel.errors import Conflict
from shared.storage import Storage
from shared.web import page_of
from tests.support.notebook import NOON, Notebook, Notes, happenings, notebook, notes

AWAY = "postgresql+psycopg2://baton@127.0.0.1:1/baton"  # nobody listens on port 1


@pytest.fixture
def book(database_url: str) -> Iterator[Notebook]:
    with notebook(database_url) as opened:
        yield opened


@pytest.mark.parametrize("sort", ["rank", "written_at", "text", "id"])
@pytest.mark.parametrize("descending", [False, True])
def test_pages_follow_the_order_of_the_database(book: Notebook, sort: str, descending: bool) -> None:
    rows = [
        {
            "id": UUID(int=number * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128),
            "text": f"{'aB中é-_'[number % 6]}{number}",
            "rank": number % 4,
            "written_at": NOON + timedelta(microseconds=number % 5),
        }
        for number in range(30)
    ]
    with book.storage.engine.begin() as connection:
        connection.execute(insert(notes), rows)
    with book.storage.work(read_only=True) as work:
        whole = page_of(work.notes, sort=notes.c[sort], limit=200, cursor=None, descending=descending)
    walked: list[Any] = []
    cursor = None
    while not walked or cursor is not None:
        with book.storage.work(read_only=True) as work:
            page = page_of(work.notes, sort=notes.c[sort], limit=7, cursor=cursor, descending=descending)
        walked += page["items"]
        cursor = page["next_cursor"]
    assert walked == whole["items"]
    assert len(walked) == len(rows)


def test_a_refusal_leaves_nothing_behind_and_the_next_request_works(book: Notebook) -> None:
    def fail(work: Notes) -> None:
        row = {"id": UUID(int=1), "text": "half", "rank": 0, "written_at": NOON}
        work.connection.execute(insert(notes).values(row))
        raise Conflict("note.no", "no")

    happenings["a"] = fail
    for _ in range(25):  # more often than there are connections
        assert book.write({"text": "a"}).status_code == 409
    assert book.texts() == []
    assert book.write({"text": "b"}).status_code == 201


def test_while_the_database_is_away_a_request_is_told_to_try_again(tmp_path: Any) -> None:
    away = Storage(service="notebook", url=AWAY, work=Notes)
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3", open_work=away.work) as book:
        for response in (book.write({"text": "a"}), book.read("/notes")):
            assert (response.status_code, response.json["code"]) == (503, "storage.unavailable")
            assert response.headers["Retry-After"] == "2"
        assert book.http.get("/health/live").status_code == 200
    away.dispose()
