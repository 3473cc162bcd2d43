"""The community officer's telephone: no network, a wrong press, a photograph, few bytes."""

import base64
import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from services.console.assets import NAMES
from tests.support.browser import ON_SQLITE, card_of, new_name, offered_task, page_for, violations_on
from tests.support.messaging import wait_until
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]
MOST_BYTES = 60_000
ASKED_ANEW = {"/tasks", "/notifications/bell"}
# One grey pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
)


def task_of(platform: RunningPlatform, person: str) -> str:
    found = platform.client("officer").get("officer", "community_handover", "/tasks", person_id=person)
    return str(found["items"][0]["id"])


def acts_on(platform: RunningPlatform, task: str, action: str) -> int:
    rows = platform.client("auditor").get("auditor", "community_handover", "/audit", subject=task, action=action)
    return sum(row["refused"] is None for row in rows["items"])


def state_of(page: Page, name: str) -> str:
    return card_of(page, name).locator(".state").inner_text()


def test_what_was_pressed_without_network_is_sent_once_when_it_returns(
    browser: Browser, platform: RunningPlatform
) -> None:
    name = new_name()
    task = task_of(platform, offered_task(platform, name))
    page = page_for(browser, platform, "officer")
    second_tab = page.context.new_page()
    second_tab.goto("/tasks")
    page.context.set_offline(True)
    card = card_of(page, name)
    card.get_by_role("button", name="确认收到").click()
    card.locator(".queued").wait_for()
    assert "已保存，待发送" in page.locator("#waiting").inner_text()
    assert violations_on(page) == []
    assert card_of(second_tab, name).locator(".queued").is_visible()
    assert name not in page.evaluate("localStorage.getItem('baton.waiting')"), "no name is kept on the telephone"
    assert acts_on(platform, task, "handover.accepted.v1") == 0
    page.context.set_offline(False)
    said = [tab.locator("#waiting [role=status]", has_text="已确认接收") for tab in (page, second_tab)]
    wait_until(lambda: sum(one.count() for one in said) == 1, "one of the two tabs has sent it")
    card_of(page, name).locator(".state", has_text="待接回").wait_for()
    expect(page.locator("#waiting li")).to_have_count(0)
    assert acts_on(platform, task, "handover.accepted.v1") == 1
    page.reload()  # whatever still waited would be sent now
    page.wait_for_load_state("networkidle")
    assert acts_on(platform, task, "handover.accepted.v1") == 1
    page.context.close()


def test_what_waits_can_be_undone_is_kept_over_a_restart_and_is_nobody_elses(
    browser: Browser, platform: RunningPlatform
) -> None:
    names = (new_name(), new_name())
    undone, kept = (task_of(platform, offered_task(platform, name)) for name in names)
    page = page_for(browser, platform, "officer")
    page.context.route("**/acceptance", lambda route: route.abort())  # as a network that is there and leads nowhere
    for name in names:
        card_of(page, name).get_by_role("button", name="确认收到").click()
        card_of(page, name).locator(".queued").wait_for()
    waiting = page.locator("#waiting li")
    waiting.filter(has=page.locator(f"a[href$='{undone}']")).get_by_role("button", name="撤销").click()
    assert waiting.count() == 1
    page.reload()
    assert waiting.count() == 1
    sign_out_and_in(page, platform, "officer2")
    page.context.unroute("**/acceptance")
    page.reload()
    page.wait_for_load_state("networkidle")
    assert not page.locator("#waiting").is_visible()
    assert acts_on(platform, kept, "handover.accepted.v1") == 0
    sign_out_and_in(page, platform, "officer")
    page.locator("#waiting [role=status]", has_text="已确认接收").wait_for()
    assert [acts_on(platform, task, "handover.accepted.v1") for task in (undone, kept)] == [0, 1]
    page.context.close()


def sign_out_and_in(page: Page, platform: RunningPlatform, username: str) -> None:
    page.get_by_role("button", name="退出").click()
    page.wait_for_url("**/signed-out**")
    page.goto("/tasks")
    page.fill("#username", username)
    page.fill("#password", platform.password)
    page.click("button.main")
    page.wait_for_selector("header nav")
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_wrong_press_is_taken_back_and_a_photograph_attached(
    browser: Browser, platform: RunningPlatform, tmp_path: Path, scripts: bool
) -> None:
    name = new_name()
    task = task_of(platform, offered_task(platform, name))
    page = page_for(browser, platform, "officer", scripts=scripts)
    card_of(page, name).get_by_role("button", name="确认收到").click()
    page.wait_for_url(f"**/tasks/{task}")  # where pressing leads
    page.get_by_role("button", name="撤销确认").click()
    expect(page.locator(".state.big")).to_have_text("待确认")
    page.get_by_role("button", name="确认收到").click()
    page.locator(".state.big", has_text="待接回").wait_for()
    assert acts_on(platform, task, "handover.accept") == 3
    attach(page, tmp_path, b"no picture")
    assert "只能上传照片" in page.locator("#attachments .fault").inner_text()
    attach(page, tmp_path, PICTURE)
    assert "附件已保存" in page.locator("#attachments .receipt").inner_text()
    if scripts:
        assert violations_on(page) == []
    link = page.locator("#attachments li a").get_attribute("href")
    shown = page.request.get(str(link))
    assert shown.headers["content-type"] == ("image/jpeg" if scripts else "image/png")  # made smaller, or as it was
    assert acts_on(platform, task, "attachment.viewed") == 1
    page.context.close()


def attach(page: Page, folder: Path, content: bytes) -> None:
    file = folder / "photograph.png"
    file.write_bytes(content)
    page.get_by_text("上传签字材料的照片").click()
    page.get_by_label("照片或 PDF").set_input_files(file)
    page.get_by_role("button", name="上传").click()
    page.wait_for_url(re.compile("#attachments$"))


def test_the_first_load_of_an_officers_page_is_light_and_the_next_is_lighter(
    browser: Browser, platform: RunningPlatform
) -> None:
    page = page_for(browser, platform, "officer")
    context = browser.new_context(storage_state=page.context.storage_state(), base_url=platform.stack.urls["console"])
    first, again = (bytes_of(context) for _ in range(2))
    assert len(first.keys() - ASKED_ANEW) == len(NAMES), first  # nothing else is asked for
    assert MOST_BYTES // 10 < sum(first.values()) <= MOST_BYTES, first
    assert set(again) == ASKED_ANEW, "what has a fingerprint is asked for once"
    context.close()
    page.context.close()


def bytes_of(context: BrowserContext) -> dict[str, int]:
    """What came over the network for the page, headers included, by path."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    paths: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.responseReceived", lambda told: paths.update(_fetched(told)))
    session.on(
        "Network.loadingFinished",
        lambda told: sizes.update({told["requestId"]: int(told["encodedDataLength"])}),
    )
    page.goto("/tasks", wait_until="networkidle")
    page.close()
    return {path: sizes[number] for number, path in paths.items() if number in sizes}


def _fetched(told: dict[str, object]) -> dict[str, str]:
    response = told["response"]
    assert isinstance(response, dict)
    if response.get("fromDiskCache") or str(response["url"]).startswith("data:"):
        return {}
    return {str(told["requestId"]): re.sub(r"^https?://[^/]+", "", str(response["url"]))}
