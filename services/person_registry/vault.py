"""Persons' identities at rest: each person's under a key of its own, which lives in another database.

Envelope encryption: a person's data key (AES-256-GCM) is wrapped by a master key and kept in ``person_keys``, a
database that is not backed up with the others. Whoever has a copy of the registry's database, old or new, has names
only as long as the person's key exists: destroying the key erases them everywhere, and locking it, which wraps it for
the escrow alone, seals them from everybody but a court's order. An identity number is found by a keyed digest (blind
index).
"""

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from environs import FileAwareEnv
from sqlalchemy import Column, LargeBinary, MetaData, Table, Text, Uuid, event, func, or_, select, text, update
from sqlalchemy.engine import make_url

from services.person_registry.keyring import KEY_BYTES, Keyring, KeyringFile
from shared.storage.bulk import insert_rows, is_one_of
from shared.storage.engine import make_engine

SCHEMA = "person_keys"
NONCE_BYTES = 12
_PUBLIC_BYTES = 32
_IDENTITY, _WRAPPED, _ESCROW = b"identity ", b"wrapped ", b"escrow "

_FORGET = {  # what stood in a row before must not stay in the database's files
    "sqlite": "PRAGMA wal_checkpoint(TRUNCATE)",
    "postgresql": f"vacuum {SCHEMA}.person_key",
}

metadata = MetaData()
keys = Table(
    "person_key",
    metadata,
    Column("person_id", Uuid, primary_key=True),
    Column("master", Text),  # id of the master key that wraps it; null of one that is locked or destroyed
    Column("wrapped", LargeBinary),
    Column("escrow", LargeBinary),  # of one that is locked: for the escrow's private key alone
)


class Tampered(Exception):
    """What is stored was not written by us, or for somebody else."""


class Vault:
    """Opens and closes identities. ``url`` is the database of the keys."""

    def __init__(self, keyring: Keyring | KeyringFile, url: str) -> None:
        self._keys = keyring
        self._engine = make_engine(url, schema=SCHEMA)
        if self._engine.dialect.name == "sqlite":
            event.listen(self._engine, "connect", _overwrite_what_is_deleted)
        with self._engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text(f"create schema if not exists {SCHEMA}"))
            metadata.create_all(connection)

    @property
    def _ring(self) -> Keyring:
        return self._keys.current()

    def close_up(self, person_id: UUID, identity: Mapping[str, Any]) -> bytes:
        """An identity as it may be stored; the person's key is made if there is none.

        Raises: KeyError when the person's key is locked or destroyed.
        """
        key = self._data_keys([person_id]).get(person_id) or self._new_key(person_id)
        return _encrypt(key, orjson.dumps(dict(identity)), _IDENTITY + person_id.bytes)

    def open(self, sealed: Mapping[UUID, bytes]) -> dict[UUID, dict[str, Any]]:
        """The identities of persons; those whose key is locked or destroyed are left out.

        Raises: Tampered.
        """
        found = self._data_keys(sealed)
        return {one: _identity(found[one], one, cipher) for one, cipher in sealed.items() if one in found}

    def index(self, number: str, key: bytes | None = None) -> str:
        """By which an identity number is found without being stored; with another key than the one in use if given."""
        return hmac.new(key or self._ring.index, number.encode(), hashlib.sha256).hexdigest()

    def lock(self, person_id: UUID) -> None:
        """Put a person's key out of our reach: only the escrow's private key opens it. Done twice, it is done once."""
        key = self._data_keys([person_id]).get(person_id)
        if key is not None:
            escrow = _for_escrow(self._ring.escrow, key, person_id)
            self._set(person_id, master=None, wrapped=None, escrow=escrow)

    def escrow_of(self, person_id: UUID) -> bytes | None:
        """What the escrow's private key opens, of a person whose key is locked."""
        with self._engine.connect() as connection:
            found: bytes | None = connection.execute(
                select(keys.c.escrow).where(keys.c.person_id == person_id)
            ).scalar()
        return found

    def destroy(self, person_id: UUID) -> None:
        """Destroy a person's key, for ever."""
        self._set(person_id, master=None, wrapped=None, escrow=None)

    def left_of(self, persons: Sequence[UUID]) -> dict[UUID, bool]:
        """Those of the persons of whose key anything is left, and whether we could use it."""
        left = (keys.c.master.is_not(None), keys.c.escrow.is_not(None))
        wanted = is_one_of(self._engine.dialect.name, keys, "person_id", persons)
        with self._engine.connect() as connection:
            rows = connection.execute(select(keys.c.person_id, keys.c.master).where(wanted, or_(*left))).all()
        return {row.person_id: row.master is not None for row in rows}

    def rewrap(self, limit: int) -> int:
        """Wrap some keys of older master keys with the active one; how many. A key that somebody locks or destroys
        meanwhile stays locked or destroyed.
        """
        active = self._ring.active
        with self._engine.begin() as connection:
            old = keys.c.master.is_not(None), keys.c.master != active
            rows = connection.execute(select(keys).where(*old).limit(limit)).all()
            for row in rows:
                fresh = self._wrapped(self._unwrap(row.master, row.wrapped, row.person_id), row.person_id)
                as_it_was = keys.c.person_id == row.person_id, keys.c.master == row.master
                connection.execute(update(keys).where(*as_it_was).values(**fresh))
        return len(rows)

    def wrapped_by(self) -> dict[str, int]:
        """How many keys each master key wraps."""
        counted = select(keys.c.master, func.count()).where(keys.c.master.is_not(None)).group_by(keys.c.master)
        with self._engine.connect() as connection:
            rows = connection.execute(counted).all()
        return {str(name): int(count) for name, count in rows}

    def _new_key(self, person_id: UUID) -> bytes:
        key = AESGCM.generate_key(KEY_BYTES * 8)
        row = {
            "person_id": person_id,
            "escrow": None,
            **self._wrapped(key, person_id),
        }
        with self._engine.begin() as connection:
            insert_rows(connection, keys, [row], tail="on conflict do nothing")
        return self._data_keys([person_id])[person_id]

    def _data_keys(self, persons: Iterable[UUID]) -> dict[UUID, bytes]:
        wanted = list(persons)
        with self._engine.connect() as connection:
            rows = connection.execute(select(keys).where(keys.c.person_id.in_(wanted))).all()
        there = [row for row in rows if row.master is not None]
        return {row.person_id: self._unwrap(row.master, row.wrapped, row.person_id) for row in there}

    def _set(self, person_id: UUID, **values: Any) -> None:
        with self._engine.begin() as connection:
            connection.execute(update(keys).where(keys.c.person_id == person_id).values(**values))
        self._forget()

    def _forget(self) -> None:
        """Outside of a transaction, which neither database would do it in."""
        raw = self._engine.raw_connection()
        try:
            if self._engine.dialect.name == "postgresql":
                raw.driver_connection.autocommit = True  # type: ignore[union-attr]
            raw.cursor().execute(_FORGET[self._engine.dialect.name])
        finally:
            raw.invalidate()

    def _wrapped(self, key: bytes, person_id: UUID) -> dict[str, Any]:
        ring = self._ring  # once: the file may change meanwhile
        wrapped = _encrypt(ring.masters[ring.active], key, _WRAPPED + person_id.bytes)
        return {"master": ring.active, "wrapped": wrapped}

    def _unwrap(self, master: str, wrapped: bytes, person_id: UUID) -> bytes:
        return _decrypt(self._ring.masters[master], wrapped, _WRAPPED + person_id.bytes)


