"""Until when the next step of a task must be done."""

from datetime import datetime

from services.community_handover import policy
from services.community_handover.domain.task import Kind, Outcome, Task, has_order
from shared.kernel.calendar import ONE_DAY
from shared.kernel.clock import china_day
from shared.kernel.deadlines import NextDue, start_of_day
from shared.reference.calendar import next_due


def offer_due(release_at: datetime) -> NextDue:
    """When the office is asked (H1): as that day begins."""
    last = next_due(policy.OFFER, start_of_day(china_day(release_at)))
    return NextDue(last.rule, last.at - ONE_DAY)


def confirm_due(release_at: datetime, released_at: datetime | None, now: datetime) -> NextDue:
    """Until when the office has to confirm (H2), and sooner if the release is near or over (H6)."""
    urgent = next_due(policy.CONFIRM_URGENT, now)
    if released_at is not None or release_at - now < policy.URGENT_WITHIN:
        return urgent
    usual = next_due(policy.CONFIRM, now)
    return max(urgent, min(usual, NextDue(usual.rule, release_at - policy.BEFORE_GATE), key=_at), key=_at)


def accepted_due(task: Task, now: datetime, *, has_party: bool) -> NextDue:
    """The next deadline of an accepted task: the party (H3), then the meeting (H4); for an order the report (C1)."""
    if task.kind is Kind.ORDER and task.report_due_at is not None:
        return NextDue(policy.REPORT_IN.id, task.report_due_at)
    party = next_due(policy.PARTY, start_of_day(china_day(task.release_at)))
    if not has_party and task.released_at is None and party.at > now:
        return party
    gate = task.released_at or task.release_at
    return next_due(policy.MEETING, max(gate, now) if task.released_at else gate)


def met_due(task: Task, outcome: Outcome, at: datetime) -> NextDue | None:
    """The next deadline after the gate."""
    if outcome is Outcome.LEFT_ALONE:
        return next_due(policy.VISIT, task.released_at or at)
    if outcome is Outcome.MET_FAMILY:
        return next_due(policy.FIRST_CONTACT, at)
    return contacted_due(task, at, report_due_at(task, at))


def contacted_due(task: Task, at: datetime, report_by: datetime) -> NextDue:
    """The next deadline after the first contact: to report (C1), or, without an order, to be offered help."""
    return NextDue(policy.REPORT_IN.id, report_by) if has_order(task) else next_due(policy.OFFER_HELP, at)


def report_due_at(task: Task, at: datetime) -> datetime:
    """Until when the person has to report, if the order was handed over at ``at`` (C1)."""
    return task.report_due_at or next_due(policy.REPORT_IN, at).at


def _at(one: NextDue) -> datetime:
    return one.at
