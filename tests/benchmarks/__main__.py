"""Run the benchmarks: all, or the ones named (``make bench ONLY=drain SIZE=quick``).

Writes ``docs/benchmarks/latest.json``, the readable table and the plots beside it.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from tests.benchmarks import (
    acceptance,
    drain,
    growth,
    importing,
    latency,
    memory,
    officer_page,
    report,
    scale_out,
    start,
)
from tests.benchmarks.setting import PEERS_PYTHON, SIZES, Setting

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "latest.json"
PARTS = {
    "drain": drain.run,
    "acceptance": acceptance.run,
    "latency": latency.run,
    "growth": growth.run,
    "officer_page": officer_page.run,
    "scale_out": scale_out.run,
    "memory": memory.run,
    "start": start.run,
    "import": importing.run,
}


def main(names: list[str], size: str, results_path: Path = RESULTS) -> int:
    """The command line."""
    unknown = set(names) - set(PARTS)
    if unknown or size not in SIZES:
        print(f"parts: {', '.join(PARTS)}; sizes: {', '.join(SIZES)}")
        return 2
    results: dict[str, Any] = json.loads(results_path.read_text()) if results_path.exists() and names else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with PrivateBroker(folder / "rabbitmq") as broker, PrivatePostgres(folder / "postgres") as postgres:
            for part in names or PARTS:
                print(part, flush=True)
                (folder / part).mkdir()
                load = round(os.getloadavg()[0], 1)
                results[part] = PARTS[part](Setting(broker, postgres, folder / part, SIZES[size]))
                results[part]["measured"] = {"size": size, "load_before": load}
            results["machine"] = _machine(broker, size)
    write(results, results_path)
    print(json.dumps(results))
    return 0


def write(results: dict[str, Any], results_path: Path) -> None:
    """The results, the page that tells them, and its plots."""
    results_path.parent.mkdir(parents=True, exist_ok=True)
    results_path.write_text(json.dumps(results, indent=1) + "\n")
    (results_path.parent / "README.md").write_text(report.page(results))
    plots = Path(__file__).with_name("plots.py")
    subprocess.run([str(PEERS_PYTHON), str(plots), str(results_path), str(results_path.parent)], check=True)


def _machine(broker: PrivateBroker, size: str) -> dict[str, Any]:
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "size": size,
        "cores": os.cpu_count(),
        "load_average": [round(load, 1) for load in os.getloadavg()],
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rabbitmq": broker.rabbitmqctl("version").strip(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ.get("SIZE", "default")))
