"""The embedded databases are copied while they are written to, as of one moment, and put back into an empty folder."""

import fcntl
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from deploy.backup.embedded import PERSON_KEYS, CannotDo, back_up, keys_beside, main, restore

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
NAMES = ("detention_intake.sqlite3", "oversight.sqlite3", PERSON_KEYS)


def add(path: Path, value: int) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as connection, connection:
        connection.execute("insert into said values (?)", (value,))


def said(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("select number from said order by number")]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True)
    (folder / "keys" / "identity.json").write_text("{}")
    (folder / "accounts.json").write_text("[]")
    for name in NAMES:
        with closing(sqlite3.connect(folder / name)) as connection:
            connection.execute("pragma journal_mode=wal")
            connection.execute("create table said (number integer)")
        add(folder / name, 1)
    return folder


@pytest.fixture
def writing(data: Path) -> Iterator[threading.Thread]:
    """Somebody who writes each number into one database, and only then into the next."""
    stop = threading.Event()

    def write() -> None:
        number = 1
        while not stop.is_set():
            number += 1
            for name in NAMES:
                add(data / name, number)

    thread = threading.Thread(target=write)
    thread.start()
    yield thread
    stop.set()
    thread.join()


def test_all_copies_are_of_one_moment_while_somebody_writes(
    data: Path, writing: threading.Thread, tmp_path: Path
) -> None:
    for number in range(3):
        copy = back_up(data, tmp_path / "backups", now=NOW + timedelta(seconds=number))
        keys = keys_beside(copy.parent) / copy.name
        newest = [len(said((keys if name == PERSON_KEYS else copy) / name)) for name in NAMES]
        assert newest == sorted(newest, reverse=True)  # what is written later is in no copy that lacks the earlier one
        assert newest[0] - newest[-1] <= 1
    assert writing.is_alive()


def test_what_was_backed_up_is_put_back_into_an_empty_folder_with_the_newest_keys(data: Path, tmp_path: Path) -> None:
    backups, elsewhere = tmp_path / "backups", tmp_path / "elsewhere"
    copy = back_up(data, backups, now=NOW)
    add(data / "oversight.sqlite3", 2)
    with closing(sqlite3.connect(data / PERSON_KEYS)) as connection, connection:
        connection.execute("delete from said")  # a key is destroyed after the backup
    back_up(data, backups, now=NOW + timedelta(hours=1))
    restore(elsewhere, copy)
    assert said(elsewhere / "oversight.sqlite3") == [1]
    assert said(elsewhere / PERSON_KEYS) == []
    assert (elsewhere / "keys" / "identity.json").read_text() == "{}"
    assert (elsewhere / "accounts.json").exists()


def test_keys_are_forgotten_when_their_time_is_over_and_the_newest_never(data: Path, tmp_path: Path) -> None:
    backups = tmp_path / "backups"
    for days in (0, 1, 3):
        back_up(data, backups, now=NOW + timedelta(days=days))
    kept = sorted(path.name for path in keys_beside(backups).iterdir())
    assert kept == ["20261125T020000Z", "20261127T020000Z"]
    back_up(data, backups, now=NOW + timedelta(days=90))
    assert [path.name for path in keys_beside(backups).iterdir()] == ["20270222T020000Z"]
    assert len(list(backups.iterdir())) == 4


def test_nothing_is_put_over_what_is_there_or_runs(data: Path, tmp_path: Path) -> None:
    copy = back_up(data, tmp_path / "backups", now=NOW)
    add(data / "oversight.sqlite3", 2)
    with pytest.raises(CannotDo, match="move it away"):
        restore(data, copy)
    assert said(data / "oversight.sqlite3") == [1, 2]
    running = tmp_path / "running"
    running.mkdir()
    with open(running / "run.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(CannotDo, match="runs"):
            restore(running, copy)


def test_a_copy_that_did_not_come_to_its_end_is_no_backup(data: Path, tmp_path: Path) -> None:
    (data / "broken.sqlite3").write_bytes(b"no database at all" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        back_up(data, tmp_path / "backups", now=NOW)
    assert list((tmp_path / "backups").iterdir()) == []


def test_the_command_says_what_to_do_next(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BATON_DATA", str(data))
    assert main(["backup", str(tmp_path / "backups")]) == 0
    (copy,) = (tmp_path / "backups").iterdir()
    assert main(["restore", str(copy)]) == 1
    assert "move it away" in capsys.readouterr().err
    monkeypatch.setenv("BATON_DATA", str(tmp_path / "new"))
    assert main(["restore", str(copy)]) == 0
    assert "republish --since" in capsys.readouterr().out
