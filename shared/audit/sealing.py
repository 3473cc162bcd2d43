"""Sealing: what was written to the audit is linked into the chain a moment later, in the order of its positions.

The writers do not wait for the chain; one replica links at a time. Positions are given out before a transaction
commits, so a number that is missing may still come: it is waited for as long as any transaction can last.
"""

from dataclasses import asdict
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, func, select

from shared.audit.anchors import Anchor, AnchorSigner
from shared.audit.chain import Seal, next_seal
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.storage.bulk import insert_rows
from shared.storage.chassis import AUDIT, AUDIT_ANCHOR, AUDIT_SEAL
from shared.storage.settled import settled
from shared.storage.work import UnitOfWork

AT_ONCE = 500  # rows in a seal
_ONE_DAY = timedelta(days=1)

log = structlog.get_logger(__name__)


def newest_seal(work: UnitOfWork) -> Seal | None:
    """The end of the chain."""
    row = work.connection.execute(select(AUDIT_SEAL).order_by(AUDIT_SEAL.c.number.desc()).limit(1)).one_or_none()
    return None if row is None else seal_of(row)


def seal_of(row: Any) -> Seal:
    """A seal as it was stored."""
    return Seal(row.number, row.previous, tuple(row.positions), bytes(row.row_hashes), row.sealed_at, row.hash)


def seal_more(work: UnitOfWork) -> int:
    """Seal what was written since the newest seal; how many rows."""
    before = newest_seal(work)
    last = before.positions[-1] if before else 0
    after = select(AUDIT).where(AUDIT.c.position > last).order_by(AUDIT.c.position).limit(AT_ONCE)
    rows = list(settled([(row.position, row.at, row) for row in work.connection.execute(after)], last, work.now))
    if not rows:
        return 0
    seal = next_seal(before, [row._asdict() for row in rows], work.now)
    insert_rows(work.connection, AUDIT_SEAL, [asdict(seal)])
    log.info("audit.sealed", seal=seal.number, count=len(rows), hash=seal.hash)
    return len(rows)


def anchor_day(work: UnitOfWork, signer: AnchorSigner) -> int:
    """Sign the end of the chain once for the last finished day; 1 if that was still to be done."""
    day = china_day(work.now) - _ONE_DAY
    done = work.connection.execute(select(AUDIT_ANCHOR.c.day).where(AUDIT_ANCHOR.c.day == day)).first()
    end = newest_seal(work)
    if done is not None or end is None:
        return 0
    signed = signer.sign(Anchor(work.service, day, end.number, end.hash, work.now))
    insert_rows(work.connection, AUDIT_ANCHOR, [{"day": day, "number": end.number, "signed": signed}])
    log.info("audit.anchored", day=day.isoformat(), seal=end.number, anchor=signed)
    return 1


def signed_until(connection: Connection) -> float:
    """The end of the last signed day, in seconds since 1970; 0 when no day is signed."""
    day = connection.execute(select(func.max(AUDIT_ANCHOR.c.day))).scalar()
    return 0.0 if day is None else start_of_day(day + _ONE_DAY).timestamp()
