"""The benchmark itself: its figures, its load generator, its page; and that its peers do the same work as Baton."""

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks import figures, report
from tests.benchmarks.load import closed_loop, open_loop
from tests.benchmarks.setting import SIZES

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "latest.json"
RATES = {
    "drain": ("baton", "plain_nameko", "faststream", "bare"),
    "acceptance": ("baton", "plain_flask", "pgbench"),
    "scale_out": ("replicas_1", "replicas_2", "replicas_4"),
    "start": ("first_seconds", "again_seconds", "with_demonstration_data_seconds"),
}
REQUEST = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"done")

    def log_message(self, *_arguments: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_contestants_take_turns() -> None:
    turns: list[str] = []

    def contestant(name: str) -> Any:
        return lambda: float(len(turns) if not turns.append(name) else 0)  # type: ignore[func-returns-value]

    measured = figures.interleaved({"a": contestant("a"), "b": contestant("b")}, 2)
    assert turns == ["a", "b", "a", "b"]
    assert measured == {"a": [1, 3], "b": [2, 4]}


def test_a_ratio_is_the_median_of_the_rounds_own_ratios() -> None:
    measured = {"one": [10.0, 100.0, 30.0], "other": [5.0, 10.0, 10.0]}
    assert figures.ratio(measured, "one", "other") == 3.0
    assert figures.medians(measured) == {"one": 30.0, "other": 10.0}
    assert figures.spreads(measured)["one"] == [10.0, 100]


def test_percentiles_are_of_the_whole_distribution() -> None:
    shown = figures.milliseconds(number / 1000 for number in range(1000))
    assert (shown["p50_ms"], shown["p99_ms"], shown["max_ms"], shown["number"]) == (500, 990, 999, 1000)


def test_in_a_closed_loop_each_connection_goes_on_until_the_time_is_over(url: str) -> None:
    load = closed_loop(url, iter(lambda: REQUEST, None), connections=2, seconds=0.1)
    load.require_all_accepted()
    assert load.accepted >= 2
    assert {answer.body for answer in load.answers} == {b"done"}
    assert all(answer.answered > answer.due for answer in load.answers)


def test_in_an_open_loop_the_schedule_does_not_wait_for_answers(url: str) -> None:
    load = open_loop(url, iter(lambda: REQUEST, None), connections=1, rate=1000, number=20)
    due = sorted(answer.due for answer in load.answers)
    assert len(due) == 20
    assert due[-1] - due[0] == pytest.approx(0.019)


def test_the_published_figures_have_their_form() -> None:
    results = json.loads(RESULTS.read_text())
    assert results["machine"]["size"] in SIZES
    for part, names in RATES.items():
        for name in names:
            least, most = results[part]["spread"][name]
            assert 0 < least <= results[part][name] <= most, (part, name)
    loads = [value for name, value in results["latency"].items() if name.startswith("at_")]
    assert loads
    for at in loads:
        assert 0 < at["p50_ms"] <= at["p95_ms"] <= at["p99_ms"] <= at["p99_9_ms"] <= at["max_ms"]
    assert results["growth"]["tasks"] == sorted(results["growth"]["tasks"])
    assert results["memory"]["idle"].keys() == results["memory"]["under_load"].keys()


def test_the_published_page_tells_the_published_figures() -> None:
    assert RESULTS.with_name("README.md").read_text() == report.page(json.loads(RESULTS.read_text()))
