"""A station's and a county's pages of tests: a whole contested case by forms, and what is said of what goes wrong."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.demo_people import invented_people
from services.console.pages import test_ordering
from services.drug_testing.service import SERVICE as TESTING
from services.oversight.service import SERVICE as OVERSIGHT
from services.person_registry.service import SERVICE as REGISTRY
from shared.web import Role
from tests.support.console_pages import Pages, pages_of, text_of
from tests.support.service import START, FixedClock, ServiceUnderTest, principal_of, service_under_test

STATION, PLACE = "ZJJ-YD-PCS-01", "430802001"
OFFICER = principal_of(Role.STATION_OFFICER, organisation=STATION, division="430802", subject="officer-a")
COLLEAGUE = principal_of(Role.STATION_OFFICER, organisation=STATION, division="430802", subject="officer-b")
STRANGER = principal_of(Role.STATION_OFFICER, organisation="elsewhere", division="430822")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430802", division="430802")
TOWNSHIP = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation="O-1", division=PLACE)
LABORATORIES = {"LAB-1": ("市人民医院", "medical"), "LAB-2": ("市司法鉴定中心", "accredited")}
COLLECTED = {
    "sample_type": "urine",
    "collectors.0.officer": "P1",
    "collectors.0.sex": "female",
    "collectors.1.officer": "P2",
    "collectors.1.sex": "male",
}
POSITIVE = {
    "substances": "MET",
    "tester": "officer-a",
    "reagent_lot": "L1",
    "sample_a": "A-1",
    "sample_b": "B-1",
    "seal_signed": "yes",
}
WOMAN = next(person for person in invented_people(20) if person.sex == "female")


@dataclass
class Station:
    """The services that the pages ask, on one clock; what one says, the others hear."""

    registry: ServiceUnderTest
    testing: ServiceUnderTest
    oversight: ServiceUnderTest
    clock: FixedClock

    def hear(self) -> None:
        """Everybody hears what was said so far."""
        registered = self.registry.events("person.registered.v1")
        assert self.testing.react(*registered) == []
        assert self.registry.react(*self.testing.events()) == []
        assert self.oversight.react(*registered, *self.testing.events()) == []

    def services(self, *, at_once: bool = True) -> dict[str, ServiceUnderTest]:
        """By name; with what the registry says heard at once, or only later."""

        def registry(environ: Any, start_response: Any) -> list[bytes]:
            answer = list(self.registry.app(environ, start_response))
            if at_once:
                self.hear()
            return answer

        told = replace(self.registry, app=registry)  # type: ignore[arg-type]
        return {"drug_testing": self.testing, "person_registry": told, "oversight": self.oversight}

    def sample(self, seal: str, step: str, laboratory: str, body: dict[str, Any]) -> None:
        """What a laboratory does by its own API."""
        who = principal_of(Role.LABORATORY, organisation=laboratory)
        answer = self.testing.client.post(f"/samples/{seal}/{step}", body, as_=who)
        assert answer.status_code == 201, answer.get_json()


@pytest.fixture
def city(tmp_path: Path) -> Iterator[Station]:
    clock = FixedClock(START)
    with ExitStack() as stack:
        opened = [
            stack.enter_context(service_under_test(one, f"sqlite:///{tmp_path / one.name}.sqlite3", clock))
            for one in (REGISTRY, TESTING, OVERSIGHT)
        ]
        city = Station(*opened, clock)
        for code, (name, kind) in LABORATORIES.items():
            city.testing.client.put(f"/laboratories/{code}", {"name": name, "kind": kind}, as_=COUNTY)
        yield city


@pytest.fixture
def pages(city: Station) -> Iterator[Pages]:
    with pages_of(city.services(), OFFICER) as opened:
        yield opened


def fault_beside(answer: Any, field: str) -> str:
    """What is said beside a field of a form that was refused."""
    page = answer.get_data(as_text=True)
    assert f'aria-describedby="{field}-fault"' in page
    (fault,) = re.findall(rf'<p id="{field}-fault"[^>]*>([^<]*)</p>', page)
    return str(fault)


def forms_on(answer: Any) -> list[str]:
    """The acts of which there are forms, the usual one first."""
    return re.findall(r'id="act-([a-z-]+)"', answer.get_data(as_text=True))


def entered(person: Any = WOMAN, **changes: str) -> dict[str, str]:
    known = {"identity_kind": "resident_id", "identity_number": person.identity_number, "sex": person.sex}
    return {**known, "full_name": person.full_name, "ground": "venue_check", "division": PLACE, **changes}


def order(pages: Pages, **changes: str) -> Any:
    """Register somebody and order a test; the order's page is open then."""
    pages.open("/tests/new")
    return pages.send("/tests/new", **entered(**changes))


