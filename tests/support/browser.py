"""A real browser at the console: pages of signed-in users, and what is wrong with them."""

from pathlib import Path

from playwright.sync_api import Browser, Page

from deploy.local.assets import BUILD
from tests.support.platform import RunningPlatform

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = BUILD / "node_modules" / "axe-core" / "axe.min.js"


def page_for(browser: Browser, platform: RunningPlatform, username: str, *, scripts: bool = True) -> Page:
    """A phone's page, signed in."""
    context = browser.new_context(
        viewport={"width": 375, "height": 740},
        base_url=platform.stack.urls["console"],
        java_script_enabled=scripts,
        bypass_csp=False,
    )
    page = context.new_page()
    page.goto("/")
    page.fill("#username", username)
    page.fill("#password", platform.password)
    page.click("button.main")
    page.wait_for_selector("header nav")
    return page


def violations_on(page: Page) -> list[str]:
    """What axe finds wrong with a page."""
    page.evaluate(Path(AXE).read_text())
    found: list[str] = page.evaluate(
        "axe.run().then(found => found.violations.map(v => v.id + ': ' + v.nodes[0].html))"
    )
    return found
