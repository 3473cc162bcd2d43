"""How stories are told: each is a generator that acts, and yields the days until it goes on."""

from collections.abc import Generator
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from typing import Any

from shared.kernel.clock import china_day
from shared.web.principal import Principal, Role
from tests.year.city import City

Story = Generator[float, None, None]
SOON = 0.3  # days: the next time of the day at which anything happens
SEARCH = ("call", "call", "call", "home_visit", "family")


@dataclass
class Person:
    """Somebody in a story."""

    id: str
    division: str

    @property
    def county(self) -> str:
        """Where the station and the county's office are."""
        return self.division[:6]


class Teller:
    """Acts in the city, by chance, in people's names."""

    def __init__(self, city: City, chance: Random) -> None:
        self._city = city
        self._chance = chance

    def _pages(self, service: str, path: str, **query: Any) -> list[Any]:
        found, cursor = [], None
        while True:
            page = self._city.get(service, path, limit=100, **query, **({"cursor": cursor} if cursor else {}))
            found += page["items"]
            cursor = page.get("next_cursor")
            if cursor is None:
                return found

    def _task(self, **of: str) -> Any:
        found = self._city.get("community_handover", "/tasks", **of)["items"]
        return found[0] if found else None

    def _one(self, service: str, path: str, **query: Any) -> Any:
        found = self._city.get(service, path, **query)["items"]
        if len(found) != 1:
            any_state = {name: value for name, value in query.items() if name != "state"}
            raise AssertionError((path, query, found, self._city.get(service, path, **any_state)["items"]))
        return found[0]

    def _post(self, service: str, path: str, by: Principal, **body: Any) -> Any:
        return self._city.post(service, path, body, by=by)

    def _happens(self, rate: float) -> bool:
        return self._chance.random() < rate

    def _station(self, person: Person) -> Principal:
        return Principal("station", Role.STATION_OFFICER, f"STATION-{person.county}", person.county)

    def _county(self, person: Person) -> Principal:
        return Principal("county", Role.COUNTY_SUPERVISOR, f"NCO-{person.county}", person.county)

    def _clerk(self, centre: str) -> Principal:
        return Principal("clerk", Role.CENTRE_CLERK, centre, "4308")

    def _officer(self, office: str) -> Principal:
        return Principal("officer", Role.COMMUNITY_OFFICER, office, office.removeprefix("OFFICE-"))

    def _township(self, officer: Principal) -> Principal:
        return Principal("township", Role.TOWNSHIP_SUPERVISOR, officer.organisation, officer.division)


def china_day_of(text: str) -> date:
    """The day in China of a moment from an answer."""
    return china_day(datetime.fromisoformat(text))