def do(pages: Pages, name: str, /, **fields: str) -> Any:
    return pages.send(f"{pages.here}/{name}", **fields)


def until_positive(pages: Pages) -> Any:
    order(pages)
    do(pages, "collection", **COLLECTED)
    do(pages, "positive", **POSITIVE)
    return do(pages, "telling", signed="yes")


def test_a_contested_case_goes_its_whole_way_by_forms(city: Station, pages: Pages) -> None:
    assert "登记并下达检测" in text_of(pages.open("/tests"))
    ordered = order(pages)
    assert ordered.status_code == 200
    assert forms_on(ordered)[0] == "collection"
    for said in ("已下达检测。", "回执", WOMAN.full_name, "待采样", "平台规定，没有法定期限", "场所检查"):
        assert said in text_of(ordered), said
    here = pages.here
    collected = do(pages, "collection", **COLLECTED)
    assert forms_on(collected)[0] == "negative"
    assert 'name="tester" value="officer-a"' in collected.get_data(as_text=True)
    assert "P1 （ 女 ）" in text_of(collected) or "P1（女）" in text_of(collected)
    sealed = text_of(do(pages, "positive", **POSITIVE))
    assert "甲基苯丙胺（冰毒，MET）" in sealed
    assert "A A-1 · B B-1 · 本人已签名" in sealed
    told = do(pages, "telling", signed="yes")
    assert "《吸毒检测程序规定》第十条，三个工作日" in text_of(told)
    assert "《吸毒成瘾认定办法》第六条" in text_of(told)
    assert forms_on(told)[0] == "addiction-opinion"
    opinion = do(pages, "addiction-opinion", opinion="addicted", officers="P1\nP2")
    assert "吸毒成瘾 · " in text_of(opinion)
    assert "决定是否实验室检测并告知本人" in text_of(do(pages, "objection"))
    assert "送检 A 样本" in text_of(do(pages, "objection-decision", approved="yes"))
    city.clock.advance(timedelta(minutes=5))
    sent = text_of(do(pages, "dispatch", laboratory="LAB-1", sent_by="P1"))
    assert "现在由谁负责 市人民医院" in sent
    assert "送检人 P1" in sent
    city.sample("A-1", "receipt", "LAB-1", {"intact": True})
    report = {"number": "R-1", "result": "positive", "findings": [{"substance": "MET", "value": 1500, "unit": "ng/mL"}]}
    city.sample("A-1", "report", "LAB-1", report)
    reported = pages.open(here)
    assert forms_on(reported)[0] == "report-telling"
    assert "阳性 · R-1" in text_of(reported)
    assert "二十四小时" in text_of(reported)
    again = do(pages, "report-telling", signed="no", refusal_note="本人拒签，在场民警见证")
    assert "本人可以申请复检" in text_of(again)
    do(pages, "objection")
    decided = do(pages, "objection-decision", approved="yes")
    choices = re.findall(r'<option value="(LAB-\d)"', decided.get_data(as_text=True))
    assert choices == ["LAB-2"]  # another institution makes the re-test
    do(pages, "dispatch", laboratory="LAB-2", sent_by="P2")
    city.sample("B-1", "receipt", "LAB-2", {"intact": True})
    city.sample("B-1", "report", "LAB-2", {"number": "R-2", "result": "positive", "findings": []})
    pages.open(here)
    settled = do(pages, "report-telling", signed="yes")
    assert "复检仍为阳性" in text_of(settled)
    assert "没有进一步的检测" in text_of(settled)
    assert "objection" not in forms_on(settled)
    city.hear()
    shown = text_of(pages.open(here))
    assert shown.count("test.objected.v1") == 2
    assert "已办结 1" in text_of(pages.open("/tests"))


def test_a_negative_result_takes_two_taps_once_the_lot_is_known(pages: Pages) -> None:
    for _number, person in zip(range(2), invented_people(20), strict=False):
        order(pages, **entered(person))
        do(pages, "collection", **COLLECTED)
        usual = dict(re.findall(r'name="(tester|reagent_lot)" value="([^"]*)"', pages.open(pages.here).text))
        result = do(pages, "negative", **{"tester": "officer-a", "reagent_lot": "L-7", **_filled(usual)})
        assert "阴性，待告知" in text_of(result)
        do(pages, "telling", signed="no", refusal_note="拒绝签字")
    assert usual == {"tester": "officer-a", "reagent_lot": "L-7"}


