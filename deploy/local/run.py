"""``make run``: the whole platform on this machine, until Ctrl-C or SIGTERM.

Variables: ``AMQP_URI`` (if RabbitMQ answers there, else a private node), ``DATABASE_URL`` (PostgreSQL; else embedded
SQLite), ``BATON_DATA`` (default ``data``), ``CONSOLE_PORT`` and ``<SERVICE>_PORT``, ``BATON_DEMO=0`` (no
demonstration data). Whatever goes wrong is one line, and nothing is left running.
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy.local import assets
from deploy.local.accounts import ensure_accounts, table
from deploy.local.broker import BrokerFailed, PrivateBroker
from deploy.local.endpoints import Unusable, broker_answers, usable_database
from deploy.local.orphans import StillOwned
from deploy.local.ports import PortBusy, chosen_ports
from deploy.local.processes import NotReady
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES, Stack, end_orphans, logs
from deploy.local.supervisor import Charge, Supervisor
from deploy.local.system_packages import ProgramMissing
from shared.runtime.settings import DEFAULT_PORTS

LOCAL_BROKER = "amqp://guest:guest@localhost:5672//"
WATCH_SECONDS = 0.5


class CannotRun(Exception):
    """Why not, in one line."""


class Stop(BaseException):
    """Somebody wants us to stop. Not an error that anything on the way may handle."""


REASONS = (
    CannotRun,
    PortBusy,
    ProgramMissing,
    BrokerFailed,
    NotReady,
    StillOwned,
    Unusable,
    assets.AssetsFailed,
)


def main() -> int:
    """Run until told to stop; the exit status."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        with _only_one(_data_folder()) as folder:
            _run(folder)
    except Stop:
        say("stopped")
        return 0
    except REASONS as reason:
        say(f"cannot run: {reason}")
        return 1


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def _run(folder: Path) -> NoReturn:
    if end_orphans(folder):
        say("ended what a crashed run had left behind")
    ports = chosen_ports(os.environ, DEFAULT_PORTS)
    database_url = _database()
    say("page assets …")
    assets.install()
    password = ensure_accounts(folder)
    with _broker(folder) as (amqp_uri, node):
        say(f"services … (logs in {logs(folder)})")
        with _stopping(Stack(folder, amqp_uri=amqp_uri, database_url=database_url, ports=ports)) as stack:
            _seed(stack, password)
            say(f"\nconsole              http://localhost:{ports[CONSOLE]}")
            for name in (*SERVICES, IDENTITY):
                say(f"{name:<20} http://localhost:{ports[name]}/docs")
            say(f"\n{table(password)}\n")
            say("ready")
            _watch([*([node] if node else []), *stack.processes.values()])


@contextmanager
def _stopping(stack: Stack) -> Iterator[Stack]:
    with stack:
        try:
            yield stack
        finally:
            say("stopping …")


def _watch(charges: list[Charge]) -> NoReturn:
    supervisor = Supervisor(charges, say=say, failures=REASONS)
    while True:
        supervisor.look()
        time.sleep(WATCH_SECONDS)


def _seed(stack: Stack, password: str) -> None:
    if os.environ.get("BATON_DEMO", "1") == "0":
        return
    say("demonstration data …")
    env = stack.env | {"DEMO_PASSWORD": password}
    done = subprocess.run([sys.executable, "-m", "deploy.local.demo"], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotRun(f"demonstration data: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


@contextmanager
def _broker(folder: Path) -> Iterator[tuple[str, PrivateBroker | None]]:
    """The broker that AMQP_URI names, or this machine's, or a private one."""
    given = os.environ.get("AMQP_URI")
    if given and broker_answers(given):
        say("broker: RabbitMQ at AMQP_URI")
        yield given, None
        return
    if given:
        say("broker: nothing answers at AMQP_URI")
    elif _this_machine_has_one():
        say("broker: RabbitMQ that runs on this machine already")
        yield LOCAL_BROKER, None
        return
    say("broker: a private RabbitMQ node …")
    with PrivateBroker(folder / "rabbitmq") as node:
        yield node.uri, node


def _this_machine_has_one() -> bool:
    try:
        return broker_answers(LOCAL_BROKER)
    except Unusable:  # it answers, but is not for everybody
        return False


def _database() -> str | None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        say("database: embedded SQLite")
        return None
    url = usable_database(url)
    say("database: PostgreSQL")
    return url


def _data_folder() -> Path:
    folder = Path(os.environ.get("BATON_DATA") or "data").resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)  # personal data
    except OSError as error:
        raise CannotRun(f"BATON_DATA: {error.strerror}: {folder}") from error
    return folder


@contextmanager
def _only_one(folder: Path) -> Iterator[Path]:
    try:
        lock = open(folder / "run.lock", "a")  # noqa: SIM115 - closed below
    except OSError as error:
        raise CannotRun(f"BATON_DATA: {error.strerror}: {folder}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(f"the platform runs already with the data in {folder}") from error
        yield folder


def _stop(_number: int, _frame: FrameType | None) -> None:
    # Once is enough: a second Ctrl-C must not interrupt the stopping and leave something behind.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
