"""What identity needs to know beside what every service does. ``NAME_FILE`` may hold what ``NAME`` may."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from environs import EnvError, FileAwareEnv
from marshmallow.validate import Range

from services.identity.accounts import Client
from shared.runtime.settings import ConfigurationError

CONSOLE_CLIENT = "console"
SIGNED_IN, SIGNED_OUT = "/signed-in", "/signed-out"


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """The provider's configuration."""

    issuer: str  # its own address, as browsers see it
    accounts: Path
    private_jwk: Path
    public_jwks: Path
    console: Client
    cookie_secret: str
    shows_accounts: bool  # demonstration: the page lists the accounts (never the password)
    forwarded_hops: int  # proxies in front that say from where a request comes

    @property
    def is_secure(self) -> bool:
        """Whether browsers come by TLS, so that cookies go by nothing else."""
        return self.issuer.startswith("https://")

    @property
    def path(self) -> str:
        """Below what path of its address it answers: empty, or ``/identity`` behind a front door that it shares."""
        return urlsplit(self.issuer).path


def load_provider_settings() -> ProviderSettings:
    """Read the environment.

    Raises: ConfigurationError.
    """
    env = FileAwareEnv(strip_whitespace=True)
    try:
        return ProviderSettings(
            issuer=env.str("OIDC_ISSUER").rstrip("/"),
            accounts=_existing_file(env, "ACCOUNTS"),
            private_jwk=_existing_file(env, "TOKEN_PRIVATE_JWK"),
            public_jwks=_existing_file(env, "TOKEN_JWKS"),
            console=_console(env),
            cookie_secret=env.str("IDENTITY_COOKIE_SECRET", "") or _made_once(Path(env.str("BATON_DATA", "data"))),
            shows_accounts=env.str("BATON_DEMO", "0") == "1",
            forwarded_hops=env.int("IDENTITY_FORWARDED_HOPS", 0, validate=Range(0, 5)),
        )
    except (EnvError, ValueError) as error:
        raise ConfigurationError(str(error)) from error


def _console(env: FileAwareEnv) -> Client:
    urls = [url.rstrip("/") for url in env.str("CONSOLE_URLS").split()]
    return Client(
        env.str("OIDC_CLIENT_ID", CONSOLE_CLIENT),
        env.str("OIDC_CLIENT_SECRET"),
        is_plain=True,
        redirect_uris=tuple(f"{url}{SIGNED_IN}" for url in urls),
        post_logout_redirect_uris=tuple(f"{url}{SIGNED_OUT}" for url in urls),
    )


def _existing_file(env: FileAwareEnv, name: str) -> Path:
    path = Path(env.str(name))
    if not path.is_file():
        raise ConfigurationError(f"{name} names no file: {path}")
    return path


def _made_once(data: Path) -> str:
    """A secret of this data folder, so that a restart signs nobody out."""
    path = data / "keys" / "identity-cookie-secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text()
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_hex(32))
    return path.read_text()
