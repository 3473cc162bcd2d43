"""The delivery keeps its promises in every state; without a mechanism it does not; and the document says what is so."""

from dataclasses import replace

import pytest

from tests.model.cases import (
    BUILT,
    EVERY_FAULT,
    REMOVALS,
    Removal,
    verdict_as_built,
    verdict_without,
)
from tests.model.checker import check
from tests.model.delivery import Delivery
from tests.model.report import DOCUMENT, SECTIONS, section_in
from tests.model.setup import MECHANISMS


def _name(removal: Removal) -> str:
    return f"{REMOVALS.index(removal) + 1}-{'+'.join(removal.without)}"


@pytest.mark.parametrize("name", BUILT)
def test_every_promise_holds_in_every_state(name: str) -> None:
    verdict = verdict_as_built(name)
    assert verdict.violation is None, str(verdict.violation)


@pytest.mark.parametrize("removal", [r for r in REMOVALS if r.kind is not None], ids=_name)
def test_without_a_mechanism_a_promise_is_broken(removal: Removal) -> None:
    violation = verdict_without(removal).violation
    assert violation is not None
    assert violation.kind == removal.kind, str(violation)


@pytest.mark.parametrize("removal", [r for r in REMOVALS if r.kind is None], ids=_name)
def test_without_a_mechanism_that_another_covers_every_promise_holds(removal: Removal) -> None:
    verdict = verdict_without(removal)
    assert verdict.violation is None, str(verdict.violation)


@pytest.mark.parametrize("removal", [r for r in REMOVALS if r.kind is not None], ids=_name)
def test_it_is_the_mechanism_that_was_missing(removal: Removal) -> None:
    verdict = verdict_without(replace(removal, without=(), kind=None))
    assert verdict.violation is None, str(verdict.violation)


@pytest.mark.parametrize("removal", [r for r in REMOVALS if r.kind and len(r.without) > 1], ids=_name)
def test_of_several_mechanisms_each_one_was_needed(removal: Removal) -> None:
    for kept in removal.without:
        fewer = tuple(name for name in removal.without if name != kept)
        violation = verdict_without(replace(removal, without=fewer)).violation
        assert violation is None or violation.kind != removal.kind, f"{kept} does not matter: {violation}"


def test_each_mechanism_is_left_out_by_itself_and_each_matters() -> None:
    alone = {removal.without[0] for removal in REMOVALS if len(removal.without) == 1}
    matters = {name for removal in REMOVALS if removal.kind is not None for name in removal.without}
    assert alone == matters == set(MECHANISMS)


@pytest.mark.parametrize("fault", sorted(EVERY_FAULT))
def test_each_fault_leads_where_nothing_else_does(fault: str) -> None:
    calm = replace(BUILT["two of each"], faults=0)
    faulty = replace(calm, faults=1, kinds=frozenset({fault}))
    assert check(Delivery(faulty)).states > check(Delivery(calm)).states + 1


@pytest.mark.timeout(600)  # it may be the first to look at everything
@pytest.mark.parametrize("section", SECTIONS)
def test_the_document_says_what_the_model_says(section: str) -> None:
    hint = "run: python -m tests.model.report"
    assert section_in(DOCUMENT.read_text(), section) == SECTIONS[section](), hint
