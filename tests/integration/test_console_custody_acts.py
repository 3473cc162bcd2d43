"""The rarer acts on decisions, stays and releases, by forms: the service has each, and the page shows what is now."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.kernel.clock import CHINA
from tests.support.builders import event
from tests.support.console_pages import text_of
from tests.support.custody import (
    CLERK,
    COUNTY,
    DECISION,
    STATION,
    TOWNSHIP,
    City,
    admitted,
    custody_city,
    release_of,
    served,
    state_of,
)


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with custody_city(tmp_path) as opened:
        yield opened


def forms_on(answer: Any) -> list[str]:
    """The acts of which there are forms, the usual one first."""
    return re.findall(r'id="act-([a-z-]+)"', answer.get_data(as_text=True))


def known_after(city: City, here: str, event_type: str) -> dict[str, Any]:
    """A case as its service has it, of which it said an event of this type last."""
    service = city.services["release_notification" if here.startswith("/releases/") else "detention_intake"]
    case_id = UUID(here.rpartition("/")[2])
    assert [one.type for one in service.events() if one.subject == case_id][-1] == event_type
    known: dict[str, Any] = service.client.get(here, as_=COUNTY).get_json()
    return known


def test_who_evades_a_decision_is_still_to_be_taken_in(city: City) -> None:
    here = served(city)
    with city.pages(STATION) as pages:
        pages.open(here)
        evaded = pages.send(f"{here}/evasion")
        assert state_of(evaded) == "逃避执行"
        assert "evasion" not in forms_on(evaded)
        assert known_after(city, here, "order.absconded.v1")["state"] == "absconded"
    with city.pages(CLERK) as pages:
        assert forms_on(pages.open(here))[0] == "admission"


def under_review(city: City) -> str:
    """A decision that rests on a test which fell; where its page is."""
    about: dict[str, Any] = {"person_id": UUID(city.person), "division": TOWNSHIP, "opinion": "severely_addicted"}
    settled = event("test.settled.v1", **about)
    react = city.services["detention_intake"].react
    assert react(settled) == []
    with city.pages(STATION) as pages:
        here = pages.here = pages.open(
            f"/orders/new?person={city.person}&test={settled.subject}", follow_redirects=True
        ).request.path
        assert "review-decision" not in forms_on(pages.send(f"{here}/decision", **DECISION))
    assert react(event("test.overturned.v1", subject=settled.subject, sequence=2, **about)) == []
    return here


@pytest.mark.parametrize(
    ("act", "state", "outcome", "event_type"),
    [
        ("review-decision", "已决定", "维持", "order.review_closed.v1"),
        ("revocation", "已撤销", "撤销", "order.revoked.v1"),
    ],
)
def test_a_decision_under_review_is_upheld_or_revoked_with_a_reason(
    city: City, act: str, state: str, outcome: str, event_type: str
) -> None:
    here = under_review(city)
    with city.pages(STATION) as pages:
        opened = pages.open(here)
        assert "所依据的检测结果已被推翻" in text_of(opened)
        assert "review-decision" in forms_on(opened)
        assert "必填" in text_of(pages.send(f"{here}/{act}"))
        done = pages.send(f"{here}/{act}", note="另有证据 3")
        assert state_of(done) == state
        assert f"所依据的检测结果已被推翻：{outcome}" in text_of(done)
        assert "复查或者撤销的理由 另有证据 3" in text_of(done)
        assert "review-decision" not in forms_on(done)
    assert known_after(city, here, event_type)["review_outcome"] == (
        "upheld" if act == "review-decision" else "revoked"
    )


def test_whose_decision_is_revoked_is_to_leave_at_once(city: City) -> None:
    stay = admitted(city)
    release = release_of(city, stay)
    here = f"/orders/{known_after(city, stay, 'stay.admitted.v1')['order_id']}"
    with city.pages(COUNTY) as pages:
        pages.open(here)
        assert state_of(pages.send(f"{here}/revocation", note="行政复议决定 7 号")) == "已撤销"
    assert known_after(city, here, "order.revoked.v1")["state"] == "revoked"
    city.pass_on()
    with city.pages(CLERK) as pages:
        freed = pages.open(release)
        assert state_of(freed) == "计划出所 · 决定被撤销"
        assert "变更、取消或者撤回的理由 决定被撤销" in text_of(freed)


@pytest.mark.parametrize(
    ("act", "state", "event_type", "when"),
    [
        ("court-appearance", "出庭", "stay.out_to_court.v1", "away_since"),
        ("criminal-custody", "转刑事羁押", "stay.in_criminal_custody.v1", "away_since"),
        ("death", "已出所", "stay.ended.v1", "ended_at"),
    ],
)
def test_who_is_away_or_died_since_the_moment_that_was_entered(
    city: City, act: str, state: str, event_type: str, when: str
) -> None:
    here = admitted(city)
    city.wait(days=2)
    with city.pages(CLERK) as pages:
        pages.open(here)
        done = pages.send(f"{here}/{act}", at=f"{city.day(-1)}T08:30")
        assert state_of(done).startswith(state)
        assert "11月24日 08:30" in text_of(done)
        assert act not in forms_on(done)
        known = known_after(city, here, event_type)
        assert datetime.fromisoformat(known[when]).astimezone(CHINA).isoformat() == "2026-11-24T08:30:00+08:00"
        if act != "death":
            assert "return" in forms_on(done)
            return
        assert known["end_kind"] == "death"
        assert "11月24日 08:30 死亡" in text_of(done)
        assert forms_on(done) == []
    city.pass_on()
    with city.pages(CLERK) as pages:
        assert state_of(pages.open(release_of(city, here))).startswith("已取消")


@pytest.mark.parametrize(
    ("rehab", "words", "ground"),
    [
        ("ordered", "责令接受社区康复", "community_rehab_order"),
        ("not_ordered", "不责令社区康复", "contact_only"),
    ],
)
def test_whether_rehabilitation_is_ordered_says_on_what_ground_the_person_is_handed_over(
    city: City, rehab: str, words: str, ground: str
) -> None:
    here = release_of(city, admitted(city))
    with city.pages(CLERK) as pages:
        assert "社区康复 待原决定机关决定" in text_of(pages.open(here))
        done = text_of(pages.send(f"{here}/rehabilitation", rehab=rehab))
        assert f"社区康复 {words}" in done
        assert "出所必接" in done
        assert f"回执 {here.removeprefix('/releases/')[:8]}-" in done
        known = known_after(city, here, "release.ground_settled.v1")
        assert (known["rehab"], known["legal_ground"]) == (rehab, ground)
        again = pages.send(f"{here}/rehabilitation", rehab=rehab)
        assert (again.status_code, "已经登记过" in text_of(again)) == (409, True)


def test_an_early_release_is_proposed_approved_and_planned(city: City) -> None:
    here = admitted(city)
    city.wait(days=400)
    last_day = city.day(10)
    with city.pages(CLERK) as pages:
        pages.open(here)
        proposed = {"kind": "early_release", "last_day": last_day}
        assert "最近一次诊断评估须为优秀" in text_of(pages.send(f"{here}/term-proposal", **proposed))
        assert "优秀（良好）" in text_of(pages.send(f"{here}/assessments", on=city.day(), grade="good"))
        asked = pages.send(f"{here}/term-proposal", **proposed)
        assert f"待批复：提前解除 · 最后一天 {last_day}" in text_of(asked)
        assert "term-proposal" not in forms_on(asked)
    city.pass_on()
    with city.pages(STATION) as pages:
        assert forms_on(pages.open(here))[0] == "term-decision"
        done = text_of(pages.send(f"{here}/term-decision", approved="yes"))
        assert f"最后一天 {last_day}" in done
        assert "期限意见 提前解除：批准" in done
    known = known_after(city, here, "stay.term_decided.v1")
    assert (str(known["term_last_day"]), known["proposal"]["approved"]) == (last_day, True)
    city.pass_on()
    with city.pages(CLERK) as pages:
        planned = pages.open(release_of(city, here))
        assert state_of(planned) == "计划出所 · 提前解除"
        assert f"期限最后一天 {last_day}" in text_of(planned)
        assert "理由 期限变更" in text_of(planned)


def test_a_conversion_ends_the_stay_and_asks_for_another_decision(city: City) -> None:
    here = admitted(city)
    with city.pages(CLERK) as pages:
        pages.open(here)
        early = pages.send(f"{here}/term-proposal", kind="conversion")
        assert "只有所外就医、不宜回所的可以变更为社区戒毒" in text_of(early)
        pages.send(f"{here}/medical-leave")
        assert "待批复：变更为社区戒毒" in text_of(pages.send(f"{here}/term-proposal", kind="conversion"))
        assert known_after(city, here, "stay.term_proposed.v1")["proposal"]["kind"] == "conversion"
    city.pass_on()
    with city.pages(COUNTY) as pages:
        assert forms_on(pages.open(here))[0] == "term-decision"
        done = pages.send(f"{here}/term-decision", approved="yes", note="不宜回所")
        assert state_of(done).startswith("已出所")
        assert "期限意见 变更为社区戒毒：批准" in text_of(done)
        assert forms_on(done) == []
        assert "待决定 1" in text_of(pages.open("/orders"))
    assert known_after(city, here, "stay.ended.v1")["end_kind"] == "converted"
    city.pass_on()
    with city.pages(CLERK) as pages:
        cancelled = pages.open(release_of(city, here))
        assert state_of(cancelled).startswith("已取消")
        assert "理由 执行已结束" in text_of(cancelled)
