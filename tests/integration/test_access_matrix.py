"""Every route x every role x inside and outside of the jurisdiction, as the declarations say: see docs/access.md."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from deploy.docs import definition_of
from services.console.app import create_console
from services.console.session_store import SessionStore
from services.console.settings import SERVICES as ASKED
from services.console.settings import Settings
from shared.kernel.ids import new_id
from shared.web import Principal
from shared.web.access import declared_routes, undeclared_routes
from shared.web.tokens import Expected
from tests.support.matrix import FAR_AWAY, HERE, Asking, Cell, Place, cells, path_of, places, taken_back, template_of
from tests.support.seeds import ISOLATION, WEBHOOKS, YESTERDAY, seed
from tests.support.service import ServiceUnderTest, command, service_under_test

# The registry makes the persons, and oversight hears of releases.
SERVICES = (
    "person_registry",
    "drug_testing",
    "detention_intake",
    "release_notification",
    "community_handover",
    "oversight",
    "notification",
)
FIGURES = ("/stages", "/indicators", "/indicators/figures.csv", "/indicators/assessment", "/indicators/assessment.xlsx")
FORM = {
    "reason": "a relative stands at the counter",
    "note": "the cause is mended",
    "ground": "a ruling",
    "approved": "yes",
    "certificate_number": "JC-1",
    "routing_key": "person.registered.v1",
}


@dataclass
class City:
    """All services with their cases, and for each service the places where these lie."""

    services: dict[str, ServiceUnderTest]
    places: dict[str, dict[str, Place]]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    folder, all_places = tmp_path_factory.mktemp("city"), places()
    (folder / "channels.yaml").write_text(f"webhook_origins: [{WEBHOOKS}]\n")
    with ExitStack() as stack, pytest.MonkeyPatch.context() as patched:
        patched.setenv("NOTIFICATION_CHANNELS", str(folder / "channels.yaml"))
        opened, known = {}, {}
        for name in SERVICES:
            one = service_under_test(definition_of(name), f"sqlite:///{folder / name}.sqlite3")
            opened[name] = stack.enter_context(one)
            seed(opened[name], all_places)
            known[name] = deepcopy(all_places)
        yield City(opened, known)


@pytest.mark.parametrize("name", SERVICES)
def test_every_route_answers_every_role_inside_and_outside_as_declared(city: City, name: str) -> None:
    service, known = city.services[name], city.places[name]
    assert undeclared_routes(service.app) == []
    asking, asked = Asking(service), list(cells(list(declared_routes(service.app)), known))
    with taken_back(service):
        assert complaints((cell, asking.ask(cell, known[HERE])) for cell in asked) == []
    for inside in (True, False):
        assert sum(cell.access.permits(cell.asker.role) and cell.is_inside is inside for cell in asked) > 10


@pytest.mark.parametrize("name", SERVICES)
def test_without_a_token_only_what_is_public_answers(city: City, name: str) -> None:
    asking = Asking(city.services[name])
    for route in asking.routes:
        assert route.access is not None
        answer = asking.ask_as_nobody(route, city.places[name][HERE])
        assert (answer.status_code == 401) is not route.access.is_public, f"{route.method} {route.path}"


def test_a_centres_commands_by_message_are_about_its_own_releases(city: City) -> None:
    service, known = city.services["release_notification"], city.places["release_notification"]
    intake = service.definition.intake
    assert intake is not None
    planned = {name: _plan(service, known[name]) for name in (HERE, FAR_AWAY)}
    bodies: dict[str, dict[str, Any]] = {
        "release.plan": {},
        "release.reschedule": {"release_at": _soon(service, 9), "reason": "x"},
        "release.cancel": {"reason": "x"},
        "release.execute": {"certificate_number": "JC-1"},
        "release.retract": {"reason": "x"},
    }
    assert bodies.keys() == intake.commands.keys()
    for name, body in bodies.items():
        for whose in (FAR_AWAY, HERE):
            about = _plan_body(service, known[whose]) if name == "release.plan" else {"release_id": planned[whose]}
            answer = _said(service, name, about | body, known[HERE].facts["centre"])
            status = answer["problem"]["status"] if not answer["accepted"] else 201
            outside = int(intake.commands[name].outside)
            assert status == outside if whose == FAR_AWAY else status not in (401, 403, 404), (name, whose, answer)


def test_every_page_of_the_console_is_for_the_roles_and_the_cases_that_it_declares(city: City, tmp_path: Path) -> None:
    pages = Pages(city, tmp_path)
    assert undeclared_routes(pages.app) == []
    known = {name: _as_pages_know(city, name) for name in (HERE, FAR_AWAY)}
    asked = list(cells(list(declared_routes(pages.app)), known))
    figures = [cell for cell in asked if cell.route.path in FIGURES and cell.place.name == HERE]
    with ExitStack() as stack:
        for service in city.services.values():
            stack.enter_context(taken_back(service))
        assert complaints((cell, pages.open(cell)) for cell in asked if cell.route.path not in FIGURES) == []
        for cell in figures:
            assert pages.open(cell).status_code == (200 if cell.access.permits(cell.asker.role) else 403), cell.name
    pages.store.dispose()


def complaints(answers: Any) -> list[str]:
    """What is wrong, in words."""
    wrong = ((cell, cell.complaint(answer)) for cell, answer in answers)
    found = [f"{cell.name}: {complaint}" for cell, complaint in wrong if complaint is not None]
    print(*found, sep="\n")
    return found


def _soon(service: ServiceUnderTest, hours: int) -> str:
    return (service.clock.now() + timedelta(hours=hours)).isoformat()


def _plan_body(service: ServiceUnderTest, place: Place) -> dict[str, Any]:
    names = {"person_id": place.facts["person_id"], "centre": place.facts["centre"]}
    return {**names, "kind": "converted", "release_at": _soon(service, 8)}


def _plan(service: ServiceUnderTest, place: Place) -> str:
    answer = _said(service, "release.plan", _plan_body(service, place), place.facts["centre"])
    return str(answer["receipt"]["id"])


def _said(service: ServiceUnderTest, name: str, body: dict[str, Any], centre: str) -> dict[str, Any]:
    assert service.take_in(command(name, body, centre=centre)) == []
    return service.answers()[-1]


def _as_pages_know(city: City, name: str) -> Place:
    """Everything that is known of a place; of what every service has, oversight's."""
    place = city.places["oversight"][name]
    place.of_role = city.places["notification"][name].of_role
    place.facts |= {"what": "replay", "service": "oversight"}
    place.facts["/tasks/{task_id}/{step}"] = {"step": "acceptance"}
    place.facts["/tests/{test_order_id}/{step}"] = {"step": "objection-decision"}
    seal = {"seal": city.places["drug_testing"][name].facts["seal"]}
    place.facts["/samples"] = {"query": seal}
    place.facts["/indicators/{key}"] = {"query": {"month": YESTERDAY[:7]}}  # the services' month, not the machine's
    place.facts["/samples/receipt"] = {"form": seal}
    place.facts["/samples/report"] = {"form": seal | {"number": "1", "result": "negative"}}
    about = {"person": place.facts["person_id"], "division": place.township}
    place.facts["/orders/new"] = {"form": about | ISOLATION}
    place.facts["/releases/new"] = {"form": about | {"kind": "converted", "release_at": "2026-11-25T09:00"}}
    for path in ("/orders/new/person", "/releases/new/person"):
        place.facts[path] = {"form": {"identity_number": city.places["person_registry"][name].facts["identity_number"]}}
    place.facts["/stays/headcount"] = {"form": {"day": YESTERDAY, "counted": "1"}}
    place.facts["/notifications/webhooks"] = {"form": {"url": f"{WEBHOOKS}/new"}}
    told = city.places["notification"][name].facts
    place.facts |= {one: told[one] for one in ("subscription_id", "delivery_id")}
    acts = {"orders/{order_id}": "documents", "stays/{stay_id}": "assessments", "releases/{release_id}": "notices"}
    place.facts["measure_id"] = city.places["community_handover"][name].facts["measure_id"]
    acts |= {"measures/{measure_id}": "visits"}
    acts |= {"notifications/webhooks/{subscription_id}": "rotation"}
    place.facts |= {f"/{path}/{{act}}": {"act": act} for path, act in acts.items()}
    return place


