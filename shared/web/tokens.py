"""Access tokens: short-lived JWT signed with Ed25519; the public keys are a JWKS file that may hold several.

A key is changed without a break: `rotate_keys` signs with a new one while tokens of the one before stay good.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

from joserfc import jwt
from joserfc.errors import (
    ExpiredTokenError,
    InvalidClaimError,
    InvalidKeyIdError,
    JoseError,
    MissingClaimError,
)
from joserfc.jwk import KeySet, OKPKey

from shared.kernel.clock import Clock, SystemClock
from shared.web.principal import Principal, Role

ISSUER = "baton"
AUDIENCE = "baton-services"
ALGORITHM = "Ed25519"  # the name of RFC 9864 for what was EdDSA with this curve
LIFETIME = timedelta(minutes=15)
CLOCKS_DIFFER_BY = timedelta(seconds=5)
_REMEMBERED_TOKENS = 1000


class InvalidToken(Exception):
    """Not a token of ours, or not any more. The text says why and never holds the token."""


def create_keys(private_path: Path, public_path: Path) -> None:
    """Make a signing key unless there is one: private JWK (mode 0600), and the JWKS with its public part."""
    if not private_path.exists():
        rotate_keys(private_path, public_path)
    elif not public_path.exists():
        _write_public(public_path, [OKPKey.import_key(json.loads(private_path.read_text()))])


def rotate_keys(private_path: Path, public_path: Path) -> None:
    """Sign with a new key from now on; the key before it stays in the JWKS, older ones leave."""
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    kept = []
    if private_path.exists():
        kept.append(OKPKey.import_key(json.loads(private_path.read_text())))
    # The public part first, so that no token is signed with a key that nobody can find.
    _write_public(public_path, [key, *kept])
    _replace(private_path, json.dumps(key.as_dict(private=True)), mode=0o600)


class TokenIssuer:
    """Signs tokens."""

    def __init__(self, private_jwk: Mapping[str, Any], clock: Clock | None = None) -> None:
        self._key = OKPKey.import_key(dict(private_jwk))
        self._clock = clock or SystemClock()

    @classmethod
    def from_file(cls, path: Path, clock: Clock | None = None) -> Self:
        """With the key of a private JWK file."""
        return cls(json.loads(path.read_text()), clock)

    def issue(self, principal: Principal, lifetime: timedelta = LIFETIME) -> str:
        """A token for the principal."""
        now = self._clock.now()
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": principal.subject,
            "role": principal.role.value,
            "org": principal.organisation,
            "div": principal.division,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens against the issuer's public keys. One made from a file sees the file change."""

    def __init__(self, jwks: Mapping[str, Any], clock: Clock | None = None) -> None:
        self._use(jwks)
        self._clock = clock or SystemClock()
        self._path: Path | None = None
        self._read_at = 0

    @classmethod
    def from_file(cls, path: Path, clock: Clock | None = None) -> Self:
        """With the keys of a JWKS file, which is read again when a token names a key not known."""
        verifier = cls(json.loads(path.read_text()), clock)
        verifier._path, verifier._read_at = path, path.stat().st_mtime_ns
        return verifier

    def verify(self, token: str) -> Principal:
        """Who the token speaks for. A signature is checked once in a token's life.

        Raises: InvalidToken.
        """
        known = self._verified.get(token)
        if known is not None and known[0] > self._clock.now().timestamp():
            return known[1]
        expires, principal = self._checked(token)
        self._verified[token] = expires, principal
        if len(self._verified) > _REMEMBERED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    def _checked(self, token: str) -> tuple[float, Principal]:
        try:
            claims = self._signed_claims(token)
            self._rules().validate(claims)
            if claims["role"] == Role.ANYONE_SIGNED_IN:
                raise InvalidToken("it names no role")
            return claims["exp"], Principal(claims["sub"], Role(claims["role"]), claims["org"], claims["div"])
        except ExpiredTokenError as error:
            raise InvalidToken("it has expired") from error
        except (InvalidClaimError, MissingClaimError, KeyError) as error:
            raise InvalidToken("a claim is missing or wrong") from error
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("it is not signed by a key known here") from error

    def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
        except InvalidKeyIdError:
            if not self._read_again():
                raise
            return jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims

    def _read_again(self) -> bool:
        if self._path is None:
            return False
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at == self._read_at:
                return False
            self._use(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return False  # the keys read before stay in use
        self._read_at = changed_at
        return True

    def _use(self, jwks: Mapping[str, Any]) -> None:
        self._keys = KeySet.import_key_set({"keys": list(jwks["keys"])})
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=int(CLOCKS_DIFFER_BY.total_seconds()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )


def _write_public(path: Path, keys: list[OKPKey]) -> None:
    _replace(path, json.dumps({"keys": [key.as_dict(private=False) for key in keys]}), mode=0o644)


def _replace(path: Path, text: str, *, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=mode)
    fresh.write_text(text)
    fresh.replace(path)
