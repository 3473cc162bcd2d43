"""Rotate the keys of persons' identities, with ``IDENTITY_KEYS`` and ``DATABASE_URL`` of the registry.

    python -m services.person_registry.rotating status         which keys there are, and what each of them wraps
    python -m services.person_registry.rotating add            a new master key, not in use yet
    python -m services.person_registry.rotating activate KEY   wrap with it from now on
    python -m services.person_registry.rotating rewrap         wrap everything with it now, and not little by little
    python -m services.person_registry.rotating remove KEY     forget one that wraps nothing any more
    python -m services.person_registry.rotating reindex        a new blind index; the registry must be stopped

All but ``reindex`` are done while the registry runs. Each can be interrupted and done again.
"""

import os
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from services.person_registry.keyring import (
    VARIABLE,
    Keyring,
    NoKeyring,
    NotPossible,
    activate_master,
    add_master,
    begin_index,
    finish_index,
    remove_master,
)
from services.person_registry.service import SERVICE
from services.person_registry.store import persons
from services.person_registry.vault import Vault, vault_beside, vault_with
from shared.messaging.leadership import leadership_of
from shared.runtime.settings import ConfigurationError, data_url
from shared.storage.engine import Storage

AT_ONCE = 200


def rewrap_all(vault: Vault) -> int:
    """Wrap every key with the active master key, in small steps; how many were wrapped anew."""
    total = 0
    while done := vault.rewrap(AT_ONCE):
        total += done
    return total


def remove(path: Path, name: str, vault: Vault) -> None:
    """Forget a master key.

    Raises: NotPossible when it still wraps something.
    """
    if count := vault.wrapped_by().get(name, 0):
        raise NotPossible(f"{name} still wraps {count} keys; do `rewrap` first")
    remove_master(path, name)


def reindex(path: Path, storage: Storage[Any], vault: Vault) -> int:
    """Make the blind index anew with a new key; how many numbers are in it. When this is interrupted, the registry
    refuses to open identities until it was done again.

    Raises: NotPossible when the registry runs.
    """
    leadership = leadership_of(storage)
    if not leadership.held():
        raise NotPossible("person_registry runs; stop all of its processes first")
    try:
        count = _write_index(storage, vault, begin_index(path))
        finish_index(path)
    finally:
        leadership.give_up()
    return count


def _write_index(storage: Storage[Any], vault: Vault, key: bytes) -> int:
    """In one transaction. A number's entry tells nobody anything, so it is no new version of the person."""
    entered = persons.c.number_index.is_not(None)
    with storage.work() as work:
        sealed = [(row.id, row.identity) for row in work.connection.execute(select(persons).where(entered))]
        for start in range(0, len(sealed), AT_ONCE):
            for person_id, identity in vault.open(dict(sealed[start : start + AT_ONCE])).items():
                entry = vault.index(identity["identity_number"], key)
                work.connection.execute(update(persons).where(persons.c.id == person_id).values(number_index=entry))
    return len(sealed)


def status(path: Path, vault: Vault) -> str:
    """Each master key, whether it is the active one, and how many keys of persons it wraps."""
    ring, wraps = Keyring.from_file(path), vault.wrapped_by()
    lines = [f"{name}{' (active)' if name == ring.active else ''}: wraps {wraps.get(name, 0)}" for name in ring.masters]
    return "\n".join(lines)


def run(arguments: list[str], path: Path) -> str:
    """Do what the command line says; what to tell.

    Raises: NotPossible, NoKeyring, ConfigurationError.
    """
    match arguments:
        case ["add"]:
            return f"{add_master(path)} is there; when every process has the file: activate"
        case ["activate", name]:
            activate_master(path, name)
            return f"{name} wraps from now on"
        case ["status"]:
            return status(path, _vault(path))
        case ["rewrap"]:
            return f"{rewrap_all(_vault(path))} keys wrapped anew"
        case ["remove", name]:
            remove(path, name, _vault(path))
            return f"{name} is forgotten; keep its copy in the safe as long as a backup of the keys' database"
        case ["reindex"]:
            return f"{_reindex(path)} numbers are in the new index; start the registry"
    raise NotPossible(str(__doc__))


def _vault(path: Path) -> Vault:
    return vault_beside(data_url(SERVICE.name), path)


def _reindex(path: Path) -> int:
    storage: Storage[Any] = Storage(service=SERVICE.name, url=data_url(SERVICE.name), work=SERVICE.work)
    try:
        vault = vault_with(Keyring.from_file(path, unfinished=True), data_url(SERVICE.name))
        return reindex(path, storage, vault)
    finally:
        storage.dispose()


def main(arguments: list[str]) -> int:
    """The command line."""
    try:
        path = os.environ.get(VARIABLE)
        if not path:
            raise NoKeyring(f"{VARIABLE} must name the file with the keys of persons' identities")
        sys.stdout.write(run(arguments, Path(path)) + "\n")
    except (NotPossible, NoKeyring, ConfigurationError, OSError) as error:
        sys.stderr.write(f"rotating: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
