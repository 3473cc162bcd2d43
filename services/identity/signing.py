"""The provider's keys: it signs with one, and publishes that and the one before. `rotate_keys` changes them.

Invariants: what is signed with is always published, for `rotate_keys` writes the public part first. A new key that
cannot be read yet leaves the one before in use.
"""

import json
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OKPKey

from shared.kernel.clock import Clock
from shared.web.principal import Principal
from shared.web.tokens import TokenIssuer


class Signing:
    """Signs with the newest key."""

    def __init__(self, private_path: Path, public_path: Path, issuer: str, clock: Clock) -> None:
        self.issuer = issuer
        self._private_path, self._public_path, self._clock = private_path, public_path, clock
        self._read_at = 0
        self._read()

    @property
    def key(self) -> OKPKey:
        """The key to sign with."""
        self._read()
        return self._key

    def access_token(self, principal: Principal) -> str:
        """A token for the services."""
        self._read()
        return self._tokens.issue(principal)

    def jwks(self) -> dict[str, Any]:
        """The public keys, as they are published."""
        found: dict[str, Any] = json.loads(self._public_path.read_text())
        return found

    def key_set(self) -> KeySet:
        """The public keys, to check with."""
        return KeySet.import_key_set(self.jwks())  # type: ignore[arg-type]

    def _read(self) -> None:
        try:
            changed_at = self._private_path.stat().st_mtime_ns
            if changed_at == self._read_at:
                return
            jwk = json.loads(self._private_path.read_text())
        except (OSError, ValueError):
            if self._read_at:
                return
            raise
        self._key, self._tokens = OKPKey.import_key(jwk), TokenIssuer(jwk, self._clock, self.issuer)
        self._read_at = changed_at
