"""``make run`` itself, as a process: what it says, what it leaves behind (nothing), what it finds again (all)."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

import httpx
import pytest

from deploy.local.client import Platform
from deploy.local.orphans import began
from deploy.local.ports import free_ports, is_listening
from deploy.local.stack import ROOT
from deploy.local.where import password_from_environment
from shared.runtime.settings import DEFAULT_PORTS
from tests.support.messaging import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

COMMAND = [sys.executable, "-m", "deploy.local.run"]
START_SECONDS = 150.0
NOBODY = "amqp://guest:guest@127.0.0.1:1//"


@dataclass
class Run:
    """One ``make run``, and everything it has said."""

    process: subprocess.Popen[str]
    folder: Path
    ports: dict[str, int]
    said: list[str] = field(default_factory=list)

    def says(self, line: str, seconds: float = START_SECONDS) -> str:
        """Wait for a line that begins so."""

        def found() -> str | None:
            return next((said for said in self.said if said.startswith(line)), None)

        return str(wait_until(found, f"{line!r} after {self.said}", seconds))

    def url(self, service: str, path: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}{path}"

    def pids(self) -> dict[str, int]:
        """Every process that it has started, by name."""
        return {note.stem: int(json.loads(note.read_text())["pid"]) for note in notes(self.folder)}


def notes(folder: Path) -> list[Path]:
    """What remembers the processes of a folder."""
    return [*folder.glob("logs/*.json"), *folder.glob("rabbitmq/*.json")]


@pytest.fixture
def folder(servers: Path, request: pytest.FixtureRequest) -> Path:
    """A data folder."""
    return servers / f"run-{abs(hash(request.node.name))}"


@contextmanager
def running(folder: Path, ports: dict[str, int] | None = None, **env: str) -> Iterator[Run]:
    """Start it without demonstration data; whatever is left of it is killed at the end."""
    ports = ports or dict(zip(DEFAULT_PORTS, free_ports(len(DEFAULT_PORTS)), strict=True))
    process = subprocess.Popen(
        COMMAND,
        env=environment(folder, ports, **env),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    run = Run(process, folder, ports)
    assert process.stdout is not None
    reader = Thread(target=lambda: run.said.extend(map(str.rstrip, process.stdout or [])))
    reader.start()
    try:
        yield run
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(90)
        reader.join()
        process.stdout.close()


def environment(folder: Path, ports: dict[str, int], **env: str) -> dict[str, str]:
    chosen = {f"{name.upper()}_PORT": str(port) for name, port in ports.items()}
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    # Never the machine's own broker: it is asked only when AMQP_URI is not set.
    ours = {"BATON_DATA": str(folder), "BATON_DEMO": "0", "AMQP_URI": NOBODY}
    return {**inherited, **chosen, **ours, **env}


def refused(folder: Path, **env: str) -> str:
    """Run it where it cannot; the one line that says why."""
    ports = dict(zip(DEFAULT_PORTS, free_ports(len(DEFAULT_PORTS)), strict=True))
    done = subprocess.run(
        COMMAND, env=environment(folder, ports, **env), cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done
    assert done.stderr == ""
    assert not notes(folder)
    return done.stdout.splitlines()[-1]


def test_a_whole_life_with_a_private_broker_and_embedded_databases(folder: Path) -> None:
    with running(folder) as run:
        run.says("ready")
        assert run.says("console ").endswith(f"http://localhost:{run.ports['console']}")
        assert "broker: a private RabbitMQ node …" in run.said
        assert folder.stat().st_mode & 0o077 == 0  # personal data
        for name in run.ports:
            assert httpx.get(run.url(name, "/health/ready")).status_code == 200

        second = subprocess.run(COMMAND, env=environment(folder, run.ports), cwd=ROOT, capture_output=True, text=True)
        assert second.returncode == 1
        assert second.stdout == f"cannot run: the platform runs already with the data in {folder}\n"

        pids = run.pids()
        os.kill(pids["oversight"], signal.SIGKILL)
        run.says("oversight ended; starting it again in 0.5 s")
        wait_until(lambda: is_ready(run, "oversight"), "oversight is back")
        assert run.pids() | {"oversight": 0} == pids | {"oversight": 0}

        person = register(run)
        os.killpg(pids["node"], signal.SIGKILL)
        run.says("broker ended; starting it again")
        wait_until(lambda: knows(run, person), "the event through the broker that came back", 90)

        pids = run.pids()
        run.process.send_signal(signal.SIGKILL)
        run.process.wait(30)
    assert [name for name, pid in pids.items() if not began(pid)] == []

    with running(folder, run.ports) as again:
        again.says("ended what a crashed run had left behind")
        again.says("ready")
        assert not any(began(pid) for pid in pids.values())
        assert knows(again, person)
        again.process.send_signal(signal.SIGINT)
        assert again.process.wait(90) == 0
        again.says("stopped", 5)
    assert again.said[-2:] == ["stopping …", "stopped"]
    assert again.pids() == {}
    assert not any(is_listening(port) for port in again.ports.values())


def is_ready(run: Run, service: str) -> bool:
    try:
        return httpx.get(run.url(service, "/health/ready"), timeout=3).status_code == 200
    except httpx.HTTPError:
        return False


def signed_in(run: Run, username: str) -> Platform:
    platform = Platform({name: run.url(name, "") for name in run.ports}, patience=60)
    platform.sign_in(username, password_from_environment({"BATON_DATA": str(run.folder)}))
    return platform


def register(run: Run) -> str:
    body = {"identity_kind": "none", "full_name": "张三", "sex": "male"}
    return str(signed_in(run, "station-system").post("station-system", "person_registry", "/persons", body)["id"])


def knows(run: Run, person: str) -> bool:
    """Whether oversight has heard of somebody."""
    return bool(signed_in(run, "city").get("city", "oversight", f"/cases/{person}/timeline")["items"])


def test_a_broker_and_a_database_that_are_there_are_used(folder: Path, amqp_uri: str, postgres_url: str) -> None:
    url = postgres_url.replace("postgresql+psycopg2", "postgresql")
    with running(folder, AMQP_URI=amqp_uri, DATABASE_URL=url) as run:
        run.says("ready")
        assert {"broker: RabbitMQ at AMQP_URI", "database: PostgreSQL"} <= set(run.said)
        wait_until(lambda: knows(run, register(run)), "an event through the given broker")
        assert not list(folder.glob("*.sqlite3"))
        assert not (folder / "rabbitmq").exists()
        run.process.send_signal(signal.SIGTERM)
        assert run.process.wait(90) == 0


@pytest.mark.parametrize(("moment", "number"), [("broker: a private", signal.SIGINT), ("services …", signal.SIGTERM)])
def test_stopping_in_the_middle_of_the_start_leaves_nothing(folder: Path, moment: str, number: signal.Signals) -> None:
    with running(folder) as run:
        run.says(moment)
        wait_until(lambda: len(run.pids()) > (2 if moment.startswith("services") else 0), "a process started")
        pids = run.pids()
        run.process.send_signal(number)
        run.process.send_signal(number)  # somebody impatient
        assert run.process.wait(90) == 0
    assert run.said[-1] == "stopped"
    assert not any(began(pid) for pid in pids.values())
    assert run.pids() == {}


def test_a_busy_port_is_one_line_that_names_its_variable(folder: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        said = refused(folder, RELEASE_NOTIFICATION_PORT=port)
    assert said == f"cannot run: port {port} is busy; choose another with RELEASE_NOTIFICATION_PORT=…"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("CONSOLE_PORT", "eight thousand", "CONSOLE_PORT must be a port number"),
        ("AMQP_URI", "http://localhost", "AMQP_URI must begin with amqp://"),
        ("DATABASE_URL", "postgresql://x:secret@127.0.0.1:1/y", "DATABASE_URL is set, but PostgreSQL cannot be used"),
        ("DATABASE_URL", "mysql://x/y", "DATABASE_URL must begin with postgresql+psycopg2://"),
    ],
)
def test_a_wrong_variable_is_one_line_that_names_it(folder: Path, variable: str, value: str, said: str) -> None:
    line = refused(folder, **{variable: value})
    assert line.startswith(f"cannot run: {said}")
    assert "secret" not in line


def test_a_data_folder_that_cannot_be_made_is_one_line(folder: Path) -> None:
    folder.parent.joinpath("a file").write_text("")
    said = refused(folder, BATON_DATA=str(folder.parent / "a file" / "data"))
    assert said.startswith("cannot run: BATON_DATA: Not a directory")


def test_nothing_answering_at_amqp_uri_is_said_and_a_private_node_started(folder: Path) -> None:
    with running(folder, AMQP_URI=NOBODY) as run:
        run.says("broker: a private RabbitMQ node …")
        assert "broker: nothing answers at AMQP_URI" in run.said


def test_a_service_that_cannot_start_is_told_with_its_log_and_nothing_is_left(folder: Path, amqp_uri: str) -> None:
    with running(folder, AMQP_URI=amqp_uri, BATCH_SIZE="0") as run:
        assert run.process.wait(120) == 1
    told = "\n".join(run.said)
    assert "BATCH_SIZE" in told
    assert "ended:" in told
    assert run.pids() == {}
