"""Pages for imports and settings: what is wrong is said beside the field, what would change before it is confirmed."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from services.community_handover.service import SERVICE as HANDOVER
from services.drug_testing.service import SERVICE as TESTING
from shared.web import Role
from tests.support.console_pages import Pages, pages_of, text_of
from tests.support.service import ServiceUnderTest, principal_of, service_under_test
from tests.support.spreadsheets import STATION, csv_file, night_of, waiting_orders

OFFICER = principal_of(Role.STATION_OFFICER, organisation=STATION, division="430802")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430802", division="430802")
TOWNSHIP = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation="O-1", division="430802001")


@pytest.fixture
def testing(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(TESTING, f"sqlite:///{tmp_path / 'testing.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def handover(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(HANDOVER, f"sqlite:///{tmp_path / 'handover.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def station(testing: ServiceUnderTest) -> Iterator[Pages]:
    with pages_of({"drug_testing": testing}, OFFICER) as pages:
        yield pages


@pytest.fixture
def county(handover: ServiceUnderTest) -> Iterator[Pages]:
    with pages_of({"community_handover": handover}, COUNTY) as pages:
        yield pages


def upload(pages: Pages, kind: str, content: bytes, name: str = "夜班.csv") -> Any:
    pages.open(f"/imports/{kind}")
    return pages.send(f"/imports/{kind}", file=(io.BytesIO(content), name))


def test_a_night_is_uploaded_shown_and_confirmed_and_a_reload_shows_the_same(
    testing: ServiceUnderTest, station: Pages
) -> None:
    orders = waiting_orders(testing, 30)
    testing.clock.advance(timedelta(minutes=6))
    rows, spoiled = night_of(orders, 5)
    working = upload(station, "results", csv_file(rows, "gb18030"))
    assert "正在核对" in text_of(working)
    assert "已处理 0 / 30 行" in text_of(working)
    assert 'hx-trigger="every 1s"' in working.get_data(as_text=True)
    testing.run_timer("advance_result_imports")
    fragment = station.http.get(station.here, headers={"HX-Request": "true"})
    assert fragment.get_data(as_text=True).lstrip().startswith('<div id="import">')  # asks no more
    ready = station.open(station.here)
    assert "确认导入 25 行" in text_of(ready)
    assert "结果：不是可选的内容（现为文字）" in text_of(ready)
    assert "检测单号：本单位没有这张检测单" in text_of(ready)
    assert "检测人：必填" in text_of(ready)
    book = load_workbook(io.BytesIO(station.http.get(f"{station.here}/rejected.xlsx").get_data()))
    lines = list(book.worksheets[0].iter_rows(values_only=True))
    assert [int(str(line[0])) for line in lines[1:]] == spoiled
    assert list(lines[0][2:]) == rows[0]
    assert all(line[1] for line in lines[1:])
    assert [[cell or "" for cell in line[2:]] for line in lines[1:]] == [rows[number - 1] for number in spoiled]
    rejected = station.http.get(f"{station.here}/rejected.csv").get_data()
    assert rejected.startswith("\ufeff行号,原因,".encode())
    station.send(f"{station.here}/confirmation")
    testing.run_timer("advance_result_imports")
    assert "已导入 25 行" in text_of(station.open(station.here))
    upload(station, "results", csv_file(rows))
    testing.run_timer("advance_result_imports")
    again = text_of(station.open(station.here))
    assert "内容都已存在，没有改动任何数据" in again
    assert "确认导入" not in again
    upload(station, "results", rejected)  # as it was, so the reasons are the same
    testing.run_timer("advance_result_imports")
    assert "没有可导入的行" in text_of(station.open(station.here))


REFUSED = (
    (b"", "请选择一个文件"),
    (csv_file([["检测单号", "姓名"], ["1", "某"]]), "请删去这些列：姓名"),
    (csv_file([["检测单号", "结果"], ["1", "阴性"]]), "缺少列：检测人（Tester）、试剂批号（Reagent lot）"),
    (csv_file([["本月结果"], ["检测单号"]]), "不能有合并单元格"),
    (b"\xd0\xcf\x11\xe0", "另存为不加密码的 .xlsx"),
    (b'"never closed,1\n2,3\n', "第 1 行附近有未配对的引号"),
)


def test_why_a_file_is_not_taken_is_said_beside_the_field(station: Pages) -> None:
    for content, said in REFUSED:
        answer = upload(station, "results", content)
        assert answer.status_code == 422
        page = answer.get_data(as_text=True)
        assert 'aria-describedby="file-fault"' in page
        (fault,) = re.findall(r'<p id="file-fault"[^>]*>([^<]*)</p>', page)
        assert said in fault


def test_a_file_that_is_too_large_is_refused_in_words(station: Pages) -> None:
    answer = upload(station, "results", b"x" * (7 * 1024 * 1024))
    assert answer.status_code == 413
    assert "最多 6 MB" in text_of(answer)


def test_no_other_form_takes_so_large_a_body(station: Pages) -> None:
    assert station.http.post("/language", data={"x": "y" * (2 * 1024 * 1024)}).status_code == 413


def test_templates_come_in_the_users_language(testing: ServiceUnderTest) -> None:
    with pages_of({"drug_testing": testing}, OFFICER, language="en") as pages:
        content = pages.http.get("/imports/results/template.csv").get_data().decode("utf-8-sig")
        assert content.startswith("Order number,Sample,")
        assert "with the orders that wait" in text_of(pages.open("/imports/results"))
        assert "Columns that are missing" in text_of(
            upload(pages, "results", csv_file([["Result", "Tester"], ["", ""]]))
        )


def test_a_file_can_be_given_up(testing: ServiceUnderTest, station: Pages) -> None:
    orders = waiting_orders(testing, 6)
    testing.clock.advance(timedelta(minutes=6))
    upload(station, "results", csv_file(night_of(orders, 1)[0]))
    testing.run_timer("advance_result_imports")
    assert "已取消" in text_of(station.send(f"{station.here}/cancellation"))
    late = station.send(f"{station.here}/confirmation", key="of-a-page-that-was-open")
    assert late.status_code == 409
    assert "该文件的状态已变化" in text_of(late)


def test_a_county_sets_its_offices_officers_and_rosters(county: Pages) -> None:
    county.open("/settings")
    office = {"code": "O-1", "name": "永定街道办", "level": "township", "division": "430802001"}
    wrong = county.send("/settings/offices", **{**office, "division": "999"})
    assert wrong.status_code == 422
    assert re.search(r'id="division"[^>]*aria-describedby="division-fault"', wrong.get_data(as_text=True))
    assert "没有这个区划" in text_of(wrong)
    page = county.send("/settings/offices", **office)
    assert "永定街道办" in text_of(page)
    assert "无人值班" in text_of(page)
    assert "officer-a" in text_of(county.send(f"{county.here}/officers", account="officer-a"))
    today = re.findall(r'name="first_day" type="date" value="([^"]*)"', page.get_data(as_text=True))[0]
    duty = {"first_day": today, "last_day": today, "officer": "officer-a", "deputy": "officer-a"}
    same = county.send(f"{county.here}/duty", **duty)
    assert "副班必须是另一人" in text_of(same)
    assert text_of(county.send(f"{county.here}/duty", **{**duty, "deputy": "officer-b"})).count("officer-b") == 1
    assert "最多三十一天" in text_of(county.send(f"{county.here}/duty", **{**duty, "last_day": "2099-01-01"}))
    assert "已离岗" in text_of(county.send(f"{county.here}/officers", account="officer-a", active="no"))
    assert "此人已不在该单位任职" in text_of(county.send(f"{county.here}/duty", **{**duty, "deputy": "officer-b"}))
    renamed = county.send(county.here, **{**office, "name": "永定街道禁毒办"})
    assert "永定街道禁毒办" in text_of(renamed)


def test_a_county_sets_coverage_and_sees_who_is_left_without(handover: ServiceUnderTest, county: Pages) -> None:
    county.open("/settings")
    county.send("/settings/offices", code="O-1", name="办", level="township", division="430802001")
    before = text_of(county.open("/settings/coverage"))
    gaps = int(re.findall(r"没有负责单位的乡镇（(\d+)）", before)[0])
    after = text_of(county.send("/settings/coverage", division="430802001", office="O-1"))
    assert f"（{gaps - 1}）" in after
    unknown = county.send("/settings/coverage", division="1", office="O-1")
    assert (unknown.status_code, "没有这个区划" in text_of(unknown)) == (422, True)
    assert f"（{gaps}）" in text_of(county.send("/settings/coverage/430802001/closure"))


def test_an_import_of_coverage_shows_what_changes_and_which_township_loses_its_office(
    handover: ServiceUnderTest, county: Pages
) -> None:
    head = ["区划代码", "单位代码", "单位名称", "操作"]
    upload(county, "coverage", csv_file([head, ["430802001", "O-1", "办一", ""], ["430802002", "O-2", "办二", ""]]))
    handover.run_timer("advance_coverage_imports")
    ready = text_of(county.open(county.here))
    assert "确认导入 2 行" in ready
    county.send(f"{county.here}/confirmation")
    handover.run_timer("advance_coverage_imports")
    assert "已导入 2 行" in text_of(county.open(county.here))
    rows = [["430802001", "", "", "停用"], ["430802002", "O-1", "", ""], ["430802003", "O-9", "", ""]]
    upload(county, "coverage", csv_file([head, *rows]))
    handover.run_timer("advance_coverage_imports")
    ready = text_of(county.open(county.here))
    assert re.search(r"永定街道：确认后将没有负责单位", ready)
    assert re.search(r"停用 430802001|430802001 .*停用", ready)
    assert "没有这个单位；新单位须填名称" in ready
    assert "确认导入 2 行" in ready


def test_a_township_sets_its_own_rosters_and_nothing_else(handover: ServiceUnderTest, county: Pages) -> None:
    county.open("/settings")
    county.send("/settings/offices", code="O-1", name="办一", level="township", division="430802001")
    county.open("/settings")
    county.send("/settings/offices", code="O-2", name="办二", level="township", division="430802002")
    with pages_of({"community_handover": handover}, TOWNSHIP) as pages:
        page = text_of(pages.open("/settings"))
        assert "办一" in page
        assert "办二" not in page
        assert "新增单位" not in page
        assert pages.open("/settings/offices/O-2").status_code == 404
        assert pages.open("/settings/offices/O-1").status_code == 200
        assert pages.open("/imports/coverage").status_code == 403
