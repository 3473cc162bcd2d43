"""Where time comes from. Domain code gets moments as arguments and never asks."""

from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

CHINA = ZoneInfo("Asia/Shanghai")


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The moment, aware, in UTC."""
        return datetime.now(UTC)


class FixedClock:
    """Stands still until told otherwise; for tests and simulations. Tells UTC, whatever zone it is set in."""

    def __init__(self, moment: datetime) -> None:
        self.set(moment)

    def now(self) -> datetime:
        """The moment it stands at."""
        return self._moment

    def advance(self, by: timedelta) -> None:
        """Move on."""
        self._moment += by

    def set(self, moment: datetime) -> None:
        """Move to a moment. Raises: ValueError when it has no zone."""
        if moment.tzinfo is None:
            raise ValueError("a moment needs a zone")
        self._moment = moment.astimezone(UTC)


def china_day(moment: datetime) -> date:
    """The calendar day in China on which the moment falls. Raises: ValueError when it has no zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs a zone")
    return moment.astimezone(CHINA).date()
