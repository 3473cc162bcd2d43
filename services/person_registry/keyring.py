"""The keys that wrap other keys: a file outside every database, made once, rotated by adding.

``IDENTITY_KEYS`` names the file. It holds master keys by id (the active one wraps, the others still unwrap), the key of
the blind index, and the public half of the escrow key, with which a sealed person's key is put out of our own reach.
"""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

KEY_BYTES = 32
VARIABLE = "IDENTITY_KEYS"


class NoKeyring(Exception):
    """There are no keys; the text names the variable."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """See the module."""

    active: str
    masters: dict[str, bytes]
    index: bytes
    escrow: X25519PublicKey

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the file.

        Raises: NoKeyring.
        """
        try:
            told = json.loads(path.read_text())
            masters = {name: base64.b64decode(key, validate=True) for name, key in told["masters"].items()}
            index, escrow = (base64.b64decode(told[name], validate=True) for name in ("index", "escrow_public"))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise NoKeyring(f"{VARIABLE} names no key file: {path}") from error
        if told["active"] not in masters or any(len(key) != KEY_BYTES for key in (*masters.values(), index, escrow)):
            raise NoKeyring(f"{VARIABLE} holds keys that cannot be used: {path}")
        return cls(told["active"], masters, index, X25519PublicKey.from_public_bytes(escrow))

    @classmethod
    def from_environment(cls) -> Self:
        """Read the file that the environment names.

        Raises: NoKeyring.
        """
        path = os.environ.get(VARIABLE)
        if not path:
            raise NoKeyring(f"{VARIABLE} must name the file with the keys of persons' identities")
        return cls.from_file(Path(path))


def create_keyring(path: Path, escrow_path: Path) -> None:
    """Make the keys unless they are there. The escrow's private half belongs into a safe, not beside the others."""
    if path.exists():
        return
    escrow = X25519PrivateKey.generate()
    raw = escrow.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    told = {
        "active": "k1",
        "masters": {"k1": _text(secrets.token_bytes(KEY_BYTES))},
        "index": _text(secrets.token_bytes(KEY_BYTES)),
        "escrow_public": _text(raw),
    }
    private = escrow.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    _write(escrow_path, _text(private))
    _write(path, json.dumps(told))


def add_master(path: Path) -> str:
    """Wrap with a new master key from now on; its id. What older ones wrapped is wrapped anew little by little."""
    told = json.loads(path.read_text())
    name = f"k{len(told['masters']) + 1}"
    told["masters"][name] = _text(secrets.token_bytes(KEY_BYTES))
    _write(path, json.dumps({**told, "active": name}))
    return name


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.replace(path)
