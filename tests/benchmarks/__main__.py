"""Run the benchmarks: all, or the ones named (``make bench ONLY=drain``). Writes ``docs/benchmarks/latest.json``."""

import json
import os
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from tests.benchmarks import drain, latency

RESULTS = Path(__file__).parents[2] / "docs" / "benchmarks" / "latest.json"
PARTS = {"drain": drain.run, "latency": latency.run}


def main(names: list[str]) -> int:
    """The command line."""
    unknown = set(names) - set(PARTS)
    if unknown:
        print(f"no benchmark called {', '.join(unknown)}; there are {', '.join(PARTS)}")
        return 2
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() and names else {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with PrivateBroker(folder / "rabbitmq") as broker, PrivatePostgres(folder / "postgres") as postgres:
            results["machine"] = _machine(broker)
            for part in names or PARTS:
                results[part] = PARTS[part](broker, postgres, folder / part)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))
    return 0


def _machine(broker: PrivateBroker) -> dict[str, Any]:
    return {
        "measured_on": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "rabbitmq": broker.rabbitmqctl("version").strip(),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
