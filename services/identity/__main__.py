"""``python -m services.identity`` serves the provider until SIGTERM or SIGINT; ``… rotate-keys`` changes its key.

It is hosted by threads and not by `shared.runtime`: it says and hears no events, so it needs no broker, and people can
sign in while the broker is away. Its database, migrations, audit and timers are those of every service.
"""

import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

import structlog
from sqlalchemy.exc import SQLAlchemyError

from services.identity.app import create_provider
from services.identity.service import SERVICE
from services.identity.settings import load_provider_settings
from services.identity.store import Work
from shared.audit.anchors import AnchorSigner
from shared.observability.logs import configure_logs
from shared.observability.metrics import Metrics
from shared.runtime.settings import ConfigurationError, Settings, load_settings
from shared.runtime.timers import TimerLoop
from shared.runtime.version import tell_version
from shared.service import audit_timers, measuring_timers, retention_timers
from shared.storage.compatibility import OldCodeRuns, SchemaTooNew
from shared.storage.engine import Storage
from shared.storage.migrations import bring_up
from shared.web.serving import serve as serve_by_threads
from shared.web.tokens import rotate_keys

RETRY_SECONDS = 1.0

log = structlog.get_logger(__name__)


def main(arguments: list[str]) -> int:
    """The command line."""
    if arguments == ["rotate-keys"]:
        rotate_keys(Path(os.environ["TOKEN_PRIVATE_JWK"]), Path(os.environ["TOKEN_JWKS"]))
        return 0
    if arguments:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        serve(load_settings(SERVICE.name))
    except (ConfigurationError, ValueError, KeyError, TypeError) as error:
        print(f"configuration: {error}", file=sys.stderr)
        return 2
    except SchemaTooNew as error:
        log.error("service.schema_too_new", cause=str(error))
        return 1
    return 0


def serve(settings: Settings) -> None:
    """Until a signal.

    Raises: ConfigurationError; ValueError, KeyError, TypeError when the accounts file is none.
    """
    configure_logs(SERVICE.name, settings.log_level)
    logging.getLogger("authlib").setLevel(logging.INFO)  # below that it writes tokens
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    provider_settings = load_provider_settings()
    metrics = Metrics()
    storage: Storage[Work] = Storage(service=SERVICE.name, url=settings.database_url, work=Work)
    app = create_provider(provider_settings, storage, metrics, rate_limit=settings.rate_limit)
    _migrate(storage, metrics)
    signer = AnchorSigner.from_file(settings.audit_key) if settings.audit_key else None
    measured, kept = measuring_timers(SERVICE, metrics), retention_timers(settings.retention, metrics)
    chassis = (*measured, *kept, *audit_timers(signer))
    timers = (*SERVICE.timers, *chassis)
    loop = TimerLoop(storage, timers, metrics)
    ticking = threading.Thread(target=loop.run, name="timers", daemon=True)
    ticking.start()
    log.info("service.started", port=settings.http_port)
    try:
        serve_by_threads(app, settings.http_host, settings.http_port)
    finally:
        loop.stop()
        ticking.join(5)
        storage.dispose()


def _migrate(storage: Storage[Work], metrics: Metrics) -> None:
    while True:
        try:
            bring_up(storage.engine, SERVICE.name)
            return tell_version(metrics, storage.engine, SERVICE.name)
        except (SQLAlchemyError, OldCodeRuns) as trouble:
            log.warning("service.waiting", what="database", cause=type(trouble).__name__)
            time.sleep(RETRY_SECONDS)


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