def _filled(usual: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in usual.items() if value}


def test_the_same_form_sent_twice_registers_and_orders_once(city: Station, pages: Pages) -> None:
    key = re.findall(r'name="key" value="([^"]*)"', pages.open("/tests/new").text)[0]
    first = pages.send("/tests/new", key=key, **entered())
    pages.here = "/tests/new"
    second = pages.send("/tests/new", key=key, **entered())
    assert first.request.path == second.request.path
    assert len(city.registry.events("person.registered.v1")) == 1
    assert len(city.testing.events("test.ordered.v1")) == 1


def test_who_has_a_file_is_shown_and_not_registered_again(city: Station, pages: Pages) -> None:
    order(pages)
    pages.open("/tests/new")
    found = pages.send("/tests/new", **entered(full_name="写错的名字"))
    assert "此证件号码已有档案" in text_of(found)
    assert WOMAN.full_name in text_of(found)  # not the name that was typed
    (there,) = re.findall(r'action="(/tests/new\?person=[^"]*)"', found.get_data(as_text=True))
    ordered = pages.send(there, ground="self_report", division=PLACE)
    assert "待采样" in text_of(ordered)
    assert len(city.registry.events("person.registered.v1")) == 1
    assert len(city.testing.events("test.ordered.v1")) == 2


def test_nobody_learns_a_name_by_typing_a_number(city: Station, pages: Pages) -> None:
    order(pages)
    city.clock.advance(timedelta(days=1))
    with pages_of(city.services(), STRANGER) as theirs:
        theirs.open("/tests/new")
        found = text_of(theirs.send("/tests/new", **entered(full_name="某某", division="430822228")))
        assert "（姓名未开放）" in found
        assert WOMAN.full_name not in found


def test_a_person_whom_testing_has_not_heard_of_yet_is_kept_for_the_next_try(
    city: Station, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_ordering, "PATIENCE_SECONDS", 0.0)
    with pages_of(city.services(at_once=False), OFFICER) as pages:
        pages.open("/tests/new")
        nameless = {"identity_kind": "none", "identity_number": ""}
        waits = pages.send("/tests/new", **entered(**nameless))
        assert waits.status_code == 422
        assert "人员已登记，检测还没有下达。" in text_of(waits)
        assert "请几秒后再提交" in text_of(waits)
        city.hear()
        (there,) = re.findall(r'action="(/tests/new\?person=[^"]*)"', waits.get_data(as_text=True))
        assert "待采样" in text_of(pages.send(there, ground="venue_check", division=PLACE))
    assert len(city.registry.events("person.registered.v1")) == 1


WRONG_PERSONS = (
    ({"identity_number": ""}, "new-test-identity_number", "居民身份证必须填写号码"),
    ({"identity_number": WOMAN.identity_number[:-1]}, "new-test-identity_number", "身份证号码应为十八位"),
    ({"sex": "male"}, "new-test-identity_number", "身份证号码与性别不符"),
    ({"phone": "12"}, "new-test-phone", "不是国内电话号码"),
    ({"full_name": ""}, "new-test-full_name", "必填"),
    ({"ground": "other"}, "new-test-ground_detail", "请写明嫌疑依据什么"),
)


def test_what_is_wrong_with_a_person_is_said_beside_the_field(pages: Pages) -> None:
    for changes, field, said in WRONG_PERSONS:
        answer = order(pages, **changes)
        assert answer.status_code == 422
        assert fault_beside(answer, field) == said


MAN_ONLY = {**COLLECTED, "collectors.0.sex": "male"}
ONE_ONLY = {name: value for name, value in COLLECTED.items() if not name.startswith("collectors.1")}
WRONG_COLLECTIONS = (
    (ONE_ONLY, "collection-collectors", "须由两名不同的民警采样"),
    (MAN_ONLY, "collection-collectors", "女性尿样须由女性工作人员采集"),
    ({**COLLECTED, "collectors.1.sex": ""}, "collection-collectors", "必填"),
    ({**COLLECTED, "collected_at": "2026-11-24T10:00"}, "collection-collected_at", "时间不能晚于现在"),
)


def test_what_is_wrong_with_a_collection_is_said_beside_its_rows_and_what_was_typed_stays(pages: Pages) -> None:
    assert "尿样须由女性工作人员采集" in text_of(order(pages))
    for fields, field, said in WRONG_COLLECTIONS:
        answer = do(pages, "collection", **fields)
        assert answer.status_code == 422
        assert fault_beside(answer, field) == said
        assert 'name="collectors.0.officer" value="P1"' in answer.get_data(as_text=True)


