"""What the backup's scripts keep, forget and refuse; what needs a server is told by `test_point_in_time`."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup.exporter import FORM
from deploy.local.stack import ROOT
from deploy.local.system_packages import program

SCRIPTS = ROOT / "deploy" / "backup"
HISTORY = "7711770972992341980-2"
FAKES = {  # a server of which the scripts need to know its history only
    "psql": 'echo "7711770972992341980|2|0/3000148|"',
    "pg_basebackup": 'mkdir "$2"',
    "pg_verifybackup": "exit ${VERDICT:-0}",
}


@pytest.fixture
def backups(servers: Path) -> Iterator[Path]:
    """A folder for backups, which whoever PostgreSQL runs as may enter, and the programs beside it."""
    folder = servers / "scripts"
    (folder / "bin").mkdir(parents=True)
    for name, does in FAKES.items():
        path = folder / "bin" / name
        path.write_text(f"#!/bin/sh\n{does}\n")
        path.chmod(0o755)
    (folder / "backups").mkdir()
    yield folder / "backups"
    shutil.rmtree(folder)


def run(script: str, *arguments: str, backups: Path, **env: str) -> subprocess.CompletedProcess[str]:
    path = f"{backups.parent / 'bin'}:{program('postgres').parent}:{os.environ['PATH']}"
    told = {"PATH": path, "BACKUPS": str(backups), **env}
    return subprocess.run(["sh", SCRIPTS / script, *arguments], env=told, capture_output=True, text=True)


def base(backups: Path, hours_ago: float, *, log: int = 1, history: str = HISTORY) -> str:
    """A base backup that began with a file of the log; its name."""
    name = (datetime.now(UTC) - timedelta(hours=hours_ago)).strftime(FORM)
    folder = backups / history / "base" / name
    folder.mkdir(parents=True)
    (folder / "backup_label").write_text(f"START WAL LOCATION: 0/{log}000028 (file {log_file(log)})\n")
    give_to_server(backups)
    return name


def log_file(number: int) -> str:
    return f"00000002{number:016X}"


def give_to_server(backups: Path) -> None:
    """As if the script had made it: as root it runs as PostgreSQL's user."""
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "postgres:", backups], check=True)


def kept(backups: Path, history: str = HISTORY) -> list[str]:
    return sorted(path.name for path in (backups / history / "base").iterdir())


def test_what_is_kept_reaches_back_to_every_moment_of_the_days_that_are_wanted(backups: Path) -> None:
    old, border, young = (base(backups, hours, log=log) for hours, log in ((96, 3), (72, 5), (24, 7)))
    wal = backups / HISTORY / "wal"
    wal.mkdir()
    for number in range(3, 9):
        (wal / log_file(number)).touch()
    give_to_server(backups)
    done = run("backup.sh", "base", backups=backups, BACKUP_KEEP_DAYS="2")
    assert done.returncode == 0, done.stderr
    assert kept(backups)[:2] == [border, young]
    assert len(kept(backups)) == 3, "and the new one"
    assert old not in kept(backups)
    assert sorted(path.name for path in wal.iterdir()) == [log_file(number) for number in range(5, 9)]


def test_a_history_that_ended_is_kept_until_the_new_one_reaches_back_far_enough(backups: Path) -> None:
    base(backups, 100, history="7711770972992341980-1")
    base(backups, 30)
    run("backup.sh", "base", backups=backups, BACKUP_KEEP_DAYS="2")
    assert kept(backups, "7711770972992341980-1")
    run("backup.sh", "base", backups=backups, BACKUP_KEEP_DAYS="1")
    assert [path.name for path in backups.iterdir()] == [HISTORY]


def test_a_base_backup_that_is_not_sound_is_none(backups: Path) -> None:
    done = run("backup.sh", "base", backups=backups, VERDICT="1")
    assert done.returncode != 0
    assert kept(backups) == []


@pytest.mark.parametrize(("minutes", "well"), [(0, True), (10, False)])
def test_it_is_well_while_the_log_is_received(backups: Path, minutes: int, well: bool) -> None:
    assert run("backup.sh", "healthy", backups=backups).returncode != 0
    base(backups, 1)
    mark = backups / HISTORY / "received"
    mark.touch()
    at = time.time() - 60 * minutes
    os.utime(mark, (at, at))
    assert (run("backup.sh", "healthy", backups=backups).returncode == 0) is well


def test_nothing_is_restored_over_what_is_there_or_from_after_the_moment(backups: Path) -> None:
    base(backups, 1)
    data = backups.parent / "data"
    data.mkdir()
    (data / "PG_VERSION").write_text("15")
    refused = run("restore.sh", backups=backups, PGDATA=str(data))
    assert refused.returncode == 1
    assert "not empty" in refused.stdout
    (data / "PG_VERSION").unlink()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    refused = run("restore.sh", yesterday, backups=backups, PGDATA=str(data))
    assert refused.returncode == 1
    assert "no base backup from before" in refused.stdout
    assert list(data.iterdir()) == []
