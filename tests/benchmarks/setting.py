"""Where and how large a run is: private servers, a folder, and the size that was asked for."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.local.broker import PrivateBroker
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import ROOT
from shared.web.tokens import create_keys

PEERS_PYTHON = ROOT / "build" / "bench" / "env" / "bin" / "python"


@dataclass(frozen=True)
class Size:
    """How much of everything. Rates come from many messages of the fast and fewer of the slow."""

    rounds: int
    backlog: int  # messages, for Baton and for the limit
    slow_backlog: int  # messages, for who takes one at a time
    accept_seconds: float
    latency_seconds: float
    rates: tuple[int, ...]  # releases a second
    history: tuple[int, ...]  # tasks in the database
    import_rows: int  # of a spreadsheet


SIZES = {
    "tiny": Size(1, 1_000, 300, 1, 2, (20,), (1_000,), 500),
    "quick": Size(1, 10_000, 2_000, 3, 8, (10, 100), (10_000, 100_000), 10_000),
    "default": Size(3, 20_000, 3_000, 5, 15, (10, 100, 300), (10_000, 1_000_000), 10_000),
    "full": Size(5, 40_000, 5_000, 10, 60, (10, 100, 300), (10_000, 1_000_000, 10_000_000), 20_000),
}


@dataclass(frozen=True)
class Setting:
    """What every part is given."""

    broker: PrivateBroker
    postgres: PrivatePostgres
    folder: Path
    size: Size

    def service_environment(self, database_url: str) -> dict[str, str]:
        """The environment of a service's process."""
        keys = self.folder / "keys"
        create_keys(keys / "private.jwk", keys / "public.jwks")
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "AMQP_URI": self.broker.uri,
            "DATABASE_URL": database_url,
            "TOKEN_JWKS": str(keys / "public.jwks"),
            "RATE_LIMIT": "1000000/second",  # counted as always, and never reached by the one client that asks
        }

    @contextmanager
    def peer(self, module: str, *arguments: str, python: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """A peer's process, from its start to its end."""
        command = [str(python or sys.executable), "-m", f"tests.benchmarks.peers.{module}", *arguments]
        with self.running(command, module) as process:
            yield process

    @contextmanager
    def running(self, command: Sequence[str], name: str) -> Iterator[subprocess.Popen[bytes]]:
        """A process with its log, ended at the end."""
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log)
            try:
                yield process
            finally:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def plain_url(url: str) -> str:
    """A database URL as libpq and asyncpg read it."""
    return url.replace("postgresql+psycopg2://", "postgresql://")
