"""Answers that are given again: a repeated request has one effect and gets the first answer.

The key is claimed in the transaction of the effect. On PostgreSQL a concurrent duplicate waits at the claim until
the first is done; on SQLite there is one writer anyhow.
"""

from flask import Response
from sqlalchemy import select, update

from shared.kernel.errors import InvalidInput
from shared.storage.bulk import insert_rows
from shared.storage.chassis import IDEMPOTENCY
from shared.storage.work import UnitOfWork

_KEPT_HEADERS = ("Content-Type", "Location", "ETag")
_row = IDEMPOTENCY.c


def claim(work: UnitOfWork, scope: str, key: str, fingerprint: str) -> Response | None:
    """Take the key for this request; if it was used before, the answer it got then.

    Raises: InvalidInput ``idempotency.key_reused`` when it was used for another request.
    """
    fresh = {"scope": scope, "key": key, "fingerprint": fingerprint, "created_at": work.now}
    if insert_rows(work.connection, IDEMPOTENCY, [fresh], tail="on conflict do nothing returning key"):
        return None
    kept = work.connection.execute(
        select(_row.fingerprint, _row.status, _row.headers, _row.body).where(_row.scope == scope, _row.key == key)
    ).one()
    if kept.fingerprint != fingerprint:
        raise InvalidInput("idempotency.key_reused", "this Idempotency-Key was used for another request")
    return Response(
        bytes(kept.body), status=kept.status, headers=(kept.headers or {}) | {"Idempotent-Replayed": "true"}
    )


def keep(work: UnitOfWork, scope: str, key: str, response: Response) -> None:
    """Remember the answer, with the effect."""
    headers = {name: response.headers[name] for name in _KEPT_HEADERS if name in response.headers}
    work.connection.execute(
        update(IDEMPOTENCY)
        .where(_row.scope == scope, _row.key == key)
        .values(status=response.status_code, headers=headers, body=response.get_data())
    )
