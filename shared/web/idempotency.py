"""Answers that are given again: a repeated request has one effect and gets the first answer.

The key is claimed in the transaction of the effect. On PostgreSQL a concurrent duplicate waits at the claim
until the first is done; on SQLite there is one writer anyhow. Refusals are never kept: what was refused may
be tried again with the same key.
"""

import hashlib
import re
from dataclasses import dataclass

from flask import Request, Response
from sqlalchemy import and_, bindparam, select

from shared.kernel.errors import InvalidInput
from shared.storage.bulk import insert_rows
from shared.storage.chassis import IDEMPOTENCY
from shared.storage.work import UnitOfWork
from shared.web.principal import Principal
from shared.web.refusals import BadRequest

HEADER = "Idempotency-Key"
REPLAYED = "Idempotent-Replayed"
LONGEST_KEY = 200  # characters
_KEY = re.compile(r"[\x21-\x7e]+")
_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_LONGEST_PATH = 300  # characters; the scope is part of an index
_row = IDEMPOTENCY.c
_IS_CLAIMED = and_(_row.scope == bindparam("the_scope"), _row.key == bindparam("the_key"))
_FIND = select(_row.fingerprint, _row.status, _row.headers, _row.body).where(_IS_CLAIMED)


@dataclass(frozen=True, slots=True)
class Claim:
    """One act of one asker: the key that names it and the request that asks for it."""

    scope: str
    key: str
    fingerprint: str


def claim_of(request: Request, body: bytes, principal: Principal, *, required: bool) -> Claim | None:
    """What the request's header says; None when it has none and needs none.

    Raises: BadRequest ``idempotency.key_missing``, ``idempotency.key_malformed``.
    """
    key = request.headers.get(HEADER, "").strip()
    if not key and not required:
        return None
    if not key:
        detail = "send a new Idempotency-Key header with every new act, and the same one when you try again"
        raise BadRequest("idempotency.key_missing", detail)
    if len(key) > LONGEST_KEY or not _KEY.fullmatch(key):
        detail = f"an Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters"
        raise BadRequest("idempotency.key_malformed", detail)
    whole = b"\0".join((request.method.encode(), request.full_path.encode(), body))
    path = request.path if len(request.path) <= _LONGEST_PATH else _digest(request.path.encode())
    scope = f"{principal.organisation} {principal.subject} {request.method} {path}"
    return Claim(scope, key, _digest(whole))


def take(work: UnitOfWork, claim: Claim) -> Response | None:
    """Take the key for this request; if it was used before, the answer it got then.

    Raises: InvalidInput ``idempotency.key_reused`` when it was used for another request.
    """
    fresh = {
        "scope": claim.scope,
        "key": claim.key,
        "fingerprint": claim.fingerprint,
        "created_at": work.now,
    }
    if insert_rows(work.connection, IDEMPOTENCY, [fresh], tail="on conflict do nothing returning key"):
        return None
    kept = work.connection.execute(_FIND, {"the_scope": claim.scope, "the_key": claim.key}).one()
    if kept.fingerprint != claim.fingerprint:
        raise InvalidInput("idempotency.key_reused", "this Idempotency-Key was used for another request")
    return Response(bytes(kept.body), status=kept.status, headers={**kept.headers, REPLAYED: "true"})


def keep(work: UnitOfWork, claim: Claim, response: Response) -> None:
    """Remember the answer, with the effect."""
    key = {"scope": claim.scope, "key": claim.key}
    answer = {
        "status": response.status_code,
        "headers": {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers},
        "body": response.get_data(),
    }
    work.write_last(lambda writes: writes.change(IDEMPOTENCY, key, answer))


def _digest(whole: bytes) -> str:
    return hashlib.sha256(whole).hexdigest()
