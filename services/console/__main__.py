"""``python -m services.console`` serves the console until SIGTERM or SIGINT."""

import logging
import os
import signal
import sys
import time

import structlog
from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from services.console.app import create_console
from services.console.settings import ConfigurationError, Settings, load_settings
from shared.observability.logs import configure_logs
from shared.web.serving import serve

RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


def main() -> int:
    """The command line."""
    try:
        settings = load_settings(os.environ)
    except ConfigurationError as error:
        print(f"configuration: {error}", file=sys.stderr)
        return 2
    configure_logs("console", os.environ.get("LOG_LEVEL", "INFO"))
    logging.getLogger("authlib").setLevel(logging.INFO)  # below that it writes secrets
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    app = _create(settings)
    log.info("service.started", port=settings.port)
    serve(app, settings.host, settings.port)
    return 0


def _create(settings: Settings) -> Flask:
    """The application, once its database is there."""
    while True:
        try:
            return create_console(settings)
        except SQLAlchemyError as trouble:
            log.warning("service.waiting", what="database", cause=type(trouble).__name__)
            time.sleep(RETRY_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
