"""Access tokens: short-lived JWT, signed by our own issuer with Ed25519 or by any other that is configured.

A key is changed without a break: `rotate_keys` signs with a new one while tokens of the one before stay good.
"""

import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
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
from shared.kernel.ids import new_id
from shared.web.keys import FileKeys, GivenKeys, Jwks, KeySource
from shared.web.principal import Principal, Role

ISSUER = "baton"
AUDIENCE = "baton-services"
ALGORITHM = "Ed25519"  # the name of RFC 9864 for what was EdDSA with this curve
# What other providers sign with. Only with public keys: nothing that a public key could be mistaken for the secret of.
ACCEPTED = (ALGORITHM, "EdDSA", "ES256", "ES384", "PS256", "RS256")
_KINDS_OF_KEYS = ("OKP", "EC", "RSA")
LIFETIME = timedelta(minutes=15)
CLOCKS_DIFFER_BY = timedelta(seconds=5)
_REMEMBERED_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token must say, and by what names its issuer says it; a dot leads into an object."""

    issuer: str = ISSUER
    audience: str = AUDIENCE
    role: str = "role"
    organisation: str = "org"
    division: str = "div"

    def principal(self, claims: Mapping[str, Any]) -> Principal:
        """Who the claims speak of. Of several roles, the first that is known here counts.

        Raises: KeyError, ValueError.
        """
        named = claim(claims, self.role)
        roles = [name for name in named if name in set(Role)] if isinstance(named, list) else [named]
        if not roles or roles[0] == Role.ANYONE_SIGNED_IN:
            raise ValueError("no role")
        organisation, division = claim(claims, self.organisation), claim(claims, self.division)
        if not isinstance(organisation, str) or not isinstance(division, str):
            raise ValueError("organisation and division are texts")
        principal = Principal(claims["sub"], Role(roles[0]), organisation, division)
        if not principal.says_its_area:
            raise ValueError("no area")
        return principal


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by its way into an object, such as ``realm_access.roles``.

    Raises: KeyError.
    """
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        if not isinstance(found, Mapping):
            raise KeyError(name)
        found = found[part]
    return found


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


def add_key(private_path: Path, public_path: Path) -> None:
    """Sign with a new key from now on; every key before it stays in the JWKS, for what is checked years later.

    Raises: OSError, ValueError, KeyError when there is no JWKS yet.
    """
    key = OKPKey.generate_key("Ed25519", auto_kid=True)
    published = [OKPKey.import_key(one) for one in json.loads(public_path.read_text())["keys"]]
    _write_public(public_path, [key, *published])
    _replace(private_path, json.dumps(key.as_dict(private=True)), mode=0o600)


class TokenIssuer:
    """Signs tokens."""

    def __init__(self, private_jwk: Mapping[str, Any], clock: Clock | None = None, issuer: str = ISSUER) -> None:
        self._key = OKPKey.import_key(dict(private_jwk))
        self._clock = clock or SystemClock()
        self._issuer = issuer

    @classmethod
    def from_file(cls, path: Path, clock: Clock | None = None, issuer: str = ISSUER) -> Self:
        """With the key of a private JWK file."""
        return cls(json.loads(path.read_text()), clock, issuer)

    def issue(self, principal: Principal, lifetime: timedelta = LIFETIME) -> str:
        """A token for the principal."""
        now = self._clock.now()
        claims = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "jti": str(new_id()),
            "sub": principal.subject,
            "role": principal.role.value,
            "org": principal.organisation,
            "div": principal.division,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": self._key.kid}, claims, self._key, algorithms=[ALGORITHM])


class TokenVerifier:
    """Checks tokens against the issuer's public keys, which may change meanwhile."""

    def __init__(self, keys: Jwks | KeySource, clock: Clock | None = None, expected: Expected | None = None) -> None:
        self._source: KeySource = GivenKeys(keys) if isinstance(keys, Mapping) else keys
        self._clock = clock or SystemClock()
        self._expected = expected or Expected()
        self._keys: KeySet | None = None
        self._verified: OrderedDict[str, tuple[float, Principal]] = OrderedDict()

    @classmethod
    def from_file(cls, path: Path, clock: Clock | None = None, expected: Expected | None = None) -> Self:
        """With the keys of a JWKS file, which is read again when a token names a key not known."""
        return cls(FileKeys(path), clock, expected)

    def verify(self, token: str) -> Principal:
        """Who the token speaks for. A signature is checked once in a token's life, or in that of the keys.

        Raises: InvalidToken; KeysAway when no key could ever be read.
        """
        self._read_keys(unknown=False)
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
            return claims["exp"], self._expected.principal(claims)
        except ExpiredTokenError as error:
            raise InvalidToken("it has expired") from error
        except (InvalidClaimError, MissingClaimError, KeyError) as error:
            raise InvalidToken("a claim is missing or wrong") from error
        except (JoseError, ValueError, TypeError) as error:
            raise InvalidToken("it is not signed by a key known here, or names no role known here") from error

    def _signed_claims(self, token: str) -> dict[str, Any]:
        try:
            return self._decoded(token)
        except InvalidKeyIdError:
            if not self._read_keys(unknown=True):
                raise
            return self._decoded(token)

    def _decoded(self, token: str) -> dict[str, Any]:
        assert self._keys is not None
        return jwt.decode(token, self._keys, algorithms=list(ACCEPTED)).claims

    def _read_keys(self, *, unknown: bool) -> bool:
        """Whether there are new ones. Those that sign nothing, or nothing that is accepted, are left out."""
        jwks = self._source.read(unknown=unknown)
        if jwks is None:
            return False
        usable = [key for key in jwks["keys"] if key.get("use", "sig") == "sig" and key.get("kty") in _KINDS_OF_KEYS]
        self._keys = KeySet.import_key_set({"keys": usable})  # type: ignore[typeddict-item]
        self._verified = OrderedDict()
        return True

    def _rules(self) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=int(CLOCKS_DIFFER_BY.total_seconds()),
            iss={"essential": True, "value": self._expected.issuer},
            aud={"essential": True, "value": self._expected.audience},
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
