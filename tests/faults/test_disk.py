"""The full disk: SQLite really is told so, whichever way this machine allows, and all is well when there is space."""

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.disk import Disk, FileLimit, SmallDisk, disk, may_mount

WRITER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma journal_mode=wal")
connection.execute("create table if not exists kept (content blob)")
print("ready", flush=True)
for line in sys.stdin:
    try:
        connection.execute("insert into kept values (zeroblob(100000))")
        print("stored", flush=True)
    except sqlite3.OperationalError as error:
        print(error, flush=True)
"""


class Writer:
    """A process that stores something whenever it is asked to."""

    def __init__(self, database: Path) -> None:
        command = [sys.executable, "-c", WRITER, str(database)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._line() == "ready"

    def store(self) -> str:
        """What it says of it."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._line()

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """Where the database is to lie."""
    (tmp_path / "database").mkdir()
    yield tmp_path / "database"


def full_and_free(one: Disk, writer: Writer, database: Path) -> str:
    """What SQLite says while the disk is full; everything that it called stored is there afterwards."""
    try:
        assert writer.store() == "stored"
        one.fill()
        complaint = writer.store()
        one.free()
        assert writer.store() == "stored"
        with sqlite3.connect(database) as connection:
            assert connection.execute("select count(*) from kept").fetchone() == (2,)
        connection.close()
        return complaint
    finally:
        writer.process.kill()
        writer.process.communicate()


def test_a_process_that_may_let_no_file_grow(folder: Path) -> None:
    database = folder / "d.sqlite3"
    writer = Writer(database)
    assert full_and_free(FileLimit(lambda: [writer.process.pid]), writer, database) == "disk I/O error"


def test_a_file_system_without_space(folder: Path) -> None:
    """As somebody who may not mount, the other way is taken."""
    database = folder / "d.sqlite3"
    if not may_mount(folder):
        assert isinstance(disk(folder, lambda: []), FileLimit)
        return
    small = disk(folder, lambda: [])
    assert isinstance(small, SmallDisk)
    try:
        assert full_and_free(small, Writer(database), database) == "database or disk is full"
    finally:
        small.close()
    assert list(folder.iterdir()) == []
