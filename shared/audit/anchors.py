"""Anchors: the end of a service's chain as of a finished day, signed with a key that is in no database.

Whoever can write to the database can make a chain that fits, but no anchor that fits it. An anchor is a JWS (RFC 7515),
so anybody with the public key can check one that was printed, mailed or kept elsewhere.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ALGORITHM = "Ed25519"


class InvalidAnchor(Exception):
    """Not signed by a key known here, or not an anchor."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """What is signed: up to which seal a service's chain went, and with what hash."""

    service: str
    day: date
    number: int
    hash: str
    signed_at: datetime


class AnchorSigner:
    """Signs with a private key."""

    def __init__(self, private_jwk: Mapping[str, Any]) -> None:
        self._key = OKPKey.import_key(dict(private_jwk))

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """With the key of a private JWK file."""
        return cls(json.loads(path.read_text()))

    def sign(self, anchor: Anchor) -> str:
        """The anchor as a compact JWS."""
        header = {"alg": ALGORITHM, "kid": self._key.kid}
        return jws.serialize_compact(header, orjson.dumps(anchor), self._key, algorithms=[ALGORITHM])


def read_anchor(signed: str, keys: Mapping[str, Any]) -> Anchor:
    """What a compact JWS says, if a key of the JWKS signed it.

    Raises: InvalidAnchor.
    """
    try:
        payload = jws.deserialize_compact(
            signed, KeySet.import_key_set({"keys": list(keys["keys"])}), [ALGORITHM]
        ).payload
        said = orjson.loads(payload)
        day, signed_at = date.fromisoformat(said["day"]), datetime.fromisoformat(said["signed_at"])
        return Anchor(said["service"], day, said["number"], said["hash"], signed_at)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise InvalidAnchor(type(error).__name__) from error