def _overwrite_what_is_deleted(connection: Any, _record: Any) -> None:
    connection.execute("PRAGMA secure_delete=ON")


def read_for_court(private: X25519PrivateKey, escrow: bytes, person_id: UUID, sealed: bytes) -> dict[str, Any]:
    """A sealed person's identity, for who holds the escrow's private key. No service of the platform does.

    Raises: Tampered.
    """
    public, cipher = escrow[:_PUBLIC_BYTES], escrow[_PUBLIC_BYTES:]
    shared_key = _derived(private.exchange(X25519PublicKey.from_public_bytes(public)), public)
    key = _decrypt(shared_key, cipher, _ESCROW + person_id.bytes)
    return _identity(key, person_id, sealed)


def _identity(key: bytes, person_id: UUID, sealed: bytes) -> dict[str, Any]:
    identity: dict[str, Any] = orjson.loads(_decrypt(key, sealed, _IDENTITY + person_id.bytes))
    return identity


def _for_escrow(escrow: X25519PublicKey, key: bytes, person_id: UUID) -> bytes:
    once = X25519PrivateKey.generate()
    public = once.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return public + _encrypt(_derived(once.exchange(escrow), public), key, _ESCROW + person_id.bytes)


def _derived(secret: bytes, public: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=public, info=_ESCROW).derive(secret)


def _encrypt(key: bytes, plain: bytes, about: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, about)


def _decrypt(key: bytes, cipher: bytes, about: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(cipher[:NONCE_BYTES], cipher[NONCE_BYTES:], about)
    except InvalidTag as error:
        raise Tampered("an identity or a key was changed outside the registry") from error


@cache
def vault_beside(database_url: str, keyring: Path | None = None) -> Vault:
    """The vault of the registry that uses a database. The keys are those of the environment unless their file is named.

    Raises: NoKeyring.
    """
    return vault_with(KeyringFile(keyring) if keyring else KeyringFile.from_environment(), database_url)


def vault_with(keys: Keyring | KeyringFile, database_url: str) -> Vault:
    """A vault in ``IDENTITY_KEYS_DATABASE_URL`` (or in what the file holds that ``…_FILE`` names), else beside the
    registry's database.
    """
    url = make_url(FileAwareEnv(strip_whitespace=True).str("IDENTITY_KEYS_DATABASE_URL", "") or database_url)
    if url.get_backend_name() == "sqlite" and url.render_as_string(hide_password=False) == database_url:
        url = url.set(database=f"{url.database}.keys")
    return Vault(keys, url.render_as_string(hide_password=False))
