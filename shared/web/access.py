"""Who may have what: every route, every page and every command by message declares its roles and its jurisdiction.

A declaration is a contract. Roles are checked before anything else happens. The jurisdiction is kept by conditions of
the lists and by each service's ``access``, where the aggregate decides; that it is kept is proved for every declaration
by a test that is generated from them, and `docs/access.md` is written from them. Nothing is let through that declares
nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from inspect import getdoc
from typing import Any, TypeVar

from flask import Flask

from shared.kernel.errors import Forbidden
from shared.web.principal import SUPERVISORS, Role

ROLES = tuple(role for role in Role if role is not Role.ANYONE_SIGNED_IN)
_BODIES = frozenset({Role.STATION_OFFICER, Role.LABORATORY, Role.CENTRE_CLERK, Role.COMMUNITY_OFFICER, Role.SYSTEM})
_CITY_WIDE = frozenset({Role.CITY_SUPERVISOR, Role.AUDITOR, Role.OPERATOR})
_OF_AREA = frozenset(ROLES) - _CITY_WIDE

View = TypeVar("View", bound=Callable[..., Any])


class Reach(StrEnum):
    """How far somebody's authority goes."""

    OWN = "own"  # what the own organisation has
    AREA = "area"  # what lies under the own division code
    ALL = "all"  # the whole city


class Outside(StrEnum):
    """What is answered about what lies outside somebody's jurisdiction."""

    HIDDEN = "404"  # that it exists is itself private (戒毒条例 arts 7, 10)
    REFUSED = "403"  # that it exists is no secret
    LEFT_OUT = "left out"  # the list does not have it
    NOTHING = "–"  # nothing lies outside


class Jurisdiction(StrEnum):
    """The rule that says what is somebody's own; `RULES` has its words."""

    PUBLIC = "public"
    SIGNED_IN = "anyone with a token"
    CITY = "whole city"
    OWN_NAME = "in the own name"
    SELF = "own person"
    CAUSED = "caused or supervised"
    SYSTEMS = "own organisation alone"
    ORGANISATION = "own organisation"
    AREA = "division prefix"
    HOLDER = "holder of the case"
    CUSTODY = "custody case"
    CASE = "part of the case"
    DUTY = "duty toward the person"
    RESIDENTS = "duty, or residents of the area"


@dataclass(frozen=True, slots=True)
class Rule:
    """Who has only what is the own organisation's, who what lies in the own area; everybody else has all."""

    words: str
    own: frozenset[Role] = frozenset()
    area: frozenset[Role] = frozenset()
    bounded: bool = True  # whether anything can lie outside

    def reach(self, role: Role) -> Reach:
        """How far the role's authority goes."""
        return Reach.OWN if role in self.own else Reach.AREA if role in self.area else Reach.ALL


_STATION = frozenset({Role.STATION_OFFICER})
_WITHIN_CITY = frozenset(SUPERVISORS) - _CITY_WIDE
RULES: Mapping[Jurisdiction, Rule] = {
    Jurisdiction.PUBLIC: Rule("anybody may, without signing in; no answer depends on who asks", bounded=False),
    Jurisdiction.SIGNED_IN: Rule("whoever is signed in may, in any role", bounded=False),
    Jurisdiction.CITY: Rule("everybody in these roles may, about the whole city", bounded=False),
    Jurisdiction.OWN_NAME: Rule(
        "what is entered is entered as the own organisation's", own=frozenset(ROLES), bounded=False
    ),
    Jurisdiction.SELF: Rule("what the asker, or the asker's office, was told", own=frozenset(ROLES)),
    Jurisdiction.CAUSED: Rule(
        "what the asker caused; supervisors also: what happens in their area",
        own=frozenset(ROLES) - frozenset(SUPERVISORS),
        area=_WITHIN_CITY,
    ),
    Jurisdiction.SYSTEMS: Rule("what is the own organisation's, whatever the role", own=frozenset(ROLES)),
    Jurisdiction.ORGANISATION: Rule(
        "organisations: what is their own; who works for the whole city: all",
        own=_BODIES,
        area=_WITHIN_CITY,
    ),
    Jurisdiction.AREA: Rule("what lies under the own division code", area=_OF_AREA),
    Jurisdiction.HOLDER: Rule(
        "the organisation that has the case, or is asked to take it (a station also the scheduled tests of its area); "
        "supervisors: cases of their area, releases of its residents",
        own=_BODIES,
        area=_WITHIN_CITY,
    ),
    Jurisdiction.CUSTODY: Rule(
        "stations and supervisors: what is decided in their area; a centre: whom it has in custody, and whom it may "
        "have to take in",
        own=_BODIES - _STATION,
        area=_STATION | _WITHIN_CITY,
    ),
    Jurisdiction.CASE: Rule(
        "an organisation that has a part of the case, or is asked to; stations and supervisors: a part of it lies in "
        "their area",
        own=_BODIES - _STATION,
        area=_STATION | _WITHIN_CITY,
    ),
    Jurisdiction.DUTY: Rule(
        "an event gave the own organisation, or a station or supervisor of the area, a duty toward the person that "
        "lasts; or the identity was opened for a reason",
        own=_BODIES - _STATION | {Role.CITY_SUPERVISOR},
        area=_STATION | _WITHIN_CITY,
    ),
    Jurisdiction.RESIDENTS: Rule(
        "a duty toward the person; supervisors also: the person lives or is registered in their area",
        own=_BODIES - _STATION,
        area=_STATION | _WITHIN_CITY,
    ),
}


