"""The console's words: every text that a user can see has its English."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from deploy.local.stack import SERVICES
from services.community_handover import policy
from services.community_handover.domain.measure_transitions import MeasureState
from services.community_handover.domain.searching import TraceKind
from services.community_handover.domain.task import BY_ITSELF, CloseReason, Outcome, PauseReason
from services.community_handover.domain.transitions import State
from services.console import custody_words, words
from services.console.locale_files import SOURCE
from services.console.pages.custody_acts import ORDER_ACTS, STAY_ACTS
from services.console.pages.release_acts import RELEASE_ACTS
from services.console.pages.tests import GROUPS
from services.console.problem_words import PROBLEMS
from services.detention_intake import policy as custody_policy
from services.detention_intake.domain import order as order_domain
from services.detention_intake.domain import stay as stay_domain
from services.detention_intake.domain.order_transitions import OrderState
from services.detention_intake.domain.stay_transitions import StayState
from services.drug_testing.domain.transitions import State as StateOfTest
from services.oversight.domain import comparison
from services.oversight.domain.discrepancy import Kind
from services.release_notification import policy as release_policy
from services.release_notification.domain import release as release_domain
from shared.kernel.deadlines import rules_in

CONSOLE = SOURCE.parent
KEYWORDS = {"_": None, "_l": None, "gettext": None}
METHODS = [("**.py", "python"), ("templates/**.html", "jinja2.ext:babel_extract")]


def texts() -> dict[str, str]:
    """Every text of the console, and where it stands."""
    found = extract_from_dir(str(CONSOLE), METHODS, keywords=KEYWORDS)
    return {text: f"{file}:{line}" for file, line, text, *_ in found if isinstance(text, str)}


def test_every_text_has_its_english_and_no_english_is_left_over() -> None:
    with open(Path(SOURCE, "en", "LC_MESSAGES", "messages.po"), "rb") as file:
        catalogue = read_po(file, locale="en")
    translated = {str(message.id) for message in catalogue if message.id and message.string}
    assert {text: place for text, place in texts().items() if text not in translated} == {}
    assert translated - set(texts()) == set()


def test_every_state_of_a_test_has_words_and_a_place_on_the_page() -> None:
    assert {state.value for state in StateOfTest} <= set(words.STATES)
    assert sorted(state for group in GROUPS.values() for state in group) == sorted(StateOfTest)


def test_every_state_of_a_decision_and_a_stay_has_words() -> None:
    assert {state.value for state in (*OrderState, *StayState)} <= set(words.STATES)


def test_every_discrepancy_has_words_and_says_what_to_do() -> None:
    kinds = {kind.value for kind in Kind}
    assert kinds == set(words.DISCREPANCIES) == set(words.REMEDIES)
    code = Path(comparison.__file__).read_text("utf-8")
    assert {detail for detail in words.DISCREPANCY_DETAILS if f'"{detail}"' not in code} == {"tasks_unread"}
    assert {word for word in re.findall(r'"([a-z]+_[a-z]+)"', code) if word not in words.DISCREPANCY_DETAILS} == {
        "release_notification",
        "community_handover",
        "contact_done",
        "remote_accepted",
    }
    assert words.SERVICES == SERVICES


def test_everything_a_task_can_say_has_words() -> None:
    assert {state.value for state in (*State, *MeasureState)} <= set(words.STATES)
    assert {rule.id for rule in rules_in(policy)} == set(words.RULES)
    assert {outcome.value for outcome in Outcome if outcome is not Outcome.REMOTE} == set(words.OUTCOMES)
    assert {kind.value for kind in TraceKind} == set(words.TRACE_KINDS)
    assert {reason.value for reason in PauseReason} == set(words.PAUSE_REASONS)
    assert set(CloseReason) - BY_ITSELF == set(words.CLOSE_REASONS)
    assert set(BY_ITSELF) == set(words.CLOSED_BY_ITSELF)


REFUSAL = re.compile(
    r"(?:Conflict|NotFound|Forbidden|InvalidInput|FieldProblem|invalid_field|field_error)\(\s*"
    r'(?:"/\w+",\s*)?"([a-z_0-9]+\.[a-z_]+)"'
)


def test_every_refusal_of_decisions_stays_and_releases_has_words() -> None:
    codes: set[str] = set()
    for service in ("detention_intake", "release_notification"):
        for path in (CONSOLE.parent / service).rglob("*.py"):
            codes |= set(REFUSAL.findall(path.read_text("utf-8")))
    assert len(codes) > 40
    assert codes - set(PROBLEMS) == set()


def test_everything_a_decision_a_stay_or_a_release_can_say_has_words() -> None:
    said = custody_words
    rules = {rule.id for policy_of in (custody_policy, release_policy) for rule in rules_in(policy_of)}
    assert rules == set(said.DUES)
    for kinds, table in (
        (order_domain.Kind, said.ORDER_KINDS),
        (order_domain.IsolationGround, said.ISOLATION_GROUNDS),
        (order_domain.Circumstance, said.CIRCUMSTANCES),
        (order_domain.RefusalReason, said.REFUSAL_REASONS),
        (order_domain.Special, said.SPECIALS),
        (order_domain.DocumentKind, said.DOCUMENT_KINDS),
        (order_domain.ReviewOutcome, said.REVIEW_OUTCOMES),
        (stay_domain.Grade, said.GRADES),
        (stay_domain.Proposal, said.PROPOSALS),
        (release_domain.Present, said.PRESENT),
        (release_domain.Rehab, said.REHABS),
        (release_domain.Kind, words.RELEASE_KINDS),
        (release_domain.Addressee, words.ADDRESSEES),
    ):
        assert {one.value for one in kinds} == set(table), kinds
    assert {one.value for one in release_domain.Alarm} <= set(said.ALARMS)
    reactions = Path(release_policy.__file__).with_name("reactions.py").read_text("utf-8")
    given = set(re.findall(r'reason="([a-z_]+)"', reactions))
    assert "order_revoked" in given
    assert given | {one.value for one in release_domain.CancelledBy} - {"centre"} <= set(said.REASONS)


def test_every_act_of_decisions_stays_and_releases_names_its_roles_and_states_that_exist() -> None:
    for acts, states in (
        (ORDER_ACTS, OrderState),
        (STAY_ACTS, StayState),
        (RELEASE_ACTS, release_domain.State),
    ):
        for name, act in acts.items():
            assert act.states, name
            assert act.states <= {state.value for state in states}, name
            assert act.roles, name
