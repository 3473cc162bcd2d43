"""Every route, in every role, about what is one's own and what is not: what is asked, and what must be answered.

Nothing here knows a route. What is to be answered follows from the declarations (`shared.web.access`) and from where
things lie; bodies are the smallest that an API's own description lets through. Each answer is a real one, and its
effect is taken back, so that every question meets the same world.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from werkzeug.test import TestResponse

from shared.kernel.ids import new_id
from shared.web import Principal, Role
from shared.web.access import ROLES, Access, DeclaredRoute, Outside, Reach, declared_routes
from tests.support.service import ServiceUnderTest

CITY = "4308"


@dataclass
class Place:
    """A part of the city, the bodies that work there, and one case of each kind that they have."""

    name: str
    township: str
    facts: dict[str, Any] = field(default_factory=dict)  # by the name that a path, a query or a body has for it
    of_role: dict[Role, dict[str, Any]] = field(default_factory=dict)  # the same of what is one person's own

    def __post_init__(self) -> None:
        self.facts |= {"division": self.township, "registered_division": self.township}
        for kind in ("station", "laboratory", "centre", "office"):
            self.facts[kind] = f"{kind}-{self.name}"

    @property
    def county(self) -> str:
        """The code of the county."""
        return self.township[:6]

    def who(self, role: Role) -> Principal:
        """Somebody who works there."""
        body = {
            Role.STATION_OFFICER: ("station", self.county),
            Role.LABORATORY: ("laboratory", self.county),
            Role.CENTRE_CLERK: ("centre", self.county),
            Role.COMMUNITY_OFFICER: ("office", self.township),
            Role.TOWNSHIP_SUPERVISOR: ("office", self.township),
            Role.COUNTY_SUPERVISOR: ("county", self.county),
        }.get(role, (role.value, self.county if role is Role.SYSTEM else CITY))
        organisation = self.facts.get(body[0], f"{body[0]}-{self.name}")
        return Principal(f"{role.value}.{self.name}", role, organisation, body[1])

    def ids(self) -> set[str]:
        """What tells that an answer speaks of this place's cases."""
        return {str(fact) for fact in self.facts.values() if isinstance(fact, UUID) or _is_id(fact)}


HERE, NEXT_DOOR, FAR_AWAY = "here", "next-door", "far-away"


def places() -> dict[str, Place]:
    """Where the asker works, another township of the same county, and another county."""
    return {
        HERE: Place(HERE, "430802001"),
        NEXT_DOOR: Place(NEXT_DOOR, "430802002"),
        FAR_AWAY: Place(FAR_AWAY, "430822228"),
    }


@dataclass(frozen=True)
class Cell:
    """One question, and how it must be answered."""

    route: DeclaredRoute
    access: Access
    asker: Principal
    place: Place

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the place, and of what somebody there has who has the asker's role."""
        return self.place.facts | self.place.of_role.get(self.asker.role, {})

    @property
    def is_inside(self) -> bool:
        """Whether it lies within the asker's jurisdiction, as declared."""
        reach = self.access.reach(self.asker.role)
        if self.access.outside is Outside.NOTHING or reach is Reach.ALL:
            return True
        if reach is Reach.AREA:
            return self.place.township.startswith(self.asker.division)
        return self.place.name == HERE

    @property
    def name(self) -> str:
        """For whoever reads what failed."""
        return f"{self.route.method} {self.route.path} · {self.asker.role} · {self.place.name}"

    def complaint(self, answer: TestResponse) -> str | None:
        """What is wrong with an answer."""
        status = answer.status_code
        if not self.access.permits(self.asker.role):
            said = (403, "authority.role" if answer.is_json or "json" in answer.content_type else "")
            return None if _refused(answer) == said else f"{_refused(answer)} in this role"
        if status >= 500:
            return f"{status}"
        if self.access.outside is Outside.LEFT_OUT:
            return self._list_complaint(answer)
        if self.is_inside:
            return f"{_refused(answer)} inside" if status in (401, 403, 404) else None
        return None if status == int(self.access.outside) else f"{_refused(answer)} outside"

    def _list_complaint(self, answer: TestResponse) -> str | None:
        if answer.status_code != 200:
            return f"{_refused(answer)} of a list"
        if answer.is_json and "items" not in answer.get_json():
            return None  # figures name nobody
        shown = any(one in answer.get_data(as_text=True) for one in self._markers())
        if self.is_inside and not shown:
            return "is not in the list"
        return "is in the list" if shown and not self.is_inside else None

    def _markers(self) -> set[str]:
        """What tells that an answer speaks of the place's case."""
        said = self.facts.get(template_of(self.route), {}).get("seen_by")
        own = self.place.of_role.get(self.asker.role, {}).values()
        return {said} if said else self.place.ids() | {str(fact) for fact in own if isinstance(fact, UUID)}


def template_of(route: DeclaredRoute) -> str:
    """The path as the API's description has it."""
    return re.sub(r"<(?:[^<>]*:)?([^<>]+)>", r"{\1}", route.path)


