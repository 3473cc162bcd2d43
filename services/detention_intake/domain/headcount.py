"""How many people a centre should have at the end of a day, and how many it counted. Pure.

``yesterday + who came - who went = expected``; what the centre counted stands beside it and is never changed by us.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from services.detention_intake.domain.stay_transitions import StayState
from shared.kernel.ids import derived_id

_HEADCOUNTS = UUID("8c0f4b52-6a6e-4f0f-9c8b-0d1b5f3a7e64")
_AWAY = frozenset(
    {StayState.ON_MEDICAL_LEAVE, StayState.OUT_TO_COURT, StayState.ESCAPED, StayState.IN_CRIMINAL_CUSTODY}
)


@dataclass(frozen=True, slots=True)
class Figures:
    """Who was there as the day began, and who came and went."""

    yesterday: int
    admitted: int = 0
    returned: int = 0
    transferred_in: int = 0
    transferred_out: int = 0
    released: int = 0
    died: int = 0
    away: int = 0

    @property
    def expected(self) -> int:
        """How many should be there at the end of the day."""
        came = self.admitted + self.returned + self.transferred_in
        return self.yesterday + came - self.transferred_out - self.released - self.died - self.away

    @property
    def moved(self) -> bool:
        """Whether anybody came or went."""
        return self != Figures(self.yesterday)


@dataclass(frozen=True, slots=True)
class Headcount:
    """A centre's day. ``counted`` is None when the centre said no number in time."""

    id: UUID
    version: int
    centre: str
    day: date
    counted: int | None
    figures: Figures
    stated_at: datetime | None
    stated_by: str | None


def headcount_id(centre: str, day: date) -> UUID:
    """The one headcount of a centre's day."""
    return derived_id(_HEADCOUNTS, centre, day.isoformat())


def figures_of(yesterday: int, kinds: Iterable[str]) -> Figures:
    """The day's figures by the kinds of its movements."""
    figures = Figures(yesterday)
    for kind in kinds:
        name = "away" if kind in _AWAY else kind
        figures = replace(figures, **{name: getattr(figures, name) + 1})
    return figures
