"""``make screens``: pictures of each role's main pages, on a telephone and at a desk, for the guides.

A platform of its own with the demonstration's invented people, a real browser, ``docs/screens/*.png``.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from deploy.local.broker import PrivateBroker
from deploy.local.stack import ROOT
from deploy.local.system_packages import program
from tests.support.browser import ARGUMENTS, DESK, PHONE, page_for
from tests.support.platform import RunningPlatform, running_platform

FOLDER = ROOT / "docs" / "screens"
HEIGHT = {PHONE: 740, DESK: 800}  # pixels
NAMES = {PHONE: "phone", DESK: "desk"}


@dataclass(frozen=True)
class Screen:
    """A page of a role. ``opened`` is the first link with this place in it, on the page of ``path``."""

    name: str
    username: str
    path: str
    opened: str | None = None


SCREENS = (
    Screen("station-tests", "station", "/tests"),
    Screen("station-test", "station", "/tests", "#tests .card > a"),
    Screen("station-test-new", "station", "/tests/new"),
    Screen("laboratory-sample", "laboratory", "/samples"),
    Screen("centre-releases", "centre", "/releases"),
    Screen("centre-orders", "centre", "/orders"),
    Screen("centre-stays", "centre", "/stays"),
    Screen("centre-stay", "centre", "/stays", "#stays .card > a"),
    Screen("centre-release", "centre", "/releases", "#releases .card > div > a"),
    Screen("officer-tasks", "officer", "/tasks"),
    Screen("officer-task", "officer", "/tasks", ".card > a"),
    Screen("township-tasks", "township", "/tasks"),
    Screen("county-overview", "county", "/stages"),
    Screen("city-indicators", "city", "/indicators"),
    Screen("auditor-audit", "auditor", "/audit"),
    Screen("operator-ops", "operator", "/ops"),
)


def files() -> list[str]:
    """The names of all pictures."""
    return [f"{screen.name}-{size}.png" for screen in SCREENS for size in NAMES.values()]


def main() -> int:
    """Take them all."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            PrivateBroker(folder / "rabbitmq") as broker,
            running_platform(folder / "data", amqp_uri=broker.uri, database_url=None) as platform,
        ):
            demo = [sys.executable, "-m", "deploy.local.demo"]
            subprocess.run(demo, env={**os.environ, **platform.stack.env}, cwd=ROOT, check=True)
            take(platform, SCREENS)
    return 0


def take(platform: RunningPlatform, screens: Sequence[Screen]) -> None:
    """Pictures of these."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program("chromium"), args=ARGUMENTS)
        for username in dict.fromkeys(screen.username for screen in screens):
            _take_of(browser, platform, username, [screen for screen in screens if screen.username == username])
        browser.close()


def _take_of(browser: Browser, platform: RunningPlatform, username: str, screens: Sequence[Screen]) -> None:
    page = page_for(browser, platform, username)
    for screen in screens:
        for width in NAMES:
            _take(page, screen, width)
    page.context.close()


def _take(page: Page, screen: Screen, width: int) -> None:
    page.set_viewport_size({"width": width, "height": HEIGHT[width]})
    page.goto(screen.path, wait_until="networkidle")
    if screen.opened:
        page.locator(screen.opened).first.click()
        page.wait_for_load_state("networkidle")
    path = FOLDER / f"{screen.name}-{NAMES[width]}.png"
    page.screenshot(path=path, animations="disabled")
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size // 1000} kB", flush=True)


if __name__ == "__main__":
    sys.exit(main())
