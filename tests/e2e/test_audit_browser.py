"""The audit in a real browser, and the command that proves it, beside a running platform."""

import os
import subprocess
import sys

import pytest
from playwright.sync_api import Browser

from deploy.local.stack import IDENTITY, SERVICES
from tests.support.browser import ON_SQLITE, new_name, offered_task, page_for, violations_on
from tests.support.platform import RunningPlatform

pytestmark = [pytest.mark.e2e, pytest.mark.browser, ON_SQLITE]


def test_an_auditor_sees_who_looked_by_what_right_and_the_chain_is_proved(
    browser: Browser, platform: RunningPlatform
) -> None:
    name = new_name()
    person = offered_task(platform, name)
    officer = page_for(browser, platform, "officer")
    officer.goto(f"/persons/{person}")
    officer.goto("/audit")
    assert name not in officer.content(), "an audit is for auditors"

    auditor = page_for(browser, platform, "auditor")
    auditor.get_by_role("link", name="审计").click()
    auditor.get_by_label("事项或档案编号").fill("nothing")
    auditor.get_by_role("button", name="查询").click()
    assert "编号格式不正确" in auditor.locator("#subject-fault").inner_text()
    assert violations_on(auditor) == []
    auditor.get_by_label("事项或档案编号").fill(person)
    auditor.get_by_label("行为代码开头").fill("person.viewed")
    auditor.get_by_role("button", name="查询").click()
    assert violations_on(auditor) == []
    auditor.locator(".card", has_text="officer").first.get_by_role("link").first.click()
    told = auditor.locator("main").inner_text()
    assert "handover_task" in told
    assert "127.0.0.1" in told
    assert violations_on(auditor) == []
    auditor.goto("/audit?service=identity&action=session.signed_in")
    assert auditor.locator(".card", has_text="auditor").count() >= 1  # that was signing in just now
    for page in (officer, auditor):
        page.context.close()

    verify = [sys.executable, "-m", "shared.runtime.audit", "verify"]
    done = subprocess.run(verify, env={**os.environ, **platform.stack.env}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("intact") == len((*SERVICES, IDENTITY))
