"""Stepping aside: a service that nobody waits for leaves the processors to those that somebody waits for."""

import os
from pathlib import Path

import structlog

AUTOGROUP = Path("/proc/self/autogroup")  # Linux weighs sessions first, and processes only within theirs (sched(7))

log = structlog.get_logger(__name__)


def step_aside(niceness: int) -> None:
    """Take less of a busy processor by so many steps (0 to 19, see nice(1)). An idle one is used in full.

    Where the system does not let us, the service runs like every other.
    """
    if niceness == 0:
        return
    try:
        os.nice(niceness)
        if AUTOGROUP.exists():
            AUTOGROUP.write_text(str(niceness))
    except OSError as refused:
        log.info("service.priority_stays", cause=type(refused).__name__)
