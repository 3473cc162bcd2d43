"""Who is asking, in which role, for which organisation and area."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do."""

    STATION_OFFICER = "station_officer"
    LABORATORY = "laboratory"
    CENTRE_CLERK = "centre_clerk"
    COMMUNITY_OFFICER = "community_officer"
    TOWNSHIP_SUPERVISOR = "township_supervisor"
    COUNTY_SUPERVISOR = "county_supervisor"
    CITY_SUPERVISOR = "city_supervisor"
    AUDITOR = "auditor"
    OPERATOR = "operator"
    SYSTEM = "system"

    ANYONE_SIGNED_IN = "*"  # in declarations only, never in a token


CITY_DIGITS = 4  # of a division code
# Whose area is less than the city: how long a division code names one. A code left out would mean the whole city.
LEAST_DIGITS = {Role.STATION_OFFICER: 6, Role.COUNTY_SUPERVISOR: 6, Role.TOWNSHIP_SUPERVISOR: 9}
SUPERVISORS = (Role.TOWNSHIP_SUPERVISOR, Role.COUNTY_SUPERVISOR, Role.CITY_SUPERVISOR)


@dataclass(frozen=True, slots=True)
class Principal:
    """An authenticated asker. ``division`` is the prefix of the area that the role covers; "" is all."""

    subject: str
    role: Role
    organisation: str
    division: str = ""

    @property
    def has_whole_city(self) -> bool:
        """Whether the asker's area is all that is known here, also what has no place."""
        return len(self.division) <= CITY_DIGITS

    @property
    def has_fitting_area(self) -> bool:
        """Whether the area is no larger than the role may have."""
        return len(self.division) >= LEAST_DIGITS.get(self.role, 0)

    def covers(self, *divisions: str | None) -> bool:
        """Whether one of these places lies in the asker's area. An unknown one lies in the whole city's only."""
        return self.has_whole_city or any(place.startswith(self.division) for place in divisions if place)
