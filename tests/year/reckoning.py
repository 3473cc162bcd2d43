"""What must be true at the year's end: the three promises, person by person, and each indicator once more, slowly.

Nothing here uses oversight's code or its tables: it reads the producers' own aggregates, and their own event logs for
how things stood on a date, one after the other.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

from shared.contracts.envelope import CONTENT_TYPE, decode
from shared.kernel.clock import china_day
from shared.kernel.deadlines import start_of_day
from shared.storage.chassis import EVENT_LOG
from tests.year.city import City

MET = ("met_official", "refused_company", "hospital")
AWAY = ("died", "in_custody", "abroad", "other_authority")


def every(city: City, service: str, store: str) -> Iterator[Any]:
    """Every aggregate of a kind, as its own service has it."""
    with city.services[service].work() as work:
        yield from getattr(work, store).select()


def as_of(city: City, service: str, events: str, moment: datetime) -> list[Any]:
    """Every aggregate of a kind as its own service's log had it before a moment, event by event."""
    log, newest = EVENT_LOG.c, {}
    said = select(log.subject, log.body).where(log.type.startswith(events)).order_by(log.position)
    with city.services[service].storage.engine.connect() as connection:
        for subject, body in connection.execute(said):
            event = decode(body.encode(), CONTENT_TYPE)
            if event.time < moment:
                newest[subject] = SimpleNamespace(**event.data)
    return list(newest.values())


def broken_promises(city: City) -> list[str]:
    """Everything that is open, due, and unexplained; none means that no case was dropped."""
    tests = [_told("test", one) for one in every(city, "drug_testing", "test_orders") if _late(one, city)]
    orders = [_told("order", one) for one in every(city, "detention_intake", "orders") if _late(one, city)]
    tasks = list(every(city, "community_handover", "tasks"))
    lost = [_told("task", t) for t in tasks if _late(t, city) and t.state != "whereabouts_unknown"]
    measures = every(city, "community_handover", "measures")
    lost += [_told("measure", m) for m in measures if _late(m, city) and m.state != "whereabouts_unknown"]
    return [*tests, *orders, *lost, *_one_task_for_each_release(city, tasks)]


def left_open(city: City) -> Iterator[str]:
    """Discrepancies that nobody mended or explained. A headcount may be wrong until the next one."""
    for one in every(city, "oversight", "discrepancies"):
        fresh = one.kind.startswith("headcount") and one.found_at > city.now - timedelta(days=2)
        if one.state == "open" and not fresh:
            yield f"discrepancy {one.kind} {one.subject} {one.detail} since {one.found_at}"


def _late(aggregate: Any, city: City) -> bool:
    return aggregate.due_at is not None and aggregate.due_at < city.now


def _told(kind: str, aggregate: Any) -> str:
    """What there is to know of a case that was dropped."""
    known = {name: value for name, value in asdict(aggregate).items() if value not in (None, "", (), [], {}, False)}
    return f"{kind}: " + ", ".join(f"{name} {value}" for name, value in known.items())


def _one_task_for_each_release(city: City, tasks: list[Any]) -> Iterator[str]:
    of_release = Counter(task.release_id for task in tasks if task.release_id)
    for release in every(city, "release_notification", "releases"):
        made = of_release.pop(release.id, 0)
        if made > 1:
            yield f"release {release.id} has {made} tasks"
        if release.state == "executed" and release.needs_handover and made != 1:
            yield f"release {release.id} {release.kind} has no task"
        if release.state == "planned" and release.release_at < city.now - timedelta(days=1):
            yield f"release {release.id} was planned for {release.release_at} and nobody said that it took place"
    yield from (f"task of a release {release} that there is not" for release in of_release)


