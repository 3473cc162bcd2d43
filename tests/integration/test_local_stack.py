"""All services as processes: what they are told, and that they come and go together."""

import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import httpx
import pytest

from deploy.local.orphans import began
from deploy.local.ports import free_ports
from deploy.local.processes import NotReady
from deploy.local.stack import Stack, end_orphans, logs

NAMES = ("person_registry", "oversight", "console")
STAND_IN = [sys.executable, "-m", "tests.support.stand_in"]
MakeStack = Callable[..., Stack]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[MakeStack]:
    """Makes stacks of stand-ins for services."""
    made: list[Stack] = []

    def stack(*, commands: Mapping[str, list[str]] | None = None, database_url: str | None = None, **env: str) -> Stack:
        made.append(
            Stack(
                tmp_path / "data",
                amqp_uri="amqp://somewhere//",
                database_url=database_url,
                ports=dict(zip(NAMES, free_ports(len(NAMES)), strict=True)),
                extra_env=env,
                commands=dict.fromkeys(NAMES, STAND_IN) | dict(commands or {}),
            )
        )
        return made[-1]

    yield stack
    for stack_made in made:
        stack_made.stop()


def told(stack: Stack, service: str, variable: str) -> str:
    return httpx.get(f"{stack.urls[service]}/{variable}", trust_env=False).text


def test_each_service_is_told_where_everything_is(make: MakeStack, tmp_path: Path) -> None:
    with make() as stack:
        for name in NAMES:
            assert told(stack, name, "AMQP_URI") == "amqp://somewhere//"
            assert told(stack, name, "BATON_DATA") == str(tmp_path / "data")
            assert told(stack, name, "PERSON_REGISTRY_URL") == stack.urls["person_registry"]
            assert Path(told(stack, name, "TOKEN_JWKS")).is_file()
            assert f"http://127.0.0.1:{told(stack, name, 'HTTP_PORT')}" == stack.urls[name]


def test_a_second_process_of_a_service_has_its_own_port_and_is_told_what_is_for_it_alone(tmp_path: Path) -> None:
    names = ("oversight", "oversight-2")
    with Stack(
        tmp_path / "data",
        amqp_uri="amqp://somewhere//",
        database_url=None,
        ports=dict(zip(names, free_ports(2), strict=True)),
        env_of={"oversight-2": {"AMQP_URI": "amqp://elsewhere//"}},
        commands=dict.fromkeys(names, STAND_IN),
    ) as stack:
        assert [told(stack, name, "AMQP_URI") for name in names] == ["amqp://somewhere//", "amqp://elsewhere//"]
        assert [told(stack, name, "OVERSIGHT_URL") for name in names] == [stack.urls["oversight"]] * 2
        assert stack.urls["oversight"] != stack.urls["oversight-2"]
        assert "OVERSIGHT-2_URL" not in stack.env


def test_a_second_process_runs_the_same_service(tmp_path: Path) -> None:
    ports = {"oversight-2": free_ports(1)[0]}
    stack = Stack(tmp_path, amqp_uri="amqp://somewhere//", database_url=None, ports=ports)
    assert stack.processes["oversight-2"].command[-2:] == ["shared.runtime", "oversight"]


def test_a_database_is_only_the_one_that_was_chosen(make: MakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://from/elsewhere")
    with make() as stack:
        assert told(stack, "oversight", "DATABASE_URL") == ""
    with make(database_url="postgresql+psycopg2://chosen/here") as stack:
        assert told(stack, "oversight", "DATABASE_URL") == "postgresql+psycopg2://chosen/here"


def test_keys_are_made_once_and_only_we_can_read_the_private_one(make: MakeStack, tmp_path: Path) -> None:
    private = tmp_path / "data" / "keys" / "private.jwk"
    with make():
        first = private.read_bytes()
        assert private.stat().st_mode & 0o077 == 0
    with make():
        assert private.read_bytes() == first


def test_stopping_ends_every_process_politely(make: MakeStack) -> None:
    with make() as stack:
        pids = [process.pid for process in stack.processes.values()]
        assert all(process.alive for process in stack.processes.values())
    assert [began(pid) for pid in pids] == [None] * len(NAMES)
    assert [process.wait_stopped(0) for process in stack.processes.values()] == [-signal.SIGTERM] * len(NAMES)
    assert list(logs(Path(stack.env["BATON_DATA"])).glob("*.json")) == []


def test_a_service_that_cannot_start_takes_the_others_with_it_and_is_named(make: MakeStack) -> None:
    stack = make(commands={"oversight": [sys.executable, "-c", "raise SystemExit('no database')"]})
    with pytest.raises(NotReady, match="^oversight ended:\nno database$"):
        stack.start()
    assert not any(process.alive for process in stack.processes.values())


def test_one_service_is_killed_and_started_again_alone(make: MakeStack) -> None:
    with make() as stack:
        before = {name: process.pid for name, process in stack.processes.items()}
        stack.processes["oversight"].restart()
        stack.processes["oversight"].wait_ready(30)
        after = {name: process.pid for name, process in stack.processes.items()}
        assert {name for name in NAMES if before[name] != after[name]} == {"oversight"}


def test_the_processes_of_a_folder_whose_starter_is_gone_are_ended(make: MakeStack, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with make() as stack:
        for note in logs(folder).glob("*.json"):
            note.write_text(note.read_text().replace('"starter_began": "', '"starter_began": "another '))
            note.write_text(note.read_text().replace('"starter": ', '"starter": 1'))
        assert end_orphans(folder) == len(NAMES)
        assert not any(process.alive for process in stack.processes.values())
    assert end_orphans(folder) == 0
