"""The doctor at a running platform: what it says when all runs, and when one service hangs."""

import signal

import pytest

from deploy.doctor.__main__ import examine
from deploy.doctor.findings import Finding, Level
from deploy.doctor.gathering import gather
from tests.support.messaging import wait_until
from tests.support.platform import RunningPlatform

pytestmark = pytest.mark.e2e

# What other tests leave behind, on purpose, and what is only known elsewhere.
OTHERS = {"dead letters", "reconciliation", "audit", "disk", "outbox", "quorum", "backup"}


def findings(platform: RunningPlatform) -> list[Finding]:
    return [found for found in examine(gather(platform.stack.env)) if found.check not in OTHERS]


def test_a_service_that_hangs_is_named_and_nothing_else(platform: RunningPlatform) -> None:
    wait_until(lambda: {found.level for found in findings(platform)} == {Level.WELL}, "all is well")
    assert {found.check for found in findings(platform)} == {
        "services", "versions", "schema", "clocks", "relay", "timers", "broker", "queues", "configuration", "keys"
    }  # fmt: skip
    hanging = platform.stack.processes["drug_testing"]
    hanging.send(signal.SIGSTOP)
    try:
        wrong = [found for found in findings(platform) if found.level is not Level.WELL]
    finally:
        hanging.send(signal.SIGCONT)
    assert [(found.check, found.text) for found in wrong] == [("services", "drug_testing does not answer")]
    hanging.wait_ready(60)
