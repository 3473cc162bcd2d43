"""The glossary speaks of what there is."""

import re
from pathlib import Path

import pytest

from shared.contracts.detention import CUSTODY
from shared.contracts.handover import TASK_STATES
from shared.contracts.release import LEGAL_GROUNDS, RELEASE_KINDS

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs/glossary.md").read_text("utf-8").splitlines() if line.startswith("| ")][2:]
CODE = "\n".join(path.read_text("utf-8") for part in ("shared", "services") for path in (ROOT / part).rglob("*.py"))
TERMS = sorted({term for row in ROWS for term in re.findall(r"`([^`]+)`", row)})


@pytest.mark.parametrize("term", TERMS)
def test_every_identifier_in_the_glossary_is_in_the_code(term: str) -> None:
    assert re.search(rf"\b{re.escape(term)}\b", CODE)


def test_no_chinese_term_is_explained_twice() -> None:
    chinese = [row.split("|")[1].strip() for row in ROWS]
    assert len(set(chinese)) == len(chinese)


@pytest.mark.parametrize("word", [*RELEASE_KINDS, *LEGAL_GROUNDS, *CUSTODY, *TASK_STATES])
def test_every_word_of_the_law_in_an_event_has_its_chinese_term(word: str) -> None:
    assert word in TERMS
