"""Every role goes through its pages, on a telephone and at a desk, in both languages and both sizes of type.

Each page is looked at by axe, reaches nothing on other hosts, says nothing in the browser's console and is no wider
than its window. Demonstration data is there, so that lists are not empty.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect

from deploy.local.accounts import ACCOUNTS, CENTRE, OFFICE_TOWNSHIP
from shared.kernel.clock import CHINA
from shared.web.principal import Role
from tests.support.browser import (
    DESK,
    ON_SQLITE,
    PHONE,
    card_of,
    new_name,
    offered_task,
    page_for,
    too_wide,
    violations_on,
    widest_on,
)
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


# Every kind of element of a page with what axe judges by: its place, class, role, name and state.
ELEMENTS = """
  location.pathname + [...new Set([...document.querySelectorAll('*')].map((one) => [
    one.parentElement && one.parentElement.tagName, one.tagName, one.className,
    ...one.getAttributeNames().filter((name) => /^(role|aria|lang|data-type|type|tabindex|hidden|for)/.test(name)),
  ].join('|')))].sort().join() + document.documentElement.lang + document.documentElement.dataset.type
"""


@dataclass(frozen=True)
class Journey:
    """Who goes where: the menu's entries in the order in which they stand there."""

    username: str
    menu: tuple[str, ...]
    english: str  # the first entry in English


PATIENCE_SECONDS = 60
JOURNEYS = (
    Journey("station", ("检测", "决定与收治", "总览"), "Tests"),
    Journey("laboratory", ("样本",), "Samples"),
    Journey("centre", ("决定与收治", "在所人员", "出所", "总览"), "Decisions"),
    Journey("officer", ("接送任务", "社区执行", "总览"), "Handover tasks"),
    Journey("township", ("接送任务", "社区执行", "总览", "差错", "指标", "设置"), "Handover tasks"),
    Journey(
        "county",
        ("接送任务", "社区执行", "检测", "决定与收治", "出所", "查看核查", "总览", "差错", "指标", "设置"),
        "Handover tasks",
    ),
    Journey(
        "city",
        ("接送任务", "社区执行", "检测", "决定与收治", "出所", "查看核查", "总览", "差错", "指标", "设置"),
        "Handover tasks",
    ),
    Journey("auditor", ("查看核查", "总览", "差错", "运维", "审计", "指标"), "Looks"),
    Journey("operator", ("总览", "差错", "运维"), "Overview"),
)


@pytest.fixture(scope="module")
def examined() -> set[str]:
    """What axe has looked at: which elements a page is made of, in which size of type and language."""
    return set()


@pytest.fixture(scope="module")
def somebody(platform: RunningPlatform) -> tuple[str, str]:
    """A person with a task, so that cases and files can be opened: id and name."""
    name = new_name()
    return offered_task(platform, name), name


@dataclass
class Watch:
    """What a page does that it should not."""

    page: Page

    def __post_init__(self) -> None:
        self.foreign: list[str] = []
        self.faults: list[str] = []
        self.refused: set[str] = set()  # pages that are not for the role, which browsers call an error each time
        self.page.on("request", self._on_request)
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))

    def _on_console(self, told: ConsoleMessage) -> None:
        if told.type == "error" and told.location["url"] not in self.refused:
            self.faults.append(told.text)

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "http://localhost:", "data:")):
            self.foreign.append(request.url)

    def require_good(self, examined: set[str]) -> None:
        """The page as it is now is good. What is made of the same elements is looked at by axe once."""
        where = self.page.url
        assert self.page.locator("h1").count() == 1, where
        kind: str = self.page.evaluate(ELEMENTS)
        if kind not in examined:
            examined.add(kind)
            assert violations_on(self.page) == [], where
        assert too_wide(self.page) <= 0, f"{where}: {widest_on(self.page)}"
        assert (self.foreign, self.faults) == ([], []), where


def test_every_role_has_an_account_and_a_journey() -> None:
    walked = {account.role for account in ACCOUNTS if account.username in {journey.username for journey in JOURNEYS}}
    assert walked == set(Role) - {Role.ANYONE_SIGNED_IN, Role.SYSTEM}


