"""From the POST of a release to its task being visible through the API, on an idle system."""

import statistics
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from deploy.local.accounts import CENTRE, OFFICE, OFFICE_TOWNSHIP
from deploy.local.broker import PrivateBroker
from deploy.local.client import Platform
from deploy.local.postgres import PrivatePostgres
from tests.support.platform import running_platform

ROUNDS, WARM_UP = 300, 20
PAUSE_SECONDS = 0.02
POLL_SECONDS = 0.004


def run(broker: PrivateBroker, postgres: PrivatePostgres, folder: Path) -> dict[str, Any]:
    """Percentiles in milliseconds."""
    url = postgres.create_database("latency")
    with running_platform(folder, amqp_uri=broker.uri, database_url=url) as running:
        platform = running.client("centre-system", "county", "station-system", "city")
        person = _prepare(platform)
        seconds = [_once(platform, person) for _ in range(WARM_UP + ROUNDS)][WARM_UP:]
    cuts = statistics.quantiles(seconds, n=100)
    return {
        "rounds": ROUNDS,
        "p50_ms": round(cuts[49] * 1000, 1),
        "p95_ms": round(cuts[94] * 1000, 1),
        "p99_ms": round(cuts[98] * 1000, 1),
        "max_ms": round(max(seconds) * 1000, 1),
        "unit": "milliseconds from POST /releases to the task in GET /tasks, idle system, PostgreSQL",
    }


def _prepare(platform: Platform) -> str:
    office = {"name": "office", "level": "township", "division": OFFICE_TOWNSHIP}
    platform.put("county", "community_handover", f"/offices/{OFFICE}", office)
    platform.put("county", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})
    body = {"identity_kind": "none", "full_name": "x", "sex": "male", "residence_division": OFFICE_TOWNSHIP}
    return str(platform.post("station-system", "person_registry", "/persons", body)["id"])


def _once(platform: Platform, person: str) -> float:
    body = {
        "person_id": person,
        "centre": CENTRE,
        "kind": "early_release",
        "release_at": (datetime.now(UTC) + timedelta(days=5)).isoformat(),
    }
    began = time.perf_counter()
    release = platform.post("centre-system", "release_notification", "/releases", body)["id"]
    while not platform.get("city", "community_handover", "/tasks", release_id=release)["items"]:
        time.sleep(POLL_SECONDS)
    took = time.perf_counter() - began
    time.sleep(PAUSE_SECONDS)
    return took
