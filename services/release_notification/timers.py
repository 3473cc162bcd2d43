"""What silence about releases means. Due and not yet said: a timer that did not run for a week catches up."""

from datetime import timedelta

from services.release_notification import policy
from services.release_notification.domain import release as domain
from services.release_notification.domain.release import Alarm
from services.release_notification.stating import state_days
from services.release_notification.store import MOVINGS, Work, releases
from shared.kernel.deadlines import rules_in
from shared.service import Timer
from shared.storage.people import move_merged
from shared.storage.settling import Settling, settle_provisional

AT_ONCE = 200
_EVENT_OF_ALARM = {
    Alarm.OVER_TERM: "release.over_term.v1",
    Alarm.SILENT: "release.silent.v1",
    Alarm.NOTICE_LATE: "release.notice_late.v1",
}


def raise_alarms(work: Work) -> int:
    """Say that a term passed without a gate, that a planned day passed in silence, that a notice is late."""
    silent = work.releases.select(releases.c.wake_at <= work.now, order_by=releases.c.wake_at, limit=AT_ONCE)
    for release in silent:
        alarmed = domain.raise_alarm(release, now=work.now)
        assert alarmed.alarm is not None
        work.releases.save(alarmed, _EVENT_OF_ALARM[alarmed.alarm])
    return len(silent)


def sweep_merged(work: Work) -> int:
    """Move what still names a file that was merged into another one."""
    return move_merged(work, work.persons, MOVINGS)


SETTLINGS = (Settling(lambda work: work.releases, "release.deadline_settled.v1"),)


def settle_deadlines(work: Work) -> int:
    """Count provisional deadlines again once their year is announced."""
    return settle_provisional(work, SETTLINGS, rules_in(policy))


TIMERS = (
    Timer("raise_alarms", timedelta(seconds=30), raise_alarms),
    Timer("sweep_merged", timedelta(seconds=30), sweep_merged),
    Timer("settle_deadlines", timedelta(hours=1), settle_deadlines),
    Timer("state_days", timedelta(minutes=5), state_days),
)