def path_of(route: DeclaredRoute, facts: Mapping[str, Any]) -> str:
    """The path with what is known of a place."""
    template = template_of(route)
    known = {**facts, **facts.get(template, {})}
    return re.sub(r"{(\w+)}", lambda name: str(known[name[1]]), template)


def cells(routes: list[DeclaredRoute], all_places: Mapping[str, Place]) -> Iterator[Cell]:
    """Every route that needs somebody, in every role, about what lies here and elsewhere; the asker works here.

    Where nothing lies outside only what is here is asked about, and next door only where it can make a difference.
    """
    for route in routes:
        if route.access is None or route.access.is_public:
            continue
        for role in ROLES:
            unbounded, refused = route.access.outside is Outside.NOTHING, not route.access.permits(role)
            left_out = {NEXT_DOOR, FAR_AWAY} if unbounded else {NEXT_DOOR} if refused else set()
            for place in all_places.values():
                if place.name not in left_out:
                    yield Cell(route, route.access, all_places[HERE].who(role), place)


class Asking:
    """Puts the questions to one service."""

    def __init__(self, service: ServiceUnderTest, routes: list[DeclaredRoute] | None = None) -> None:
        self.service = service
        self.routes = list(routes or declared_routes(service.app))
        self._described = service.client.http.get("/openapi.json").get_json()
        self._headers: dict[Principal, dict[str, str]] = {}

    def ask(self, cell: Cell, own: Place) -> TestResponse:
        """The answer. What is entered about somebody else's case speaks of the asker's own body."""
        if cell.asker not in self._headers:
            self._headers[cell.asker] = self.service.client.headers(cell.asker)
        headers = self._headers[cell.asker] | {"Idempotency-Key": str(new_id())}
        entered = own if cell.access.outside is Outside.HIDDEN else cell.place
        return self._open(cell.route, cell.facts, headers, cell.access, entered.facts)

    def ask_as_nobody(self, route: DeclaredRoute, place: Place) -> TestResponse:
        """The answer to whoever has no token."""
        return self._open(route, place.facts, {}, None, place.facts)

    def _open(
        self,
        route: DeclaredRoute,
        facts: Mapping[str, Any],
        headers: dict[str, str],
        needed: Access | None,
        entered: Mapping[str, Any],
    ) -> TestResponse:
        template = template_of(route)
        described = self._described["paths"].get(template, {}).get(route.method.lower(), {})
        known = facts | facts.get(template, {})
        query = {
            one["name"]: known[one["name"]] if one["name"] in known else self._smallest(one["schema"], known)
            for one in described.get("parameters", ())
            if one["in"] == "query" and (one.get("required") or (one["name"] == "division" and _asks_for_place(needed)))
        }
        content = described.get("requestBody", {}).get("content", {}).get("application/json")
        body = None if content is None else self._smallest(content["schema"], entered | entered.get(template, {}))
        options: dict[str, Any] = {} if body is None else {"data": json.dumps(body, default=str)}
        options["content_type"] = None if body is None else "application/json"
        return self.service.client.http.open(
            path_of(route, facts), method=route.method, headers=headers, query_string=query, **options
        )

    def _smallest(self, schema: Mapping[str, Any], known: Mapping[str, Any], name: str = "") -> Any:
        """The smallest value that the description lets through; of what is known by its name, that."""
        if "$ref" in schema:
            return self._smallest(self._described["components"]["schemas"][schema["$ref"].split("/")[-1]], known, name)
        if name in known and not isinstance(known[name], dict):
            return known[name]
        if "enum" in schema:
            return schema["enum"][0]
        kind = schema.get("type", "object")
        kind = kind[0] if isinstance(kind, list) else kind
        if kind == "object":
            inner = schema.get("properties", {})
            return {one: self._smallest(inner[one], known, one) for one in schema.get("required", ())}
        if kind == "array":
            return [self._smallest(schema["items"], known, name) for _ in range(schema.get("minItems", 0))]
        if kind == "string":
            return _TEXTS.get(schema.get("format", ""), "x" * max(1, schema.get("minLength", 1)))
        return {"integer": schema.get("minimum", 1), "number": schema.get("minimum", 1)}.get(kind, True)


_TEXTS = {"uuid": str(UUID(int=1)), "date": "2026-11-20", "date-time": "2026-11-20T10:00:00+08:00"}


def _asks_for_place(needed: Access | None) -> bool:
    return needed is not None and needed.outside is Outside.REFUSED


def _is_id(fact: Any) -> bool:
    return isinstance(fact, str) and re.fullmatch(r"[0-9a-f]{8}-[0-9a-f-]{27}", fact) is not None


def _refused(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, str((answer.get_json(silent=True) or {}).get("code", ""))


@contextmanager
def taken_back(service: ServiceUnderTest) -> Iterator[None]:
    """Whatever is done meanwhile is answered as always, and has no effect."""
    gate = service.app.extensions["baton_gate"]

    @contextmanager
    def open_work(*args: Any, **options: Any) -> Iterator[Any]:
        with gate.open_work(*args, **options) as work:
            yield work
            work.rollback()

    service.app.extensions["baton_gate"] = replace(gate, open_work=open_work)
    try:
        yield
    finally:
        service.app.extensions["baton_gate"] = gate
