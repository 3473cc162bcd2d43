"""A Docker engine: the one that ``DOCKER_HOST`` names, else one of our own with a data folder of its own, ended after.

Only for the check of real containers. An engine needs root and Linux; it is installed from the operating system's
packages where that is possible.
"""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.local.group import ProcessGroup
from deploy.local.system_packages import find_program, install

START_SECONDS = 60
STOP_SECONDS = 60
POLL_SECONDS = 0.2
PACKAGES = ("docker.io", "docker-compose", "debootstrap", "iptables")
# Away from the networks that a machine is likely to be in.
NETWORKS = ("--bip", "172.31.255.1/24", "--default-address-pool", "base=172.30.0.0/16,size=24")


class DockerFailed(Exception):
    """Docker refused or failed; the text is what it said."""


class Docker:
    """The engine's command line."""

    def __init__(self, host: str) -> None:
        # Without BuildKit, whose client part is a package of its own.
        self.env = {**os.environ, "DOCKER_HOST": host, "DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}

    def __call__(self, *arguments: str, given: bytes | None = None) -> str:
        """Run ``docker …``; what it prints.

        Raises: DockerFailed.
        """
        return run(["docker", *arguments], env=self.env, given=given)

    def inspect(self, container: str) -> dict[str, Any]:
        """What the engine knows about a container."""
        (found,) = json.loads(self("inspect", container))
        return dict(found)


def run(command: list[str], *, env: Mapping[str, str], cwd: Path | None = None, given: bytes | None = None) -> str:
    """Run a command; what it prints.

    Raises: DockerFailed.
    """
    done = subprocess.run(command, env=dict(env), cwd=cwd, input=given, capture_output=True)
    if done.returncode != 0:
        last = (done.stderr + done.stdout).decode(errors="replace").strip().splitlines()[-40:]
        raise DockerFailed("\n".join([f"`{' '.join(command[:4])} …` failed:", *last]))
    return done.stdout.decode()


@contextmanager
def engine(folder: Path) -> Iterator[Docker]:
    """A running engine.

    Raises: DockerFailed, ProgramMissing.
    """
    if host := os.environ.get("DOCKER_HOST"):
        yield Docker(host)
        return
    if find_program("dockerd", ()) is None or shutil.which("debootstrap") is None:
        install(PACKAGES, brew=())
    folder.mkdir(parents=True, exist_ok=True)
    group = ProcessGroup(folder / "engine.json")
    docker = Docker(f"unix://{folder}/docker.sock")
    group.start(_command(folder), env=os.environ, log=folder / "engine.log")
    try:
        _wait_for(docker, group, folder)
        yield docker
    finally:
        group.send(signal.SIGTERM)
        group.wait(STOP_SECONDS)
        group.kill()


def _command(folder: Path) -> list[str]:
    places = {
        "--data-root": folder / "data",
        "--exec-root": folder / "exec",
        "--host": f"unix://{folder}/docker.sock",
        "--pidfile": folder / "engine.pid",
    }
    return ["dockerd", *(str(part) for place in places.items() for part in place), *NETWORKS]


def _wait_for(docker: Docker, group: ProcessGroup, folder: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            docker("version")
            return
        except DockerFailed as failure:
            if not group.alive or time.monotonic() > until:
                raise DockerFailed(f"the engine did not start; see {folder / 'engine.log'}") from failure
        time.sleep(POLL_SECONDS)
