"""A process that works on imports and is killed in the middle of a step: ``python -m tests.support.killed_import``.

Its arguments are the database's address, the moment at which it believes to be, and how many steps it finishes before.
"""

import os
import signal
import sys
from datetime import datetime
from typing import Any

from services.drug_testing.importing import RESULTS
from services.drug_testing.service import SERVICE
from shared.importing import jobs
from shared.kernel.clock import FixedClock
from shared.storage.engine import Storage

ROWS = 4  # in a step


def main(url: str, now: str, steps: str) -> None:
    """Work until killed: everything of the last step is written, and not committed."""
    clock = FixedClock(datetime.fromisoformat(now))
    storage: Storage[Any] = Storage(service=SERVICE.name, url=url, work=SERVICE.work, clock=clock)
    jobs.APPLY_AT_ONCE = ROWS
    for _ in range(int(steps)):
        with storage.work() as work:
            jobs.advance(RESULTS, work)
    with storage.work() as work:
        jobs.advance(RESULTS, work)
        work.flush()
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main(*sys.argv[1:])
