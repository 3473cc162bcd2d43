"""Where the platform answers, for the tools that use it from outside, and what they need to get in.

On this machine each service has its port. Behind a front door ``BASE_URL`` names it: the console is at ``/``, the
provider where people sign in at ``/identity/``, a service at ``/api/<service>/``; the demonstration password and the
authority of a trial's certificate are then found among the installation's secrets (``BATON_SECRETS``).
"""

import ssl
from collections.abc import Mapping
from pathlib import Path

from deploy.local.accounts import PASSWORD_FILE
from shared.runtime.settings import DEFAULT_PORTS

CONSOLE, IDENTITY = "console", "identity"
SECRETS = Path(__file__).parents[1] / "compose" / "secrets"
AUTHORITY_FILE = "ca.crt"


def urls_from_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Each service's address: ``BASE_URL``, else ``PERSON_REGISTRY_URL`` …, else this machine's default ports."""
    if door := env.get("BASE_URL", "").rstrip("/"):
        return {name: f"{door}/api/{name}" for name in DEFAULT_PORTS} | {CONSOLE: door, IDENTITY: f"{door}/{IDENTITY}"}
    return {
        name: env.get(f"{name.upper()}_URL") or f"http://127.0.0.1:{env.get(f'{name.upper()}_PORT', port)}"
        for name, port in DEFAULT_PORTS.items()
    }


def password_from_environment(env: Mapping[str, str]) -> str:
    """The demonstration accounts' password.

    Raises: OSError when nobody says it and no file holds it.
    """
    folder = _people(env) if env.get("BASE_URL") else Path(env.get("BATON_DATA", "data"))
    return env.get("DEMO_PASSWORD") or (folder / PASSWORD_FILE).read_text().strip()


def trusted(env: Mapping[str, str]) -> ssl.SSLContext:
    """The authorities to trust: the machine's, and that of the installation if it made its own."""
    context = ssl.create_default_context()
    authority = _people(env) / AUTHORITY_FILE
    if authority.is_file():
        context.load_verify_locations(authority)
    return context


def _people(env: Mapping[str, str]) -> Path:
    return Path(env.get("BATON_SECRETS") or SECRETS) / "people"
