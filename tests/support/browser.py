"""A real browser at the console: pages of signed-in users, and what is wrong with them."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from playwright.sync_api import Browser, Locator, Page

from deploy.local.accounts import CENTRE, OFFICE, OFFICE_TOWNSHIP
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
PHONE, DESK = 375, 1280  # pixels across
HEIGHT = 740
PATIENCE_SECONDS = 30
# What a page does is the same on both databases; the services behind it are tested on both.
ON_SQLITE = pytest.mark.parametrize("platform", ["sqlite"], indirect=True, scope="session")


def widest_on(page: Page) -> str:
    """What reaches farthest to the right on a page, for whoever has to make it narrower."""
    found: str = page.evaluate(
        """[...document.querySelectorAll('main *')].map(one => [one.getBoundingClientRect().right, one.outerHTML])
        .reduce((farthest, one) => one[0] > farthest[0] ? one : farthest, [0, 'nothing'])[1].slice(0, 300)"""
    )
    return found


def new_name() -> str:
    """A name that no other test on the platform uses."""
    return f"接力{uuid4().hex[:8]}"


def page_for(
    browser: Browser, platform: RunningPlatform, username: str, *, scripts: bool = True, width: int = PHONE
) -> Page:
    """A page, signed in."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
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
    page.wait_for_load_state()  # a form pressed before its script is there goes the way without scripts
    return page


def card_of(page: Page, name: str) -> Locator:
    """Somebody's card on a list, whose name is opened to the user by an event of its own."""
    card = page.locator(".card", has_text=name)
    until = time.monotonic() + PATIENCE_SECONDS
    while not card.count() and time.monotonic() < until:
        page.reload()
    return card


def violations_on(page: Page) -> list[str]:
    """What axe finds wrong with a page."""
    page.evaluate(Path(AXE).read_text())
    found: list[str] = page.evaluate(
        "axe.run().then(found => found.violations.map(v => v.id + ': ' + v.nodes[0].html))"
    )
    return found


def too_wide(page: Page) -> int:
    """By how many pixels a page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def offered_task(platform: RunningPlatform, name: str, *, kind: str = "converted") -> str:
    """A release of somebody who lives in the demonstration officer's township, at the gate soon; the person's id."""
    client = platform.client("centre-system", "station-system", "county", "officer")
    office = {"name": "office", "level": "township", "division": OFFICE_TOWNSHIP}
    client.put("county", "community_handover", f"/offices/{OFFICE}", office)
    client.put("county", "community_handover", f"/coverage/{OFFICE_TOWNSHIP}", {"office": OFFICE})
    person = {"identity_kind": "none", "full_name": name, "sex": "male", "residence_division": OFFICE_TOWNSHIP}
    person_id = client.post("station-system", "person_registry", "/persons", person)["id"]
    release = {
        "person_id": person_id,
        "centre": CENTRE,
        "kind": kind,
        "release_at": (datetime.now(UTC) + timedelta(days=2)).isoformat(),
    }
    release_id = client.post("centre-system", "release_notification", "/releases", release)["id"]
    client.wait_for(
        "the task", lambda: client.get("officer", "community_handover", "/tasks", release_id=release_id)["items"]
    )
    return str(person_id)