@ON_SQLITE
@pytest.mark.parametrize("journey", JOURNEYS, ids=lambda journey: journey.username)
def test_a_role_sees_all_its_pages_on_a_telephone_and_at_a_desk(
    browser: Browser, platform: RunningPlatform, somebody: tuple[str, str], journey: Journey, examined: set[str]
) -> None:
    page = page_for(browser, platform, journey.username)
    watch = Watch(page)
    assert tuple(page.locator("header nav a").all_inner_texts()) == journey.menu
    addresses = [str(link.get_attribute("href")) for link in page.locator("header nav a").all()]
    person_id, _ = somebody
    for address in (*addresses, f"/cases/{person_id}", f"/persons/{person_id}"):
        page.set_viewport_size({"width": PHONE, "height": 740})
        answered = page.goto(address)
        assert answered is not None
        assert answered.status == 200 or address not in addresses, address
        if answered.status in (403, 404):
            watch.refused.add(answered.url)
            watch.faults.clear()
        watch.require_good(examined)
        page.set_viewport_size({"width": DESK, "height": 740})
        assert too_wide(page) <= 0, f"{address}: {widest_on(page)}"
    in_large_type_and_english(page, watch, journey, addresses, examined)
    page.context.close()


def in_large_type_and_english(
    page: Page, watch: Watch, journey: Journey, addresses: list[str], examined: set[str]
) -> None:
    """The same once more; at the end everything is as it was."""
    page.set_viewport_size({"width": PHONE, "height": 740})
    usual = font_size(page)
    press_large(page)
    assert font_size(page) >= 1.4 * usual
    speak_english(page)
    for address in addresses:
        page.goto(address)
        watch.require_good(examined)
    assert page.locator("header nav a").first.inner_text() == journey.english
    page.get_by_role("button", name="Large type").click()
    page.wait_for_selector("html:not([data-type])")
    assert font_size(page) == usual
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signed-out**")


def press_large(page: Page) -> None:
    page.get_by_role("button", name="大字版").click()
    page.wait_for_selector("html[data-type=large]")


def speak_english(page: Page) -> None:
    page.get_by_role("button", name="English").click()
    page.get_by_role("button", name="Sign out").wait_for()


def font_size(page: Page) -> float:
    size: float = page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).fontSize)")
    return size


@ON_SQLITE
def test_large_type_is_kept_for_whoever_signs_in_at_this_browser(browser: Browser, platform: RunningPlatform) -> None:
    page = page_for(browser, platform, "officer", scripts=False)
    press_large(page)
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/signed-out**")
    assert page.locator("html").get_attribute("data-type") == "large"
    page.context.close()


@ON_SQLITE
def test_the_keyboard_alone_reaches_the_content_and_every_menu_entry(
    browser: Browser, platform: RunningPlatform, somebody: tuple[str, str]
) -> None:
    page = page_for(browser, platform, "officer", width=DESK)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.locator("#main:focus").wait_for()
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")
    page.keyboard.press("Alt+Shift+Digit2")
    page.wait_for_url("**/measures")
    page.context.close()
    page = page_for(browser, platform, "county", width=DESK)
    page.keyboard.press("Alt+Shift+Digit0")  # the tenth
    page.wait_for_url("**/settings")
    page.context.close()


@ON_SQLITE
def test_a_board_is_kept_up_to_date_and_what_is_being_typed_stays(
    browser: Browser, platform: RunningPlatform, somebody: tuple[str, str]
) -> None:
    _, name = somebody
    page = page_for(browser, platform, "centre")
    card = card_of(page, name)
    card.get_by_text("登记出所").click()
    card.get_by_label("解除证明书编号").fill("typed")
    another = new_name()
    offered_task(platform, another)
    page.locator("#releases").dispatch_event("refresh")
    page.locator(".card", has_text=another).wait_for(timeout=PATIENCE_SECONDS * 1000)
    assert card.get_by_label("解除证明书编号").input_value() == "typed"
    assert card.locator("details").get_attribute("open") is not None
    page.context.close()


@ON_SQLITE
def test_a_clerk_prints_a_notice_for_each_who_has_to_be_told(browser: Browser, platform: RunningPlatform) -> None:
    name = new_name()
    offered_task(platform, name, kind="early_release")
    page = page_for(browser, platform, "centre", width=DESK)
    card_of(page, name).get_by_role("link", name="出所通知书").click()
    sheets = page.locator(".sheet").all_inner_texts()
    assert len(sheets) >= 5
    assert all(name in sheet and "《戒毒条例》第三十四条" in sheet for sheet in sheets)
    assert violations_on(page) == []
    with page.expect_download() as download:
        page.get_by_role("link", name="下载 PDF").click()
    pdf = Path(download.value.path()).read_bytes()
    assert (pdf[:5], pdf.count(b"/Type /Page\n")) == (b"%PDF-", len(sheets))
    page.emulate_media(media="print")
    assert not page.locator("header").is_visible()
    page.context.close()


@pytest.fixture
def english_without_scripts(browser: Browser, platform: RunningPlatform) -> Iterator[Page]:
    page = page_for(browser, platform, "officer", scripts=False, width=DESK)
    speak_english(page)
    yield page
    page.context.close()


