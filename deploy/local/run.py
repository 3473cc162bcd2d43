"""``make run``: the whole platform on this machine, until Ctrl-C or SIGTERM.

Variables: ``AMQP_URI`` (else RabbitMQ on this machine if it answers, else a private node), ``DATABASE_URL``
(PostgreSQL; else embedded SQLite), ``BATON_DATA`` (default ``data``), ``CONSOLE_PORT`` and ``<SERVICE>_PORT``,
``BATON_DEMO=0`` (no demonstration data).
"""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from deploy.local import assets
from deploy.local.accounts import ensure_accounts, table
from deploy.local.broker import BrokerFailed, PrivateBroker
from deploy.local.ports import PortBusy, must_be_free
from deploy.local.processes import NotReady
from deploy.local.stack import CONSOLE, SERVICES, Stack
from deploy.local.system_packages import ProgramMissing
from shared.messaging.broker import CONNECTION_ERRORS, Broker, drop
from shared.runtime.settings import DEFAULT_PORTS

LOCAL_BROKER = "amqp://guest:guest@localhost:5672//"
WATCH_SECONDS = 0.5
RESTART_PAUSE_SECONDS = 1.0


class CannotRun(Exception):
    """Why not, in one line."""


class Stop(Exception):
    """Somebody wants us to stop."""


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
    except (CannotRun, PortBusy, ProgramMissing, BrokerFailed, NotReady, assets.AssetsFailed) as reason:
        say(f"cannot run: {reason}")
        return 1
    return 0


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, flush=True)


def _run(folder: Path) -> None:
    ports = _ports(os.environ)
    for name, port in ports.items():
        must_be_free(port, f"{name.upper()}_PORT")
    database_url = _database()
    say("page assets …")
    assets.install()
    password = ensure_accounts(folder)
    with _broker(folder) as amqp_uri:
        stack = Stack(folder, amqp_uri=amqp_uri, database_url=database_url, ports=ports)
        say(f"services … (logs in {folder / 'logs'})")
        try:
            stack.start()
            _seed(stack, password)
            say(f"\nconsole            http://localhost:{ports[CONSOLE]}")
            for name in SERVICES:
                say(f"{name:<18} http://localhost:{ports[name]}/docs")
            say(f"\n{table(password)}\n")
            say("ready")
            _watch(stack)
        finally:
            # A second Ctrl-C must not leave anything behind.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_IGN)
            say("stopping …")
            stack.stop()


def _watch(stack: Stack) -> None:
    """Start again what ended by itself."""
    while True:
        for process in stack.processes.values():
            if not process.alive:
                say(f"{process.name} ended; starting it again (log: {process.log_path})")
                time.sleep(RESTART_PAUSE_SECONDS)
                process.start()
        time.sleep(WATCH_SECONDS)


def _seed(stack: Stack, password: str) -> None:
    if os.environ.get("BATON_DEMO", "1") == "0":
        return
    say("demonstration data …")
    env = stack.env | {"DEMO_PASSWORD": password}
    done = subprocess.run([sys.executable, "-m", "deploy.local.demo"], env=env, capture_output=True, text=True)
    if done.returncode != 0:
        raise CannotRun(f"demonstration data: {done.stderr.strip().splitlines()[-1] if done.stderr else 'failed'}")


@contextmanager
def _broker(folder: Path) -> Iterator[str]:
    """The broker that AMQP_URI names, or this machine's, or a private one."""
    given = os.environ.get("AMQP_URI")
    for uri in [given] if given else [LOCAL_BROKER]:
        if _answers(uri):
            say("broker: RabbitMQ that is already running")
            yield uri
            return
    if given:
        raise CannotRun("AMQP_URI is set, but no RabbitMQ answers there")
    say("broker: starting a private RabbitMQ node … (the first time it may have to be installed)")
    with PrivateBroker(folder / "rabbitmq", name="baton") as node:
        yield node.uri


def _answers(uri: str) -> bool:
    try:
        drop(Broker(uri, name="make run").connect())
    except CONNECTION_ERRORS:
        return False
    return True


def _database() -> str | None:
    url = os.environ.get("DATABASE_URL")
    if not url:
        say("database: embedded SQLite")
        return None
    try:
        engine = create_engine(url, connect_args={"connect_timeout": 3})
        with engine.connect():
            say("database: PostgreSQL")
    except SQLAlchemyError as error:
        raise CannotRun("DATABASE_URL is set, but no PostgreSQL answers there") from error
    return url


def _ports(env: Mapping[str, str]) -> dict[str, int]:
    try:
        return {name: int(env.get(f"{name.upper()}_PORT", port)) for name, port in DEFAULT_PORTS.items()}
    except ValueError as error:
        raise CannotRun(f"a port must be a number: {error}") from error


def _data_folder() -> Path:
    folder = Path(os.environ.get("BATON_DATA", "data")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def _only_one(folder: Path) -> Iterator[Path]:
    with open(folder / "run.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotRun(f"the platform runs already with the data in {folder}") from error
        yield folder


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop


if __name__ == "__main__":
    sys.exit(main())
