"""What surrounds every answer: request id, security headers, health, metrics, the access line."""

import logging
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from shared.observability.logs import configure_logs
from tests.support.notebook import Notebook, happenings, notebook

PATHS = [
    "/health/live",
    "/health/ready",
    "/metrics",
    "/openapi.json",
    "/docs",
    "/docs/assets/docs.js",
    "/no",
    "/notes",
]


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Notebook]:
    with notebook(f"sqlite:///{tmp_path}/notebook.sqlite3") as opened:
        yield opened


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """What is logged, with logging put back as it was."""
    root, written = logging.getLogger(), StringIO()
    handlers, level = root.handlers, root.level
    configure_logs("notebook", stream=written)
    yield written
    logging.captureWarnings(False)
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def logged(lines: StringIO) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_security_headers(book: Notebook, path: str) -> None:
    with book.http.get(path) as response:
        headers = response.headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Content-Security-Policy"].startswith("default-src 'self';")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Request-Id"]


def test_answers_of_the_api_are_not_stored_by_anybody(book: Notebook) -> None:
    assert book.read("/notes").headers["Cache-Control"] == "no-store"


def test_a_well_formed_request_id_is_taken_over(book: Notebook) -> None:
    response = book.http.get("/no", headers={"X-Request-Id": "a-request.0:1_2"})
    assert response.headers["X-Request-Id"] == response.json["request_id"] == "a-request.0:1_2"


@pytest.mark.parametrize("given", ["", "short", "x" * 101, "with space in it", "with/slash", "430899199001011234"])
def test_any_other_request_id_is_replaced(book: Notebook, given: str) -> None:
    first = book.http.get("/no", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    second = book.http.get("/no", headers={"X-Request-Id": given}).headers["X-Request-Id"]
    assert len({given, first, second}) == 3


def test_a_live_service_says_so(book: Notebook) -> None:
    response = book.http.get("/health/live")
    assert (response.status_code, response.json) == (200, {"status": "live"})


def test_a_service_is_ready_when_no_probe_complains(tmp_path: Path) -> None:
    with notebook(f"sqlite:///{tmp_path}/n.sqlite3", probes={"database": lambda: None}) as book:
        response = book.http.get("/health/ready")
    assert (response.status_code, response.json) == (200, {"status": "ready", "wrong": {}})


def test_a_service_that_is_not_ready_says_why(tmp_path: Path) -> None:
    def broken() -> str | None:
        raise ConnectionError("10.0.0.1 refused")

    probes = {"database": lambda: None, "broker": lambda: "blocked by an alarm", "disk": broken}
    with notebook(f"sqlite:///{tmp_path}/n.sqlite3", probes=probes) as book:
        response = book.http.get("/health/ready")
    assert response.status_code == 503
    wrong = {"broker": "blocked by an alarm", "disk": "could not be asked: ConnectionError"}
    assert response.json == {"status": "not ready", "wrong": wrong}


def test_requests_are_counted_by_route_template_and_class_of_status(book: Notebook) -> None:
    path = book.write({"text": "a"}).headers["Location"]
    for _ in range(2):
        book.read(path)
    book.read("/notes/00000000-0000-7000-8000-000000000000")
    book.http.get("/nowhere/430899199001011234")
    book.http.open("/notes", method="BREW")
    exposition = book.http.get("/metrics").get_data(as_text=True)
    for line in (
        'baton_http_requests_total{method="GET",route="/notes/<uuid:note_id>",status="2xx"} 2.0',
        'baton_http_requests_total{method="GET",route="/notes/<uuid:note_id>",status="4xx"} 1.0',
        'baton_http_requests_total{method="POST",route="/notes",status="2xx"} 1.0',
        'baton_http_requests_total{method="GET",route="unmatched",status="4xx"} 1.0',
        'baton_http_requests_total{method="OTHER",route="unmatched",status="4xx"} 1.0',
        'baton_http_request_duration_seconds_count{method="POST",route="/notes",status="2xx"} 1.0',
    ):
        assert line in exposition
    assert path.rsplit("/", 1)[1] not in exposition
    assert "430899" not in exposition


def test_each_request_has_one_access_line_without_path_or_query(book: Notebook, lines: StringIO) -> None:
    path = book.write({"text": "张三 13800138000"}).headers["Location"]
    book.read(f"{path}?name=secret")
    book.http.get("/metrics")
    book.http.get("/health/live")
    access = [line for line in logged(lines) if line["event"] == "request"]
    assert [(line["method"], line["route"], line["status"]) for line in access] == [
        ("POST", "/notes", 201),
        ("GET", "/notes/<uuid:note_id>", 200),
    ]
    assert all(line["ms"] >= 0 and line["service"] == "notebook" and line["request_id"] for line in access)
    assert not re.search("secret|13800138000|张三|" + path.rsplit("/", 1)[1], lines.getvalue())


def test_a_fault_is_logged_with_its_stack_and_request_id_and_no_personal_data(book: Notebook, lines: StringIO) -> None:
    def fail(_work: Any) -> None:
        raise RuntimeError("no place for 李四 430899199001011234 at 13800138000")

    happenings["a"] = fail
    response = book.write({"text": "a"})
    (fault,) = [line for line in logged(lines) if line["level"] == "error"]
    assert fault["event"] == "request.failed"
    assert fault["request_id"] == response.headers["X-Request-Id"]
    assert "Traceback" in fault["exception"]
    assert "in fail" in fault["exception"]
    assert not re.search("李四|430899199001011234|13800138000", lines.getvalue())


def test_one_request_leaves_nothing_of_itself_to_the_next(book: Notebook, lines: StringIO) -> None:
    book.http.get("/no", headers={"X-Request-Id": "request-0001"})
    book.http.get("/no")
    assert [line["request_id"] == "request-0001" for line in logged(lines)] == [True, False]


def test_the_documentation_page_has_no_inline_script_and_no_other_host(book: Notebook) -> None:
    with book.http.get("/docs") as response:
        page = response.get_data(as_text=True)
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page) == ["", ""]
    assert not re.search(r"style=|\bon\w+=|//", page)
    with book.http.get("/docs/assets/docs.js") as script:
        assert script.mimetype == "text/javascript"
        assert "validatorUrl: null" in script.get_data(as_text=True)


def test_installed_page_assets_are_served_and_nothing_else(tmp_path: Path) -> None:
    swagger = tmp_path / "assets" / "swagger-ui-dist"
    swagger.mkdir(parents=True)
    (swagger / "swagger-ui.css").write_text("body {}")
    (swagger / "package.json").write_text("{}")
    with notebook(f"sqlite:///{tmp_path}/n.sqlite3", assets=tmp_path / "assets") as book:
        with book.http.get("/docs/assets/swagger-ui.css") as css:
            assert (css.status_code, css.get_data()) == (200, b"body {}")
            assert "max-age" in css.headers["Cache-Control"]
        for path in ("package.json", "swagger-ui-bundle.js", "..%2fpackage.json", "../app.py"):
            assert book.http.get(f"/docs/assets/{path}").status_code == 404


def test_two_applications_of_one_process_share_no_metrics(tmp_path: Path) -> None:
    with (
        notebook(f"sqlite:///{tmp_path}/1.sqlite3") as one,
        notebook(f"sqlite:///{tmp_path}/2.sqlite3") as two,
    ):
        one.http.get("/no")
        assert "unmatched" not in two.http.get("/metrics").get_data(as_text=True)
