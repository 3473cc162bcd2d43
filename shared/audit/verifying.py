"""Verifying: every row against its seal, every seal against the one before it, every anchor against its seal.

It stops at the first thing that is wrong and names it. It reads in small pieces, however long the history.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, func, select

from shared.audit.anchors import Anchor, InvalidAnchor, read_anchor
from shared.audit.chain import BEGINNING, Seal, is_intact, row_hash
from shared.audit.sealing import seal_of
from shared.storage.chassis import AUDIT, AUDIT_ANCHOR, AUDIT_SEAL

SEALS_AT_ONCE = 50


class Broken(Exception):
    """Something is not as it was sealed or signed; the text names the first such thing."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked."""

    rows: int
    seals: int
    anchors: int
    waiting: int  # rows that are not sealed yet
    end: str  # the hash of the newest seal


def verify(connection: Connection, service: str, keys: Mapping[str, Any], outside: Mapping[date, str]) -> Proof:
    """Check all; ``outside`` are anchors that were kept elsewhere, by day.

    Raises: Broken.
    """
    anchors = _anchors(connection, service, keys, outside)
    expected, last, rows, end = 1, 0, 0, BEGINNING
    for seal in _seals(connection):
        _check_link(seal, expected, end, last)
        rows += _check_rows(connection, seal, last)
        for anchor in anchors.pop(seal.number, ()):
            if anchor.hash != seal.hash:
                raise Broken(f"seal {seal.number} is not the one that was signed for {anchor.day}")
        expected, last, end = seal.number + 1, seal.positions[-1], seal.hash
    for number, left in anchors.items():
        raise Broken(f"seal {number} is missing, which was signed for {left[0].day}")
    waiting = connection.execute(select(func.count()).where(AUDIT.c.position > last)).scalar_one()
    return Proof(rows, expected - 1, _count(connection), waiting, end)


def _anchors(
    connection: Connection, service: str, keys: Mapping[str, Any], outside: Mapping[date, str]
) -> dict[int, list[Anchor]]:
    stored = {row.day: row for row in connection.execute(select(AUDIT_ANCHOR).order_by(AUDIT_ANCHOR.c.day))}
    for day in sorted(outside.keys() - stored.keys()):
        raise Broken(f"the anchor of {day} is missing")
    by_number: dict[int, list[Anchor]] = {}
    for day, row in stored.items():
        anchor = _read(row.signed, service, day, keys)
        if anchor.number != row.number or outside.get(day, row.signed) != row.signed:
            raise Broken(f"the anchor of {day} is not the one that was signed")
        by_number.setdefault(anchor.number, []).append(anchor)
    return by_number


def _read(signed: str, service: str, day: date, keys: Mapping[str, Any]) -> Anchor:
    try:
        anchor = read_anchor(signed, keys)
    except InvalidAnchor as error:
        raise Broken(f"the anchor of {day} is not signed by a key known here") from error
    if (anchor.service, anchor.day) != (service, day):
        raise Broken(f"the anchor of {day} was signed for {anchor.service} on {anchor.day}")
    return anchor


def _seals(connection: Connection) -> Iterator[Seal]:
    number = 0
    while True:
        after = select(AUDIT_SEAL).where(AUDIT_SEAL.c.number > number).order_by(AUDIT_SEAL.c.number)
        rows = connection.execute(after.limit(SEALS_AT_ONCE)).all()
        if not rows:
            return
        yield from map(seal_of, rows)
        number = rows[-1].number


def _check_link(seal: Seal, expected: int, previous: str, last: int) -> None:
    if seal.number != expected:
        raise Broken(f"seal {expected} is missing")
    if not is_intact(seal):
        raise Broken(f"seal {seal.number} was changed")
    if seal.previous != previous or not seal.positions or seal.positions[0] <= last:
        raise Broken(f"seal {seal.number} does not follow seal {seal.number - 1}")


def _check_rows(connection: Connection, seal: Seal, last: int) -> int:
    position = AUDIT.c.position
    between = select(AUDIT).where(position > last, position <= seal.positions[-1]).order_by(position)
    found = {row.position: row for row in connection.execute(between)}
    sealed = seal.hashes
    for place in sorted(found.keys() | sealed.keys()):
        if place not in sealed:
            raise Broken(f"audit row {place} was added after seal {seal.number}")
        if place not in found:
            raise Broken(f"audit row {place} is missing, which seal {seal.number} has")
        if row_hash(found[place]._asdict()) != sealed[place]:
            raise Broken(f"audit row {place} was changed after seal {seal.number}")
    return len(found)


def _count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(AUDIT_ANCHOR)).scalar_one()
