"""Addresses, numbers and secrets of webhooks as they are stored: sealed, so that a copy of the database tells nobody.

``NOTIFICATION_KEYS`` names a file with one Fernet key a line: the first one seals, all of them open. A new key is
written above the old ones; what is saved after that is sealed with it.
"""

import os
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.runtime.settings import ConfigurationError

VARIABLE = "NOTIFICATION_KEYS"
SECRET_BYTES = 32


class NoKeys(ConfigurationError):
    """There are no keys to seal with; the text names the variable."""


def seal(text: str) -> bytes:
    """Seal a text.

    Raises: NoKeys.
    """
    return _keys().encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """What was sealed.

    Raises: NoKeys, also when it was sealed with a key that is not there any more.
    """
    try:
        return _keys().decrypt(sealed).decode()
    except InvalidToken as error:
        raise NoKeys(f"{VARIABLE} has no key for what was sealed") from error


def new_secret() -> bytes:
    """A new secret of a webhook, sealed."""
    return seal(secrets.token_bytes(SECRET_BYTES).hex())


def secret_of(sealed: bytes) -> bytes:
    """The secret of a webhook."""
    return bytes.fromhex(unseal(sealed))


def create_keys(path: Path) -> None:
    """Make a key unless there is one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as file:
        file.write(Fernet.generate_key() + b"\n")


def check_keys() -> None:
    """Read the keys, to find out before anybody needs them.

    Raises: NoKeys.
    """
    _keys()


def _keys() -> MultiFernet:
    return _read(os.environ.get(VARIABLE, ""))


@lru_cache(maxsize=8)
def _read(path: str) -> MultiFernet:
    if not path:
        raise NoKeys(f"{VARIABLE} must name the file with the keys that seal addresses")
    try:
        return MultiFernet([Fernet(line) for line in Path(path).read_bytes().split()])
    except (OSError, ValueError) as error:
        raise NoKeys(f"{VARIABLE} names no file with keys: {path}") from error
