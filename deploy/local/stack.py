"""All services of the platform as processes of this machine. Used by ``make run`` and by the end-to-end tests."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.local.processes import ManagedProcess
from shared.web.tokens import create_keys

ROOT = Path(__file__).parents[2]
SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
)
CONSOLE = "console"
READY_SECONDS = 60


class Stack:
    """The services and the console, with their URLs."""

    def __init__(
        self,
        folder: Path,
        *,
        amqp_uri: str,
        database_url: str | None,
        ports: Mapping[str, int],
        extra_env: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._env = self._environment(amqp_uri, database_url, ports) | dict(extra_env or {})
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self.processes = {name: self._process(name, port) for name, port in ports.items()}

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the platform's own tools find it."""
        return dict(self._env)

    def start(self) -> None:
        """Start everything and wait until all of it is ready.

        Raises: NotReady.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        create_keys(self._folder / "keys" / "private.jwk", self._folder / "keys" / "public.jwks")
        for process in self.processes.values():
            process.start()
        for process in self.processes.values():
            process.wait_ready(READY_SECONDS)

    def stop(self) -> None:
        """End everything politely and at once."""
        for process in self.processes.values():
            process.ask_to_stop()
        for process in self.processes.values():
            process.wait_stopped()

    def _process(self, name: str, port: int) -> ManagedProcess:
        module = ["services.console"] if name == CONSOLE else ["shared.runtime", name]
        return ManagedProcess(
            name,
            [sys.executable, "-m", *module],
            env=self._env | {"HTTP_PORT": str(port)},
            log=self._folder / "logs" / f"{name}.log",
            url=f"http://127.0.0.1:{port}",
        )

    def _environment(self, amqp_uri: str, database_url: str | None, ports: Mapping[str, int]) -> dict[str, str]:
        keys = self._folder / "keys"
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        env |= {
            "PYTHONPATH": str(ROOT),
            "AMQP_URI": amqp_uri,
            "BATON_DATA": str(self._folder),
            "TOKEN_JWKS": str(keys / "public.jwks"),
            "TOKEN_PRIVATE_JWK": str(keys / "private.jwk"),
            "DEMO_ACCOUNTS": str(self._folder / "accounts.json"),
        }
        env |= {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in ports.items()}
        return env | ({"DATABASE_URL": database_url} if database_url else {})
