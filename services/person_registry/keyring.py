"""The keys that wrap other keys: a file outside every database, made once, rotated by adding.

``IDENTITY_KEYS`` names the file. It holds master keys by id (the active one wraps, the others still unwrap), the key of
the blind index, and the public half of the escrow key, with which a sealed person's key is put out of our own reach.

A process that runs notices a changed file by itself. So that no process wraps with a key that another one cannot see
yet, a master key is rotated in steps: `add_master`, then, when every process has the file, `activate_master`; when the
older one wraps nothing any more, `remove_master`. How it is done: `services.person_registry.rotating`.
"""

import base64
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import structlog
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

KEY_BYTES = 32
VARIABLE = "IDENTITY_KEYS"
NEXT_INDEX = "index_next"

log = structlog.get_logger(__name__)


class NoKeyring(Exception):
    """There are no keys; the text names the variable."""


class NotPossible(Exception):
    """The keys cannot be changed so; the text says why."""


@dataclass(frozen=True, slots=True, repr=False)
class Keyring:
    """See the module."""

    active: str
    masters: dict[str, bytes]
    index: bytes
    escrow: X25519PublicKey

    def current(self) -> Self:
        """Keys that do not change."""
        return self

    @classmethod
    def from_file(cls, path: Path, *, unfinished: bool = False) -> Self:
        """Read the file; one in which a new blind index was begun only for who will finish it.

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
        if NEXT_INDEX in told and not unfinished:
            raise NoKeyring(f"a new blind index was begun and not finished; do `reindex` again: {path}")
        return cls(told["active"], masters, index, X25519PublicKey.from_public_bytes(escrow))


class KeyringFile:
    """The keys of a file, read again when it has changed. What cannot be read leaves the keys read before in use."""

    def __init__(self, path: Path) -> None:
        """Raises: NoKeyring."""
        self._path = path
        self._seen = _state(path)
        self._ring = Keyring.from_file(path)

    @classmethod
    def from_environment(cls) -> Self:
        """The file that the environment names.

        Raises: NoKeyring.
        """
        path = os.environ.get(VARIABLE)
        if not path:
            raise NoKeyring(f"{VARIABLE} must name the file with the keys of persons' identities")
        return cls(Path(path))

    def current(self) -> Keyring:
        """The keys as the file has them now."""
        try:
            seen = _state(self._path)
            if seen != self._seen:
                self._ring, self._seen = Keyring.from_file(self._path), seen
        except NoKeyring as trouble:
            log.warning("identity_keys.unreadable", cause=type(trouble).__name__)
        return self._ring


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
    """A new master key, which nothing is wrapped with yet; its id, which no other one ever had here."""
    told = _told(path)
    newest = max(told.get("newest", 0), *(int(name.removeprefix("k")) for name in told["masters"])) + 1
    told["masters"][f"k{newest}"] = _text(secrets.token_bytes(KEY_BYTES))
    _write(path, json.dumps({**told, "newest": newest}))
    return f"k{newest}"


def activate_master(path: Path, name: str) -> None:
    """Wrap with this master key from now on. What older ones wrapped is wrapped anew little by little.

    Raises: NotPossible.
    """
    told = _told(path)
    if name not in told["masters"]:
        raise NotPossible(f"there is no master key {name}")
    _write(path, json.dumps({**told, "active": name}))


def remove_master(path: Path, name: str) -> None:
    """Forget a master key for ever. Whoever calls has seen that nothing is wrapped by it.

    Raises: NotPossible.
    """
    told = _told(path)
    if name == told["active"] or name not in told["masters"]:
        raise NotPossible(f"{name} is the active master key, or none")
    del told["masters"][name]
    _write(path, json.dumps(told))


def begin_index(path: Path) -> bytes:
    """The key of a new blind index, made unless it was begun before. Until `finish_index` nobody can use the file."""
    told = _told(path)
    if NEXT_INDEX not in told:
        told[NEXT_INDEX] = _text(secrets.token_bytes(KEY_BYTES))
        _write(path, json.dumps(told))
    return base64.b64decode(told[NEXT_INDEX])


def finish_index(path: Path) -> None:
    """The index was made anew with the new key: forget the one before."""
    told = _told(path)
    told["index"] = told.pop(NEXT_INDEX)
    _write(path, json.dumps(told))


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when the file is replaced, also twice within one tick of the clock; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _told(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def _text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def _write(path: Path, text: str) -> None:
    """For its owner only, unless it is there already and somebody else may read it, too."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)
