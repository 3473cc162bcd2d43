"""How many requests a client may send in a while. A client is who its token speaks for, else where it asks from.

Invariants: whoever is known is never refused for what strangers do from the same address. Counts are this process's
own: of several replicas each allows as much. The memory that they take is bounded; beyond that all begin anew.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import Request
from limits import parse
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from shared.kernel.addresses import network_of
from shared.kernel.errors import BatonError
from shared.web.refusals import TooManyRequests
from shared.web.tokens import InvalidToken, TokenVerifier

OFF = "off"
MOST_CLIENTS = 50_000  # counted at a time
FORGET_EVERY_SECONDS = 60.0


class Counts(Storage):  # type: ignore[misc]
    """Counts in a dictionary. The library's own start a thread for nearly every request, which costs 0.1 ms."""

    STORAGE_SCHEME = ["baton-memory"]

    def __init__(self, monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._monotonic = monotonic
        self._counts: dict[str, tuple[int, float]] = {}  # how many, and when they are forgotten
        self._lock = threading.Lock()
        self._forget_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """None of its own."""
        return Exception

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count; the count after that."""
        now = self._monotonic()
        with self._lock:
            count, ends_at = self._counts.get(key, (0, 0.0))
            if ends_at <= now:
                self._make_room(now)
                count, ends_at = 0, now + expiry
            self._counts[key] = count + amount, ends_at
        return count + amount

    def get(self, key: str) -> int:
        """The count, 0 when its time is over."""
        count, ends_at = self._counts.get(key, (0, 0.0))
        return count if ends_at > self._monotonic() else 0

    def get_expiry(self, key: str) -> float:
        """When the count is forgotten, in this storage's own time."""
        return self._counts.get(key, (0, self._monotonic()))[1]

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int:
        """Forget all; how many."""
        with self._lock:
            forgotten, self._counts = len(self._counts), {}
        return forgotten

    def clear(self, key: str) -> None:
        """Forget one."""
        self._counts.pop(key, None)

    def _make_room(self, now: float) -> None:
        if now >= self._forget_at or len(self._counts) >= MOST_CLIENTS:
            self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
            self._forget_at = now + FORGET_EVERY_SECONDS
        if len(self._counts) >= MOST_CLIENTS:
            self._counts = {}


@dataclass(frozen=True, slots=True)
class Standing:
    """How a client stands: so many requests in ``seconds``, ``left`` of them, ``reset`` seconds until all are new."""

    most: int
    seconds: int
    left: int
    reset: int

    @property
    def headers(self) -> dict[str, str]:
        """What the client is told with every answer (draft-ietf-httpapi-ratelimit-headers)."""
        return {
            "RateLimit-Policy": f'"client";q={self.most};w={self.seconds}',
            "RateLimit": f'"client";r={self.left};t={self.reset}',
        }


class RateLimit:
    """So many requests in so many seconds for each client."""

    def __init__(self, told: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        """``told`` is like ``2000/10 seconds``.

        Raises: ValueError when it is not.
        """
        self._item = parse(told)
        self._monotonic = monotonic
        self._limiter = FixedWindowRateLimiter(Counts(monotonic))

    def count(self, client: str) -> Standing:
        """Count a request.

        Raises: TooManyRequests ``rate_limit.exceeded`` with ``retry_after`` in seconds.
        """
        has_room = self._limiter.hit(self._item, client)
        ends_at, left = self._limiter.get_window_stats(self._item, client)
        most, seconds = self._item.amount, self._item.get_expiry()
        standing = Standing(most, seconds, left, max(1, -int(-(ends_at - self._monotonic()) // 1)))
        if not has_room:
            raise refusal(standing)
        return standing


def rate_limit(told: str) -> RateLimit | None:
    """The limit that a setting tells; None where it is ``off``.

    Raises: ValueError.
    """
    return None if told.strip().lower() == OFF else RateLimit(told)


def refusal(standing: Standing) -> TooManyRequests:
    """What is told to who asks too often. Nothing of the request was looked at, so it can come again as it is."""
    detail = f"at most {standing.most} requests in {standing.seconds} s; nothing was changed, try again"
    return TooManyRequests("rate_limit.exceeded", detail, standing.headers, retry_after=standing.reset)


def client_of(request: Request, verifier: TokenVerifier) -> tuple[str, str]:
    """By what a client is known, ``subject`` or ``address``, and which it is."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        try:
            return "subject", verifier.verify(token.strip()).subject
        except (InvalidToken, BatonError):
            pass  # the operation says what is wrong with it
    return "address", network_of(request.remote_addr or "")