class Pages:
    """The console before the real services, and browsers of people who have signed in."""

    def __init__(self, city: City, folder: Path) -> None:
        self._transports = {name: httpx.WSGITransport(service.app) for name, service in city.services.items()}
        self._issuer = city.services["oversight"].client.issuer
        self._browsers: dict[Principal, FlaskClient] = {}
        settings = Settings(
            host="127.0.0.1",
            port=0,
            urls={name: f"http://{name}" for name in ASKED},
            issuer="http://identity",
            client_id="console",
            client_secret="secret",
            scope="openid",
            expected=Expected(),
            base_url=None,
            sessions_url=f"sqlite:///{folder / 'console.sqlite3'}",
            session_secret="secret",
            session_idle=timedelta(minutes=30),
            session_longest=timedelta(hours=12),
            assets=folder,
            build=folder,
            forwarded_hops=0,
        )
        self.app = create_console(settings, httpx.MockTransport(self._ask))
        self.app.config["WTF_CSRF_ENABLED"] = False
        self.store: SessionStore = self.app.session_interface.store  # type: ignore[attr-defined]

    def open(self, cell: Cell) -> TestResponse:
        """A page."""
        if cell.asker not in self._browsers:
            self._browsers[cell.asker] = self._browser(cell.asker)
        known = cell.facts.get(template_of(cell.route), {})
        entered, query = known.get("form", {}), known.get("query")
        form = FORM | {"key": str(new_id())} | entered if cell.route.method == "POST" else None
        path = path_of(cell.route, cell.facts)
        return self._browsers[cell.asker].open(path, method=cell.route.method, data=form, query_string=query)

    def _ask(self, request: httpx.Request) -> httpx.Response:
        return self._transports[request.url.host].handle_request(request)

    def _browser(self, asker: Principal) -> FlaskClient:
        session_id = str(new_id())
        names = {"username": asker.subject, "role": asker.role.value, "organisation": asker.organisation}
        account = {**names, "division": asker.division, "title_zh": "", "title_en": ""}
        self.store.save(session_id, {"account": account}, time.time())
        tokens = {"access_token": self._issuer.issue(asker), "expires_at": time.time() + 3600}
        self.store.save_tokens(session_id, tokens)
        browser = self.app.test_client()
        browser.set_cookie("baton_console", session_id)
        return browser
