"""A private PostgreSQL server: own port and data, reachable from this machine only; as root it runs as somebody else.

For tests and benchmarks, so it trusts whoever reaches it. Its data belong to its folder and survive every end.
"""

import os
import pwd
import shutil
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local.group import ProcessGroup
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.system_packages import program

START_SECONDS = 60
STOP_SECONDS = 20
POLL_SECONDS = 0.05
USER = "baton"


class PostgresFailed(Exception):
    """The server or one of its tools failed; the text says why."""


class PrivatePostgres:
    """One server. ``fsync=False`` only where nothing is measured and no data have to outlive the machine."""

    name = "database"

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder.resolve()
        self._port = free_port()
        self._fsync = fsync
        self._server = ProcessGroup(self._folder / "server.json")
        self._log_began = 0

    def url(self, database: str = "postgres") -> str:
        """Where clients connect."""
        return f"postgresql+psycopg2://{USER}@{LOOPBACK}:{self._port}/{database}"

    @property
    def alive(self) -> bool:
        """Whether the server runs."""
        return self._server.alive

    @property
    def data(self) -> Path:
        """The server's data folder."""
        return self._folder / "data"

    @property
    def log_path(self) -> Path:
        """What the server says about itself."""
        return self._folder / "server.log"

    def start(self) -> None:
        """Make the data folder if need be, start the server, wait until it answers.

        Raises: PostgresFailed, ProgramMissing, StillOwned.
        """
        self._make_data()
        until = time.monotonic() + START_SECONDS
        try:
            self._launch()
            while not self._answers():
                if time.monotonic() > until:
                    raise PostgresFailed(f"PostgreSQL did not start; see {self.log_path}")
                if not self._server.alive:
                    # After a kill, old workers may still hold the shared memory for a moment.
                    if "still in use" not in self._last_words():
                        raise PostgresFailed(f"PostgreSQL did not start: {self._last_words()}")
                    self._launch()
                time.sleep(POLL_SECONDS)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the server, dropping its connections; by force if it does not."""
        self._server.send(signal.SIGINT)
        self._server.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the server with SIGKILL. Its workers notice and end by themselves."""
        self._server.kill()

    def restart(self) -> None:
        """Kill and start again, on the same port; the server recovers by itself."""
        self.kill()
        self.start()

    def create_database(self, name: str) -> str:
        """A new, empty database; its URL.

        Raises: PostgresFailed.
        """
        self._run("createdb", "-h", LOOPBACK, "-p", str(self._port), "-U", USER, name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Throw a database away, and whoever is connected to it out.

        Raises: PostgresFailed.
        """
        self._run("dropdb", "--force", "-h", LOOPBACK, "-p", str(self._port), "-U", USER, name)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _make_data(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        user = _unprivileged_user()
        if user is not None:
            os.chown(self._folder, user.pw_uid, user.pw_gid)
        if not (self._folder / "data").exists():
            unfinished = self._folder / "data.new"  # left by an interrupted start
            shutil.rmtree(unfinished, ignore_errors=True)
            self._run("initdb", "-D", unfinished.name, "-U", USER, "--auth=trust", "-E", "UTF8", "--locale=C")
            unfinished.rename(self._folder / "data")

    def _launch(self) -> None:
        self._log_began = self.log_path.stat().st_size if self.log_path.exists() else 0
        settings = {
            "listen_addresses": LOOPBACK,
            "unix_socket_directories": "",  # a folder's path may be too long for a socket
            "max_connections": "300",
            "fsync": "on" if self._fsync else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [str(program("postgres")), "-D", "data", "-p", str(self._port), *options]
        self._server.start(command, env=os.environ, log=self.log_path, **self._as_user())

    def _answers(self) -> bool:
        command = [str(program("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self._port)]
        return subprocess.run(command).returncode == 0

    def _last_words(self) -> str:
        """Why it ended, from its log since it was launched."""
        lines = self.log_path.read_bytes()[self._log_began :].decode(errors="replace").splitlines()
        fatal = [line for line in lines if "FATAL" in line]
        return fatal[-1] if fatal else f"see {self.log_path}"

    def _run(self, name: str, *arguments: str) -> None:
        done = subprocess.run([str(program(name)), *arguments], capture_output=True, text=True, **self._as_user())
        if done.returncode != 0:
            raise PostgresFailed(f"{name}: {done.stderr.strip()}")

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
