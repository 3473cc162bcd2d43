"""The console in a real browser: an officer on a phone follows a case from the list to the registration."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from deploy.local.accounts import OFFICE
from shared.kernel.clock import CHINA
from tests.support.browser import ON_SQLITE, card_of, new_name, offered_task, page_for, violations_on
from tests.support.platform import RunningPlatform
from tests.support.spreadsheets import result_row, table, xlsx_file

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_an_officer_confirms_meets_and_registers(browser: Browser, platform: RunningPlatform, scripts: bool) -> None:
    name = new_name()
    offered_task(platform, name)
    page = page_for(browser, platform, "officer", scripts=scripts)
    card = card_of(page, name)
    assert card.locator(".state").inner_text() == "待确认"
    card.get_by_role("button", name="确认收到").click()
    assert "已确认接收" in page.locator(".receipt").inner_text()
    expect(page.locator(".state.big")).to_have_text("待接回")
    page.get_by_role("button", name="登记接人情况").click()
    page.get_by_role("button", name="登记报到").click()
    expect(page.locator(".state.big")).to_have_text("已登记")
    page.get_by_role("button", name="已签协议").click()
    expect(page.locator(".state.big")).to_have_text("已办结")
    assert page.locator(".timeline li").count() >= 5
    page.context.close()


def test_an_office_refuses_with_a_reason_and_the_county_decides(browser: Browser, platform: RunningPlatform) -> None:
    name = new_name()
    offered_task(platform, name)
    officer = page_for(browser, platform, "officer")
    card_of(officer, name).locator("a").first.click()
    officer.get_by_text("不归我单位管").click()
    officer.get_by_label("理由").select_option(label="其他（请写明）")
    officer.get_by_label("说明").fill("本人住在邻乡")
    officer.get_by_role("button", name="退回").click()
    assert officer.locator(".state.big").inner_text() == "有争议，待区县决定"
    county = page_for(browser, platform, "county")
    county.goto("/tasks")
    card_of(county, name).locator("a").first.click()
    assert "本人住在邻乡" in county.locator(".facts").inner_text()
    county.get_by_text("指定接收单位", exact=True).click()
    county.get_by_label("接收单位").select_option(OFFICE)
    county.get_by_label("理由").first.fill("户籍地和居住地都在此")
    county.get_by_role("button", name="指定", exact=True).click()
    assert county.locator(".state.big").inner_text() == "待确认"
    officer.reload()
    assert officer.get_by_text("不归我单位管").count() == 0  # decided
    officer.context.close()
    county.context.close()


def test_a_colleague_who_was_slower_is_told_who_was_first(browser: Browser, platform: RunningPlatform) -> None:
    name = new_name()
    offered_task(platform, name)
    slow = page_for(browser, platform, "officer2")
    card_of(slow, name).locator("a").first.click()
    fast = page_for(browser, platform, "officer")
    card_of(fast, name).get_by_role("button", name="确认收到").click()
    fast.wait_for_selector(".receipt")
    slow.get_by_role("button", name="确认收到").click()
    told = slow.locator(".fault").inner_text()
    assert "已有人确认接收" in told
    assert "officer" in told
    slow.context.close()
    fast.context.close()


@pytest.mark.parametrize(
    ("username", "heading"),
    [
        ("station", "检测"),
        ("centre", "出所"),
        ("lockup", "出所"),
        ("officer", "接送任务"),
        ("township", "接送任务"),
        ("county", "总览"),
        ("city", "总览"),
        ("auditor", "总览"),
        ("operator", "总览"),
    ],
)
def test_every_role_arrives_at_a_page_that_axe_finds_nothing_wrong_with(
    browser: Browser, platform: RunningPlatform, username: str, heading: str
) -> None:
    page = page_for(browser, platform, username)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.reload()
    assert page.locator("h1").inner_text() == heading
    assert faults == []
    assert violations_on(page) == []
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.context.close()


def test_a_supervisor_looks_at_the_rates_and_the_cases_behind_them(browser: Browser, platform: RunningPlatform) -> None:
    name = new_name()
    offered_task(platform, name)
    page = page_for(browser, platform, "city")
    page.get_by_role("link", name="指标").click()
    assert page.locator("h1").inner_text() == "指标"
    assert violations_on(page) == []
    page.fill("input[name=month]", f"{datetime.now(CHINA) + timedelta(days=2):%Y-%m}")
    page.get_by_role("button", name="查看").click()
    page.get_by_role("link", name="按期确认率").click()
    assert page.locator("h1").inner_text() == "按期确认率"
    assert violations_on(page) == []
    page.goto("/indicators")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载表格").click()
    assert "pickup_rate" in Path(download.value.path()).read_text("utf-8-sig")
    page.context.close()


def test_a_station_imports_its_results_with_progress_and_keyboard(
    browser: Browser, platform: RunningPlatform, tmp_path: Path
) -> None:
    client = platform.client("station-system")
    person = {"identity_kind": "none", "full_name": new_name(), "sex": "male", "residence_division": "430802001"}
    person_id = client.post("station-system", "person_registry", "/persons", person)["id"]
    order = {"person_id": person_id, "division": "430802001", "ground": "venue_check"}
    order_id = client.post("station-system", "drug_testing", "/test-orders", order)["id"]
    collected = {"sample_type": "尿液", "collector_1_sex": "男", "collector_2_sex": "女", "collected_at": ""}
    night = tmp_path / "night.xlsx"
    night.write_bytes(xlsx_file(table([result_row(order_id, **collected), result_row(person_id, result="弱阳性")])))
    page = page_for(browser, platform, "station")
    page.get_by_role("link", name="从表格导入检测结果").click()
    assert violations_on(page) == []
    page.get_by_label("文件").set_input_files(night)
    page.get_by_label("文件").press("Tab")
    page.keyboard.press("Enter")
    confirm = page.get_by_role("button", name="确认导入 1 行")
    confirm.wait_for()  # the page asks for progress by itself
    assert "结果：不是可选的内容（现为文字）" in page.locator("main").inner_text()
    assert violations_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    confirm.press("Enter")
    page.get_by_text("已导入 1 行").wait_for()
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    assert "弱阳性" in Path(download.value.path()).read_text("utf-8-sig")
    page.get_by_role("button", name="English").click()
    page.get_by_text("1 lines were applied").wait_for()
    assert violations_on(page) == []
    page.context.close()


def test_a_county_looks_after_its_offices_rosters_and_coverage(browser: Browser, platform: RunningPlatform) -> None:
    offered_task(platform, new_name())  # makes the office
    page = page_for(browser, platform, "county")
    page.get_by_role("link", name="设置").click()
    assert violations_on(page) == []
    page.locator(".card", has_text=OFFICE).locator("a").click()
    page.get_by_label("主班账号").fill("officer")
    page.get_by_label("副班账号").fill("officer")
    page.get_by_role("button", name="保存排班").click()
    assert page.locator("#duty-deputy-fault").inner_text() == "副班必须是另一人"
    assert violations_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_label("副班账号").fill("officer2")
    page.get_by_role("button", name="保存排班").click()
    page.get_by_role("cell", name="officer2").first.wait_for()
    page.goto("/settings/coverage")
    assert violations_on(page) == []
    page.get_by_role("link", name="从表格导入").click()
    assert violations_on(page) == []
    page.context.close()


def test_a_wrong_password_is_told_beside_the_form_and_opens_nothing(
    browser: Browser, platform: RunningPlatform
) -> None:
    page = browser.new_context(base_url=platform.stack.urls["console"]).new_page()
    page.goto("/tasks")
    page.fill("#username", "officer")
    page.fill("#password", "wrong")
    page.click("button.main")
    assert page.locator("#fault").inner_text() == "用户名或密码不正确"
    page.goto("/tasks")
    page.wait_for_selector("#password")
    assert page.url.startswith(platform.stack.urls["identity"])
    page.context.close()