@ON_SQLITE
def test_an_officer_goes_the_whole_way_in_english_without_scripts(
    platform: RunningPlatform, english_without_scripts: Page
) -> None:
    name = new_name()
    offered_task(platform, name)
    page = english_without_scripts
    page.goto("/tasks")
    card_of(page, name).get_by_role("button", name="Confirm", exact=True).click()
    for press in ("Enter what happened", "Register", "Agreement signed"):
        page.get_by_role("button", name=press).click()
    expect(page.locator(".state.big")).to_have_text("Done")


def decided(platform: RunningPlatform, name: str) -> str:
    """The id of a served decision of isolation about somebody, whom the centre has to take in."""
    client = platform.client("centre-system", "station-system", "county")
    centre = {"name": "市强制隔离戒毒所", "kind": "justice", "division": "430802"}
    client.put("county", "detention_intake", f"/centres/{CENTRE}", centre)
    person = {"identity_kind": "none", "full_name": name, "sex": "male", "residence_division": OFFICE_TOWNSHIP}
    person_id = client.post("station-system", "person_registry", "/persons", person)["id"]
    order = {
        "person_id": person_id,
        "division": OFFICE_TOWNSHIP,
        "kind": "compulsory_isolation",
        "deciding_organ": "永定区公安局",
        "legal_reviewer": "FZ-1",
        "isolation_ground": "severe_addiction",
        "decided_on": f"{datetime.now(CHINA):%Y-%m-%d}",
    }
    order_id: str = client.post("county", "detention_intake", "/orders", order)["id"]
    client.post("county", "detention_intake", f"/orders/{order_id}/service", {})
    return order_id


@ON_SQLITE
def test_a_clerk_takes_somebody_in_counts_and_tells_of_the_release(
    browser: Browser, platform: RunningPlatform, examined: set[str]
) -> None:
    order_id = decided(platform, new_name())
    page = page_for(browser, platform, "centre")
    watch = Watch(page)
    page.goto("/orders")
    watch.require_good(examined)
    page.locator(f"#orders .card a[href='/orders/{order_id}']").click()
    page.get_by_role("button", name="登记收治入所").wait_for()
    good_in_both_widths(page, watch, examined)
    page.get_by_role("button", name="登记收治入所").click()
    page.wait_for_url("**/stays/**")
    expect(page.locator(".receipt")).to_contain_text("已收治入所")
    good_in_both_widths(page, watch, examined)
    page.locator("summary", has_text="所外就医").click()
    page.get_by_role("button", name="所外就医").click()
    expect(page.locator(".state.big")).to_contain_text("所外就医")
    page.locator("summary", has_text="登记回所").click()
    page.get_by_role("button", name="登记回所").click()
    expect(page.locator(".state.big")).to_contain_text("在所")
    page.goto("/stays")
    page.get_by_label("当日最后点名的人数").fill("1")
    page.get_by_role("button", name="上报人数").click()
    good_in_both_widths(page, watch, examined)
    for address in ("/releases", "/releases/new", "/orders/new", "/notifications/webhooks"):
        page.goto(address)
        good_in_both_widths(page, watch, examined)
    name = new_name()
    offered_task(platform, name)
    page.goto("/releases")
    card_of(page, name).locator("a").first.click()
    page.get_by_role("button", name="本人已出所").wait_for()
    good_in_both_widths(page, watch, examined)
    page.locator("summary", has_text="登记通知").click()
    page.get_by_label("通知谁").select_option("family")
    page.get_by_label("方式", exact=True).select_option("phone")
    page.get_by_label("凭据", exact=False).first.fill("通话记录 1")
    page.get_by_role("button", name="登记通知").click()
    expect(page.locator("main")).to_contain_text("通话记录 1")
    good_in_both_widths(page, watch, examined)
    page.context.close()


