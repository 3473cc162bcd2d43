"""Need to know in a real browser: no name without a duty, a reason opens it, somebody else examines the reason."""

import pytest
from playwright.sync_api import Browser

from tests.support.browser import ON_SQLITE, new_name, offered_task, page_for, violations_on
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]
REASON = "家属到窗口询问本人下落"


def test_the_city_has_no_duty_gives_a_reason_and_the_county_examines_it(
    browser: Browser, platform: RunningPlatform
) -> None:
    name = new_name()
    person = offered_task(platform, name)
    city = page_for(browser, platform, "city")
    city.goto(f"/persons/{person}")
    assert name not in city.content()
    assert violations_on(city) == []
    city.get_by_role("textbox", name="理由").fill("太短")
    city.get_by_role("button", name="说明理由后查看").click()
    assert name not in city.content(), "the browser holds the form back"
    city.get_by_role("textbox", name="理由").fill(REASON)
    city.get_by_role("button", name="说明理由后查看").click()
    assert city.locator("h1").inner_text() == name
    city.goto("/openings")
    assert "须由他人核查" in city.locator("main").inner_text()

    county = page_for(browser, platform, "county")
    county.goto("/openings")
    assert violations_on(county) == []
    county.locator(".card", has_text=REASON).get_by_role("button", name="理由不成立").click()
    assert "已否决" in county.locator(".receipt").inner_text()
    city.goto(f"/persons/{person}")
    assert name not in city.content()
    for page in (city, county):
        page.context.close()


def test_the_record_for_the_person_names_who_looked_and_a_sealed_file_names_nobody(
    browser: Browser, platform: RunningPlatform
) -> None:
    name = new_name()
    person = offered_task(platform, name)
    officer = page_for(browser, platform, "officer")
    officer.goto(f"/persons/{person}")
    assert officer.locator("h1").inner_text() == name
    county = page_for(browser, platform, "county")
    county.goto(f"/persons/{person}")
    assert violations_on(county) == []
    county.get_by_role("link", name="本人查阅用的记录").click()
    assert violations_on(county) == []
    assert "officer" in county.locator("table").last.inner_text()
    county.goto(f"/persons/{person}")
    county.get_by_text("封存违法记录").click()
    county.get_by_label("依据").fill("治安管理处罚法第一百三十六条")
    county.get_by_role("button", name="封存").click()
    assert "档案已封存" in county.locator(".receipt").inner_text()
    for page in (officer, county):
        page.goto(f"/persons/{person}")
        assert name not in page.content()
        page.context.close()
