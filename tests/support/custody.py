"""A city's custody behind the console's pages: its services, a station, a county, a centre, somebody to decide on."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from deploy.docs import definition_of
from deploy.local.demo_people import invented_people
from shared.kernel.clock import CHINA
from shared.web import Principal, Role
from tests.support.console_pages import pages_of, text_of
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP = "430802001"
STATION = principal_of(Role.STATION_OFFICER, organisation="PCS-1", division="430802", subject="officer.li")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430802", division="430802", subject="county.wu")
CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1", division="4308", subject="clerk.ma")
COLLEAGUE = principal_of(Role.CENTRE_CLERK, organisation="centre-1", division="4308", subject="clerk.he")
STRANGER = principal_of(Role.CENTRE_CLERK, organisation="centre-9", division="4308")
ELSEWHERE = principal_of(Role.STATION_OFFICER, organisation="PCS-9", division="430822")
SERVICES = ("person_registry", "detention_intake", "release_notification", "community_handover", "oversight")
DECISION = {
    "kind": "compulsory_isolation",
    "deciding_organ": "永定区公安局",
    "legal_reviewer": "法制 1",
    "isolation_ground": "severe_addiction",
    "decided_on": "2026-11-20",
}
SOMEBODY, NOBODY = invented_people(2)
HOME = {"residence_division": TOWNSHIP, "registered_division": TOWNSHIP}
PERSON = {**SOMEBODY.body(), **HOME}


class City:
    """The services of a case, each of which hears what the others said when it is asked to."""

    def __init__(self, services: dict[str, ServiceUnderTest]) -> None:
        self.services = services
        self._heard: dict[str, set[Any]] = {name: set() for name in services}
        for code, kind in (("centre-1", "justice"), ("centre-2", "justice")):
            body = {"name": f"{code}所", "kind": kind, "division": TOWNSHIP}
            self.client("detention_intake").put(f"/centres/{code}", body, as_=Role.CITY_SUPERVISOR)
        self.person = self.client("person_registry").post("/persons", PERSON, as_=STATION).get_json()["id"]
        self.pass_on()

    def client(self, name: str) -> Any:
        """A service's client."""
        return self.services[name].client

    def pass_on(self) -> None:
        """Everybody hears of everything, until nothing new is said."""
        while sum(self._tell(name) for name in self.services):
            pass

    def _tell(self, name: str) -> bool:
        said = [event for other, one in self.services.items() if other != name for event in one.events()]
        new = [event for event in said if event.id not in self._heard[name]]
        self._heard[name] |= {event.id for event in new}
        assert self.services[name].react(*new) == []
        return bool(new)

    def pages(self, principal: Principal, language: str = "zh") -> Any:
        """Somebody's pages."""
        return pages_of(self.services, principal, language)

    def wait(self, **time: float) -> None:
        """Time passes everywhere."""
        for one in self.services.values():
            one.clock.advance(timedelta(**time))

    def day(self, days: int = 0) -> str:
        """The services' day in China, so many days from now."""
        return f"{self.services['detention_intake'].clock.now().astimezone(CHINA) + timedelta(days=days):%Y-%m-%d}"


@contextmanager
def custody_city(folder: Path) -> Iterator[City]:
    """All of them, with databases in a folder."""
    with ExitStack() as stack:
        opened = {
            name: stack.enter_context(service_under_test(definition_of(name), f"sqlite:///{folder / name}.sqlite3"))
            for name in SERVICES
        }
        yield City(opened)


def fault_beside(answer: Any, field: str) -> str:
    """What a page says beside a field of a form."""
    page = answer.get_data(as_text=True)
    (mark,) = re.findall(rf'name="{field}"[^>]*aria-describedby="([^"]*)"', page)
    (fault,) = re.findall(rf'id="{mark}"[^>]*>([^<]*)<', page)
    return str(fault)


def state_of(answer: Any) -> str:
    """The state that stands at the head of a case's page."""
    (state,) = re.findall(r'<p class="state big">([^<]*)</p>', answer.get_data(as_text=True))
    return str(state)


def ordered(city: City) -> str:
    """A decision of isolation, entered by the station; where its page is."""
    with city.pages(STATION) as pages:
        pages.open(f"/orders/new?person={city.person}")
        made = pages.send(f"/orders/new?person={city.person}", division=TOWNSHIP, **DECISION)
        assert made.status_code == 200, text_of(made)
    city.pass_on()
    return str(pages.here)


def served(city: City) -> str:
    """The same, served."""
    here = ordered(city)
    with city.pages(STATION) as pages:
        pages.open(here)
        pages.send(f"{here}/service")
    city.pass_on()
    return here


def admitted(city: City) -> str:
    """Somebody who was taken in; where the page of the stay is."""
    here = served(city)
    with city.pages(CLERK) as pages:
        pages.open(here)
        pages.send(f"{here}/admission")
    city.pass_on()
    return str(pages.here)


def release_of(city: City, stay: str) -> str:
    """Where the page of the release that ends a stay is."""
    query = {"stay_id": stay.rpartition("/")[2]}
    (one,) = city.client("release_notification").get("/releases", as_=CLERK, query_string=query).get_json()["items"]
    return f"/releases/{one['id']}"
