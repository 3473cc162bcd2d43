"""What the console needs to know, from the environment."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.web.rate_limits import RateLimit, rate_limit
from shared.web.tokens import Expected

SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
    "notification",
)
ROOT = Path(__file__).parents[2]
RATE_LIMIT = "600/10 seconds"  # far more than anybody presses; many people may sign in from one address


class ConfigurationError(Exception):
    """A variable is missing or wrong; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The console's configuration."""

    host: str
    port: int
    urls: Mapping[str, str]
    issuer: str  # the OpenID provider, as browsers see it
    client_id: str
    client_secret: str
    scope: str
    expected: Expected  # by what names the provider tells role, organisation and division
    base_url: str | None  # our own address as browsers see it; None: as each asks for it
    sessions_url: str  # the database that sessions are kept in
    session_secret: str
    session_idle: timedelta
    session_longest: timedelta
    assets: Path
    build: Path
    forwarded_hops: int  # proxies in front that say from where a request comes
    rate_limit: RateLimit | None = None  # of each person, and of each address where nobody is signed in
    backchannel: str | None = None  # by what address we ourselves reach the provider; None: the issuer's

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS, so that cookies go by nothing else."""
        return (self.base_url or "").startswith("https://")


def load_settings(env: Mapping[str, str]) -> Settings:
    """Read the environment.

    Raises: ConfigurationError.
    """
    data = Path(env.get("BATON_DATA", "data"))
    return Settings(
        host=env.get("HTTP_HOST", "127.0.0.1"),
        port=_number(env, "HTTP_PORT", 8000),
        urls=_urls(env),
        issuer=_required(env, "OIDC_ISSUER"),
        client_id=env.get("OIDC_CLIENT_ID", "console"),
        client_secret=_secret(env, "OIDC_CLIENT_SECRET"),
        scope=env.get("OIDC_SCOPE", "openid profile"),
        expected=_expected(env),
        base_url=(env.get("CONSOLE_URL") or "").rstrip("/") or None,
        sessions_url=_sessions_url(env, data),
        session_secret=_session_secret(env, data / "keys" / "session-secret"),
        session_idle=timedelta(minutes=_number(env, "SESSION_IDLE_MINUTES", 30)),
        session_longest=timedelta(hours=_number(env, "SESSION_HOURS", 12)),
        assets=ROOT / "build" / "node_modules",
        build=ROOT / "build",
        forwarded_hops=_number(env, "CONSOLE_FORWARDED_HOPS", 0),
        rate_limit=_rate_limit(env),
        backchannel=(env.get("OIDC_BACKCHANNEL_URL") or "").rstrip("/") or None,
    )


def _urls(env: Mapping[str, str]) -> dict[str, str]:
    """Where the services are; and the embedded provider, which has an audit too, if it is there."""
    found = {name: _required(env, f"{name.upper()}_URL") for name in SERVICES}
    return found | ({"identity": env["IDENTITY_URL"].rstrip("/")} if env.get("IDENTITY_URL") else {})


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(env.get(name) or default)
    except ValueError:
        raise ConfigurationError(f"{name} is not a number") from None


def _rate_limit(env: Mapping[str, str]) -> RateLimit | None:
    try:
        return rate_limit(env.get("CONSOLE_RATE_LIMIT") or RATE_LIMIT)
    except ValueError:
        raise ConfigurationError(f"CONSOLE_RATE_LIMIT is neither off nor like {RATE_LIMIT}") from None


def _required(env: Mapping[str, str], name: str) -> str:
    if not env.get(name):
        raise ConfigurationError(f"{name} is not set")
    return env[name].rstrip("/")


def _secret(env: Mapping[str, str], name: str) -> str:
    """What ``NAME`` says, or the file that ``NAME_FILE`` names."""
    if env.get(name):
        return env[name]
    try:
        return Path(_required(env, f"{name}_FILE")).read_text().strip()
    except OSError as error:
        raise ConfigurationError(f"{name}_FILE names no file that can be read") from error


def _sessions_url(env: Mapping[str, str], data: Path) -> str:
    """The platform's database, else a file."""
    if not (env.get("DATABASE_URL") or env.get("DATABASE_URL_FILE")):
        return f"sqlite:///{data.resolve() / 'console.sqlite3'}"
    url = _secret(env, "DATABASE_URL")
    return f"postgresql{url.removeprefix('postgres')}" if url.startswith("postgres:") else url


def _expected(env: Mapping[str, str]) -> Expected:
    own = Expected()
    return Expected(
        role=env.get("OIDC_CLAIM_ROLE", own.role),
        organisation=env.get("OIDC_CLAIM_ORGANISATION", own.organisation),
        division=env.get("OIDC_CLAIM_DIVISION", own.division),
    )


def _session_secret(env: Mapping[str, str], path: Path) -> str:
    """Made once, so that a restart signs nobody out; several consoles are told the same."""
    if env.get("SESSION_SECRET") or env.get("SESSION_SECRET_FILE"):
        return _secret(env, "SESSION_SECRET")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()
