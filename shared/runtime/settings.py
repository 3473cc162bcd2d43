"""Configuration from the environment, checked once at start. An error names the variable.

Whatever ``NAME`` may hold, the file that ``NAME_FILE`` names may hold instead: so come passwords into containers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

from environs import Env, EnvError, FileAwareEnv
from marshmallow.validate import OneOf, Range
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from shared.web.keys import FileKeys, KeySource, RemoteKeys, discovery_url
from shared.web.rate_limits import RateLimit, rate_limit
from shared.web.tokens import AUDIENCE, ISSUER, Expected

DEFAULT_PORTS: Mapping[str, int] = {
    "console": 8000,
    "person_registry": 8001,
    "drug_testing": 8002,
    "detention_intake": 8003,
    "release_notification": 8004,
    "community_handover": 8005,
    "oversight": 8006,
    "identity": 8007,
    "notification": 8008,
}

# More than one client needs and a process can do; what a burst after an outage has over that comes a little later.
RATE_LIMIT = "2000/10 seconds"


class Topology(StrEnum):
    """What a service does about the broker's exchanges and queues when it starts."""

    DECLARE = "declare"
    CHECK = "check"  # somebody else declares them, who alone may; the service waits until they are there


class ConfigurationError(Exception):
    """A variable is missing or wrong; the text names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a service process needs to know."""

    service: str
    amqp_uri: str  # several hosts are separated by ';'
    database_url: str
    http_host: str
    http_port: int
    batch_size: int  # messages
    batch_linger: float | None  # seconds; None: as the service declares
    consumers: (
        int  # batches of one queue under way at once, so that one is worked on while another waits for the database
    )
    log_level: str
    token_keys: KeySource  # public keys of the token issuer
    expected: Expected  # what its tokens say
    retention: timedelta = timedelta(days=30)  # of inbox, answers and idempotency keys; longer than any replay
    topology: Topology = Topology.DECLARE
    forwarded_hops: int = 0  # proxies in front that say from where a request comes
    audit_key: Path | None = None  # private JWK that signs each day's end of the audit
    rate_limit: RateLimit | None = None  # of each client of the API
    clock_file: Path | None = None  # for rehearsals: the moment at which the service believes to be


def load_settings(service: str) -> Settings:
    """Read the environment.

    Raises: ConfigurationError.
    """
    env = _environment()
    try:
        database_url = _database_url(env, service)
        return Settings(
            service=service,
            amqp_uri=_amqp_uri(env),
            database_url=database_url,
            http_host=env.str("HTTP_HOST", "127.0.0.1"),
            http_port=env.int("HTTP_PORT", DEFAULT_PORTS.get(service, 8010), validate=Range(1, 65535)),
            batch_size=env.int("BATCH_SIZE", 500, validate=Range(1, 5000)),
            batch_linger=_seconds(env.int("BATCH_LINGER_MS", None, validate=Range(0, 10_000))),
            consumers=env.int("CONSUMERS", _consumers(database_url), validate=Range(1, 16)),
            log_level=env.str("LOG_LEVEL", "INFO", validate=OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
            retention=timedelta(days=env.int("RETENTION_DAYS", 30, validate=Range(1, 3650))),
            token_keys=_token_keys(env),
            expected=_expected(env),
            topology=env.enum("TOPOLOGY", Topology.DECLARE, enum=Topology, by_value=True),
            forwarded_hops=env.int("FORWARDED_HOPS", 0, validate=Range(0, 5)),
            rate_limit=told_rate_limit(),
            audit_key=_existing_file(env, "AUDIT_KEY") if env.str("AUDIT_KEY", "") else None,
            clock_file=_existing_file(env, "CLOCK_FILE") if env.str("CLOCK_FILE", "") else None,
        )
    except (EnvError, ValueError) as error:  # the latter for a file that cannot be read
        raise ConfigurationError(str(error)) from error


def _seconds(milliseconds: int | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000


def told_rate_limit() -> RateLimit | None:
    """How many requests a client may send.

    Raises: ConfigurationError.
    """
    try:
        return rate_limit(_environment().str("RATE_LIMIT", RATE_LIMIT))
    except ValueError as error:
        raise ConfigurationError(f"RATE_LIMIT is neither off nor like {RATE_LIMIT}") from error


def data_url(service: str) -> str:
    """Where a service's data are, for a tool beside it.

    Raises: ConfigurationError.
    """
    try:
        return _database_url(_environment(), service)
    except (EnvError, ValueError) as error:
        raise ConfigurationError(str(error)) from error


def _token_keys(env: Env) -> KeySource:
    """A file, an address, or what the issuer says of itself."""
    if env.str("TOKEN_JWKS", ""):
        try:
            return FileKeys(_existing_file(env, "TOKEN_JWKS"))
        except (OSError, ValueError) as error:
            raise ConfigurationError("TOKEN_JWKS names a file that cannot be read as a JWKS") from error
    url, issuer = env.str("TOKEN_JWKS_URL", ""), env.str("TOKEN_ISSUER", "")
    if not url and not issuer.startswith(("http://", "https://")):
        raise ConfigurationError("one of TOKEN_JWKS, TOKEN_JWKS_URL and TOKEN_ISSUER (an address) must be set")
    return RemoteKeys(url or discovery_url(issuer))


def _expected(env: Env) -> Expected:
    own = Expected()
    return Expected(
        issuer=env.str("TOKEN_ISSUER", ISSUER),
        audience=env.str("TOKEN_AUDIENCE", AUDIENCE),
        role=env.str("OIDC_CLAIM_ROLE", own.role),
        organisation=env.str("OIDC_CLAIM_ORGANISATION", own.organisation),
        division=env.str("OIDC_CLAIM_DIVISION", own.division),
    )


def amqp_uri() -> str:
    """Where the broker is, for what is no service.

    Raises: ConfigurationError.
    """
    try:
        return _amqp_uri(_environment())
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _environment() -> Env:
    return FileAwareEnv(strip_whitespace=True)


def _amqp_uri(env: Env) -> str:
    uri: str = env.str("AMQP_URI", "amqp://guest:guest@localhost:5672//")
    return uri


def _consumers(database_url: str) -> int:
    return 1 if database_url.startswith("sqlite") else 2  # SQLite has one writer at a time anyway


def _database_url(env: Env, service: str) -> str:
    url = env.str("DATABASE_URL", "")
    if not url:
        folder = Path(env.str("BATON_DATA", "data")).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        return f"sqlite:///{folder / service}.sqlite3"
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError("DATABASE_URL is not a database URL") from error
    if parsed.drivername in ("postgres", "postgresql"):
        # What SQLAlchemy takes by default is a driver that stops every green thread.
        parsed = parsed.set(drivername="postgresql+psycopg2")
    if parsed.drivername not in ("postgresql+psycopg2", "sqlite"):
        raise ConfigurationError(
            f"DATABASE_URL must be postgresql+psycopg2:// or sqlite://, not {parsed.drivername}://"
        )
    return parsed.render_as_string(hide_password=False)


def _existing_file(env: Env, name: str) -> Path:
    path = Path(env.str(name))
    if not path.is_file():
        raise ConfigurationError(f"{name} names no file: {path}")
    return path
