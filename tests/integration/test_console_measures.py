"""Pages of community measures: every act by its form reaches the service, and the page shows what is now."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.community_handover.store import Coverage, Office
from services.console.pages import measures as page
from services.console.pages.measures import tonight
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.builders import NOW, a_test_settled, event, release_executed
from tests.support.console_pages import text_of
from tests.support.custody import COUNTY, SOMEBODY, TOWNSHIP, City, custody_city, fault_beside, state_of
from tests.support.service import principal_of

OTHER_TOWNSHIP = "430802002"
OFFICE, OTHER = "OFFICE-1", "OFFICE-2"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer.tian")
COLLEAGUE = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer.xiang")
NEIGHBOUR = principal_of(Role.COMMUNITY_OFFICER, organisation=OTHER, division=OTHER_TOWNSHIP, subject="officer.qin")
TOWN = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation=OFFICE, division=TOWNSHIP, subject="town.peng")
DONE = "✓ "


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[City]:
    """The console's day is the services'."""
    with custody_city(tmp_path) as opened:
        now = opened.services["community_handover"].clock.now
        monkeypatch.setattr(page, "tonight", lambda: tonight(now()))
        with opened.services["community_handover"].work() as work:
            for code, division in ((OFFICE, TOWNSHIP), (OTHER, OTHER_TOWNSHIP)):
                work.offices.put(Office(code, "office", "township", division))
                work.coverage.put(Coverage(division, code))
        yield opened


def met(city: City, ground: str = "community_detox_order") -> str:
    """A task whose person was met at the gate."""
    service = city.services["community_handover"]
    gone = release_executed(person_id=UUID(city.person), release_at=NOW, executed_at=NOW, legal_ground=ground)
    assert service.react(gone) == []
    with service.work() as work:
        task = str(work.tasks.find_by("release_id", gone.subject).id)
    steps: dict[str, dict[str, Any]] = {"acceptance": {}, "meeting": {"outcome": "met_official"}}
    for step, body in steps.items():
        assert service.client.post(f"/tasks/{task}/{step}", body, as_=OFFICER).status_code == 201
    return task


def begun(city: City, *, ground: str = "community_detox_order", **registration: Any) -> str:
    """A measure that began with a registration; where its page is."""
    task = met(city, ground)
    service = city.services["community_handover"]
    answer = service.client.post(f"/tasks/{task}/registration", registration, as_=OFFICER)
    assert answer.status_code == 201, answer.get_json()
    city.pass_on()
    with city.pages(OFFICER) as pages:
        opened = pages.open(f"/measures?task={task}", follow_redirects=True)
        return str(opened.request.path)


def agreed(city: City, **options: Any) -> str:
    """The same, with its agreement."""
    here = begun(city, **options)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        assert f"{DONE}已登记协议。" in text_of(pages.send(f"{here}/agreement"))
    return here


def known(city: City, here: str, event_type: str) -> dict[str, Any]:
    """A measure as the service has it, of which it said an event of this type last."""
    service = city.services["community_handover"]
    assert [one.type for one in service.events() if one.subject == UUID(here.rpartition("/")[2])][-1] == event_type
    found: dict[str, Any] = service.client.get(here, as_=COUNTY).get_json()
    return found


def forms_on(answer: Any) -> list[str]:
    """The acts of which there are forms, the usual one first."""
    return re.findall(r'id="act-([a-z-]+)"', answer.get_data(as_text=True))


def timer(city: City) -> None:
    """Whatever comes due by itself."""
    city.services["community_handover"].run_timer("wake_measures")


def test_after_the_registration_the_agreement_and_visits_are_entered(city: City) -> None:
    here = begun(city)
    with city.pages(OFFICER) as pages:
        opened = pages.open(here)
        assert state_of(opened) == "执行中 · 社区戒毒"
        shown = text_of(opened)
        assert "签订协议 依据：戒毒条例第十六条" in shown
        assert "见面走访 依据：平台规定：按风险等级" in shown  # which is due after it
        assert "第一天 2026-11-23 报到之日" in shown
        assert "最后一天 2029-11-22" in shown
        assert "协议 还没有签订" in shown
        assert SOMEBODY.full_name in shown
        assert forms_on(opened)[:2] == ["agreement", "visits"]
        for absent in ("breach-report", "arrival", "termination", "trace-steps", "continuation", "end-notice"):
            assert absent not in forms_on(opened)
        early = pages.send(f"{here}/agreement", at="2026-11-22T09:00")
        assert (early.status_code, fault_beside(early, "at")) == (422, "时间早于上一步")
        done = pages.send(f"{here}/agreement", at="2026-11-23T10:00")
        assert f"{DONE}已登记协议。 回执 {here.removeprefix('/measures/')[:8]}-2" in text_of(done)
        assert "协议 11月23日 10:00" in text_of(done)
        assert forms_on(done)[0] == "visits"
        assert "agreement" not in forms_on(done)
    assert known(city, here, "measure.agreed.v1")["due_rule"] == "M1"
    city.wait(days=3)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        ahead = pages.send(f"{here}/visits", at="2026-11-27T09:00")
        assert fault_beside(ahead, "at") == "时间不能晚于现在"
        assert 'value="2026-11-27T09:00"' in ahead.get_data(as_text=True)
        seen = pages.send(f"{here}/visits", at="2026-11-25T09:00")
        assert "最近一次见面 11月25日 09:00" in text_of(seen)
        assert "下一步：" in text_of(seen)
    visited = known(city, here, "measure.visited.v1")
    assert (visited["due_rule"], visited["due_at"]) == ("M1", "2026-12-25T16:00:00+00:00")
    city.pass_on()
    with city.pages(OFFICER) as pages:
        assert "measure.visited.v1" in text_of(pages.open(here))
        task = pages.open(f"/tasks/{visited['task_id']}")
        assert state_of(task) == "已办结"
        assert f'href="/measures?task={visited["task_id"]}"' in task.get_data(as_text=True)


def test_absences_without_leave_become_a_breach_that_the_police_are_told_of(city: City) -> None:
    here = agreed(city)
    city.wait(days=10)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        assert fault_beside(pages.send(f"{here}/absences", with_leave="no"), "left_on") == "必填"
        wrong = pages.send(f"{here}/absences", left_on="2026-11-25", returned_on="2026-11-24", with_leave="no")
        assert fault_beside(wrong, "returned_on") == "返回日期不能早于离开日期"
        before = pages.send(f"{here}/absences", left_on="2026-11-20", with_leave="yes")
        assert fault_beside(before, "left_on") == "离开日期早于执行的第一天"
        gone = pages.send(f"{here}/absences", left_on="2026-11-24", with_leave="no")
        assert "2026-11-24 — 还没有返回 · 未经批准" in text_of(gone)
        assert 'name="left_on" value="2026-11-24"' in gone.get_data(as_text=True)  # whose return comes next
        again = pages.send(f"{here}/absences", left_on="2026-11-27", with_leave="no")
        assert fault_beside(again, "left_on") == "上一次外出还没有登记返回，请先登记返回"
        for left, back in (("2026-11-24", "2026-11-26"), ("2026-11-27", "2026-11-29"), ("2026-11-30", "2026-12-02")):
            done = pages.send(f"{here}/absences", left_on=left, returned_on=back, with_leave="no")
        assert "严重违反协议 三次以上擅自离开所在县（市、区）" in text_of(done)
        assert "报告公安机关 依据：戒毒条例第二十一条" in text_of(done)
        assert forms_on(done)[0] == "breach-report"
        assert "严重违反协议，待报告公安机关" in text_of(pages.open("/measures"))
        assert len(known(city, here, "measure.breached.v1")["absences"]) == 3
        pages.open(here)
        assert fault_beside(pages.send(f"{here}/breach-report"), "number") == "必填"
        early = pages.send(f"{here}/breach-report", number="B-1", told_at="2026-12-01T09:00")
        assert fault_beside(early, "told_at") == "时间早于上一步"
        told = pages.send(f"{here}/breach-report", number="B-1")
        assert "报告公安机关 12月3日 10:00 B-1" in text_of(told)
        assert "breach-report" not in forms_on(told)
    assert known(city, here, "measure.breach_told.v1")["breach_report_number"] == "B-1"


def test_evaded_tests_and_a_relapse_are_shown(city: City) -> None:
    here, person = agreed(city), UUID(city.person)
    react = city.services["community_handover"].react
    tests = [new_id() for _ in range(3)]
    for one in tests:
        react(event("test.missed.v1", subject=one, person_id=person, sequence=2))
    react(a_test_settled(person_id=person, ordered_at=NOW + timedelta(days=1)))
    with city.pages(OFFICER) as pages:
        shown = text_of(pages.open(here))
        assert "逃避、拒绝检测 3" in shown
        assert "严重违反协议 三次以上逃避、拒绝检测" in shown
        assert "复吸" in shown
    react(event("test.exempted.v1", subject=tests[0], person_id=person, sequence=3, ground="scheduled"))
    with city.pages(COUNTY) as pages:
        opened = pages.open(here)
        assert "逃避、拒绝检测 2" in text_of(opened)
        assert "有正当理由，不计入" in text_of(opened)
        assert f'href="/tests/{tests[0]}"' in opened.get_data(as_text=True)


def test_who_moves_is_the_old_offices_until_the_new_one_enters_the_arrival(city: City) -> None:
    here = begun(city)
    with city.pages(OFFICER) as pages:
        opened = pages.open(here)
        assert f'value="{TOWNSHIP}"' not in opened.get_data(as_text=True)
        nobody = pages.send(f"{here}/move", division="430822228")
        assert fault_beside(nobody, "division").startswith("平台上没有单位负责那里")
        moving = pages.send(f"{here}/move", division=OTHER_TOWNSHIP)
        assert state_of(moving) == "变更执行地，待报到 · 社区戒毒"
        assert f"本人报到后由 {OTHER} 接管；之前由 {OFFICE} 负责。" in text_of(moving)
        assert forms_on(moving)[0] == "visits"
        assert "arrival" not in forms_on(moving)
        assert "搬迁中 1" in text_of(pages.open("/measures"))
    assert known(city, here, "measure.moving.v1")["moving_to_office"] == OTHER
    with city.pages(NEIGHBOUR) as pages:
        assert f"由 {OFFICE} 负责" in text_of(pages.open("/measures"))
        assert forms_on(pages.open(here)) == ["arrival"]
        assert pages.send(f"{here}/visits").status_code == 403
        pages.open(here)
        ahead = pages.send(f"{here}/arrival", at="2030-01-01T09:00")
        assert fault_beside(ahead, "at") == "时间不能晚于现在"
        there = pages.send(f"{here}/arrival")
        assert state_of(there) == "执行中 · 社区戒毒"
        assert f"现在由谁负责 {OTHER}" in text_of(there)
        assert forms_on(there)[0] == "agreement"
        assert "接送任务</a>" not in there.get_data(as_text=True).partition("<main")[2]  # which stays the old office's
    assert known(city, here, "measure.moved.v1")["office"] == OTHER
    with city.pages(OFFICER) as pages:
        assert pages.open(here).status_code == 404


def test_a_measure_stands_still_during_detention_and_is_longer_for_it(city: City) -> None:
    here = agreed(city)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        assert fault_beside(pages.send(f"{here}/suspension"), "reason") == "必填"
        still = pages.send(f"{here}/suspension", reason="刑事拘留", at="2026-11-23T10:00")
        assert state_of(still) == "中止 · 社区戒毒"
        assert "中止 11月23日 10:00 刑事拘留" in text_of(still)
        assert "复查暂停事由" in text_of(still)
        assert forms_on(still) == ["visits", "continuation"]
    first = known(city, here, "measure.suspended.v1")["due_at"]
    city.wait(days=5)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        assert state_of(pages.send(f"{here}/visits")) == "中止 · 社区戒毒"
    review = known(city, here, "measure.visited.v1")
    assert (review["due_rule"], review["due_at"] > first) == ("H13", True)
    with city.pages(OFFICER) as pages:
        pages.open(here)
        on = pages.send(f"{here}/continuation")
        assert state_of(on) == "执行中 · 社区戒毒"
        assert "最后一天 2029-11-27" in text_of(on)
    assert known(city, here, "measure.resumed.v1")["last_day"] == "2029-11-27"


def test_who_drops_out_of_contact_is_looked_for_signed_as_unknown_and_found(city: City) -> None:
    here = agreed(city)
    city.wait(days=38)
    timer(city)
    city.pass_on()
    with city.pages(OFFICER) as pages:
        lost = pages.open(here)
        assert state_of(lost) == "查找中 · 社区戒毒"
        assert forms_on(lost)[0] == "trace-steps"
        assert "whereabouts-unknown" not in forms_on(lost)
        assert "由上级签署现状不明" in text_of(lost)
        assert pages.send(f"{here}/whereabouts-unknown").status_code == 403
        pages.open(here)
        assert fault_beside(pages.send(f"{here}/trace-steps", found="no"), "kind") == "必填"
        tried = pages.send(f"{here}/trace-steps", kind="call", found="no", note="关机")
        assert "电话：没有找到，关机" in text_of(tried)
    with city.pages(TOWN) as pages:
        pages.open(here)
        refused = text_of(pages.send(f"{here}/whereabouts-unknown"))
        assert "查找还不完整 还缺：电话 2 次 还缺：上门走访 1 次 还缺：询问家属 1 次" in refused
    with city.pages(OFFICER) as pages:
        pages.open(here)
        for kind in ("call", "call", "home_visit", "family"):
            pages.send(f"{here}/trace-steps", kind=kind, found="no")
    with city.pages(TOWN) as pages:
        pages.open(here)
        unknown = pages.send(f"{here}/whereabouts-unknown")
        assert state_of(unknown) == "现状不明 · 社区戒毒"
        assert "town.peng" in text_of(unknown)
        assert "查找中 1" in text_of(pages.open("/measures"))
    known(city, here, "measure.whereabouts_unknown.v1")
    with city.pages(OFFICER) as pages:
        assert forms_on(pages.open(here))[0] == "trace-steps"
        found = pages.send(f"{here}/trace-steps", kind="police_check", found="yes")
        assert state_of(found) == "执行中 · 社区戒毒"
        assert "找到本人" in text_of(found)
    assert known(city, here, "measure.found.v1")["due_rule"] == "M1"


def test_a_shorter_rehabilitation_is_entered_with_the_registration(city: City) -> None:
    task = met(city, "community_rehab_order")
    city.pass_on()
    with city.pages(OFFICER) as pages:
        assert "社区康复期限（月）" in text_of(pages.open(f"/tasks/{task}"))
        assert "已登记报到。" in text_of(pages.send(f"/tasks/{task}/registration", measure_months="6"))
        assert "最后一天 2027-05-22" in text_of(pages.open(f"/measures?task={task}", follow_redirects=True))


def test_a_task_of_detox_asks_for_no_length(city: City) -> None:
    task = met(city)
    city.pass_on()
    with city.pages(OFFICER) as pages:
        assert "社区康复期限" not in text_of(pages.open(f"/tasks/{task}"))


def test_the_term_ends_by_itself_and_the_end_notice_completes_it(city: City) -> None:
    here = agreed(city, ground="community_rehab_order", measure_months=1)
    city.wait(days=30)
    timer(city)
    with city.pages(OFFICER) as pages:
        over = pages.open(here)
        assert state_of(over) == "期满，待解除 · 社区康复"
        assert "戒毒条例第二十三条、第四十条" in text_of(over)
        assert forms_on(over) == ["end-notice"]
        assert fault_beside(pages.send(f"{here}/end-notice"), "number") == "必填"
        done = pages.send(f"{here}/end-notice", number="JC-1")
        assert state_of(done) == "已解除 · 社区康复"
        assert "解除通知书 JC-1" in text_of(done)
        assert forms_on(done) == []
        assert SOMEBODY.full_name not in text_of(pages.open("/measures"))
        assert SOMEBODY.full_name in text_of(pages.open("/measures?state=completed"))
    assert known(city, here, "measure.completed.v1")["end_notice_number"] == "JC-1"


def test_only_a_supervisor_terminates_with_a_lawful_reason(city: City) -> None:
    here = agreed(city)
    with city.pages(OFFICER) as pages:
        assert "依法终止的，由上级登记" in text_of(pages.open(here))
        assert pages.send(f"{here}/termination", reason="abroad").status_code == 403
    with city.pages(COUNTY) as pages:
        assert "termination" in forms_on(pages.open(here))
        refused = pages.send(f"{here}/termination", reason="moved_out")
        assert fault_beside(refused, "note") == "写明由哪个单位接管和回执编号"
        done = pages.send(f"{here}/termination", reason="moved_out", note="常德 回执 7")
        assert state_of(done) == "终止 · 社区戒毒"
        assert "由平台外的单位接管：常德 回执 7" in text_of(done)
        assert forms_on(done) == []
    assert known(city, here, "measure.terminated.v1")["end_reason"] == "moved_out"


def test_who_was_faster_is_named(city: City) -> None:
    here = begun(city)
    with city.pages(COLLEAGUE) as pages:
        pages.open(here)
        pages.send(f"{here}/agreement")
    city.pass_on()
    with city.pages(OFFICER) as pages:
        pages.open(here)
        late = pages.send(f"{here}/agreement")
        assert late.status_code == 409
        assert "协议已经签过 由 officer.xiang 于" in text_of(late)
    with city.pages(COLLEAGUE) as pages:
        pages.open(here)
        pages.send(f"{here}/suspension", reason="逮捕")
    city.pass_on()
    with city.pages(OFFICER) as pages:
        pages.open(here)
        late = pages.send(f"{here}/absences", left_on="2026-11-23", with_leave="no")
        assert late.status_code == 409
        assert "该社区戒毒（康复）的状态已变化 由 officer.xiang 于" in text_of(late)


def groups_on(answer: Any) -> dict[str, str]:
    """The groups of a list, and what stands in each."""
    shown = answer.get_data(as_text=True)
    return dict(re.findall(r'<section aria-labelledby="group-([a-z_]+)">(.*?)</section>', shown, re.DOTALL))


def test_the_list_begins_with_what_is_due_and_goes_on_by_what_is_to_be_done(city: City) -> None:
    here = begun(city)
    card = f'href="{here}"'
    with city.pages(OFFICER) as pages:
        groups = groups_on(pages.open("/measures"))
        assert ("没有要办的" in groups["due"], card in groups["running"]) == (True, True)
        assert set(groups) == {"due", "running"}  # what is empty is not there
    city.wait(days=3)  # the last day for the agreement
    with city.pages(OFFICER) as pages:
        groups = groups_on(pages.open("/measures"))
        assert (card in groups["due"], card in groups["running"]) == (True, False)
        assert card in groups_on(pages.open("/measures?state=due"))["due"]
        assert card in groups_on(pages.open("/measures?state=active"))["active"]
        assert "没有。" in groups_on(pages.open("/measures?state=moving"))["moving"]
        assert pages.open(f"/measures?task={new_id()}").status_code == 404
        assert pages.open("/measures?task=none").status_code == 404
    with city.pages(COUNTY) as pages:
        assert f"由 {OFFICE} 负责" in groups_on(pages.open("/measures"))["due"]
    with city.pages(NEIGHBOUR) as pages:
        assert card not in pages.open("/measures").get_data(as_text=True)
    with city.pages(OFFICER, "en") as pages:
        assert "In the community" in text_of(pages.open("/measures"))
        assert "Enter a visit" in text_of(pages.open(here))


def test_a_long_list_goes_on_page_by_page(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {begun(city), begun(city), begun(city)}
    monkeypatch.setattr(page, "PAGE", 2)
    with city.pages(OFFICER) as pages:
        listed = pages.open("/measures").get_data(as_text=True)
        assert "2+" in listed
        assert 'href="/measures?state=active"' in listed
        first = pages.open("/measures?state=active").get_data(as_text=True)
        (more,) = re.findall(r'href="(/measures\?state=active[^"]*cursor=[^"]*)"', first)
        rest = pages.open(more.replace("&amp;", "&")).get_data(as_text=True)
    shown = [set(re.findall(r'<a href="(/measures/[0-9a-f-]+)"', one)) for one in (first, rest)]
    assert (shown[0] | shown[1], shown[0] & shown[1]) == (known, set())
