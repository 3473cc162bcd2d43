"""``make backup`` and ``make restore``: the embedded databases under ``data/``, copied while they are in use.

    python -m deploy.backup.embedded backup [FOLDER]
    python -m deploy.backup.embedded restore FOLDER/MOMENT

All databases are copied as they were at one moment. The keys of persons go to a folder of their own beside the other
(``FOLDER-keys``), of which what is older than ``BACKUP_KEEP_KEYS_DAYS`` (2) is removed, but for the newest: what was
erased can be brought back for as long as an older one is kept. Data is restored as it was at a moment, keys always as
they were last. The data folder is ``BATON_DATA``; to restore, it must hold no database, and no platform may run on it.
"""

import argparse
import fcntl
import os
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

FORM = "%Y%m%dT%H%M%SZ"
LOCK_SECONDS = 30.0
PERSON_KEYS = "person_registry.sqlite3.keys"
KEYS_FOLDER = "keys"
OTHER_FILES = ("accounts.json", "demo-password")
KEEP_KEYS = timedelta(days=2)


class CannotDo(Exception):
    """Why not, in one line."""


def back_up(data: Path, to: Path, *, now: datetime, keep_keys: timedelta = KEEP_KEYS) -> Path:
    """Copy everything; the folder of the moment. Nothing is left of a copy that did not come to its end.

    Raises: CannotDo, sqlite3.Error, OSError.
    """
    databases = _databases(data)
    if not databases:
        raise CannotDo(f"no database in {data}")
    name = now.strftime(FORM)
    with _finished(to / name) as copy, _finished(keys_beside(to) / name) as keys:
        with _as_of_one_moment(databases) as connections:
            for path, connection in zip(databases, connections, strict=True):
                _copy(connection, (keys if path.name == PERSON_KEYS else copy) / path.name)
        for other in OTHER_FILES:
            if (data / other).exists():
                shutil.copy2(data / other, copy / other)
        if (data / KEYS_FOLDER).exists():
            shutil.copytree(data / KEYS_FOLDER, keys / KEYS_FOLDER)
    _forget(keys_beside(to), now - keep_keys)
    return to / name


def restore(data: Path, of: Path) -> Path:
    """Put back the data of a moment and the newest keys; the folder of the latter.

    Raises: CannotDo, OSError.
    """
    copied = _databases(of)
    keys = max(keys_beside(of.parent).glob("*T*Z"), default=None)
    if not copied or keys is None:
        raise CannotDo(f"no backup in {of}, or no keys in {keys_beside(of.parent)}")
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _nobody_runs(data):
        if _databases(data):
            raise CannotDo(f"there are databases in {data}; move it away first")
        for source in (of, keys):
            shutil.copytree(source, data, dirs_exist_ok=True)
    return keys


def keys_beside(folder: Path) -> Path:
    """Where the keys of a folder's backups are."""
    return folder.with_name(f"{folder.name}-keys")


def _databases(folder: Path) -> list[Path]:
    return sorted((*folder.glob("*.sqlite3"), *folder.glob(PERSON_KEYS)))


@contextmanager
def _finished(folder: Path) -> Iterator[Path]:
    """A folder that has its name only when all of it is there."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        yield unfinished
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    unfinished.rename(folder)


@contextmanager
def _as_of_one_moment(databases: Sequence[Path]) -> Iterator[list[sqlite3.Connection]]:
    """Readers that all see the same moment: each begins while nobody may write anywhere, which takes milliseconds."""
    with ExitStack() as open_ones:

        def opened(path: Path) -> sqlite3.Connection:
            connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
            return open_ones.enter_context(closing(connection))

        writers, readers = [opened(path) for path in databases], [opened(path) for path in databases]
        for writer in writers:
            writer.execute("begin immediate")
        for reader in readers:
            reader.execute("begin")
            reader.execute("select count(*) from sqlite_master").fetchone()
        for writer in writers:
            writer.execute("rollback")
        yield readers


def _copy(reader: sqlite3.Connection, to: Path) -> None:
    with closing(sqlite3.connect(to)) as copy:
        reader.backup(copy)
        (verdict,) = copy.execute("pragma integrity_check").fetchone()
        if verdict != "ok":
            raise CannotDo(f"the copy of {to.name} is not sound: {verdict}")
    to.chmod(0o600)


def _forget(folder: Path, before: datetime) -> None:
    """Remove what is older, but for the newest."""
    for path in sorted(folder.glob("*T*Z"))[:-1]:
        if path.name < before.strftime(FORM):
            shutil.rmtree(path)


@contextmanager
def _nobody_runs(data: Path) -> Iterator[None]:
    with open(data / "run.lock", "a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise CannotDo(f"the platform runs with the data in {data}") from error
        yield


def main(arguments: Sequence[str]) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="backup", description="The embedded databases: back up, restore")
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("backup").add_argument("folder", nargs="?", type=Path, default=Path("backups"))
    acts.add_parser("restore").add_argument("folder", type=Path)
    said = parser.parse_args(arguments)
    data = Path(os.environ.get("BATON_DATA") or "data").resolve()
    keep = timedelta(days=float(os.environ.get("BACKUP_KEEP_KEYS_DAYS") or KEEP_KEYS.days))
    try:
        if said.act == "backup":
            print(f"backed up to {back_up(data, said.folder.resolve(), now=datetime.now(UTC), keep_keys=keep)}")
        else:
            _tell_restored(data, said.folder.resolve())
    except (CannotDo, sqlite3.Error, OSError, ValueError) as error:
        print(f"cannot do it: {error}", file=sys.stderr)
        return 1
    return 0


def _tell_restored(data: Path, of: Path) -> None:
    keys = restore(data, of)
    since = datetime.strptime(of.name, FORM).replace(tzinfo=UTC) - timedelta(hours=1)
    print(f"{data} is as it was at {of.name}, with the keys of {keys.name}. When it runs again:")
    print(f'  make ops DO="republish --since {since.isoformat()} --note restored"')


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
