"""``python -m tests.year.storage``: what a year leaves on PostgreSQL, into ``docs/benchmarks/storage.json``.

PEOPLE, INMATES and SEED choose the year, as for ``make year``. Growth is reckoned from this in
``docs/operations-kubernetes.md``.
"""

import json
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text

from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import ROOT, SERVICES
from shared.observability.logs import configure_logs
from tests.year.__main__ import play
from tests.year.city import VARIABLE

RESULT = ROOT / "docs" / "benchmarks" / "storage.json"
PASSING = ("outbox", "inbox", "idempotency", "suspect")  # kept for RETENTION_DAYS, or less


def left_by_a_year(people: int, inmates: int, seed: int) -> dict[str, Any]:
    """Live it on an empty server, and look at what is there then."""
    with tempfile.TemporaryDirectory(prefix="baton-servers-") as folder:
        Path(folder).chmod(0o755)  # the server's own user has to enter it
        with PrivatePostgres(Path(folder) / "postgres") as server:
            os.environ[VARIABLE] = server.create_database("year")
            engine = create_engine(os.environ[VARIABLE], isolation_level="AUTOCOMMIT")
            with engine.connect() as connection:
                before = connection.execute(text("select pg_current_wal_lsn()")).scalar_one()
                play(people, inmates, seed)
                told = figures(connection, str(before))
            engine.dispose()
    return {"people": people, "inmates": inmates, "seed": seed, **told}


def figures(connection: Connection, before: str) -> dict[str, Any]:
    """Events, and bytes for each of them."""
    connection.execute(text("vacuum analyze"))
    sizes: Counter[str] = Counter()
    for row in connection.execute(text("select relname, pg_total_relation_size(relid) size from pg_stat_user_tables")):
        sizes["passing" if row.relname in PASSING else "lasting"] += row.size
    logs = " union all ".join(f"select body from {name}.event_log where sequence is not null" for name in SERVICES)
    events = connection.execute(text(f"select count(*) n, avg(octet_length(body)) size from ({logs}) log")).one()
    wal = connection.execute(text("select pg_wal_lsn_diff(pg_current_wal_lsn(), :before)"), {"before": before}).scalar()
    return {
        "events": events.n,
        "event_bytes": round(events.size),
        "lasting_bytes_per_event": round(sizes["lasting"] / events.n),
        "passing_bytes_per_event": round(sizes["passing"] / events.n),
        "wal_bytes_per_event": round(float(wal or 0) / events.n),
        "unit": "bytes with indexes, all services together; an event is counted once, however many hear it",
    }


def main() -> int:
    """From the environment's variables."""
    configure_logs("year", "ERROR")
    chosen = {name: int(os.environ.get(name) or default) for name, default in _DEFAULTS.items()}
    told = left_by_a_year(chosen["PEOPLE"], chosen["INMATES"], chosen["SEED"])
    RESULT.write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(told, indent=1))
    return 0


_DEFAULTS = {"PEOPLE": 400, "INMATES": 80, "SEED": 1}

if __name__ == "__main__":
    sys.exit(main())
