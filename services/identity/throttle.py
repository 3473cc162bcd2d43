"""How long somebody who failed must wait before the next try counts. Pure; `signing_in` keeps the counts.

The wait doubles with each failure, up to a limit that is short, for a wait is also a way to keep others out. From a
browser in which somebody has signed in before, only that browser's own failures count: whoever guesses elsewhere
keeps nobody out who is known. What was refused because of the wait is not checked and does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from shared.kernel.addresses import network_of

FORGOTTEN_AFTER = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rule:
    """``free`` failures cost nothing; then one second, two, four …, at most ``longest``."""

    free: int
    longest: timedelta


@dataclass(frozen=True, slots=True)
class Scope:
    """What failures are counted for. The key does not tell what was typed."""

    key: str
    rule: Rule
    forgives: bool  # whether one success makes up for all failures


ACCOUNT = Rule(free=5, longest=timedelta(minutes=1))
ADDRESS = Rule(free=30, longest=timedelta(minutes=5))


def scopes_of_person(username: str, address: str, device: str | None) -> list[Scope]:
    """What a person's failure counts for; ``device`` is the browser's own number, if the account is known there."""
    if device is not None:
        return [_scope("device", f"{device} {username}", ACCOUNT, forgives=True)]
    return [_of_address(address), _scope("account", username, ACCOUNT, forgives=True)]


def scopes_of_client(client_id: str, address: str) -> list[Scope]:
    """What a program's failure counts for. It has no browser, so its name counts only together with its address."""
    return [_of_address(address), _scope("client", f"{client_id} {network_of(address)}", ACCOUNT, forgives=True)]


def wait(rule: Rule, failures: int, last_at: datetime, now: datetime) -> timedelta:
    """How long still to wait."""
    if failures < rule.free or now - last_at > FORGOTTEN_AFTER:
        return timedelta()
    seconds = min(2 ** min(failures - rule.free, 20), rule.longest.total_seconds())
    return max(last_at + timedelta(seconds=seconds) - now, timedelta())


def longest_of(waits: Sequence[timedelta]) -> timedelta:
    """The one that decides."""
    return max(waits, default=timedelta())


def _of_address(address: str) -> Scope:
    return _scope("address", network_of(address), ADDRESS, forgives=False)


def _scope(kind: str, what: str, rule: Rule, *, forgives: bool) -> Scope:
    return Scope(f"{kind}:{sha256(what.encode()).hexdigest()}", rule, forgives)
