"""Offices, what they cover, and who is on duty."""

from datetime import date

from sqlalchemy import or_, select

from services.community_handover.commands import route_unresolved
from services.community_handover.domain.transitions import State
from services.community_handover.store import Coverage, Duty, Office, Work, duty_of, known_persons, offices, tasks
from shared.kernel.errors import invalid_field


def put_office(office: Office, *, work: Work) -> Office:
    """Enter or change an office."""
    work.offices.put(office)
    return office


def put_coverage(row: Coverage, *, work: Work) -> Coverage:
    """Say which office covers a division; tasks that waited for that are offered.

    Raises: InvalidInput ``office.unknown``.
    """
    if work.offices.find(row.office) is None:
        raise invalid_field("/office", "office.unknown", "there is no such office")
    work.coverage.put(row)
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


def put_duty(office: str, day: date, *, officer: str, deputy: str, work: Work) -> Duty:
    """Say who is on duty on a day, and who stands in.

    Raises: NotFound ``office.not_found``; InvalidInput ``duty.same_person``.
    """
    work.offices.get(office)
    if officer == deputy:
        raise invalid_field("/deputy", "duty.same_person", "the deputy must be somebody else")
    duty = duty_of(office, day, officer, deputy)
    work.rosters.put(duty)
    return duty


def offices_without_duty(day: date, within: str, *, work: Work) -> list[Office]:
    """The offices of an area for which nobody is on duty on a day."""
    in_area = work.offices.select(offices.c.division.startswith(within), order_by=offices.c.division)
    keys = [duty_of(office.code, day, "", "").key for office in in_area]
    work.rosters.prefetch("key", keys)
    return [office for office, key in zip(in_area, keys, strict=True) if work.rosters.find(key) is None]
