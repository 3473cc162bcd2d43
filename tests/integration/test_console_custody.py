"""Pages of decisions, stays and releases: a case from the decision to the gate, and back where that was an error."""

import re
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from shared.web import Role
from tests.support.builders import event
from tests.support.console_pages import text_of
from tests.support.custody import (
    CLERK,
    COLLEAGUE,
    COUNTY,
    DECISION,
    ELSEWHERE,
    NOBODY,
    PERSON,
    SOMEBODY,
    STATION,
    STRANGER,
    TOWNSHIP,
    City,
    admitted,
    custody_city,
    fault_beside,
    release_of,
    served,
    state_of,
)
from tests.support.service import principal_of


@pytest.fixture
def city(tmp_path: Path) -> Iterator[City]:
    with custody_city(tmp_path) as opened:
        yield opened


def test_a_person_is_found_by_number_and_the_decision_is_entered_served_told_and_filed(city: City) -> None:
    with city.pages(STATION) as pages:
        pages.open("/orders/new")
        unknown = pages.send("/orders/new/person", identity_number=NOBODY.identity_number)
        assert (unknown.status_code, "没有登记过这个证件号码的人" in text_of(unknown)) == (404, True)
        pages.open("/orders/new")
        form = pages.send("/orders/new/person", identity_number=PERSON["identity_number"])
        assert PERSON["identity_number"] not in pages.here
        there = pages.here
        wrong = pages.send(there, division=TOWNSHIP, **{**DECISION, "legal_reviewer": ""})
        assert wrong.status_code == 422
        assert "法制审核" in fault_beside(wrong, "legal_reviewer")
        assert 'value="永定区公安局"' in wrong.get_data(as_text=True)  # what was typed stays
        pages.open(there)
        made = pages.send(there, division=TOWNSHIP, **DECISION)
        assert state_of(made) == "已决定"
        assert "送达决定书" in text_of(made)
        assert "禁毒法第四十条" in text_of(made)
        assert "✓ 已登记决定。 回执" in text_of(made)
        here = pages.here
        assert "回执" not in text_of(pages.open(here))  # once
        assert state_of(pages.send(f"{here}/service")) == "已送达"
        told = pages.send(f"{here}/notices", addressee="family", channel="post")
        assert fault_beside(told, "proof") == "写明凭据，或者没有通知到的原因"
        told = pages.send(f"{here}/notices", addressee="family", channel="post", proof="挂号 1")
        assert "家属 邮寄" in text_of(told)
        assert "挂号 1" in text_of(told)
        filed = pages.send(f"{here}/documents", kind="service_receipt", number="回证 7", issued_on=city.day())
        assert "送达回证 回证 7" in text_of(filed)
        assert form.status_code == 200
        assert SOMEBODY.full_name in text_of(pages.open("/orders"))


def test_the_centre_takes_in_and_the_term_is_shown_as_it_is_reckoned(city: City) -> None:
    here = served(city)
    with city.pages(CLERK) as pages:
        listed = pages.open("/orders")
        assert "待收治 1" in text_of(listed)
        assert "应收尽收" in text_of(listed)
        pages.open(here)
        stay = pages.send(f"{here}/admission", special="ill")
        assert pages.here.startswith("/stays/")
        assert state_of(stay) == "在所 · 强制隔离戒毒"
        shown = text_of(stay)
        assert "第一天 2026-11-20" in shown
        assert "最后一天 2028-11-19" in shown
        assert "期限共 731 天" in shown
        assert "病残收治 患病" in shown
        assert "书面通知家属入所 依据：《司法行政机关强制隔离戒毒工作规定》" in shown
        there = pages.here
        assert "登记回所" not in text_of(pages.open(there))  # is there
        assert "已登记通知家属" in text_of(pages.send(f"{there}/family-notice"))
        city.pass_on()
        assert "最后一天 2028-11-19" in text_of(pages.open("/stays"))
        assert "收治" in text_of(pages.open(there))


