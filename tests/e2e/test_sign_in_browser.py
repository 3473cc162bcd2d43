"""Signing in and out on a phone, in both languages; a session that ends while somebody types."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from services.console.session_store import SessionStore
from tests.support.browser import ON_SQLITE, card_of, new_name, offered_task, page_for, violations_on
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]


def leave_alone(page: Page, platform: RunningPlatform) -> None:
    """As if its user had not been there for hours."""
    data = Path(platform.stack.env["BATON_DATA"])
    url = platform.stack.env.get("DATABASE_URL") or f"sqlite:///{data / 'console.sqlite3'}"
    store = SessionStore(url, (data / "keys" / "session-secret").read_text())
    (cookie,) = [one["value"] for one in page.context.cookies() if one["name"] == "baton_console"]
    store.see(cookie, 0.0)
    store.dispose()


def test_somebody_mistypes_changes_the_language_signs_in_and_out(browser: Browser, platform: RunningPlatform) -> None:
    page = browser.new_context(
        viewport={"width": 375, "height": 740}, base_url=platform.stack.urls["console"], java_script_enabled=True
    ).new_page()
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.goto("/tasks")
    assert page.locator("h1").inner_text() == "登录"
    assert violations_on(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    page.get_by_role("link", name="English").click()
    page.get_by_role("link", name="officer · ").click()
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    assert page.get_by_role("alert").inner_text() == "User name or password is wrong"
    assert violations_on(page) == []
    faults.clear()  # a browser calls a refusal an error
    page.get_by_label("Password").fill(platform.password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_selector("header nav")
    assert page.url.endswith("/tasks")
    assert "Community officer" in page.locator("header").inner_text()  # in the language of the provider's page
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/signed-out**")
    assert page.locator("h1").inner_text() == "You have signed out"
    assert violations_on(page) == []
    page.goto("/tasks")
    assert page.locator("h1").inner_text() == "Sign in"  # signed out at the provider too
    assert faults == []
    page.context.close()


def test_what_was_typed_while_the_session_ended_is_sent_after_signing_in(
    browser: Browser, platform: RunningPlatform
) -> None:
    name = new_name()
    offered_task(platform, name)
    page = page_for(browser, platform, "officer")
    card_of(page, name).locator("a").first.click()
    page.get_by_text("不归我单位管").click()
    page.get_by_label("理由").select_option(label="本人不住在本辖区")
    page.get_by_label("说明").fill("本人住在邻乡")
    leave_alone(page, platform)
    page.get_by_role("button", name="退回").click()
    assert "已经保留" in page.locator("main").inner_text()
    assert violations_on(page) == []
    page.get_by_role("button", name="重新登录").click()
    page.fill("#username", "officer")
    page.fill("#password", platform.password)
    page.click("button.main")
    assert "本人住在邻乡" in page.locator("main").inner_text()
    assert violations_on(page) == []
    page.get_by_role("button", name="再次提交").click()
    expect(page.locator(".state.big")).to_have_text("有争议，待区县决定")
    page.context.close()
