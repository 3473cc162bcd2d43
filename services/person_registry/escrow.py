"""Read a sealed record for a court, with the private key from the safe.

Usage: ``python -m services.person_registry.escrow <person id> <file of the private key>`` with ``DATABASE_URL`` and
``IDENTITY_KEYS`` of the registry. A sealed record may be given to a state organ whose case needs it (治安管理处罚法
2025 art. 136); who takes the key out of the safe keeps the minutes, for the platform has no part in it.
"""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import select

from services.person_registry.store import persons
from services.person_registry.vault import read_for_court, vault_beside
from shared.storage.engine import make_engine


class NotSealed(Exception):
    """There is nothing that the escrow could open."""


def read_sealed(person_id: UUID, private_key: Path, database_url: str) -> dict[str, Any]:
    """The identity of a sealed person.

    Raises: NotSealed; `services.person_registry.vault.Tampered` for a wrong key.
    """
    private = X25519PrivateKey.from_private_bytes(base64.b64decode(private_key.read_text()))
    engine = make_engine(database_url, schema="person_registry")
    with engine.connect() as connection:
        sealed = connection.execute(select(persons.c.identity).where(persons.c.id == person_id)).scalar()
    engine.dispose()
    escrow = vault_beside(database_url).escrow_of(person_id)
    if sealed is None or escrow is None:
        raise NotSealed(f"{person_id} is not a sealed person")
    return read_for_court(private, escrow, person_id, sealed)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    found = read_sealed(UUID(sys.argv[1]), Path(sys.argv[2]), os.environ["DATABASE_URL"])
    sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
