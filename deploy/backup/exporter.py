"""How old the backups are, for Prometheus: ``python -m deploy.backup.exporter FOLDER…``, one for each server.

It looks at what lies in the folders, as `backup.sh` leaves it, and believes nobody's word. A backup that is not there
is infinitely old. The label is the folder's name.
"""

import os
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Event

from prometheus_client import CollectorRegistry, Gauge, start_http_server

NEVER = float("inf")
FORM = "%Y%m%dT%H%M%SZ"


def base_age(folder: Path) -> float:
    """Seconds since the newest base backup was complete and verified."""
    now = time.time()
    ages = (now - moment for path in folder.glob("*/base/*") if (moment := _moment(path.name)) is not None)
    return min(ages, default=NEVER)


def received_age(folder: Path) -> float:
    """Seconds since the last moment up to which the whole write-ahead log is in the backup."""
    now = time.time()
    return min((now - path.stat().st_mtime for path in folder.glob("*/received")), default=NEVER)


def registry(folders: Sequence[Path]) -> CollectorRegistry:
    """Gauges that look each time that they are asked."""
    made = CollectorRegistry()
    base = Gauge(
        "baton_backup_base_age_seconds", "Since the newest verified base backup", labelnames=("server",), registry=made
    )
    received = Gauge(
        "baton_backup_received_age_seconds",
        "Since the moment up to which the write-ahead log is backed up",
        labelnames=("server",),
        registry=made,
    )
    for folder in folders:
        base.labels(folder.name).set_function(partial(base_age, folder))
        received.labels(folder.name).set_function(partial(received_age, folder))
    return made


def main(arguments: Sequence[str]) -> int:
    """Answer until ended."""
    start_http_server(int(os.environ.get("HTTP_PORT", "8000")), registry=registry([Path(one) for one in arguments]))
    Event().wait()
    return 0


def _moment(name: str) -> float | None:
    try:
        return datetime.strptime(name, FORM).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
