"""What the console needs to know, from the environment."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
)
ROOT = Path(__file__).parents[2]


class ConfigurationError(Exception):
    """A variable is missing or wrong; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The console's configuration."""

    host: str
    port: int
    urls: Mapping[str, str]
    private_jwk: Path
    accounts: Path
    session_secret: str
    assets: Path
    build: Path
    forwarded_hops: int  # proxies in front that say from where a request comes
    shows_accounts: bool  # demonstration: the sign-in page lists the accounts (never the password)


def load_settings(env: Mapping[str, str]) -> Settings:
    """Read the environment.

    Raises: ConfigurationError.
    """
    data = Path(env.get("BATON_DATA", "data"))
    return Settings(
        host=env.get("HTTP_HOST", "127.0.0.1"),
        port=_number(env, "HTTP_PORT", 8000),
        urls={name: _required(env, f"{name.upper()}_URL") for name in SERVICES},
        private_jwk=_file(env, "TOKEN_PRIVATE_JWK"),
        accounts=_file(env, "DEMO_ACCOUNTS"),
        session_secret=_session_secret(data / "keys" / "session-secret"),
        assets=ROOT / "build" / "node_modules",
        build=ROOT / "build",
        forwarded_hops=_number(env, "CONSOLE_FORWARDED_HOPS", 0),
        shows_accounts=env.get("BATON_DEMO", "1") != "0",
    )


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name) or default)
    except ValueError:
        raise ConfigurationError(f"{name} is not a number") from None


def _required(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise ConfigurationError(f"{name} is not set")
    return env[name].rstrip("/")


def _file(env: Mapping[str, str], name: str) -> Path:
    path = Path(_required(env, name))
    if not path.is_file():
        raise ConfigurationError(f"{name} names no file: {path}")
    return path


def _session_secret(path: Path) -> str:
    """Made once, so that a restart signs nobody out."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()
