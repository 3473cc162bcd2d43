"""What the console offers of community measures is what community_handover takes: acts, roles, states and words."""

import re
from datetime import datetime
from pathlib import Path

from deploy.docs import app_of
from services.community_handover import measuring
from services.community_handover.domain import accompanying
from services.community_handover.domain.measure import BreachGround, MeasureKind, TerminationReason
from services.community_handover.domain.measure_transitions import TRANSITIONS, MeasureAct, MeasureState
from services.community_handover.domain.searching import TraceKind
from services.console import measure_words as said
from services.console.dues import due_asks, due_basis
from services.console.pages.measure_acts import MEASURE_ACT_OF, MEASURE_ACTS
from services.console.pages.measures import BY_STATE, tonight
from services.console.problem_words import PROBLEMS
from services.console.words import TRACE_KINDS
from shared.kernel.clock import CHINA
from shared.web.access import declared_routes

DONE_BY = {
    "agreement": MeasureAct.AGREED,
    "visits": MeasureAct.VISITED,
    "absences": MeasureAct.ABSENCE_NOTED,
    "breach-report": MeasureAct.BREACH_TOLD,
    "move": MeasureAct.MOVED,
    "arrival": MeasureAct.ARRIVED,
    "suspension": MeasureAct.SUSPENDED,
    "continuation": MeasureAct.RESUMED,
    "trace-steps": MeasureAct.SEARCHED,
    "whereabouts-unknown": MeasureAct.SIGNED_UNKNOWN,
    "end-notice": MeasureAct.ENDED,
    "termination": MeasureAct.TERMINATED,
}


def test_every_act_of_the_api_has_a_form_for_the_same_roles() -> None:
    api = {
        route.path.rpartition("/")[2]: route.access.roles
        for route in declared_routes(app_of("community_handover"))
        if route.path.startswith("/measures/<uuid:measure_id>/") and route.access
    }
    assert {act.step or name: act.roles for name, act in MEASURE_ACTS.items()} == api


def test_every_act_is_offered_in_the_states_in_which_it_is_possible() -> None:
    possible = {name: {state.value for state in TRANSITIONS[act]} for name, act in DONE_BY.items()}
    assert {name: set(act.states) for name, act in MEASURE_ACTS.items()} == possible


def test_every_form_asks_for_all_that_the_api_takes() -> None:
    described = app_of("community_handover").test_client().get("/openapi.json").get_json()
    for name, act in MEASURE_ACTS.items():
        path = f"/measures/{{measure_id}}/{act.step or name}"
        content = described["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = described["components"]["schemas"][content["$ref"].rpartition("/")[2]]
        asked = {field.name: field for field in act.fields}
        assert asked.keys() == schema.get("properties", {}).keys(), name
        assert {one for one in asked if asked[one].required} == set(schema.get("required", ())), name


def test_every_deadline_of_a_measure_has_words_and_an_act_where_somebody_has_to_act() -> None:
    named = set(re.findall(r"policy\.([A-Z_]+)", Path(measuring.__file__).read_text("utf-8")))
    rules = {rule.id for name in named if hasattr(rule := getattr(measuring.policy, name), "id")}
    assert rules == set(said.MEASURE_RULES)
    assert all(due_asks(rule) and due_basis(rule) for rule in rules)
    assert set(MEASURE_ACT_OF) == rules - {accompanying.TERM_RULE}  # the term ends by itself
    assert set(MEASURE_ACT_OF.values()) <= set(MEASURE_ACTS)


def test_whatever_a_measure_says_has_words_and_every_state_its_list() -> None:
    for table, codes in (
        (said.MEASURE_KINDS, MeasureKind),
        (said.BREACH_GROUNDS, BreachGround),
        (said.TERMINATION_REASONS, TerminationReason),
        (TRACE_KINDS, TraceKind),
    ):
        assert set(table) == {code.value for code in codes}
    assert set(BY_STATE) == {state.value for state in MeasureState}
    assert len(BY_STATE) == len(MeasureState)
    assert set(re.findall(r'reason="([a-z_]+)"', Path(measuring.__file__).read_text("utf-8"))) <= set(said.SUSPENSIONS)


def test_every_refusal_of_a_measure_has_words() -> None:
    service = Path(measuring.__file__)
    sources = [service, service.with_name("access.py")]
    sources += [service.with_name("domain") / f"{name}.py" for name in ("accompanying", "measure", "searching")]
    codes = {
        code
        for source in sources
        for code in re.findall(r'"((?:measure|absence|office|termination|time)\.[a-z_]+)"', source.read_text("utf-8"))
    }
    assert len(codes) > 10
    assert codes - {"measure.term_runs"} - set(PROBLEMS) == set()  # which only a timer hears


def test_today_ends_at_midnight_in_china() -> None:
    late = datetime(2026, 11, 23, 23, 59, tzinfo=CHINA)
    assert tonight(late) == datetime(2026, 11, 24, tzinfo=CHINA)
