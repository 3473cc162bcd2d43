"""When somebody may be told by a channel that rings: not in the quiet hours, and not ten times where once is enough.

What is overdue goes at once. All times of day are China's.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from shared.kernel.clock import CHINA

MINUTES_A_DAY = 24 * 60
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


class Digest(StrEnum):
    """How often messages that are not urgent come, all that have gathered as one."""

    NONE = "none"
    HOURLY = "hourly"
    DAILY = "daily"


@dataclass(frozen=True, slots=True)
class Quiet:
    """From when to when nothing rings, in minutes after midnight; the same twice: never."""

    begins: int
    ends: int

    def __post_init__(self) -> None:
        if not (0 <= self.begins < MINUTES_A_DAY and 0 <= self.ends < MINUTES_A_DAY):
            raise ValueError("a time of day lies between 00:00 and 23:59")

    def holds(self, moment: datetime) -> bool:
        """Whether the moment lies in them."""
        at = _minute(moment)
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends


def not_before(*, urgent: bool, now: datetime, quiet: Quiet, digest: Digest, digest_at: int) -> datetime:
    """The moment from which a message may go. ``digest_at`` is the minute of the day at which daily ones go."""
    if urgent:
        return now
    return out_of_quiet(_gathered(now, digest, digest_at), quiet)


def out_of_quiet(moment: datetime, quiet: Quiet) -> datetime:
    """The moment itself, or the end of the quiet hours in which it lies."""
    return _next_at(moment, quiet.ends) if quiet.holds(moment) else moment


def _gathered(now: datetime, digest: Digest, digest_at: int) -> datetime:
    match digest:
        case Digest.NONE:
            return now
        case Digest.HOURLY:
            return now.replace(minute=0, second=0, microsecond=0) + _HOUR
        case Digest.DAILY:
            return _next_at(now, digest_at)


def _next_at(moment: datetime, minute: int) -> datetime:
    """The next moment at a time of day, later than the given one."""
    here = moment.astimezone(CHINA)
    at = here.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    return (at if at > here else at + _DAY).astimezone(UTC)


def _minute(moment: datetime) -> int:
    here = moment.astimezone(CHINA)
    return here.hour * 60 + here.minute
