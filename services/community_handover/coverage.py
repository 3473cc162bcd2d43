"""Offices, what they cover, who works in them, and who is on duty.

Whoever sets these decides who meets people, so each act is in the audit with what was before.
"""

from collections.abc import Collection, Iterable
from datetime import date, timedelta

from sqlalchemy import or_, select

from services.community_handover.commands import route_unresolved
from services.community_handover.domain.transitions import State
from services.community_handover.store import (
    Coverage,
    Duty,
    Office,
    Officer,
    Work,
    coverage,
    duty_of,
    known_persons,
    officers,
    offices,
    rosters,
    tasks,
)
from shared.kernel.errors import NotFound, invalid_field
from shared.reference.divisions import Division, containing, divisions
from shared.web import Principal

LONGEST_ROSTER = timedelta(days=92)


def put_office(office: Office, *, work: Work) -> Office:
    """Enter or change an office."""
    before = work.offices.find(office.code)
    if office != before:
        work.offices.put(office)
        work.note_act(f"office.{'changed' if before else 'entered'} {office.code}", None)
    return office


def put_coverage(row: Coverage, *, work: Work) -> Coverage:
    """Say which office covers a division; tasks that waited for that are offered.

    Raises: InvalidInput ``office.unknown``.
    """
    if work.offices.find(row.office) is None:
        raise invalid_field("/office", "office.unknown", "there is no such office")
    before = work.coverage.find(row.division)
    if row != before:
        work.coverage.put(row)
        _note_coverage(row.division, before, row.office, work)
    lives_there = or_(
        known_persons.c.residence_division.startswith(row.division),
        known_persons.c.registered_division.startswith(row.division),
    )
    waiting = work.tasks.select(
        tasks.c.state == State.UNRESOLVED,
        tasks.c.person_id.in_(select(known_persons.c.person_id).where(lives_there)),
    )
    for task in waiting:
        route_unresolved(task, work)
    return row


def close_coverage(division: str, *, work: Work) -> Coverage:
    """No office covers this division by itself any more; what covers the places around it does. Tasks stay as they are.

    Raises: NotFound ``coverage.not_found``.
    """
    before = work.coverage.get(division)
    work.coverage.remove(division)
    _note_coverage(division, before, "nobody", work)
    return before


def put_officer(officer: Officer, *, work: Work) -> Officer:
    """Say who works in an office, or does no more.

    Raises: NotFound ``office.not_found``.
    """
    work.offices.get(officer.office)
    if officer != work.officers.find(officer.account):
        work.officers.put(officer)
        work.note_act(f"officer.{'entered' if officer.active else 'left'} {officer.office}: {officer.account}", None)
    return officer


def officers_of(office: str, *, work: Work) -> list[Officer]:
    """Who works or worked in an office.

    Raises: NotFound ``office.not_found``.
    """
    work.offices.get(office)
    return work.officers.select(officers.c.office == office, order_by=officers.c.account)


def put_duty(office: str, day: date, *, officer: str, deputy: str, work: Work) -> Duty:
    """Say who is on duty on a day, and who stands in.

    Raises: NotFound ``office.not_found``; InvalidInput ``duty.same_person``, ``officer.left``.
    """
    work.offices.get(office)
    if officer == deputy:
        raise invalid_field("/deputy", "duty.same_person", "the deputy must be somebody else")
    for pointer, account in (("/officer", officer), ("/deputy", deputy)):
        known = work.officers.find(account)
        if known is not None and not (known.active and known.office == office):
            raise invalid_field(pointer, "officer.left", "this officer does not work in the office any more")
    duty = duty_of(office, day, officer, deputy)
    if duty != work.rosters.find(duty.key):
        work.rosters.put(duty)
        work.note_act(f"duty.set {office} {day.isoformat()}: {officer}, {deputy}", None)
    return duty


def roster_of(office: str, first: date, last: date, *, work: Work) -> list[Duty]:
    """Who of an office is on duty in some days.

    Raises: NotFound ``office.not_found``; InvalidInput ``roster.too_long``.
    """
    work.offices.get(office)
    if not timedelta(0) <= last - first <= LONGEST_ROSTER:
        raise invalid_field("/last_day", "roster.too_long", f"at most {LONGEST_ROSTER.days} days, the last not first")
    mine = (rosters.c.office == office, rosters.c.day >= first, rosters.c.day <= last)
    return work.rosters.select(*mine, order_by=rosters.c.day)


def offices_without_duty(day: date, within: str, *, work: Work) -> list[Office]:
    """The offices of an area for which nobody is on duty on a day."""
    in_area = work.offices.select(offices.c.division.startswith(within), order_by=offices.c.division)
    keys = [duty_of(office.code, day, "", "").key for office in in_area]
    work.rosters.prefetch("key", keys)
    return [office for office, key in zip(in_area, keys, strict=True) if work.rosters.find(key) is None]


def covered_places(*, work: Work) -> set[str]:
    """The divisions that have an office of their own."""
    work.flush()
    return set(work.connection.execute(select(coverage.c.division)).scalars())


def uncovered(covered: Collection[str], within: str) -> list[Division]:
    """The townships of an area that neither themselves nor by what they lie in are covered."""
    townships: Iterable[Division] = divisions().of_level("township", within)
    return [one for one in townships if not any(code in covered for code in containing(one.code))]


def office_in_area(code: str, principal: Principal, *, work: Work) -> Office:
    """An office whose settings somebody may see.

    Raises: NotFound ``office.not_found``, also when it lies in another area.
    """
    office = work.offices.get(code)
    if not principal.covers(office.division):
        raise NotFound("office.not_found", f"no office {code}")
    return office


def _note_coverage(division: str, before: Coverage | None, after: str, work: Work) -> None:
    work.note_act(f"coverage.set {division}: {before.office if before else 'nobody'} to {after}", None)
