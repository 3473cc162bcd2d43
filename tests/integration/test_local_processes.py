"""Processes: started, asked, stopped, killed with all they started, and found again after a crash."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.local.group import signals_deferred
from deploy.local.orphans import ProcessFile, StillOwned, began
from deploy.local.ports import free_port
from deploy.local.processes import ManagedProcess, NotReady
from deploy.local.stack import ROOT
from tests.support.messaging import wait_until

Make = Callable[..., ManagedProcess]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes stand-ins for services."""
    made: list[ManagedProcess] = []

    def stand_in(**env: str) -> ManagedProcess:
        port = free_port()
        process = ManagedProcess(
            "oversight",
            [sys.executable, "-m", "tests.support.stand_in"],
            env={**os.environ, "PYTHONPATH": str(ROOT), "HTTP_PORT": str(port), **env},
            log=tmp_path / "logs" / "oversight.log",
            url=f"http://127.0.0.1:{port}",
        )
        made.append(process)
        return process

    yield stand_in
    for process in made:
        process.kill()


def test_it_is_ready_when_it_says_so_and_not_before_or_after(make: Make) -> None:
    process = make()
    assert not process.alive
    assert not process.is_ready()
    process.start()
    process.wait_ready(30)
    assert process.alive
    assert process.stop() == -signal.SIGTERM
    assert not process.alive
    assert not process.is_ready()


def test_one_that_ends_at_once_is_told_with_the_end_of_its_log(make: Make) -> None:
    process = make(DIES_SAYING="configuration: AMQP_URI is wrong")
    process.start()
    with pytest.raises(NotReady, match="^oversight ended:\nconfiguration: AMQP_URI is wrong$"):
        process.wait_ready(30)


def test_one_that_never_gets_ready_is_given_up_after_its_time(make: Make) -> None:
    process = make(NEVER_READY="1")
    process.start()
    with pytest.raises(NotReady, match="^oversight was not ready in 1 s"):
        process.wait_ready(1)
    assert process.alive


def test_one_that_will_not_stop_is_killed_when_its_time_is_over(make: Make) -> None:
    process = make(STUBBORN="1")
    process.start()
    process.wait_ready(30)
    process.ask_to_stop()
    assert process.wait_stopped(0.5) == -signal.SIGKILL
    assert not process.alive


def test_a_kill_ends_what_the_process_started_as_well(make: Make, tmp_path: Path) -> None:
    process = make(CHILD_PID_FILE=str(tmp_path / "child"))
    process.start()
    process.wait_ready(30)
    child = int((tmp_path / "child").read_text())
    assert began(child) is not None
    process.kill()
    wait_until(lambda: began(child) is None, "the child gone")


def test_a_restart_is_another_process_at_the_same_place(make: Make) -> None:
    process = make()
    process.start()
    process.wait_ready(30)
    first = process.pid
    process.restart()
    process.wait_ready(30)
    assert process.pid != first
    assert began(first) is None


def test_a_log_grown_too_large_is_put_aside_at_the_next_start(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.group.LOG_BYTES", 10)
    log = tmp_path / "logs" / "oversight.log"
    log.parent.mkdir()
    log.write_text("long ago, at length")
    process = make(DIES_SAYING="now")
    process.start()
    assert process.wait_stopped() == 3
    assert log.read_text() == "now\n"
    assert log.with_name("oversight.log.1").read_text() == "long ago, at length"


CRASHING = """
import os, signal, sys
from pathlib import Path
from deploy.local.processes import ManagedProcess
process = ManagedProcess("oversight", [sys.executable, "-m", "tests.support.stand_in"], env=dict(os.environ),
                         log=Path(sys.argv[1]), url="")
process.start()
print(process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def crash_leaving(log: Path) -> int:
    """Run a starter that is killed; the number of the process that it left behind."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HTTP_PORT": str(free_port())}
    done = subprocess.run([sys.executable, "-c", CRASHING, str(log)], env=env, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL
    return int(done.stdout)


def test_what_a_crashed_run_left_behind_is_ended_by_the_next_start(make: Make, tmp_path: Path) -> None:
    orphan = crash_leaving(tmp_path / "logs" / "oversight.log")
    assert began(orphan) is not None
    process = make()
    process.start()
    process.wait_ready(30)
    assert began(orphan) is None


def test_a_process_whose_starter_lives_is_no_orphan(make: Make, tmp_path: Path) -> None:
    process = make()
    process.start()
    command = "import sys; from pathlib import Path; from deploy.local.orphans import *; "
    command += "ProcessFile(Path(sys.argv[1])).end_orphan()"
    note = tmp_path / "logs" / "oversight.json"
    done = subprocess.run([sys.executable, "-c", command, note], cwd=ROOT, capture_output=True, text=True)
    assert StillOwned.__name__ in done.stderr
    assert f"process {process.pid} runs already" in done.stderr
    assert process.alive


def test_a_process_that_only_has_the_number_of_an_old_one_is_left_alone(make: Make, tmp_path: Path) -> None:
    stranger = make()
    stranger.start()
    note = tmp_path / "logs" / "oversight.json"
    began_then = str(began(stranger.pid))
    note.write_text(note.read_text().replace(began_then, began_then + "0"))
    assert not ProcessFile(note).end_orphan()
    assert stranger.alive
    assert not note.exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": "x"}', '{"pid": 1}'])
def test_a_note_that_cannot_be_read_ends_nothing(tmp_path: Path, content: str) -> None:
    note = tmp_path / "note.json"
    note.write_text(content)
    assert not ProcessFile(note).end_orphan()


def test_a_signal_during_a_start_comes_after_it() -> None:
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: came.append(number))
    try:
        with signals_deferred():
            signal.raise_signal(signal.SIGINT)
            assert came == []
        assert came == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_program_that_forgets_its_processes_ends_them_with_itself(tmp_path: Path) -> None:
    forgetful = CRASHING.replace("os.kill(os.getpid(), signal.SIGKILL)", "raise SystemExit(0)")
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HTTP_PORT": str(free_port())}
    command = [sys.executable, "-c", forgetful, str(tmp_path / "x.log")]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0
    assert began(int(done.stdout)) is None
