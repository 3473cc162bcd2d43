"""The deadlines are listed once each, with their sources."""

from deploy.docs import deadline_rules
from deploy.local.stack import ROOT
from shared.kernel.deadlines import Confidence


def test_every_rule_has_an_id_of_its_own() -> None:
    ids = [rule.id for rules in deadline_rules().values() for rule in rules]
    assert len(ids) == len(set(ids))
    assert len(ids) > 20


def test_a_rule_that_is_not_ours_names_its_source() -> None:
    for rules in deadline_rules().values():
        for rule in rules:
            assert rule.source and rule.title_zh and rule.title_en and rule.starts
            assert (rule.source == "product decision") <= (rule.confidence is Confidence.OURS), rule.id


def test_the_page_lists_every_rule() -> None:
    page = (ROOT / "docs/deadlines.md").read_text("utf-8")
    for rules in deadline_rules().values():
        for rule in rules:
            assert f"| {rule.id} | {rule.title_zh} |" in page
