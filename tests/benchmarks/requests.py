"""Requests of a centre that plans releases, as bytes."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import orjson

from shared.kernel.ids import new_id
from shared.web.principal import Principal, Role
from shared.web.tokens import LIFETIME, TokenIssuer
from tests.benchmarks.setting import Setting

CENTRE = "CENTRE"


def token_of(setting: Setting) -> str:
    """An access token of a centre's system."""
    issuer = TokenIssuer.from_file(setting.folder / "keys" / "private.jwk")
    return issuer.issue(Principal("bench", Role.CENTRE_CLERK, CENTRE), 4 * LIFETIME)


def plan_requests(people: Sequence[UUID | str], token: str, centre: str = CENTRE) -> Iterator[bytes]:
    """Without end: POST /releases, each under its own idempotency key, for one person after the other."""
    release_at = (datetime.now(UTC) + timedelta(days=7)).isoformat()
    place = 0
    while True:
        body = orjson.dumps(
            {
                "person_id": str(people[place % len(people)]),
                "centre": centre,
                "kind": "early_release",
                "release_at": release_at,
            }
        )
        head = (
            "POST /releases HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {new_id()}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body
        place += 1
