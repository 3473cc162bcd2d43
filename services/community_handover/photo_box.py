"""Photographs at rest: encrypted by the service's own keys, which lie outside the database.

The registry lends its keys of persons to nobody, so these are the service's: ``ATTACHMENT_KEYS`` names a file with one
Fernet key a line. The first one encrypts, all of them decrypt; a new first line rotates. Without the file nothing is
stored.
"""

import os
from functools import cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.kernel.errors import Conflict

VARIABLE = "ATTACHMENT_KEYS"


class Tampered(Exception):
    """What is stored was not written by us, or the key is gone."""


def close_up(plain: bytes) -> bytes:
    """As it may be stored.

    Raises: Conflict ``attachment.no_keys`` where the installation has none.
    """
    return _box().encrypt(plain)


def open_up(sealed: bytes) -> bytes:
    """As it was.

    Raises: Tampered; Conflict ``attachment.no_keys``.
    """
    try:
        return _box().decrypt(sealed)
    except InvalidToken as error:
        raise Tampered("an attachment was changed outside the service, or its key is gone") from error


def create_keys(path: Path) -> None:
    """Make the file unless it is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(Fernet.generate_key() + b"\n")


def _box() -> MultiFernet:
    path = os.environ.get(VARIABLE)
    if not path:
        raise Conflict("attachment.no_keys", f"this installation keeps no attachments: {VARIABLE} names no file")
    return _read(Path(path))


@cache
def _read(path: Path) -> MultiFernet:
    return MultiFernet([Fernet(line) for line in path.read_bytes().split()])