@dataclass(frozen=True, slots=True)
class Access:
    """What a route, a page or a command by message needs.

    Raises: TypeError when it names no role, or does not say what is answered outside.
    """

    roles: frozenset[Role]
    within: Jurisdiction
    outside: Outside

    def __post_init__(self) -> None:
        if not self.roles and self.within is not Jurisdiction.PUBLIC:
            raise TypeError("an operation states who may do it")
        if RULES[self.within].bounded is (self.outside is Outside.NOTHING):
            raise TypeError(f"what is answered outside does not fit the rule: {self.within}")

    def permits(self, role: Role) -> bool:
        """Whether somebody in the role may do it at all."""
        return role in self.roles or Role.ANYONE_SIGNED_IN in self.roles or self.is_public

    def reach(self, role: Role) -> Reach | None:
        """How far the role's authority goes; None where it may not do it at all."""
        return RULES[self.within].reach(role) if self.permits(role) else None

    @property
    def is_public(self) -> bool:
        """Whether nobody has to sign in."""
        return self.within is Jurisdiction.PUBLIC


@dataclass(frozen=True, slots=True)
class DeclaredRoute:
    """A route, what it does and what it needs; None where it says nothing."""

    method: str
    path: str
    endpoint: str
    summary: str
    access: Access | None


PUBLIC = Access(frozenset(), Jurisdiction.PUBLIC, Outside.NOTHING)


def access(*roles: Role, within: Jurisdiction, outside: Outside | None = None) -> Access:
    """Roles and jurisdiction. Outside of it nothing is to be found, unless said otherwise.

    Raises: TypeError, see `Access`.
    """
    usual = Outside.HIDDEN if RULES[within].bounded else Outside.NOTHING
    return Access(frozenset(roles), within, outside or usual)


def not_in_role(needed: Access, role: Role) -> Forbidden:
    """The refusal of somebody in another role."""
    roles = sorted(one.value for one in needed.roles)
    return Forbidden("authority.role", f"the role {role.value} may not do this", needed=roles)


def declare(declared: Access) -> Callable[[View], View]:
    """Let a view say what it needs."""

    def mark(view: View) -> View:
        view.__baton_access__ = declared  # type: ignore[attr-defined]
        return view

    return mark


def allows(*roles: Role, within: Jurisdiction, outside: Outside | None = None) -> Callable[[View], View]:
    """Let a page say what it needs. Whoever serves it checks the role; the services that it asks, all the rest."""
    return declare(access(*roles, within=within, outside=outside))


public: Callable[[Any], Any] = declare(PUBLIC)  # anybody may have this without signing in


def access_of(view: Any) -> Access | None:
    """What a view says that it needs, if it does so outermost."""
    found = getattr(view, "__baton_access__", None)
    guard = getattr(view, "__baton_guard__", view)
    return found if isinstance(found, Access) and guard is view else None


def declared_routes(app: Flask) -> Iterable[DeclaredRoute]:
    """All routes of an application with what they need, in order."""
    found = []
    for rule in app.url_map.iter_rules():
        view = app.view_functions[rule.endpoint]
        view_class = getattr(view, "view_class", None)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            target = getattr(view_class, method.lower(), None) if view_class else view
            summary = (getdoc(target) or "").partition("\n")[0]
            found.append(DeclaredRoute(method, rule.rule, rule.endpoint, summary, access_of(target)))
    return sorted(found, key=lambda route: (route.path, route.method))


def undeclared_routes(app: Flask) -> list[str]:
    """The routes that state nothing about who may use them, or not outermost; as ``METHOD /route``."""
    return [f"{route.method} {route.path}" for route in declared_routes(app) if route.access is None]
