"""A private RabbitMQ node: own ports, data, cookie and password, reachable from this machine only.

It never touches the machine's own broker, and its data belong to its folder: stopped, killed, even orphaned by a
crash, it is started again in the same folder with all its queues. Valid for RabbitMQ 3.10 and 4.x.
"""

import os
import secrets
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.group import ProcessGroup
from deploy.local.ports import LOOPBACK, free_port, free_ports, is_listening
from deploy.local.system_packages import program

START_SECONDS = 120
STOP_SECONDS = 30
POLL_SECONDS = 0.05
USER = "guest"
PASSWORD_FILE = "password"  # noqa: S105 - a file name
# rabbitmqctl is an Erlang node as well and listens for answers; by default far from where our ports are.
TOOL_PORTS = ("30000", "32000")
LOCAL_ONLY = f"-kernel inet_dist_use_interface {{{LOOPBACK.replace('.', ',')}}}"


class BrokerFailed(Exception):
    """The node or its command line tool failed; the text says why."""


class Names:
    """An epmd, through which Erlang nodes find each other. A node would start one that outlives it; this is ours."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder.resolve()
        self._process = ProcessGroup(self._folder / "epmd.json")

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.alive

    def start(self) -> None:
        """Start it and wait until it listens.

        Raises: BrokerFailed, ProgramMissing, StillOwned.
        """
        command = [str(program("epmd")), "-address", LOOPBACK, "-port", str(self.port)]
        log = self._folder / "log" / "epmd.log"
        self._process.start(command, env=os.environ, log=log)
        wait_listening(self._process, self.port, log)

    def kill(self) -> None:
        """End it."""
        self._process.kill()


class PrivateBroker:
    """One node. Its name is part of its data, so it is always the same; the port of its epmd tells it from others.

    Nodes of a cluster are given the ``names`` that they share, more ``settings`` and ``erlang`` arguments.
    """

    name = "broker"

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "baton",
        amqp_port: int | None = None,
        names: Names | None = None,
        settings: Sequence[str] = (),
        erlang: str = "",
    ) -> None:
        self._folder = folder.resolve()
        self._node = f"{name}@localhost"
        free, self._dist_port = free_ports(2)
        self._port = amqp_port or free
        self._names = names or Names(self._folder)
        self._names_are_ours = names is None
        self._settings = settings
        self._erlang = f"{LOCAL_ONLY} {erlang}".strip()
        self._server = ProcessGroup(self._folder / "node.json")

    @property
    def node(self) -> str:
        """Its name among Erlang nodes."""
        return self._node

    @property
    def uri(self) -> str:
        """Where clients connect, with the password."""
        return f"amqp://{USER}:{self._password()}@{LOOPBACK}:{self._port}//"

    @property
    def alive(self) -> bool:
        """Whether the node's process runs."""
        return self._server.alive

    @property
    def log_path(self) -> Path:
        """What the node says about itself."""
        return self._folder / "log" / f"{self._node}.log"

    def start(self) -> None:
        """Start the node and wait until it takes connections. What a crashed run left behind is ended first.

        Raises: BrokerFailed, ProgramMissing, StillOwned.
        """
        server = program("rabbitmq-server")
        self._write_configuration()
        try:
            if self._names_are_ours:
                self._names.start()
            log = self._folder / "log" / "start.log"
            self._server.start([str(server)], env=self._environment(), log=log)
            wait_listening(self._server, self._port, log)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End the node politely, else by force."""
        self._server.send(signal.SIGTERM)
        self._server.wait(STOP_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the node and everything it started with SIGKILL."""
        self._server.kill()
        ports = [self._port, self._dist_port]
        if self._names_are_ours:
            self._names.kill()
            ports.append(self._names.port)
        # The node is not our child but its script's; it is gone when it listens no more.
        until = time.monotonic() + STOP_SECONDS
        while any(map(is_listening, ports)) and time.monotonic() < until:
            time.sleep(POLL_SECONDS)

    def restart(self) -> None:
        """Kill and start again, on the same ports."""
        self.kill()
        self.start()

    def rabbitmqctl(self, *arguments: str) -> str:
        """Run the node's command line tool and give what it prints.

        Raises: BrokerFailed.
        """
        if not self._names.alive:
            raise BrokerFailed("the node does not run")  # and the tool would start an epmd that stays
        command = [str(program("rabbitmqctl")), "-n", self._node, *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, text=True)
        if done.returncode != 0:
            raise BrokerFailed(f"rabbitmqctl {arguments[0]}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _password(self) -> str:
        """Made once: RabbitMQ keeps the one with which its data began."""
        path = self._folder / PASSWORD_FILE
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            path.write_text(secrets.token_urlsafe(16))
        return path.read_text()

    def _write_configuration(self) -> None:
        password = self._password()
        (self._folder / "enabled_plugins").write_text("[].\n")
        settings = self._folder / "rabbitmq.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self._port}\n"
            f"default_user = {USER}\n"
            f"default_pass = {password}\n"
            "loopback_users.guest = true\n"
            # A laptop: warn and block late, but keep the files small.
            "disk_free_limit.absolute = 100MB\n"
            "vm_memory_high_watermark.absolute = 1GB\n"
            "raft.wal_max_size_bytes = 67108864\n"
            "log.console = false\n"
            "log.file.rotation.size = 10485760\n"
            "log.file.rotation.count = 2\n" + "".join(f"{line}\n" for line in self._settings)
        )

    def _environment(self) -> dict[str, str]:
        folder = str(self._folder)
        foreign = ("RABBITMQ_", "ERL_", "NOTIFY_SOCKET")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return inherited | {
            "HOME": folder,  # where Erlang keeps its cookie
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_MNESIA_DIR": f"{folder}/data",
            "RABBITMQ_PLUGINS_EXPAND_DIR": f"{folder}/plugins",
            "RABBITMQ_PID_FILE": f"{folder}/node.pid",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/none.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_CONFIG_FILES": f"{folder}/none.d",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/none.config",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{folder}/generated",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": self._erlang,
            "RABBITMQ_CTL_ERL_ARGS": LOCAL_ONLY,
            "RABBITMQ_CTL_DIST_PORT_MIN": TOOL_PORTS[0],
            "RABBITMQ_CTL_DIST_PORT_MAX": TOOL_PORTS[1],
            "ELIXIR_ERL_OPTIONS": "+fnu",
            "ERL_EPMD_PORT": str(self._names.port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
        }


def wait_listening(process: ProcessGroup, port: int, log: Path) -> None:
    """Wait until a process listens.

    Raises: BrokerFailed when it ends, or takes too long.
    """
    until = time.monotonic() + START_SECONDS
    while not is_listening(port):
        if not process.alive or time.monotonic() > until:
            raise BrokerFailed(f"RabbitMQ did not start; see {log.parent}")
        time.sleep(POLL_SECONDS)
