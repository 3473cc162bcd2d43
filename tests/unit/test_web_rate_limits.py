"""A client that asks too often is told to come again; nobody else notices, and nothing is lost by it."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.runtime.settings import ConfigurationError, told_rate_limit
from shared.web import Principal, Role, rate_limits
from shared.web.rate_limits import RateLimit, rate_limit
from shared.web.refusals import TooManyRequests
from tests.support.notebook import Notebook, notebook

WINDOW = 10


class Now:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(scope="module")
def one_book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Notebook, Now]]:
    """One application for all tests, for to make one takes long."""
    now, folder = Now(), tmp_path_factory.mktemp("notebook")
    with notebook(f"sqlite:///{folder}/notebook.sqlite3", rate_limit=RateLimit(f"3/{WINDOW} seconds", now)) as opened:
        yield opened, now


@pytest.fixture
def now(one_book: tuple[Notebook, Now]) -> Now:
    """The clock, at a moment when every count is over."""
    one_book[1].seconds += 1000
    return one_book[1]


@pytest.fixture
def book(one_book: tuple[Notebook, Now], now: Now) -> Notebook:
    return one_book[0]


def test_a_burst_comes_again_and_every_act_has_its_effect_once(book: Notebook, now: Now) -> None:
    waiting, refused = [f"note {number}" for number in range(10)], 0
    while waiting:
        answer = book.write({"text": waiting[0]}, key=f"key-{waiting[0].replace(' ', '-')}")
        if answer.status_code == 429:
            refused += 1
            now.seconds += int(answer.headers["Retry-After"])
        else:
            assert answer.status_code == 201
            waiting.pop(0)
    assert refused == 3
    assert [text for text in book.texts() if text.startswith("note")] == [f"note {number}" for number in range(10)]


def test_who_asks_too_often_is_told_when_to_come_again(book: Notebook, now: Now) -> None:
    answers = [book.read("/notes") for _ in range(4)]
    now.seconds += 4.5
    late = book.read("/notes")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0].headers["RateLimit"] == f'"client";r=2;t={WINDOW}'
    assert late.headers["Retry-After"] == "6"
    assert late.headers["RateLimit"] == '"client";r=0;t=6'
    assert late.headers["RateLimit-Policy"] == f'"client";q=3;w={WINDOW}'
    assert late.headers["X-Content-Type-Options"] == "nosniff"
    assert late.content_type == "application/problem+json"
    assert (late.json["code"], late.json["retry_after"]) == ("rate_limit.exceeded", 6)


def test_what_is_refused_has_no_effect_and_takes_no_key(book: Notebook, now: Now) -> None:
    for _ in range(3):
        book.read("/notes")
    assert book.write({"text": "x"}, key="first-key").status_code == 429
    assert "x" not in book.texts()
    now.seconds += WINDOW
    again = book.write({"text": "y"}, key="first-key")
    assert (again.status_code, again.headers.get("Idempotent-Replayed")) == (201, None)


def test_another_client_at_the_same_address_is_not_held_up(book: Notebook) -> None:
    for _ in range(4):
        refused = book.read("/notes")
    other = Principal("officer.2", Role.COMMUNITY_OFFICER, "office-2", "430802002")
    assert refused.status_code == 429
    assert book.read("/notes", asker=other).status_code == 200


def test_strangers_count_by_address_and_hold_up_nobody_who_is_known(book: Notebook) -> None:
    stranger = [book.http.get("/notes", headers={"Authorization": f"Bearer {n}"}).status_code for n in range(4)]
    assert stranger == [401, 401, 401, 429]
    assert book.http.get("/nowhere").status_code == 429
    assert book.read("/notes").status_code == 200
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert book.http.get("/nowhere", environ_base=elsewhere).status_code == 404


def test_the_many_addresses_of_one_network_count_as_one(book: Notebook) -> None:
    found = [
        book.http.get("/nowhere", environ_base={"REMOTE_ADDR": f"2001:db8:0:1::{n}"}).status_code for n in range(5)
    ]
    assert found == [404, 404, 404, 429, 429]


def test_probes_are_always_answered(book: Notebook) -> None:
    assert {book.http.get(path).status_code for path in ("/health/live", "/metrics") for _ in range(5)} == {200}


def test_refusals_are_counted_in_a_metric(book: Notebook) -> None:
    refused = book.metrics.http_limited.labels("subject")._value
    before = refused.get()
    for _ in range(5):
        book.read("/notes")
    assert refused.get() - before == 2


def test_the_memory_for_clients_is_bounded(now: Now, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "MOST_CLIENTS", 100)
    limit = RateLimit("3/minute", now)
    for number in range(1000):
        limit.count(f"address {number}")
    counts: Any = limit._limiter.storage
    assert counts.reset() <= 100


def test_what_is_over_is_forgotten(now: Now) -> None:
    limit = RateLimit("1/10 seconds", now)
    for number in range(50):
        limit.count(f"address {number}")
    with pytest.raises(TooManyRequests):
        limit.count("address 1")
    now.seconds += 61
    limit.count("address 1")
    counts: Any = limit._limiter.storage
    assert counts.reset() == 1


def test_a_setting_that_is_no_limit_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert rate_limit("off") is None
    assert told_rate_limit() is not None
    monkeypatch.setenv("RATE_LIMIT", "often")
    with pytest.raises(ConfigurationError, match="RATE_LIMIT"):
        told_rate_limit()
