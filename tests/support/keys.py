"""Keys for the identities of invented persons, photographs of their papers, and addresses of invented officers."""

import os
from pathlib import Path

from services.community_handover import photo_box
from services.notification import seal
from services.person_registry.keyring import VARIABLE, create_keyring


def use_new_keys(folder: Path) -> None:
    """Make keys, which the services find by their environment."""
    create_keyring(folder / "identity.json", folder / "escrow-private.key")
    os.environ[VARIABLE] = str(folder / "identity.json")
    seal.create_keys(folder / "notification.key")
    os.environ[seal.VARIABLE] = str(folder / "notification.key")
    photo_box.create_keys(folder / "attachments.keys")
    os.environ[photo_box.VARIABLE] = str(folder / "attachments.keys")
