"""Keys for the identities of invented persons."""

import os
from pathlib import Path

from services.person_registry.keyring import VARIABLE, create_keyring


def use_new_keys(folder: Path) -> None:
    """Make keys, which the registry finds by its environment."""
    create_keyring(folder / "identity.json", folder / "escrow-private.key")
    os.environ[VARIABLE] = str(folder / "identity.json")
