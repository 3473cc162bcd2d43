"""What is declared of routes, pages and commands: roles, jurisdictions, what is answered outside."""

import pytest
from flask import Flask

from shared.kernel.errors import Forbidden, InvalidInput
from shared.messaging.intake import Intake
from shared.web import Jurisdiction, Outside, Principal, Role
from shared.web.access import ROLES, RULES, Reach, access, access_of, allows, declared_routes, public, undeclared_routes
from shared.web.scope import asked_area, require_area

COUNTY = Principal("c", Role.COUNTY_SUPERVISOR, "NCO", "430802")
CITY = Principal("c", Role.CITY_SUPERVISOR, "NCO", "4308")

PERSONAL = {Jurisdiction.SELF, Jurisdiction.CAUSED, Jurisdiction.SYSTEMS}  # what is somebody's own is no auditor's


def test_every_jurisdiction_says_how_far_each_role_reaches() -> None:
    assert RULES.keys() == set(Jurisdiction)
    for jurisdiction, rule in RULES.items():
        reaches = {role: rule.reach(role) for role in ROLES}
        assert rule.bounded or jurisdiction is Jurisdiction.OWN_NAME or set(reaches.values()) == {Reach.ALL}
        assert reaches[Role.AUDITOR] is Reach.ALL or not rule.bounded or jurisdiction in PERSONAL


def test_what_lies_outside_is_not_found_unless_said_otherwise() -> None:
    assert access(Role.AUDITOR, within=Jurisdiction.AREA).outside is Outside.HIDDEN
    assert access(Role.AUDITOR, within=Jurisdiction.AREA, outside=Outside.REFUSED).outside is Outside.REFUSED
    assert access(Role.AUDITOR, within=Jurisdiction.CITY).outside is Outside.NOTHING


def test_a_page_that_states_nothing_is_found_and_so_is_what_it_states() -> None:
    app = Flask("pages", static_folder=None)

    @app.get("/stated")
    @allows(Role.AUDITOR, within=Jurisdiction.CITY)
    def stated() -> str:
        """Says so."""
        return ""

    @app.get("/open")
    @public
    def open_to_all() -> str:
        return ""

    @app.post("/careless")
    def careless() -> str:
        return ""

    assert undeclared_routes(app) == ["POST /careless"]
    assert [(route.path, route.summary) for route in declared_routes(app)][-1] == ("/stated", "Says so.")
    needed = access_of(stated)
    assert needed is not None
    assert (needed.reach(Role.AUDITOR), needed.reach(Role.OPERATOR)) == (Reach.ALL, None)
    assert access_of(open_to_all).permits(Role.LABORATORY)  # type: ignore[union-attr]


def test_a_command_by_message_that_states_nothing_is_not_carried_out() -> None:
    clerk = access(Role.CENTRE_CLERK, within=Jurisdiction.HOLDER)
    other = access(Role.OPERATOR, within=Jurisdiction.CITY)
    intake = Intake(lambda message, work: {}, {"release.plan": clerk, "release.explode": other})
    intake.require("release.plan")
    with pytest.raises(InvalidInput, match="commands are"):
        intake.require("release.hold")
    with pytest.raises(Forbidden, match="centre_clerk"):
        intake.require("release.explode")


def test_an_area_is_a_prefix_and_the_city_has_also_what_has_no_place() -> None:
    assert COUNTY.covers("430822", "430802001")
    assert not COUNTY.covers("430822", None)
    assert not COUNTY.covers()
    assert CITY.covers(None)
    require_area(COUNTY, "430802001", "430802")
    with pytest.raises(Forbidden):
        require_area(COUNTY, "430802001", "430822")


@pytest.mark.parametrize(
    ("asked", "asker", "shown"),
    [("", COUNTY, "430802"), ("4308", COUNTY, "430802"), ("430802001", COUNTY, "430802001"), ("", CITY, "")],
)
def test_figures_are_of_what_was_asked_for_within_the_own_area(asked: str, asker: Principal, shown: str) -> None:
    assert asked_area(asked, asker) == shown
    with pytest.raises(Forbidden):
        asked_area("430822", COUNTY)
