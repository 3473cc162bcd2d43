"""What the console offers of tests is what drug_testing takes: acts, roles, states and words."""

import re
from pathlib import Path

import services.drug_testing.commands
from deploy.docs import app_of
from services.console import testing_words as said
from services.console.pages.objection_acts import STANDING
from services.console.pages.testing_forms import ACTS, NEXT
from services.console.problem_words import PROBLEMS
from services.drug_testing import policy
from services.drug_testing.domain.custody import NOTED_BY_HAND
from services.drug_testing.domain.order import (
    CustodyStep,
    ExemptReason,
    Ground,
    Opinion,
    OverturnedBy,
    Result,
    SampleType,
    SettledBy,
)
from services.drug_testing.domain.transitions import STANDING as STANDS
from services.drug_testing.domain.transitions import Act, State, allowed
from services.person_registry.domain import IdentityKind
from shared.kernel.deadlines import rules_in
from shared.web.access import declared_routes

DONE_BY = {
    "collection": Act.COLLECTED,
    "refusal": Act.REFUSED,
    "agreement": Act.YIELDED,
    "forced-test": Act.FORCED,
    "non-test": Act.LEFT_UNTESTED,
    "exemption": Act.EXEMPTED,
    "invalid-card": Act.CARD_INVALID,
    "negative": Act.RESULTED,
    "positive": Act.RESULTED,
    "telling": Act.TOLD,
    "addiction-opinion": Act.DETERMINED,
    "objection": Act.OBJECTED,
    "waiver": Act.WAIVED,
    "objection-decision": Act.OBJECTION_DECIDED,
    "dispatch": Act.SENT,
    "report-telling": Act.REPORT_TOLD,
    "unfit-sample": Act.FOUND_UNFIT,
    "new-sample": Act.RESAMPLED,
    "abandonment": Act.GIVEN_UP,
    "custody": Act.CUSTODY_NOTED,
}


def test_every_act_of_the_api_has_a_form_for_the_same_roles() -> None:
    api = {
        route.path.rpartition("/")[2]: route.access.roles
        for route in declared_routes(app_of("drug_testing"))
        if route.path.startswith("/test-orders/<uuid:test_order_id>/") and route.access
    }
    assert {act.step or name: act.roles for name, act in ACTS.items()} == api


def test_every_act_is_offered_in_the_states_in_which_it_is_possible() -> None:
    assert {name: act.states for name, act in ACTS.items()} == {name: allowed(act) for name, act in DONE_BY.items()}
    assert STANDING == STANDS
    assert all(State(state) in ACTS[name].states for state, name in NEXT.items())


def test_every_form_asks_for_what_the_api_takes() -> None:
    described = app_of("drug_testing").test_client().get("/openapi.json").get_json()
    for name, act in ACTS.items():
        path = f"/test-orders/{{test_order_id}}/{act.step or name}"
        content = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = described["components"]["schemas"][content["$ref"].rpartition("/")[2]]
        asked = {field.name: field for field in act.fields}
        assert asked.keys() <= schema.get("properties", {}).keys(), name
        assert set(schema.get("required", ())) <= {one for one in asked if asked[one].required}, name


def test_whatever_an_order_says_has_words() -> None:
    for table, codes in (
        (said.TEST_GROUNDS, Ground),
        (said.SAMPLE_TYPES, SampleType),
        (said.RESULTS, Result),
        (said.OPINIONS, Opinion),
        (said.EXEMPT_REASONS, ExemptReason),
        (said.SETTLED_BY, SettledBy),
        (said.OVERTURNED_BY, OverturnedBy),
        (said.CUSTODY_STEPS, CustodyStep),
        (said.IDENTITY_KINDS, IdentityKind),
    ):
        assert set(table) == {code.value for code in codes}
    assert set(said.BY_HAND) == NOTED_BY_HAND
    assert set(said.SUBSTANCES) == policy.SUBSTANCES
    assert set(said.TEST_RULES) == {rule.id for rule in rules_in(policy)}


def test_every_refusal_of_drug_testing_has_words() -> None:
    commands = Path(services.drug_testing.commands.__file__)
    sources = [commands, commands.with_name("access.py"), *commands.with_name("domain").glob("*.py")]
    calls = r"(?:Conflict|NotFound|invalid_field|InvalidInput|FieldProblem)\(([^)]*)"
    raised = {
        code
        for source in sources
        for call in re.findall(calls, source.read_text("utf-8"))
        for code in re.findall(r'"([a-z_]+\.[a-z_]+)"', call)
    }
    assert len(raised) > 30
    by_timers_alone = {"test.not_missed", "test.window_open"}
    assert raised - by_timers_alone - set(PROBLEMS) == set()
