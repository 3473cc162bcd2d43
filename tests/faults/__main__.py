"""``make faults``: RELEASES, FAULTS, SEED, MINUTES, DATABASE (postgres or sqlite) and BROKER (single or cluster) choose
the run. The last line is JSON; exit status 1 when a promise is broken.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom

from deploy.local.broker import PrivateBroker
from deploy.local.cluster import PrivateCluster
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import ROOT, SERVICES
from shared.observability.logs import configure_logs
from tests.faults.plan import plan, weights
from tests.faults.run import Result, Size, run
from tests.faults.servers import Database, Rabbit
from tests.faults.world import PROCESSES

SECONDS_A_FAULT = 3.0


class WrongVariable(Exception):
    """A variable cannot be understood; the text names it."""


@dataclass(frozen=True)
class Choice:
    """What the environment's variables choose."""

    size: Size
    faults: int
    database: str
    broker: str

    @classmethod
    def of(cls, env: Mapping[str, str]) -> "Choice":
        """From the environment.

        Raises: WrongVariable.
        """
        faults = _number(env, "FAULTS", 20)
        minutes = float(env.get("MINUTES") or faults * SECONDS_A_FAULT / 60)
        seed = _number(env, "SEED", SystemRandom().randrange(1_000_000))
        return cls(
            Size(seed, _number(env, "RELEASES", 1000), max(10.0, minutes * 60)),
            faults,
            _one_of(env, "DATABASE", ("postgres", "sqlite")),
            _one_of(env, "BROKER", ("single", "cluster")),
        )


def main() -> int:
    """From the environment's variables."""
    configure_logs("faults", "ERROR")
    try:
        choice = Choice.of(os.environ)
    except (WrongVariable, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    seed = choice.size.seed
    print(f"faults on {choice.database}, broker {choice.broker}, SEED={seed}", flush=True)
    folder = ROOT / "build" / "faults" / str(seed)
    shutil.rmtree(folder, ignore_errors=True)
    with _servers(choice) as (rabbit, database):
        kinds = weights(postgres=choice.database == "postgres", cluster=choice.broker == "cluster")
        planned = plan(seed, faults=choice.faults, seconds=choice.size.seconds, processes=PROCESSES, kinds=kinds)
        result = run(folder, choice.size, planned, rabbit=rabbit, database=database, say=_say)
    return _report(result, choice, folder)


def _report(result: Result, choice: Choice, folder: Path) -> int:
    for remark in result.remarks:
        print("!", remark)
    for complaint in result.complaints():
        print("✗", complaint)
    print("✓ every promise was kept" if result.kept else f"✗ see {folder.relative_to(ROOT)}")
    figures = {**result.figures, "database": choice.database, "broker": choice.broker, "kept": result.kept}
    print(json.dumps(figures), flush=True)
    return 0 if result.kept else 1


def _say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def _servers(choice: Choice) -> Iterator[tuple[Rabbit, Database]]:
    """Private servers in a folder with a short path that an unprivileged process may enter."""
    folder = Path(tempfile.mkdtemp(prefix="baton-faults-"))
    folder.chmod(0o755)
    with ExitStack() as opened:
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        where = _broker(choice, folder / "rabbitmq")
        opened.enter_context(where)
        postgres = None
        if choice.database == "postgres":
            postgres = opened.enter_context(PrivatePostgres(folder / "postgres"))
            urls = dict.fromkeys(SERVICES, postgres.create_database("faults"))
        else:
            urls = {service: f"sqlite:///{folder}/{service}/{service}.sqlite3" for service in SERVICES}
        yield Rabbit(where, "faults"), Database(postgres, urls)


def _broker(choice: Choice, folder: Path) -> PrivateBroker | PrivateCluster:
    return PrivateCluster(folder, name="faults") if choice.broker == "cluster" else PrivateBroker(folder, name="faults")


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name) or str(default)
    if not text.isdecimal():
        raise WrongVariable(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _one_of(env: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    chosen = env.get(name) or choices[0]
    if chosen not in choices:
        raise WrongVariable(f"{name} must be {' or '.join(choices)}, not {chosen!r}")
    return chosen


if __name__ == "__main__":
    sys.exit(main())