def test_the_decision_that_a_settled_test_asks_for_is_entered_where_it_waits(city: City) -> None:
    settled = event("test.settled.v1", person_id=UUID(city.person), division=TOWNSHIP, opinion="severely_addicted")
    there = f"/orders/new?person={city.person}&test={settled.subject}"
    with city.pages(STATION) as pages:
        assert 'id="act-new"' in pages.open(there).get_data(as_text=True)  # nothing was heard of it yet
        assert city.services["detention_intake"].react(settled) == []
        waiting = pages.open(there, follow_redirects=True)
        assert state_of(waiting) == "待决定"
        here = pages.here = waiting.request.path
        assert state_of(pages.send(f"{here}/decision", **DECISION)) == "已决定"
        again = pages.open(there)
        assert "这次检测已有决定： 强制隔离戒毒 已决定" in text_of(again)
        assert f'href="{here}"' in again.get_data(as_text=True)
        assert pages.open(f"/orders/new?person={city.person}&test=none").status_code == 404
    with city.pages(ELSEWHERE) as pages:
        assert "这次检测已有决定" not in text_of(pages.open(there))


def test_a_centre_says_why_it_does_not_take_somebody_in(city: City) -> None:
    here = served(city)
    with city.pages(CLERK) as pages:
        pages.open(here)
        body = {"reason": "danger_to_life", "note": "住院"}
        refused = pages.send(f"{here}/admission-refusal", **body)
        assert (refused.status_code, fault_beside(refused, "retry_on")) == (422, "填写再次送所的日期")
        late = pages.send(f"{here}/admission-refusal", retry_on=city.day(), **body)
        assert fault_beside(late, "retry_on") == "再次送所的日期须在今天之后"
        done = pages.send(f"{here}/admission-refusal", retry_on=city.day(3), **body)
        assert state_of(done) == "暂缓收治"
        assert "患病可能危及生命：住院" in text_of(done)
        assert "暂缓收治 1" in text_of(pages.open("/orders"))
        pages.open(here)
        never = pages.send(f"{here}/admission-refusal", reason="pregnant_or_nursing", note="孕检")
        assert state_of(never) == "依法不收"
    city.pass_on()
    with city.pages(STATION) as pages:
        assert "待决定 1" in text_of(pages.open("/orders"))  # another decision takes its place


def test_the_days_of_a_stay_and_an_extension_that_is_answered(city: City) -> None:
    there = admitted(city)
    with city.pages(CLERK) as pages:
        pages.open(there)
        assert state_of(pages.send(f"{there}/medical-leave")).startswith("所外就医")
    city.wait(days=2)
    with city.pages(CLERK) as pages:
        pages.open(there)
        assert state_of(pages.send(f"{there}/return")).startswith("在所")
        assert state_of(pages.send(f"{there}/escape")).startswith("脱逃")
    city.wait(days=3)
    with city.pages(CLERK) as pages:
        pages.open(there)
        back = text_of(pages.send(f"{there}/return"))
        assert "脱逃不计入的天数 3 天 最后一天已顺延" in back
        assert "最后一天 2028-11-22" in back
        assert "期限共 731 天" in back
        assert "合格" in text_of(pages.send(f"{there}/assessments", on=city.day(), grade="fair"))
        far = pages.send(f"{there}/term-proposal", kind="extension", last_day="2031-01-01")
        assert "最多延长一年" in fault_beside(far, "last_day")
        barred = pages.send(f"{there}/term-proposal", kind="early_release", last_day="2028-01-01")
        assert "脱逃过的" in text_of(barred)
        asked = pages.send(f"{there}/term-proposal", kind="extension", last_day="2029-05-31")
        assert "待批复：延长期限 · 最后一天 2029-05-31" in text_of(asked)
        asked = pages.send(f"{there}/family-notice")
        assert "批复提前解除或者延长期限 依据：戒毒条例第三十三条" in text_of(asked)
        assert "/term-decision" not in asked.get_data(as_text=True)  # another's
    city.pass_on()
    with city.pages(COUNTY) as pages:
        pages.open(there)
        reason = pages.send(f"{there}/term-decision", approved="no")
        assert fault_beside(reason, "note") == "不批准的写明理由"
        done = text_of(pages.send(f"{there}/term-decision", approved="yes"))
        assert "最后一天 2029-05-31" in done
        assert "延长期限 已批准延长" in done
        assert pages.http.post(f"{there}/transfer").status_code in (400, 403)


def test_whoever_is_moved_is_another_centres(city: City) -> None:
    there = admitted(city)
    with city.pages(CLERK) as pages:
        page = pages.open(there).get_data(as_text=True)
        assert re.findall(r'<option value="(centre-\d)">', page) == ["centre-2"]
        moved = pages.send(f"{there}/transfer", to="centre-2")
        assert "已登记转所" in text_of(moved)
        assert pages.open(there).status_code == 404
    city.pass_on()
    there_now = principal_of(Role.CENTRE_CLERK, organisation="centre-2", division="4308")
    with city.pages(there_now) as pages:
        assert SOMEBODY.full_name in text_of(pages.open("/stays"))


