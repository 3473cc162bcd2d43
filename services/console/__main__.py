"""``python -m services.console`` serves the console until SIGTERM or SIGINT."""

import logging
import os
import signal
import sys

import structlog
import waitress

from services.console.app import create_console
from services.console.settings import ConfigurationError, load_settings
from shared.observability.logs import configure_logs

THREADS = 8


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
    structlog.get_logger(__name__).info("service.started", port=settings.port)
    waitress.serve(create_console(settings), host=settings.host, port=settings.port, threads=THREADS, ident=None)
    return 0


if __name__ == "__main__":
    sys.exit(main())
