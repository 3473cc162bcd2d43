"""From ``make run`` to ready, with everything installed: a private RabbitMQ node, SQLite, all services, the console."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from deploy.local.ports import free_port
from deploy.local.stack import ROOT
from shared.runtime.settings import DEFAULT_PORTS
from tests.benchmarks.figures import interleaved, medians, spreads
from tests.benchmarks.setting import Setting

DEADLINE_SECONDS = 180
MOST_ROUNDS = 2


def run(setting: Setting) -> dict[str, Any]:
    """Seconds, first with an empty data folder and then with what that left."""
    rounds = min(setting.size.rounds, MOST_ROUNDS)
    folders = [setting.folder / f"data_{number}" for number in range(rounds)]
    first, again = iter(folders), iter(folders)
    figures = interleaved(
        {
            "first_seconds": lambda: _seconds_to_ready(next(first), demo=False),
            "again_seconds": lambda: _seconds_to_ready(next(again), demo=False),
            "with_demonstration_data_seconds": partial(_seconds_to_ready, setting.folder / "demo", demo=True),
        },
        rounds,
    )
    return {**medians(figures), "spread": spreads(figures), "unit": "seconds from `make run` to its line `ready`"}


def _seconds_to_ready(folder: Path, *, demo: bool) -> float:
    ports = {f"{name.upper()}_PORT": str(free_port()) for name in DEFAULT_PORTS}
    environment = {**os.environ, **ports, "BATON_DATA": str(folder), "BATON_DEMO": "1" if demo else "0"}
    environment = {name: value for name, value in environment.items() if name not in ("AMQP_URI", "DATABASE_URL")}
    began = time.monotonic()
    command = [sys.executable, "-u", "-m", "deploy.local.run"]
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if line.strip() == "ready":
                return time.monotonic() - began
        raise RuntimeError("`make run` ended before it was ready")
    finally:
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        process.wait(DEADLINE_SECONDS)