def test_a_planned_release_is_moved_told_executed_retracted_and_planned_again(city: City) -> None:
    here = release_of(city, admitted(city))
    soon = f"{city.day(5)}T09:00"
    with city.pages(CLERK) as pages:
        page = text_of(pages.open(here))
        assert "期满出所不能取消" in page
        late = pages.send(f"{here}/rescheduling", release_at="2029-01-01T09:00", reason="迟")
        assert fault_beside(late, "release_at") == "不得晚于期限最后一天（禁毒法第四十七条）"
        moved = pages.send(f"{here}/rescheduling", release_at=soon, reason="法院判决撤销", kind="early_release")
        assert state_of(moved) == "计划出所 · 提前解除"
        assert "出所前通知原决定机关、家属、单位、派出所 依据：戒毒条例第三十四条" in text_of(moved)
        assert "还没有通知" in text_of(moved)
        silent = pages.send(f"{here}/notices", addressee="family", channel="phone")
        assert fault_beside(silent, "proof") == "写明凭据，或者没有通知到的原因"
        assert "open><summary>登记通知" not in text_of(silent)
        told = text_of(pages.send(f"{here}/notices", addressee="family", channel="phone", proof="通话记录 3"))
        assert "家属 电话" in told
        assert "通话记录 3" in told
        reason = text_of(pages.send(f"{here}/notices", addressee="work_unit", channel="post", not_told_reason="无业"))
        assert "未通知：无业" in reason
        assert "还有 4 个单位或个人没有通知" in text_of(pages.open("/releases"))
        pages.open(here)
        gone = pages.send(f"{here}/execution", certificate_number="解 1", present="family")
        assert state_of(gone) == "已出所 · 提前解除"
        assert "大门口有谁 家属" in text_of(gone)
        assert "法律文书移交" in text_of(pages.send(f"{here}/papers"))
        back = pages.send(f"{here}/retraction", reason="登记错人")
        assert state_of(back).startswith("误报，已撤回")
        again = pages.send(f"{here}/reinstatement", release_at=soon, reason="仍在所")
        assert state_of(again).startswith("计划出所")


def test_whoever_was_slower_is_told_who_did_it_and_when(city: City) -> None:
    here = release_of(city, admitted(city))
    with city.pages(COLLEAGUE) as pages:
        pages.open(here)
        pages.send(f"{here}/rescheduling", release_at=f"{city.day(1)}T09:00", reason="判决")
        pages.open("/releases")
        pages.send(f"{here}/execution", certificate_number="解 1", **{"from": "list"})
        assert pages.here == "/releases"
        page = text_of(pages.open(here))
    city.pass_on()
    with city.pages(CLERK) as pages:
        pages.open(here)
        slow = pages.send(f"{here}/rescheduling", release_at=f"{city.day(5)}T09:00", reason="迟")
        assert slow.status_code == 409
        assert re.search(r"该出所记录的状态已变化 由 clerk\.he 于 11月23日 10:00 办理", text_of(slow))
        assert "已出所" in page


def test_what_is_wrong_with_a_form_that_is_not_offered_any_more_is_told(city: City) -> None:
    here = release_of(city, admitted(city))
    with city.pages(COLLEAGUE) as pages:
        pages.open(here)
        pages.send(f"{here}/execution", certificate_number="解 1")
    with city.pages(CLERK) as pages:
        pages.open(here)
        slow = pages.send(f"{here}/rescheduling", release_at=f"{city.day(5)}T09:00")
        assert slow.status_code == 422
        assert 'id="act-rescheduling"' not in slow.get_data(as_text=True)
        assert re.findall(r'role="alert">([^<]*)<', slow.get_data(as_text=True)) == ["必填"]


def test_a_case_of_somebody_else_is_not_there(city: City) -> None:
    stay = admitted(city)
    release = release_of(city, stay)
    order = city.client("detention_intake").get("/orders", as_=COUNTY).get_json()["items"][0]["id"]
    for stranger in (STRANGER, ELSEWHERE):
        with city.pages(stranger) as pages:
            for path in (stay, f"/orders/{order}"):
                assert pages.open(path).status_code == 404
            assert SOMEBODY.full_name not in text_of(pages.open("/orders"))
            pages.open("/orders")
            assert pages.send(f"/orders/{order}/documents", kind="other", number="1").status_code == 404
    with city.pages(STRANGER) as pages:
        assert pages.open(release).status_code == 404
        pages.open("/releases")
        assert pages.send(f"{release}/execution", certificate_number="1").status_code == 404
        assert pages.send(f"{stay}/nothing").status_code == 404


