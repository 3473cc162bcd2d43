"""Keys for the identities of invented persons, and for the addresses of invented officers."""

import os
from pathlib import Path

from services.notification import seal
from services.person_registry.keyring import VARIABLE, create_keyring


def use_new_keys(folder: Path) -> None:
    """Make keys, which the registry and notification find by their environment."""
    create_keyring(folder / "identity.json", folder / "escrow-private.key")
    os.environ[VARIABLE] = str(folder / "identity.json")
    seal.create_keys(folder / "notification.key")
    os.environ[seal.VARIABLE] = str(folder / "notification.key")
