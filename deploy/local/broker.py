"""A private RabbitMQ node: own ports, own data folder, own cookie; never the machine's broker."""

import os
import signal
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.ports import free_port, is_listening
from deploy.local.system_packages import find_program, install

# Debian's wrapper in /usr/sbin insists on its own user, so the scripts behind it are called.
FOLDERS = ("/usr/lib/rabbitmq/bin", "/opt/homebrew/sbin", "/usr/local/sbin")
START_SECONDS = 60
STOP_SECONDS = 20


class BrokerFailed(Exception):
    """The node did not start; the text is the end of its log."""


class PrivateBroker:
    """One node. Its data survive `stop` and `kill`; start it again in the same folder and they are back."""

    def __init__(self, folder: Path, *, name: str = "baton") -> None:
        self._folder = folder.resolve()
        self._name = f"{name}{os.getpid()}@localhost"
        self._ports = (free_port(), free_port(), free_port())
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Where clients connect."""
        return f"amqp://guest:guest@127.0.0.1:{self._ports[0]}//"

    def start(self) -> None:
        """Start the node and wait until it takes connections.

        Raises: BrokerFailed, ProgramMissing.
        """
        program = rabbitmq_program("rabbitmq-server")
        self._write_configuration()
        with open(self._folder / "start.log", "ab") as log:
            self._process = subprocess.Popen(
                [program],
                env=self._environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        until = time.monotonic() + START_SECONDS
        while not is_listening(self._ports[0]):
            if self._process.poll() is not None or time.monotonic() > until:
                self.kill()
                raise BrokerFailed(f"RabbitMQ did not start; see {self._folder / 'start.log'}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End the node politely, else by force."""
        if self._process is None:
            return
        os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        self.kill()

    def kill(self) -> None:
        """End the node and everything it started with SIGKILL."""
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self._process.wait()
            self._process = None
        subprocess.run(["pkill", "-KILL", "-f", f"epmd.*-port {self._ports[2]}"], capture_output=True, check=False)

    def restart(self) -> None:
        """Kill and start again."""
        self.kill()
        self.start()

    def rabbitmqctl(self, *arguments: str) -> str:
        """Run the node's command line tool and give what it prints."""
        done = subprocess.run(
            [rabbitmq_program("rabbitmqctl"), "-n", self._name, *arguments],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _write_configuration(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "enabled_plugins").write_text("[].\n")
        (self._folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._ports[0]}\n"
            "disk_free_limit.absolute = 200MB\n"
            "vm_memory_high_watermark.relative = 0.4\n"
            "loopback_users.guest = true\n"
        )

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        return {
            **os.environ,
            "HOME": folder,
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_MNESIA_DIR": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(self._ports[1]),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none",
            "ERL_EPMD_PORT": str(self._ports[2]),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }


def rabbitmq_program(name: str) -> str:
    """A program of RabbitMQ's, installed first if need be."""
    found = find_program(name, FOLDERS)
    if found is None:
        install("rabbitmq-server", brew=["rabbitmq"])
        found = find_program(name, FOLDERS)
    return str(found)
