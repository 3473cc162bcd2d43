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
AREA_STATED = frozenset({Role.STATION_OFFICER, Role.COUNTY_SUPERVISOR, Role.TOWNSHIP_SUPERVISOR})
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
    def says_its_area(self) -> bool:
        """Whether an area is stated for a role whose authority ends with it: left out, it would be everything."""
        return self.role not in AREA_STATED or len(self.division) >= CITY_DIGITS

    def covers(self, *divisions: str | None) -> bool:
        """Whether one of these places lies in the asker's area. An unknown one lies in the whole city's only."""
        return self.has_whole_city or any(place.startswith(self.division) for place in divisions if place)
