"""Requests at the same time: one effect for each key, one winner for each text."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from shared.storage.chassis import IDEMPOTENCY
from tests.support.notebook import Notebook, Notes, happenings, notebook

AT_ONCE = 6
DEADLINE_SECONDS = 20


@pytest.fixture
def book(database_url: str) -> Iterator[Notebook]:
    with notebook(database_url) as opened:
        yield opened


def at_once(book: Notebook, requests: list[tuple[dict[str, Any], str]]) -> list[Any]:
    """The answers to requests (body, key) sent by as many threads."""

    def send(request: tuple[dict[str, Any], str]) -> Any:
        body, key = request
        return book.app.test_client().post("/notes", json=body, headers=book.headers(key=key))

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests))


def test_the_same_request_at_the_same_time_has_one_effect_and_one_answer(book: Notebook) -> None:
    for turn in range(5):
        answers = at_once(book, [({"text": f"note {turn}"}, f"key {turn}".replace(" ", "-"))] * AT_ONCE)
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.get_data() for answer in answers}) == 1
        assert len({answer.headers["Location"] for answer in answers}) == 1
        assert sum("Idempotent-Replayed" not in answer.headers for answer in answers) == 1
        assert len(book.texts()) == turn + 1
    assert book.count(IDEMPOTENCY) == 5


def test_one_key_for_two_requests_at_the_same_time_serves_the_first(book: Notebook) -> None:
    answers = at_once(book, [({"text": f"note {number}"}, "key-1") for number in range(AT_ONCE)])
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * (AT_ONCE - 1)
    assert len(book.texts()) == 1


def test_of_those_who_want_the_same_one_wins_and_the_others_learn_what_it_made(book: Notebook) -> None:
    for turn in range(5):
        text = f"note {turn}"
        answers = at_once(book, [({"text": text}, f"key-{turn}-{number}") for number in range(AT_ONCE)])
        (winner,) = [answer for answer in answers if answer.status_code == 201]
        losers = [answer for answer in answers if answer is not winner]
        assert {answer.status_code for answer in losers} == {409}
        assert {answer.json["note_id"] for answer in losers} == {winner.json["id"]}
        assert book.texts().count(text) == 1


def test_a_repetition_that_waits_for_one_that_fails_takes_its_place(book: Notebook) -> None:
    begun, go_on, calls = Event(), Event(), []

    def fail_the_first_time(_work: Notes) -> None:
        calls.append(1)
        if len(calls) == 1:
            begun.set()
            assert go_on.wait(DEADLINE_SECONDS)
            raise RuntimeError

    happenings["a"] = fail_the_first_time
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(_post(book))
        assert begun.wait(DEADLINE_SECONDS)
        second = threads.submit(_post(book))
        go_on.set()
        answers = [first.result(DEADLINE_SECONDS), second.result(DEADLINE_SECONDS)]
    assert [answer.status_code for answer in answers] == [500, 201]
    assert "Idempotent-Replayed" not in answers[1].headers
    assert book.texts() == ["a"]


def _post(book: Notebook) -> Callable[[], Any]:
    headers = book.headers(key="key-1")
    return lambda: book.app.test_client().post("/notes", json={"text": "a"}, headers=headers)