def test_a_positive_result_without_seals_says_so_at_each_field(pages: Pages) -> None:
    order(pages)
    do(pages, "collection", **COLLECTED)
    answer = do(pages, "positive", tester="P1", reagent_lot="L1", seal_signed="no")
    assert fault_beside(answer, "positive-substances") == "阳性结果须填检出物质"
    assert fault_beside(answer, "positive-sample_a") == "阳性样本须分装封存并编号"
    assert fault_beside(answer, "positive-seal_note") == "被检测人签名，或注明拒签"
    assert "<details open>" in answer.get_data(as_text=True)


def test_an_objection_that_comes_too_late_needs_its_reason(city: Station, pages: Pages) -> None:
    until_positive(pages)
    city.clock.advance(timedelta(days=7))
    city.testing.run_timer("settle_passed_windows")
    with pages_of(city.services(), OFFICER) as later:
        assert "期限内没有申请" in text_of(later.open(pages.here))
        late = do(later, "objection")
        assert fault_beside(late, "objection-late_reason") == "申请期限已过，请写明逾期理由"
        taken = text_of(do(later, "objection", late_reason="住院"))
    assert "逾期理由 住院" in taken
    assert "申请实验室检测，待决定" in taken


def test_who_waived_cannot_object_and_the_page_says_why(pages: Pages) -> None:
    until_positive(pages)
    waived = do(pages, "waiver")
    assert "objection" not in forms_on(waived)
    assert "本人已签字不申请实验室检测或者复检。" in text_of(waived)


def test_from_a_settled_result_whoever_may_enter_decisions_goes_on_without_typing(city: Station, pages: Pages) -> None:
    order(pages)
    do(pages, "collection", **COLLECTED)
    do(pages, "positive", **POSITIVE)
    assert "登记处理决定" not in text_of(do(pages, "telling", signed="yes"))
    settled = do(pages, "waiver").get_data(as_text=True)
    (there,) = re.findall(r'href="(/orders/new[^"]*)">登记处理决定', settled)
    known = city.testing.client.get(f"/test-orders{pages.here.removeprefix('/tests')}", as_=OFFICER).get_json()
    assert there.replace("&amp;", "&") == f"/orders/new?person={known['person_id']}&test={known['id']}"
    for who, is_there in ((COUNTY, True), (TOWNSHIP, False)):
        with pages_of(city.services(), who) as theirs:
            assert ("登记处理决定" in text_of(theirs.open(pages.here))) is is_there


def test_a_refusal_of_the_request_needs_a_reason(pages: Pages) -> None:
    until_positive(pages)
    do(pages, "objection")
    denied = do(pages, "objection-decision", approved="no")
    assert fault_beside(denied, "objection-decision-note") == "不同意的，须写明理由"
    assert "申请未获同意" in text_of(do(pages, "objection-decision", approved="no", note="样本已核实"))


def test_a_conflict_says_who_was_faster_and_when(city: Station, pages: Pages) -> None:
    order(pages)
    here = pages.here
    with pages_of(city.services(), COLLEAGUE) as theirs:
        theirs.open(here)
        theirs.send(f"{here}/collection", **COLLECTED)
    city.hear()
    with pages_of(city.services(), OFFICER) as again:
        again.open(here)
        answer = again.send(f"{here}/refusal")
    assert answer.status_code == 409
    assert "检测单的状态已变化" in text_of(answer)
    assert "由 officer-b 于 11月23日 10:00 办理" in text_of(answer)
    assert "已采样" in text_of(answer)


def test_somebody_elses_order_is_not_found(city: Station, pages: Pages) -> None:
    order(pages)
    here = pages.here
    with pages_of(city.services(), STRANGER) as theirs:
        for path in (here, f"{here}/notice", f"{here}/notice.pdf"):
            assert theirs.open(path).status_code == 404
        theirs.here = "/tests"
        assert theirs.send(f"{here}/collection", **COLLECTED).status_code == 404
    with pages_of(city.services(), OFFICER) as own:
        own.open(here)
        assert own.send(f"{here}/execution").status_code == 404  # no such act


