"""The composed platform as the check drives it: up, healthy, asked, killed, down."""

import os
import shutil
import signal
import ssl
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.docker.engine import Docker, DockerFailed, run
from deploy.docker.standins import MISSING
from deploy.local.chain import PEOPLE, Chain
from deploy.local.client import Platform
from deploy.local.ports import free_ports
from deploy.local.stack import ROOT
from deploy.local.where import password_from_environment, trusted, urls_from_environment

PROJECT = "batoncheck"
HEALTHY_SECONDS = 300
POLL_SECONDS = 0.3


class Composed:
    """One project of docker compose, with secrets and ports of its own."""

    def __init__(self, docker: Docker, folder: Path) -> None:
        self.docker = docker
        self.secrets = folder / "secrets"
        https, http, prometheus, alertmanager, grafana = free_ports(5)
        self.prometheus = f"http://127.0.0.1:{prometheus}"
        self.door = f"https://localhost:{https}"
        self._env = docker.env | {
            "COMPOSE_PROJECT_NAME": PROJECT,
            "BATON_SECRETS": str(self.secrets),
            "BATON_URL": self.door,
            "BATON_HTTPS_PORT": str(https),
            "BATON_HTTP_PORT": str(http),
            "PROMETHEUS_PORT": str(prometheus),
            "ALERTMANAGER_PORT": str(alertmanager),
            "GRAFANA_PORT": str(grafana),
        }
        self.http_port = http

    def compose(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        """Run docker compose; what it prints.

        Raises: DockerFailed.
        """
        return run([*self._command(), *arguments], env=self._env | dict(env or {}), cwd=ROOT)

    def services(self) -> list[str]:
        """All services of the file but those for which nothing stands in."""
        return [name for name in self.compose("config", "--services").split() if name not in MISSING]

    def up(self) -> None:
        """Start, and wait until everything is healthy and the jobs are done.

        Raises: DockerFailed.
        """
        self.compose("up", "--detach", "--no-build", *self.services())
        for name in self.services():
            self.wait_for(name)

    def wait_for(self, service: str) -> None:
        """Wait until a service is healthy, or a job done.

        Raises: DockerFailed.
        """
        until = time.monotonic() + HEALTHY_SECONDS
        while not self.is_well(service):
            if time.monotonic() > until:
                raise DockerFailed(f"{service} is not well: {self.state(service)}\n{self.log(service)}")
            time.sleep(POLL_SECONDS)

    def is_well(self, service: str) -> bool:
        """Whether it is healthy, or is a job (which nobody asks) that ended well."""
        told = self.state(service)
        if "Health" in told:
            return bool(told["Status"] == "running" and told["Health"]["Status"] == "healthy")
        return bool(told["Status"] == "exited" and told["ExitCode"] == 0)

    def state(self, service: str) -> dict[str, Any]:
        """What the engine says about a service's container."""
        return dict(self.inspect(service)["State"])

    def inspect(self, service: str) -> dict[str, Any]:
        """Everything that the engine knows about it."""
        return self.docker.inspect(self.container(service))

    def container(self, service: str) -> str:
        """Its id."""
        found = self.docker(
            "ps", "--all", "--quiet", "--no-trunc",
            "--filter", f"label=com.docker.compose.project={PROJECT}",
            "--filter", f"label=com.docker.compose.service={service}",
        ).split()  # fmt: skip
        if len(found) != 1:
            raise DockerFailed(f"{service}: {len(found)} containers")
        return found[0]

    def log(self, service: str, lines: int = 15) -> str:
        """The end of what it said."""
        command = ["docker", "logs", "--tail", str(lines), self.container(service)]
        done = subprocess.run(command, env=self.docker.env, capture_output=True, text=True)
        return done.stdout + done.stderr

    def kill(self, service: str) -> None:
        """SIGKILL to its first process, as a crash; to the engine it was not us, so it is started again."""
        os.kill(self.state(service)["Pid"], signal.SIGKILL)

    def restarts(self, service: str) -> int:
        """How often the engine has started it again."""
        return int(self.inspect(service)["RestartCount"])

    def chain(self, acted: Any = lambda step: None) -> str:
        """One case through the front door; the person's id.

        Raises: CallFailed, SignInFailed, TooLate.
        """
        return Chain(self.signed_in(PEOPLE), say=lambda line: None, acted=acted).run()

    def signed_in(self, usernames: Iterable[str]) -> Platform:
        """The platform, seen by those who have signed in through the front door.

        Raises: CallFailed, SignInFailed.
        """
        platform = Platform(urls_from_environment(self.outside), patience=120, trusted=self.trusted)
        for username in usernames:
            platform.sign_in(username, self.password)
        return platform

    @property
    def outside(self) -> dict[str, str]:
        """The environment of who comes through the front door."""
        return {"BASE_URL": self.door, "BATON_SECRETS": str(self.secrets)}

    @property
    def trusted(self) -> ssl.SSLContext:
        """The authorities that they trust."""
        return trusted(self.outside)

    @property
    def password(self) -> str:
        """What the demonstration's accounts have."""
        return password_from_environment(self.outside)

    def down(self, *arguments: str) -> None:
        """Stop and remove everything."""
        self.compose("down", "--timeout", "30", *arguments)

    def _command(self) -> list[str]:
        plugin = subprocess.run(["docker", "compose", "version"], env=self._env, capture_output=True)
        if plugin.returncode == 0:
            return ["docker", "compose"]
        if shutil.which("docker-compose") is None:
            raise DockerFailed("docker compose is not installed")
        return ["docker-compose"]