@ON_SQLITE
def test_a_station_officer_orders_a_test_enters_its_result_tells_it_and_prints_the_notice(
    browser: Browser, platform: RunningPlatform, examined: set[str]
) -> None:
    name = new_name()
    page = page_for(browser, platform, "station")
    watch = Watch(page)
    page.get_by_role("button", name="登记并下达检测").click()
    page.wait_for_url("**/tests/new")
    good_in_both_widths(page, watch, examined)
    page.get_by_label("证件种类").select_option("none")
    page.get_by_label("姓名").fill(name)
    page.get_by_label("性别").select_option("male")
    page.get_by_label("检测理由").select_option("venue_check")
    page.get_by_label("查获地点").select_option(OFFICE_TOWNSHIP)
    page.get_by_role("button", name="登记并下达检测").click()
    page.wait_for_url(re.compile(r"/tests/[0-9a-f-]{36}$"))
    here = urlsplit(page.url).path
    expect(page.locator(".receipt")).to_contain_text("已下达检测。")
    good_in_both_widths(page, watch, examined)
    enter_a_positive_result(page, watch, examined, seals=(f"A-{here[-6:]}", f"B-{here[-6:]}"))
    telling = page.locator("#act-telling")
    telling.get_by_label("已签名").check()
    telling.get_by_role("button").click()
    expect(page.locator(".state.big")).to_have_text("异议期内")
    expect(page.locator(".receipt")).to_contain_text(f"已登记告知。 回执 {here.removeprefix('/tests/')[:8]}-")
    expect(page.locator(".receipt")).to_contain_text("下一步：")
    good_in_both_widths(page, watch, examined)
    page.goto("/tests")
    card_of(page, name).locator(f"a[href='{here}']").click()
    page.wait_for_url(f"**{here}")
    page.get_by_role("link", name="检测结果告知书（打印）").click()
    page.wait_for_url(f"**{here}/notice")
    sheet = page.locator(".sheet")
    for said in (name, "结果为阳性，检出：甲基苯丙胺", f"A 样本编号 A-{here[-6:]}", "第十条申请实验室检测"):
        expect(sheet).to_contain_text(said)
    expect(page.get_by_role("button", name="打印")).to_be_visible()
    good_in_both_widths(page, watch, examined)
    page.context.close()


def enter_a_positive_result(page: Page, watch: Watch, examined: set[str], seals: tuple[str, str]) -> None:
    """The sample is taken and its result entered, by hand, on the page of the test."""
    collection = page.locator("#act-collection")
    collection.get_by_label("检材").select_option("urine")
    for index, sex in enumerate(("female", "male")):
        collection.locator(f"[name='collectors.{index}.officer']").fill(f"P{index}")
        collection.locator(f"[name='collectors.{index}.sex']").select_option(sex)
    collection.get_by_role("button").click()
    expect(page.locator(".state.big")).to_have_text("已采样")
    good_in_both_widths(page, watch, examined)
    page.locator("summary", has_text="结果：阳性").click()
    positive = page.locator("#act-positive")
    positive.get_by_label("甲基苯丙胺（冰毒，MET）").check()
    positive.get_by_label("试剂批号").fill("L-1")
    for label, seal in zip(("A 样本封条编号", "B 样本封条编号"), seals, strict=True):
        positive.get_by_label(label).fill(seal)
    positive.get_by_label("已签名").check()
    good_in_both_widths(page, watch, examined)
    positive.get_by_role("button").click()
    expect(page.locator(".state.big")).to_have_text("阳性，待告知")
    good_in_both_widths(page, watch, examined)


@ON_SQLITE
def test_an_officer_opens_the_measure_after_the_registration_signs_the_agreement_and_enters_a_visit(
    browser: Browser, platform: RunningPlatform, examined: set[str]
) -> None:
    name = new_name()
    offered_task(platform, name)
    page = page_for(browser, platform, "officer")
    watch = Watch(page)
    card_of(page, name).get_by_role("button", name="确认收到").click()
    page.wait_for_url("**/tasks/**")
    for press in ("登记接人情况", "登记报到"):
        page.get_by_role("button", name=press).click()
    expect(page.locator(".state.big")).to_have_text("已登记")
    page.locator("main").get_by_role("link", name="社区执行").click()
    page.wait_for_url("**/measures/**")
    here = urlsplit(page.url).path
    expect(page.locator("h1")).to_have_text(name)
    expect(page.locator(".next")).to_contain_text("签订协议 依据：戒毒条例第十六条")
    good_in_both_widths(page, watch, examined)
    page.locator("#act-agreement").get_by_role("button", name="已签协议").click()
    expect(page.locator(".receipt")).to_contain_text("已登记协议。")
    visit = page.locator("#act-visits")
    visit.get_by_role("button", name="登记见面走访").click()
    expect(page.locator(".receipt")).to_contain_text("已登记见面走访。")
    next_due = f"{datetime.now(CHINA) + timedelta(days=31):%m月%d日}".replace("月0", "月").lstrip("0")
    expect(page.locator(".receipt")).to_contain_text(f"下一步：{next_due} 00:00 前 见面走访")
    good_in_both_widths(page, watch, examined)
    page.goto("/measures")
    card_of(page, name).locator(f"a[href='{here}']").click()
    page.wait_for_url(f"**{here}")
    page.get_by_role("link", name="接送任务").last.click()
    page.wait_for_url("**/tasks/**")
    expect(page.locator(".state.big")).to_have_text("已办结")
    page.context.close()


def good_in_both_widths(page: Page, watch: Watch, examined: set[str]) -> None:
    """The page is good on a telephone and at a desk."""
    for width in (DESK, PHONE):
        page.set_viewport_size({"width": width, "height": 740})
        watch.require_good(examined)
