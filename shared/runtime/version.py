"""Which code runs here: what tells one version from another when nobody gave it a name."""

import hashlib
from functools import cache
from pathlib import Path

from sqlalchemy import Engine

from shared.observability.metrics import Metrics
from shared.storage.migrations import code_of, schema_of

ROOT = Path(__file__).parents[2]
_LENGTH = 12


@cache
def fingerprint() -> str:
    """A digest of the platform's own code, the same for all services of a version."""
    digest = hashlib.sha256()
    for package in ("services", "shared"):
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.relative_to(ROOT).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:_LENGTH]


def tell_version(metrics: Metrics, engine: Engine, service: str) -> None:
    """Show in the metrics which code runs, and how far its migrations and the schema go."""
    metrics.build_info.labels(fingerprint(), code_of(service), schema_of(engine, service)).set(1)