def test_a_county_has_its_own_acts_and_a_township_only_reads(city: Station, pages: Pages) -> None:
    order(pages)
    here = pages.here
    with pages_of(city.services(), TOWNSHIP) as theirs:
        assert forms_on(theirs.open(here)) == []
    with pages_of(city.services(), COUNTY) as county:
        assert sorted(forms_on(county.open(here))) == ["exemption", "non-test"]
        assert "excused" not in county.open(here).text
        answer = county.send(f"{here}/exemption", reason="illness", note="住院证明")
        assert "因病不能检测：住院证明" in text_of(answer)
        assert "此项检测不需要再办理" in text_of(answer)


def test_who_refuses_is_tested_by_force_or_agrees(pages: Pages) -> None:
    order(pages)
    refused = do(pages, "refusal")
    assert forms_on(refused)[0] == "forced-test"
    do(pages, "forced-test", approver="P1")
    by_approver = do(pages, "collection", **COLLECTED)
    assert fault_beside(by_approver, "collection-collectors") == "批准强制检测的人不能采样"
    assert "待采样" in text_of(do(pages, "agreement"))
    assert "未检测" in text_of(do(pages, "non-test", reason="本人逃离"))


def test_the_chain_of_custody_is_kept_and_an_unfit_sample_is_replaced(city: Station, pages: Pages) -> None:
    until_positive(pages)
    page = pages.open(pages.here).text
    assert f'name="given_by" value="{STATION}"' in page
    stored = do(pages, "custody", seal="A-1", step="stored", given_by=STATION, held_by="物证室", intact="yes")
    assert "入库保管" in text_of(stored)
    early = {"seal": "B-1", "step": "destroyed", "given_by": STATION, "held_by": "P1", "intact": "yes", "witness": "P2"}
    assert "样本保存期未满，不能销毁" in text_of(do(pages, "custody", **early))
    do(pages, "objection")
    do(pages, "objection-decision", approved="yes")
    broken = do(pages, "custody", seal="A-1", step="inspected", given_by="物证室", held_by="物证室", intact="no")
    assert "样本不合格" in text_of(broken)
    assert forms_on(broken)[0] == "new-sample"
    fresh = {"seal": "A-9", "collected_by": "P1", "approver": "局长"}
    assert "A A-9" in text_of(do(pages, "new-sample", **fresh))
    do(pages, "unfit-sample", reason="漏液")
    with pages_of(city.services(), COUNTY) as county:
        county.open(pages.here)
        assert "样本无法检验" in text_of(county.send(f"{pages.here}/abandonment"))


def test_the_notice_says_what_was_found_and_what_may_be_asked_for_until_when_and_of_whom(
    city: Station, pages: Pages
) -> None:
    order(pages)
    here = pages.here
    assert "还没有检测结果" in text_of(pages.open(f"{here}/notice"))
    assert pages.open(f"{here}/notice.pdf").status_code == 404
    pages.open(here)
    do(pages, "collection", **COLLECTED)
    do(pages, "positive", **POSITIVE)
    before = text_of(pages.open(f"{here}/notice"))
    assert WOMAN.full_name in before
    assert "结果为阳性，检出：甲基苯丙胺" in before
    assert "自被告知结果之日起三个工作日内向" in before
    pages.open(here)
    do(pages, "telling", signed="no", refusal_note="拒签")
    told = text_of(pages.open(f"{here}/notice"))
    due = city.testing.client.get(f"/test-orders{here.removeprefix('/tests')}", as_=OFFICER).get_json()
    assert due["objection_due_at"].startswith("2026-11-26T16:00")  # the end of the third working day in China
    assert f"三个工作日内（2026年11月27日00:00前）向{STATION}提出" in told
    assert "被检测人拒绝签名：拒签" in told
    with pages_of(city.services(), OFFICER, language="en") as english:
        assert "现场检测结果告知书" in text_of(english.open(f"{here}/notice"))
        assert english.open(f"{here}/notice.pdf").get_data().startswith(b"%PDF-")


def test_an_order_is_worked_on_while_the_timeline_is_away(city: Station, pages: Pages) -> None:
    order(pages)
    here = pages.here
    services = {name: one for name, one in city.services().items() if name != "oversight"}
    with pages_of(services, OFFICER) as alone:
        assert "经过暂时无法显示" in text_of(alone.open(here))
        assert "已登记采样" in text_of(alone.send(f"{here}/collection", **COLLECTED))


def test_in_english_every_page_is_english(city: Station) -> None:
    with pages_of(city.services(), OFFICER, language="en") as pages:
        until_positive(pages)
        page = text_of(pages.open(pages.here))
        for name in (WOMAN.full_name, "永定区", "永定街道", "中文"):  # names, and the other language's own
            page = page.replace(name, "")
        assert re.findall(r"[\u4e00-\u9fff]+", page) == []
