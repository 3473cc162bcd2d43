"""One JSON object a line, from structlog and from the standard library alike, and nothing personal in it."""

import ast
import logging
import sys
import warnings
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog

from shared.observability.logs import configure_logs
from shared.observability.redaction import ALLOWED_KEYS

ROOT = Path(__file__).parents[2]
LEVELS = {"debug", "info", "warning", "error", "exception", "critical"}


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
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


def only_line(lines: StringIO) -> dict[str, Any]:
    (line,) = lines.getvalue().splitlines()
    found: dict[str, Any] = orjson.loads(line)
    return found


def test_a_line_says_when_where_how_grave_and_what(lines: StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="request-0001")
    structlog.get_logger("relay").warning("relay.waiting", cause="OSError", seconds=0.5)
    line = only_line(lines)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "level": "warning",
        "event": "relay.waiting",
        "service": "notebook",
        "logger": "relay",
        "request_id": "request-0001",
        "cause": "OSError",
        "seconds": 0.5,
    }


def test_the_standard_library_writes_the_same_lines(lines: StringIO) -> None:
    structlog.contextvars.bind_contextvars(request_id="request-0001")
    logging.getLogger("kombu").warning("lost %s after %d s", "connection", 3)
    line = only_line(lines)
    assert line.pop("timestamp")
    assert line == {
        "level": "warning",
        "event": "lost connection after 3 s",
        "service": "notebook",
        "logger": "kombu",
        "request_id": "request-0001",
    }


def test_what_others_say_at_length_is_left_out(lines: StringIO) -> None:
    for name in ("sqlalchemy.engine", "nameko.containers", "amqp", "werkzeug"):
        logging.getLogger(name).info("insert into person values ('Ahmad Khan')")
    structlog.get_logger("x").debug("too small")
    assert lines.getvalue() == ""


@pytest.mark.parametrize("library", [True, False])
def test_an_exception_is_told_with_its_stack_and_without_personal_data(lines: StringIO, library: bool) -> None:
    logger: Any = logging.getLogger("kombu") if library else structlog.get_logger("relay")
    try:
        try:
            raise ValueError("张三 430899199001011234")
        except ValueError as error:
            raise RuntimeError("call 13800138000, amqp://baton:s3cret@host//") from error
    except RuntimeError:
        logger.exception("failed for 李四")
    line = only_line(lines)
    assert line["level"] == "error"
    assert line["exception"].startswith("Traceback")
    assert "ValueError: [redacted] [redacted]" in line["exception"]
    assert "amqp://[redacted]@host//" in line["exception"]
    assert "test_observability_logs.py" in line["exception"]
    for personal in ("张三", "430899", "13800138000", "s3cret", "李四"):
        assert personal not in lines.getvalue()


def test_text_under_a_key_that_nobody_vouched_for_is_withheld(lines: StringIO) -> None:
    structlog.get_logger("x").info("person.seen", full_name="Ahmad Khan", note="lives in Yongding")
    line = only_line(lines)
    assert (line["full_name"], line["note"]) == ("[withheld]", "[withheld]")


def test_a_warning_of_python_is_a_line_too(lines: StringIO) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)  # whatever an earlier test left
        logging.captureWarnings(True)
        warnings.warn("something is old", stacklevel=1)
    assert "something is old" in only_line(lines)["event"]


def test_lines_go_to_standard_output_unless_told_otherwise(lines: StringIO) -> None:
    configure_logs("notebook")
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    assert handler.stream is sys.stdout


def test_the_level_is_kept(lines: StringIO) -> None:
    configure_logs("notebook", "ERROR", lines)
    structlog.get_logger("x").warning("left out")
    logging.getLogger("x").warning("left out")
    structlog.get_logger("x").error("kept")
    assert only_line(lines)["event"] == "kept"


def test_every_key_that_the_code_logs_text_under_is_vouched_for() -> None:
    """A key that is missing in ALLOWED_KEYS would have its text withheld; numbers need no entry."""
    numbers = {"seconds", "ms", "port", "returned", "refused", "exc_info"}
    unknown = {
        f"{source.relative_to(ROOT)}:{call.lineno} {keyword.arg}"
        for folder in ("shared", "services")
        for source in (ROOT / folder).rglob("*.py")
        for call in _log_calls(source)
        for keyword in call.keywords
        if keyword.arg not in ALLOWED_KEYS | numbers
    }
    assert unknown == set()


def _log_calls(source: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source.read_text())):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id="log" | "logger"), attr=level)) if level in LEVELS:
                yield node
