"""Notices in a real browser: the bell rings, leads to the task, and the supervisor sees that it was read."""

import time

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.browser import ON_SQLITE, new_name, offered_task, page_for, violations_on
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]
PATIENCE_MS = 30_000
TITLE = "有出所人员须在数小时内确认接收"  # a release two days ahead is confirmed within hours


def is_not_wider_than_the_phone(page: Page) -> bool:
    fits: bool = page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    return fits


def test_the_bell_rings_leads_to_the_task_and_those_above_see_that_it_was_read(
    browser: Browser, platform: RunningPlatform
) -> None:
    officer = page_for(browser, platform, "officer")  # known from now on
    officer.wait_for_selector(".bell[hx-trigger='every 30s']")
    officer.goto("/notifications")
    if officer.get_by_role("button", name="全部标为已读").count():
        officer.get_by_role("button", name="全部标为已读").click()
    name = new_name()
    offered_task(platform, name)
    officer.goto("/notifications?unread=yes")
    expect(officer.locator(".bell .unread")).to_be_visible(timeout=PATIENCE_MS)
    officer.reload()
    card = officer.locator(".card", has_text=TITLE).first
    assert name not in officer.content(), "a notice names nobody"
    assert "未读" in card.inner_text()
    assert violations_on(officer) == []
    assert is_not_wider_than_the_phone(officer)
    card.locator("a").click()  # shows it, and reads nothing
    assert "未读" in officer.locator(".facts").inner_text()
    assert violations_on(officer) == []
    officer.get_by_role("button", name="查看并办理").click()
    assert officer.locator(".state.big").inner_text() == "待确认"
    read_the_one_about(officer, name)

    county = page_for(browser, platform, "county")
    county.goto(officer.url)
    county.get_by_role("link", name="通知了谁").click()
    told = county.locator(".card", has_text=TITLE)
    assert "已有人查阅" in told.inner_text()
    assert "officer：站内" in told.inner_text()
    assert violations_on(county) == []
    assert is_not_wider_than_the_phone(county)
    for page in (officer, county):
        page.context.close()


def read_the_one_about(page: Page, name: str) -> None:
    """Go on to other notices, if the first was about somebody of another test, until the one is there."""
    until = time.monotonic() + PATIENCE_MS / 1000
    place = 0
    while name not in page.content() and time.monotonic() < until:
        page.goto("/notifications")
        cards = page.locator(".card", has_text=TITLE)
        cards.nth(place % cards.count()).locator("a").click()
        page.get_by_role("button", name="查看并办理").click()
        place += 1
    assert name in page.content()


def test_somebody_says_how_to_be_told_and_what_is_not_set_up_says_so(
    browser: Browser, platform: RunningPlatform
) -> None:
    page = page_for(browser, platform, "officer2")
    page.get_by_role("link", name="通知", exact=False).click()
    page.get_by_role("link", name="通知设置").click()
    assert page.locator("h1").inner_text() == "通知设置"
    assert page.get_by_text("本平台尚未配置").count() == 2
    page.get_by_label("手机号码", exact=True).fill("13900000000")
    page.get_by_label("短信").set_checked(True)
    page.get_by_label("从", exact=True).fill("21:30")
    page.get_by_label("合并发送").select_option("daily")
    page.get_by_role("button", name="保存", exact=True).click()
    assert "已保存" in page.locator(".receipt").inner_text()
    assert page.get_by_label("从", exact=True).input_value() == "21:30"
    assert page.get_by_label("手机号码", exact=True).input_value() == "13900000000"
    assert violations_on(page) == []
    assert is_not_wider_than_the_phone(page)
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").inner_text() == "Notification settings"
    page.get_by_label("Mobile number", exact=True).fill("12")
    page.get_by_role("button", name="Save", exact=True).click()
    assert "phone" in page.locator(".fault").inner_text()
    page.context.close()
