"""Structured logs: one JSON object a line on standard output, from structlog and from the standard library alike."""

import logging
import sys
from typing import Any

import orjson
import structlog

from shared.observability.redaction import redact_event


def configure_logs(service: str, level: str = "INFO") -> None:
    """Set up logging for the process. Call once, at start."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _with_service(service),
        redact_event,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for noisy in ("nameko", "amqp", "kombu", "alembic", "httpx", "waitress"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _with_service(service: str) -> Any:
    def add(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"service": service, **event}

    return add


def _render(_logger: Any, _method: str, event: dict[str, Any]) -> str:
    return orjson.dumps(event, default=str).decode()
