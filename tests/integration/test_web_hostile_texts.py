"""What somebody types is stored and given back as it was typed, or refused with a reason; never run, never changed."""

from collections.abc import Iterator

import pytest

from tests.support.hostile import HEADERS, RAW_BODIES, TEXTS
from tests.support.notebook import OFFICER, Notebook, notebook

CONTROLS = ("\0", "\x01", "\x08", "\x0b", "\x1b", "\x7f", "\x85", "\u202a", "\u202e", "\u2066", "\u2069")
ALLOWED = ("\t", "\n", "\r\n", "\u200c", "\u200f", "\u3000", "ئۇيغۇر", "བོད་ཡིག", "𠮷")


@pytest.fixture
def book(database_url: str) -> Iterator[Notebook]:
    with notebook(database_url) as opened:
        yield opened


def test_a_text_is_stored_as_it_was_typed_or_refused_with_a_reason(book: Notebook) -> None:
    stored = 0
    for text in (*TEXTS, *ALLOWED):
        answer = book.write({"text": text})
        if answer.status_code == 201:
            assert answer.json["text"] == text
            assert book.read(f"/notes/{answer.json['id']}").json["text"] == text
            stored += 1
        else:
            assert answer.status_code in (400, 422), text
            assert answer.json["code"]
    assert stored >= 18
    assert len(book.texts()) == stored


def test_characters_that_no_document_has_are_named_and_refused(book: Notebook) -> None:
    for character in CONTROLS:
        answer = book.write({"text": f"a{character}b"})
        assert answer.status_code == 422
        (fault,) = answer.json["errors"]
        assert fault["pointer"] == "/text"
        assert fault["code"] == ("text.control_character" if character != "\0" else "text.nul_character")
        assert fault["detail"].endswith(f"U+{ord(character):04X}")
    for text in ALLOWED:
        assert book.write({"text": f"a{text}b"}).status_code == 201


def test_a_body_that_cannot_be_read_is_refused_and_nothing_is_stored(book: Notebook) -> None:
    for number, raw in enumerate(RAW_BODIES):
        headers = book.headers(OFFICER, f"raw-{number}") | {"Content-Type": "application/json"}
        answer = book.http.post("/notes", data=raw, headers=headers)
        assert answer.status_code in (400, 413, 415, 422), raw[:40]
        assert answer.content_type == "application/problem+json"
    for number, strange in enumerate(HEADERS):
        headers = book.headers(OFFICER, f"strange-{number}") | {"Content-Type": "application/json"} | strange
        assert book.http.post("/notes", data=b'{"text": 1}', headers=headers).status_code in (400, 413, 415, 422)
    assert book.texts() == []


def test_of_a_name_that_is_said_twice_the_last_one_counts(book: Notebook) -> None:
    headers = book.headers(OFFICER, "twice") | {"Content-Type": "application/json"}
    answer = book.http.post("/notes", data=b'{"text": "first", "text": "last"}', headers=headers)
    assert answer.json["text"] == "last"
    assert book.texts() == ["last"]
