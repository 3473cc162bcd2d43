"""Structured logs: one JSON object a line, from structlog and from the standard library alike.

Whatever way a line comes, it passes `redaction` last.
"""

import logging
import sys
from typing import Any, TextIO

import orjson
import structlog

from shared.observability.redaction import redact_event

# Libraries that tell every statement, frame or request at INFO, some of them with its values.
_NOISY = ("nameko", "amqp", "kombu", "alembic", "httpx", "httpcore", "waitress", "werkzeug", "sqlalchemy")


def configure_logs(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up logging for the process, to standard output unless told otherwise. Call once, at start."""
    first: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _with_service(service),
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        redact_event,
        _render,
    ]
    structlog.configure(
        processors=[*first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=first, processors=last))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)


def _with_service(service: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        event["service"] = service
        return event

    return add


def _render(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    return orjson.dumps(event, default=str).decode()
