"""The console's words: every text that a user can see has its English."""

import re
from pathlib import Path

from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from deploy.local.stack import SERVICES
from services.community_handover import policy
from services.community_handover.domain.measure_transitions import MeasureState
from services.community_handover.domain.searching import TraceKind
from services.community_handover.domain.task import CloseReason, Outcome, PauseReason
from services.community_handover.domain.transitions import State
from services.console import words
from services.console.locale_files import SOURCE
from services.console.pages.tests import GROUPS
from services.detention_intake.domain.order_transitions import OrderState
from services.detention_intake.domain.stay_transitions import StayState
from services.drug_testing.domain.transitions import State as StateOfTest
from services.oversight.domain import comparison
from services.oversight.domain.discrepancy import Kind
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
    assert {reason.value for reason in CloseReason if reason is not CloseReason.AGREEMENT_SIGNED} == set(
        words.CLOSE_REASONS
    )
