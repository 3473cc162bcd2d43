"""A private PostgreSQL server: own port, own data folder; as root it runs as an unprivileged user."""

import os
import pwd
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local.ports import free_port
from deploy.local.system_packages import find_program, install

FOLDERS = ("/usr/lib/postgresql/*/bin", "/opt/homebrew/opt/postgresql*/bin", "/usr/local/opt/postgresql*/bin")
START_SECONDS = 30


class PostgresFailed(Exception):
    """The server did not start; the text says where its log is."""


class PrivatePostgres:
    """One server. Its data survive `stop` and `kill`."""

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder.resolve()
        self._port = free_port()
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """Where clients connect."""
        return f"postgresql+psycopg2://baton@127.0.0.1:{self._port}/{database}"

    def start(self) -> None:
        """Make the data folder if need be, start the server, wait until it answers.

        Raises: PostgresFailed, ProgramMissing.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        user = _unprivileged_user()
        if user is not None:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        if not (self._folder / "data" / "PG_VERSION").exists():
            self._run("initdb", "-D", "data", "-U", "baton", "--auth=trust", "-E", "UTF8", "--locale=C")
        options = [
            *("-D", "data", "-p", str(self._port), "-k", str(self._folder), "-h", "127.0.0.1"),
            *("-c", "max_connections=300", "-c", f"fsync={'on' if self._fsync else 'off'}"),
        ]
        with open(self._folder / "server.log", "ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), *options], stdout=log, stderr=log, start_new_session=True, **self._as_user()
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise PostgresFailed(f"PostgreSQL did not start; see {self._folder / 'server.log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the server, dropping its connections."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End the server and its workers with SIGKILL."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Kill and start again; the server recovers by itself."""
        self.kill()
        self.start()

    def create_database(self, name: str) -> str:
        """A new, empty database; its URL."""
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self._port), "-U", "baton", name)
        return self.url(name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(how)
            process.wait()

    def _answers(self) -> bool:
        command = [_program("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self._port)]
        return subprocess.run(command, check=False).returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        command = [_program(program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, **self._as_user())
        if done.returncode != 0:
            raise PostgresFailed(f"{program}: {done.stderr.strip()}")

    def _as_user(self) -> dict[str, Any]:
        user = _unprivileged_user()
        who = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        return {"cwd": self._folder, **who}


def _unprivileged_user() -> pwd.struct_passwd | None:
    """Whom to run as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresFailed("no unprivileged user to run PostgreSQL as")


def _program(name: str) -> str:
    found = find_program(name, FOLDERS)
    if found is None:
        install("postgresql", "postgresql-client", brew=["postgresql"])
        found = find_program(name, FOLDERS)
    return str(found)
