"""What a deadline asks for and what it rests on, by its rule: of tests, decisions, stays, releases and measures."""

from collections.abc import Mapping
from typing import Any

from services.console.custody_words import DUES
from services.console.measure_words import MEASURE_RULES
from services.console.testing_words import TEST_RULES

_RULES: Mapping[str, tuple[Any, Any]] = {**DUES, **TEST_RULES, **MEASURE_RULES}
_UNKNOWN = ("", "")


def due_asks(rule: str | None) -> str:
    """What a deadline asks for; "" for one that is not known here."""
    return str(_RULES.get(rule or "", _UNKNOWN)[0])


def due_basis(rule: str | None) -> str:
    """What a deadline rests on."""
    return str(_RULES.get(rule or "", _UNKNOWN)[1])