def test_a_release_that_no_term_ends_is_planned_by_hand_and_can_be_cancelled(city: City) -> None:
    with city.pages(CLERK) as pages:
        pages.open("/releases/new")
        pages.send("/releases/new/person", identity_number=PERSON["identity_number"])
        there = pages.here
        early = pages.send(
            there, kind="revoked", release_at=f"{city.day(1)}T09:00", legal_ground="community_detox_order"
        )
        assert fault_beside(early, "legal_ground") == "交接依据与出所方式不符"
        pages.open(there)
        made = pages.send(there, kind="revoked", release_at=f"{city.day(1)}T09:00")
        assert state_of(made) == "计划出所 · 决定被撤销"
        here = pages.here
        assert "此人已有出所计划" in text_of(pages.open(there))
        pages.open(here)
        assert state_of(pages.send(f"{here}/cancellation", reason="登错了")).startswith("已取消")
        city.pass_on()
        assert "已取消或者撤回 1" in text_of(pages.open("/releases"))


def test_a_county_sees_that_nobody_goes_to_the_gate_and_where_to_change_it(city: City) -> None:
    with city.pages(CLERK) as pages:
        pages.open(f"/releases/new?person={city.person}")
        pages.send(f"/releases/new?person={city.person}", kind="converted", release_at=f"{city.day(2)}T09:00")
        city.pass_on()
        own = text_of(pages.open("/releases"))
        assert "谁去接由街道（乡镇）安排" in own
        assert "还没有确定谁去接" not in own
    with city.pages(COUNTY) as pages:
        board = pages.open("/releases")
        assert "还没有确定谁去接" in text_of(board)
        page = board.get_data(as_text=True)
        (task,) = re.findall(r'<a href="(/tasks/[^"]*)">去安排接人', page)
        assert 'class="card late"' in page
        assert pages.open(task).status_code == 200


def test_who_sees_no_task_is_alarmed_only_where_all_tasks_would_be_seen(city: City) -> None:
    moved = {**NOBODY.body(), "residence_division": "430822228", "registered_division": TOWNSHIP}
    person = city.client("person_registry").post("/persons", moved, as_=STATION).get_json()["id"]
    city.pass_on()
    with city.pages(CLERK) as pages:
        pages.open(f"/releases/new?person={person}")
        pages.send(f"/releases/new?person={person}", kind="converted", release_at=f"{city.day(2)}T09:00")
    whole = principal_of(Role.CITY_SUPERVISOR, organisation="NCO-4308", division="4308")
    with city.pages(whole) as pages:  # the task was not heard of yet
        assert "没有接送任务，没有人去接" in text_of(pages.open("/releases"))
    city.pass_on()
    with city.pages(COUNTY) as pages:
        board = text_of(pages.open("/releases"))
        assert "没有看到接送任务：可能由其他区县办理" in board
        assert "没有人去接" not in board


def test_a_centre_counts_and_sees_what_it_should_have(city: City) -> None:
    admitted(city)
    with city.pages(CLERK) as pages:
        pages.open("/stays")
        today = city.day()
        told = text_of(pages.send("/stays/headcount", day=today, counted="2"))
        assert f"{today} 0 收治 1 1 2 1" in told
        wrong = pages.send("/stays/headcount", day=today, counted="many")
        assert (wrong.status_code, fault_beside(wrong, "counted")) == (422, "格式不对")
        assert pages.send("/stays/headcount", day="never", counted="1").status_code in (404, 422)
        future = pages.send("/stays/headcount", day="2099-01-01", counted="1")
        assert fault_beside(future, "day") == "时间不能晚于现在"


def test_pages_speak_english(city: City) -> None:
    stay = admitted(city)
    with city.pages(CLERK, "en") as pages:
        for path in ("/orders", "/stays", "/releases", "/releases/new", stay, release_of(city, stay)):
            left = set(re.findall(r"[\u4e00-\u9fff]+", text_of(pages.open(path))))
            assert left <= {"中文", "所", "永定区", "永定街道", SOMEBODY.full_name}, path
