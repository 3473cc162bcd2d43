"""All services of the platform as processes of this machine. Used by ``make run`` and by the end-to-end tests.

A service can have several processes: ``oversight`` is its first, ``oversight-2`` its second, each with a port.
"""

import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.orphans import ProcessFile
from deploy.local.processes import ManagedProcess
from services.community_handover.photo_box import create_keys as create_attachment_keys
from services.notification.seal import create_keys as create_keys_of_addresses
from services.person_registry.keyring import create_keyring
from shared.web.tokens import create_keys

ROOT = Path(__file__).parents[2]
SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
    "notification",
)
CONSOLE = "console"
IDENTITY = "identity"
MODULES = {CONSOLE: "services.console", IDENTITY: "services.identity"}  # hosted by themselves
CLIENT_SECRET = "console-client-secret"  # noqa: S105 - a file name
READY_SECONDS = 120


class Stack:
    """The services and the console, with their URLs. ``ports`` says which processes there are.

    ``extra_env`` is for all of them, ``env_of`` for one each.
    """

    def __init__(
        self,
        folder: Path,
        *,
        amqp_uri: str,
        database_url: str | None,
        ports: Mapping[str, int],
        extra_env: Mapping[str, str] | None = None,
        env_of: Mapping[str, Mapping[str, str]] | None = None,
        commands: Mapping[str, list[str]] | None = None,
    ) -> None:
        self._folder = folder.resolve()
        self._env = self._environment(amqp_uri, database_url, ports) | dict(extra_env or {})
        self._env_of = env_of or {}
        self._commands = commands or {}
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        self.processes = {name: self._process(name, port) for name, port in ports.items()}

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the platform's own tools find it."""
        return dict(self._env)

    def start(self) -> None:
        """Start everything and wait until all of it is ready. Nothing is left running when that fails.

        Raises: NotReady, StillOwned.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        keys = self._folder / "keys"
        create_keys(keys / "private.jwk", keys / "public.jwks")
        create_keys(keys / "audit.jwk", keys / "audit.jwks")
        _create_secret(keys / CLIENT_SECRET)
        create_attachment_keys(keys / "attachments.keys")
        create_keyring(keys / "identity.json", keys / "escrow-private.key")
        create_keys_of_addresses(keys / "notification.key")
        try:
            for process in self.processes.values():
                process.start()
            for process in self.processes.values():
                process.wait_ready(READY_SECONDS)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End everything, politely and all at the same time."""
        for process in self.processes.values():
            process.ask_to_stop()
        for process in self.processes.values():
            process.wait_stopped()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _process(self, name: str, port: int) -> ManagedProcess:
        module = [MODULES[name]] if name in MODULES else ["shared.runtime", service_of(name)]
        return ManagedProcess(
            name,
            self._commands.get(name) or [sys.executable, "-m", *module],
            env=self._env | {"HTTP_PORT": str(port), **self._env_of.get(name, {})},
            log=logs(self._folder) / f"{name}.log",
            url=self.urls[name],
        )

    def _environment(self, amqp_uri: str, database_url: str | None, ports: Mapping[str, int]) -> dict[str, str]:
        keys = self._folder / "keys"
        env = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        env |= {
            "PYTHONPATH": str(ROOT),
            "AMQP_URI": amqp_uri,
            "BATON_DATA": str(self._folder),
            "TOKEN_JWKS": str(keys / "public.jwks"),
            "FORWARDED_HOPS": "1",  # the console, in front of the services, says where its user is
            "AUDIT_KEY": str(keys / "audit.jwk"),
            "AUDIT_JWKS": str(keys / "audit.jwks"),
            "IDENTITY_KEYS": str(keys / "identity.json"),
            "ATTACHMENT_KEYS": str(keys / "attachments.keys"),
            "NOTIFICATION_KEYS": str(keys / "notification.key"),
            "TOKEN_PRIVATE_JWK": str(keys / "private.jwk"),
            "BATON_DEMO": os.environ.get("BATON_DEMO", "1"),
            "ACCOUNTS": str(self._folder / "accounts.json"),
            "OIDC_CLIENT_SECRET_FILE": str(keys / CLIENT_SECRET),
        }
        first = {name: port for name, port in ports.items() if name == service_of(name)}
        env |= {f"{name.upper()}_URL": f"http://127.0.0.1:{port}" for name, port in first.items()}
        env |= _identity_env(ports)
        return env | ({"DATABASE_URL": database_url} if database_url else {})


def _identity_env(ports: Mapping[str, int]) -> dict[str, str]:
    """Where people sign in, where there is somebody to ask; else tokens are signed by whoever has the key."""
    if IDENTITY not in ports:
        return {}
    issuer = f"http://127.0.0.1:{ports[IDENTITY]}"
    hosts = ("127.0.0.1", "localhost") if CONSOLE in ports else ()
    consoles = " ".join(f"http://{host}:{ports[CONSOLE]}" for host in hosts)
    return {"OIDC_ISSUER": issuer, "TOKEN_ISSUER": issuer, "CONSOLE_URLS": consoles}


def _create_secret(path: Path) -> None:
    """Make it once, for its owner only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(32))


def service_of(process: str) -> str:
    """The service that a process is of: ``oversight-2`` is the second one of ``oversight``."""
    return process.partition("-")[0]


def logs(folder: Path) -> Path:
    """Where the processes of a data folder write what they do."""
    return folder / "logs"


def end_orphans(folder: Path) -> int:
    """End the processes that a crashed run on this data folder has left behind; how many.

    Raises: StillOwned.
    """
    return sum(ProcessFile(note).end_orphan() for note in sorted(logs(folder).glob("*.json")))
