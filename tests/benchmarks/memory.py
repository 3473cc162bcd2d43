"""Memory of each process: its proportional share (PSS) where the system tells it, else what is resident (RSS)."""

import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from tests.benchmarks.figures import rounded
from tests.benchmarks.latency import Bench
from tests.benchmarks.setting import Setting
from tests.support.platform import RunningPlatform, running_platform

SETTLE_SECONDS = 5
LOAD_A_SECOND = 50


def run(setting: Setting) -> dict[str, Any]:
    """Megabytes of each service, idle and at most under load."""
    url = setting.postgres.create_database("memory")
    with running_platform(setting.folder, amqp_uri=setting.broker.uri, database_url=url) as running:
        bench = Bench(setting, running, url)
        time.sleep(SETTLE_SECONDS)
        idle = _megabytes(running)
        most = dict(idle)
        number = max(50, round(LOAD_A_SECOND * setting.size.latency_seconds))
        load = threading.Thread(target=bench.measure, args=(LOAD_A_SECOND, number))
        load.start()
        while load.is_alive():
            most = {name: max(most[name], now) for name, now in _megabytes(running).items()}
            load.join(0.5)
    return {
        "idle": {name: rounded(value) for name, value in idle.items()},
        "under_load": {name: rounded(value) for name, value in most.items()},
        "total_idle": rounded(sum(idle.values())),
        "how": f"idle: {SETTLE_SECONDS} s after the start; under load: at most, at {LOAD_A_SECOND} releases a second",
        "unit": "megabytes, PSS on Linux",
    }


def _megabytes(running: RunningPlatform) -> dict[str, float]:
    return {name: _kilobytes(process.pid) / 1000 for name, process in running.stack.processes.items()}


def _kilobytes(pid: int) -> int:
    told = Path(f"/proc/{pid}/smaps_rollup")
    if not told.exists():
        return int(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout)
    return next(int(line.split()[1]) for line in told.read_text().splitlines() if line.startswith("Pss:"))
