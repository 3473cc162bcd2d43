"""An operator deals with dead letters of the running platform: from the command line and in the console."""

import sys
from subprocess import run as run_program
from typing import Any
from uuid import uuid4

import pytest
from playwright.sync_api import Browser

from deploy.local.stack import ROOT
from shared.messaging.broker import Broker, drop
from tests.support.browser import page_for, violations_on
from tests.support.messaging import publish
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser]


def poison(platform: RunningPlatform) -> str:
    """A message of a stranger that oversight can never read; its id."""
    message_id = str(uuid4())
    connection = Broker(platform.stack.env["AMQP_URI"], name="stranger").connect()
    try:
        publish(connection, b"{", routing_key="person.registered.v1", message_id=message_id)
    finally:
        drop(connection)
    return message_id


def letter_of(platform: RunningPlatform, message_id: str) -> Any:
    client = platform.client("operator")
    path = "/ops/dead-letters"
    (letter,) = client.wait_for(
        "the letter", lambda: client.get("operator", "oversight", path, message_id=message_id)["items"]
    )
    return letter


def ops(platform: RunningPlatform, *arguments: str) -> tuple[int, str]:
    env = platform.stack.env | {"OPS_PASSWORD": platform.password}
    done = run_program(
        [sys.executable, "-m", "deploy.local.ops", *arguments], env=env, cwd=ROOT, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def test_from_the_command_line(platform: RunningPlatform) -> None:
    letter = letter_of(platform, poison(platform))
    status, told = ops(platform, "status")
    assert (status, "oversight" in told) == (0, True)
    assert letter["id"] in ops(platform, "letters", "oversight", "--state", "waiting")[1]
    assert "not_json" in ops(platform, "letter", "oversight", letter["id"])[1]
    assert ops(platform, "replay", "oversight", "--note", "x")[0] == 2  # neither a letter nor a reason
    status, told = ops(platform, "discard", "oversight", letter["id"], "--note", "a test of the station's system")
    assert (status, told.strip()) == (0, f"{letter['id']} is discarded")
    status, told = ops(platform, "discard", "oversight", letter["id"], "--note", "again")
    assert status == 1
    assert "dead_letter.decided" in told
    assert "Traceback" not in told


def test_in_the_console(browser: Browser, platform: RunningPlatform) -> None:
    letter = letter_of(platform, poison(platform))
    page = page_for(browser, platform, "operator")
    page.get_by_role("link", name="运维").click()
    assert page.locator("h1").inner_text() == "运维"
    assert violations_on(page) == []
    assert "not_json" in page.locator("main").inner_text()
    page.goto(f"/ops/oversight/letters/{letter['id']}")
    assert violations_on(page) == []
    form = page.locator("form", has_text="放弃")
    form.get_by_label("为什么不会丢失任何事项").fill("车站系统的测试消息")
    form.get_by_role("button", name="放弃").click()
    assert page.locator(".receipt").inner_text() == "这条消息已放弃"
    assert "车站系统的测试消息" in page.locator(".facts").inner_text()
    assert page.locator("form", has_text="放弃").count() == 0
    page.context.close()