def figures(city: City, first: date, last: date) -> dict[str, tuple[int, int]]:
    """Numerator and denominator of each indicator, for a period that has ended, as things are now."""
    begins, ends = start_of_day(first), start_of_day(last + timedelta(days=1))

    def within(moment: Any) -> bool:
        return moment is not None and begins <= moment < ends

    tests = [one for one in every(city, "drug_testing", "test_orders") if within(one.collect_due_at)]
    tested = [one for one in tests if one.told_at is not None or one.state == "exempted"]
    orders = list(every(city, "detention_intake", "orders"))
    isolated = [one for one in orders if one.kind == "compulsory_isolation" and within(one.served_at)]
    isolated = [one for one in isolated if one.admitted_at or one.state not in ("not_admitted", "revoked")]
    tasks = list(every(city, "community_handover", "tasks"))
    measures = list(every(city, "community_handover", "measures"))
    risks = list(every(city, "person_registry", "assessments"))
    clean = [one for one in risks if one.state == "ended" and within(one.clean_until)]
    scheduled = [one for one in tests if one.ground == "scheduled" and one.state != "exempted"]
    tasks_then = as_of(city, "community_handover", "handover.", ends)
    measures_then = as_of(city, "community_handover", "measure.", ends)
    risks_then = as_of(city, "person_registry", "risk.", ends)
    unknown = [one for one in (*tasks_then, *measures_then) if one.state == "whereabouts_unknown"]
    gone = [one for one in tasks_then if one.kind == "order" or (one.released_at and one.released_at < ends)]
    followed = [one for one in risks_then if one.state not in ("ended", "merged")]
    return {
        "must_test_rate": (len(tested), len(tests)),
        "admission_rate": (sum(one.admitted_at is not None for one in isolated), len(isolated)),
        "pickup_rate": _pickup([one for one in tasks if one.kind == "release" and within(one.released_at)]),
        "confirmed_in_time_rate": _confirmed([one for one in tasks if within(one.accept_due_at)]),
        "report_in_rate": _reported([one for one in tasks if within(one.report_due_at)]),
        "execution_rate": _executed(gone, measures_then),
        "control_rate": _kept(tasks_then, measures_then),
        "scheduled_test_rate": (sum(one.told_at is not None for one in scheduled), len(scheduled)),
        "special_admission_rate": _special(orders, list(every(city, "detention_intake", "stays")), within),
        "unknown_count": (len(unknown), len(unknown)),
        "unknown_cleared_count": _count(_is_cleared(one, within) for one in (*tasks, *measures)),
        "current_users": (len(followed), len(followed)),
        "tiered_rate": (sum(one.tier is not None for one in followed), len(followed)),
        "clean3_count": (len(clean), len(clean)),
    }


def _count(holds: Iterator[bool]) -> tuple[int, int]:
    number = sum(holds)
    return number, number


def _pickup(tasks: list[Any]) -> tuple[int, int]:
    owed = [t for t in tasks if t.state != "withdrawn" and t.outcome not in ("other_authority", "remote")]
    met = 0
    for task in owed:
        same_day = bool(task.met_at and task.contacted_at) and china_day(task.met_at) == china_day(task.contacted_at)
        met += task.outcome in MET or (task.outcome == "met_family" and same_day)
    return met, len(owed)


def _confirmed(tasks: list[Any]) -> tuple[int, int]:
    asked = [task for task in tasks if task.state != "withdrawn"]
    return sum(bool(t.accepted_at and t.accepted_at < t.accept_due_at) for t in asked), len(asked)


def _reported(tasks: list[Any]) -> tuple[int, int]:
    owed = [t for t in tasks if t.legal_ground != "contact_only" and t.state != "withdrawn" and not t.paused_at]
    owed = [t for t in owed if t.close_reason not in AWAY]
    return sum(bool(t.registered_at and t.registered_at < t.report_due_at) for t in owed), len(owed)


LOST = ("tracing", "whereabouts_unknown")
NOT_IN_FORCE = ("suspended", "expired", "completed", "terminated")


def _executed(tasks: list[Any], measures: list[Any]) -> tuple[int, int]:
    owed = [t for t in tasks if t.legal_ground != "contact_only" and t.state not in ("withdrawn", "remote_accepted")]
    owed = [t for t in owed if t.close_reason not in AWAY and t.registered_at is None]
    in_force = [m for m in measures if m.state not in NOT_IN_FORCE]
    good = [m for m in in_force if m.state not in LOST and m.breached_at is None and m.agreement_signed_at]
    return len(good), len(owed) + len(in_force)


def _kept(tasks: list[Any], measures: list[Any]) -> tuple[int, int]:
    owed = [t for t in tasks if t.legal_ground != "contact_only" and t.registered_at is None]
    in_contact = sum(t.state in ("met", "contacted") for t in owed)
    in_contact += sum(m.state in ("active", "moving") for m in measures)
    lost = sum(t.state in (*LOST, "not_met") for t in owed) + sum(m.state in LOST for m in measures)
    return in_contact, in_contact + lost


def _special(orders: list[Any], stays: list[Any], within: Any) -> tuple[int, int]:
    admitted = sum(stay.special is not None and within(stay.admitted_at) for stay in stays)
    turned_away = [o for o in orders if o.kind == "compulsory_isolation" and within(o.served_at) and not o.admitted_at]
    return admitted, admitted + sum(o.refusal_reason in ("danger_to_life", "cannot_care_for_self") for o in turned_away)


def _is_cleared(one: Any, within: Any) -> bool:
    if one.unknown_at is None or one.state == "whereabouts_unknown":
        return False
    found = one.found_at if hasattr(one, "found_at") else one.contacted_at
    ended = one.ended_at if hasattr(one, "found_at") else one.closed_at
    return bool(within(found)) if found else bool(within(ended))


def disagreements(said: Mapping[str, Any], reckoned: Mapping[str, tuple[int, int]]) -> list[str]:
    """Where oversight's figures and the slow reckoning differ."""
    shown = {one["key"]: (one["numerator"], one["denominator"]) for one in said["items"]}
    return [
        f"{key}: oversight says {shown.get(key)}, the slow reckoning {reckoned.get(key)}"
        for key in sorted(shown.keys() | reckoned.keys())
        if shown.get(key) != reckoned.get(key)
    ]
