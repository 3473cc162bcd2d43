"""Access tokens: JWT signed with Ed25519, short-lived; the issuer's public keys are a JWKS file that may hold several."""

import json
from collections import OrderedDict
from datetime import timedelta
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from shared.kernel.clock import Clock, SystemClock
from shared.web.principal import Principal, Role

ISSUER = "baton"
AUDIENCE = "baton-services"
ALGORITHM = "Ed25519"  # RFC 9864
LIFETIME = timedelta(minutes=15)
_REMEMBERED_TOKENS = 1000


class InvalidToken(Exception):
    """Not a token of ours, or not any more. The text says which, never the token."""


def create_keys(private_path: Path, public_path: Path) -> None:
    """Make a signing key once: private JWK (mode 0600) and the JWKS of public keys."""
    if private_path.exists() and public_path.exists():
        return
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    private_path.parent.mkdir(parents=True, exist_ok=True)
    private_path.touch(mode=0o600)
    private_path.write_text(json.dumps(key.as_dict(private=True)))
    public_path.write_text(json.dumps({"keys": [key.as_dict(private=False)]}))


class TokenIssuer:
    """Signs tokens."""

    def __init__(self, private_jwk: dict[str, Any], clock: Clock | None = None) -> None:
        self._key = OKPKey.import_key(private_jwk)
        self._clock = clock or SystemClock()

    @classmethod
    def from_file(cls, path: Path) -> "TokenIssuer":
        """With the key of a private JWK file."""
        return cls(json.loads(path.read_text()))

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
    """Checks tokens against the issuer's public keys."""

    def __init__(self, jwks: dict[str, Any], clock: Clock | None = None) -> None:
        self._keys = KeySet.import_key_set(jwks)
        self._clock = clock or SystemClock()
        self._verified: OrderedDict[str, tuple[int, Principal]] = OrderedDict()

    @classmethod
    def from_file(cls, path: Path) -> "TokenVerifier":
        """With the keys of a JWKS file."""
        return cls(json.loads(path.read_text()))

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

    def _checked(self, token: str) -> tuple[int, Principal]:
        try:
            claims = jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
            self._rules().validate(claims)
            return claims["exp"], Principal(claims["sub"], Role(claims["role"]), claims["org"], claims["div"])
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise InvalidToken(type(error).__name__) from error

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
