"""The chain: what an audit row and a seal hash to. Pure.

A seal holds the hashes of some rows and the hash of the seal before it, so nothing before a seal can be changed, added
or taken away without changing every seal after it. Hashes are SHA-256 over JSON with sorted keys; what is null is left
out, so a column that is added later changes no older hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

HASH_BYTES = 32
BEGINNING = "0" * 2 * HASH_BYTES  # what the first seal follows


@dataclass(frozen=True, slots=True)
class Seal:
    """One link: rows by position, the hash of each, and what came before."""

    number: int
    previous: str
    positions: tuple[int, ...]
    row_hashes: bytes
    sealed_at: datetime
    hash: str

    @property
    def hashes(self) -> dict[int, bytes]:
        """The hash that each row had, by position."""
        places = range(0, len(self.row_hashes), HASH_BYTES)
        return dict(zip(self.positions, (self.row_hashes[at : at + HASH_BYTES] for at in places), strict=True))


def row_hash(row: Mapping[str, Any]) -> bytes:
    """The hash of an audit row with all its columns."""
    return sha256(_canonical({str(name): value for name, value in row.items() if value is not None})).digest()


def next_seal(before: Seal | None, rows: Sequence[Mapping[str, Any]], at: datetime) -> Seal:
    """The seal of these rows, after the newest one."""
    number, previous = (before.number + 1, before.hash) if before else (1, BEGINNING)
    positions = tuple(int(row["position"]) for row in rows)
    hashes = b"".join(row_hash(row) for row in rows)
    return Seal(number, previous, positions, hashes, at, seal_hash(number, previous, positions, hashes, at))


def seal_hash(number: int, previous: str, positions: Sequence[int], row_hashes: bytes, at: datetime) -> str:
    """The hash of a seal, hexadecimal."""
    content = {
        "number": number,
        "previous": previous,
        "positions": list(positions),
        "row_hashes": row_hashes.hex(),
        "sealed_at": at,
    }
    return sha256(_canonical(content)).hexdigest()


def is_intact(seal: Seal) -> bool:
    """Whether a seal has the hash that it says."""
    return seal.hash == seal_hash(seal.number, seal.previous, seal.positions, seal.row_hashes, seal.sealed_at)


def _canonical(content: Mapping[str, Any]) -> bytes:
    return orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
