"""Where the public keys of a token issuer come from: given once, a file that is watched, or the issuer's own address.

Invariants: a token with a key that is not known makes us look again, but at an address only so often, so that invented
key ids are no way to make us ask without end. What cannot be read leaves the keys read before in use.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import httpx
import structlog

from shared.kernel.errors import BatonError

Jwks = Mapping[str, Any]
ASK_AGAIN_SECONDS = 10.0  # at the earliest, for a key that is not known
STALE_SECONDS = 600.0  # after which keys are asked for again anyhow, so that one taken away is soon not taken any more
_TIMEOUT_SECONDS = 5.0

log = structlog.get_logger(__name__)


class KeysAway(BatonError):
    """No key of the issuer was ever read, so nothing can be said about a token."""

    status = 503


class KeySource(Protocol):
    """Gives the keys of an issuer."""

    def read(self, *, unknown: bool) -> Jwks | None:
        """The keys, if they may have changed since they were read last; ``unknown``: a key was asked for in vain.

        Raises: KeysAway when there were never any.
        """


class GivenKeys:
    """Keys that never change."""

    def __init__(self, jwks: Jwks) -> None:
        self._jwks: Jwks | None = jwks

    def read(self, *, unknown: bool) -> Jwks | None:
        """The keys, once."""
        jwks, self._jwks = self._jwks, None
        return jwks


class FileKeys:
    """Keys of a JWKS file, which is read again when a key is not known and the file has changed."""

    def __init__(self, path: Path) -> None:
        """Raises: OSError, ValueError."""
        self._path, self._read_at = path, path.stat().st_mtime_ns
        self._first: Jwks | None = json.loads(path.read_text())

    def read(self, *, unknown: bool) -> Jwks | None:
        """The keys, if the file has changed."""
        first, self._first = self._first, None
        if first is not None or not unknown:
            return first
        try:
            changed_at = self._path.stat().st_mtime_ns
            if changed_at == self._read_at:
                return None
            jwks: Jwks = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return None
        self._read_at = changed_at
        return jwks


class RemoteKeys:
    """Keys that the issuer publishes: at a JWKS address, or where its discovery document says."""

    def __init__(
        self,
        url: str,
        fetch: Callable[[str], Any] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``url`` is the JWKS, or the discovery document (``…/.well-known/openid-configuration``)."""
        self._url = url
        self._fetch = fetch or _get_json
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._has_keys = False

    def read(self, *, unknown: bool) -> Jwks | None:
        """The keys, if it is time to ask for them; see `KeySource`."""
        if not self._is_time(unknown):
            if not self._has_keys:
                raise _away(self._url)
            return None
        self._asked_at = self._monotonic()
        try:
            jwks = self._fetched()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as trouble:
            log.warning("token_keys.away", cause=type(trouble).__name__)
            if not self._has_keys:
                raise _away(self._url) from trouble
            return None
        self._has_keys = True
        return jwks

    def _is_time(self, unknown: bool) -> bool:
        if self._asked_at is None:
            return True
        eager = unknown or not self._has_keys
        return self._monotonic() - self._asked_at >= (ASK_AGAIN_SECONDS if eager else STALE_SECONDS)

    def _fetched(self) -> Jwks:
        found = self._fetch(self._url)
        if "jwks_uri" in found:
            found = self._fetch(found["jwks_uri"])
        if not isinstance(found["keys"], list):
            raise ValueError("no JWKS")
        jwks: Jwks = found
        return jwks


def discovery_url(issuer: str) -> str:
    """Where an issuer describes itself (OpenID Connect Discovery 1.0)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def _get_json(url: str) -> Any:
    return httpx.get(url, timeout=_TIMEOUT_SECONDS, trust_env=False).raise_for_status().json()


def _away(url: str) -> KeysAway:
    return KeysAway("authority.keys_away", f"the keys at {url} cannot be read; try again", retry_after=2)
