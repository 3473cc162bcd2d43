"""More replicas of community_handover on one backlog. All share this machine's cores with the broker and PostgreSQL."""

import os
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

from shared.kernel.ids import new_id
from shared.messaging.topology import events_queue
from tests.benchmarks import backlog, drain
from tests.benchmarks.drain import SERVICE, handover_process
from tests.benchmarks.figures import interleaved, medians, ratio, spreads
from tests.benchmarks.setting import Setting

REPLICAS = (1, 2, 4)


def run(setting: Setting) -> dict[str, Any]:
    """Messages a second of all replicas together."""
    backlog.declare_topology(setting.broker)
    people = [new_id() for _ in range(drain.PEOPLE)]
    bodies = backlog.planned_releases(setting.size.backlog, people)

    def measure(replicas: int) -> float:
        url = setting.postgres.create_database("scale_out")
        engine, began_at = drain.prepare(url, people), datetime.now(UTC)
        try:
            with ExitStack() as processes:
                started = [
                    processes.enter_context(handover_process(setting, url, name=f"replica_{number}"))
                    for number in range(replicas)
                ]
                for process in started:
                    process.wait_ready(60)
                backlog.fill(setting.broker, events_queue(SERVICE), bodies)
                return drain.committed_rate(engine, len(bodies), began_at)
        finally:
            engine.dispose()
            setting.postgres.drop_database("scale_out")

    figures = interleaved({_name(n): partial(measure, n) for n in REPLICAS}, setting.size.rounds)
    return {
        **medians(figures),
        "spread": spreads(figures),
        **{f"times_one_with_{n}": ratio(figures, _name(n), _name(1)) for n in REPLICAS[1:]},
        "how": f"the replicas are ready and then the backlog is published, so its publisher works on the same"
        f" {os.cpu_count()} cores as the replicas, the broker and PostgreSQL",
        "unit": "messages a second of all replicas together",
    }


def _name(replicas: int) -> str:
    return f"replicas_{replicas}"
