"""Every route x every role x inside and outside of the jurisdiction, as the declarations say: see docs/access.md."""

from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass

import pytest

from deploy.docs import definition_of
from deploy.local.stack import SERVICES
from shared.web.access import undeclared_routes
from tests.support.matrix import HERE, Asking, Place, cells, places, taken_back
from tests.support.seeds import seed
from tests.support.service import ServiceUnderTest, service_under_test


@dataclass
class City:
    """All services with their cases, and for each service the places where these lie."""

    services: dict[str, ServiceUnderTest]
    places: dict[str, dict[str, Place]]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder, all_places = tmp_path_factory.mktemp("city"), places()
    with ExitStack() as stack:
        opened, known = {}, {}
        for name in SERVICES:
            one = service_under_test(definition_of(name), f"sqlite:///{folder / name}.sqlite3")
            opened[name] = stack.enter_context(one)
            seed(opened[name], all_places)
            known[name] = deepcopy(all_places)
        yield City(opened, known)


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_answers_every_role_inside_and_outside_as_declared(city: City, name: str) -> None:
    service = city.services[name]
    assert undeclared_routes(service.app) == []
    asking, wrong = Asking(service), []
    with taken_back(service):
        for cell in cells(asking.routes, city.places[name]):
            complaint = cell.complaint(asking.ask(cell, city.places[name][HERE]))
            if complaint is not None:
                wrong.append(f"{cell.name}: {complaint}")
    assert wrong == [], "\n".join(wrong)


@pytest.mark.parametrize("name", SERVICES)
def test_without_a_token_only_what_is_public_answers(city: City, name: str) -> None:
    asking = Asking(city.services[name])
    for route in asking.routes:
        assert route.access is not None
        answer = asking.ask_as_nobody(route, city.places[name][HERE])
        assert (answer.status_code == 401) is not route.access.is_public, f"{route.method} {route.path}"
