"""The chain, from suspicion to registered handover, while nothing goes wrong and while something does."""

import pytest

from deploy.local.broker import PrivateBroker
from deploy.local.chain import Chain
from deploy.local.postgres import PrivatePostgres
from tests.support.platform import RunningPlatform

pytestmark = pytest.mark.e2e

# The step whose answer each service has just given, or will be asked for next, when it is killed.
KILLED_AT = {
    "person_registry": 1,
    "drug_testing": 6,
    "detention_intake": 10,
    "release_notification": 13,
    "community_handover": 15,
    "oversight": 9,
    "console": 3,
}


def test_the_chain_runs_and_every_step_is_seen(platform: RunningPlatform) -> None:
    said: list[str] = []
    person_id = Chain(platform.client(), say=said.append).run()
    assert [line.split(".")[0].strip() for line in said[:-1]] == [str(number) for number in range(1, 18)]
    tasks = platform.client("city").get("city", "community_handover", "/tasks", person_id=person_id)["items"]
    assert [task["state"] for task in tasks] == ["registered"]


def test_every_service_killed_in_the_middle_loses_nothing(platform: RunningPlatform) -> None:
    killed = {step: platform.stack.processes[service] for service, step in KILLED_AT.items()}
    before = {step: process.pid for step, process in killed.items()}

    def kill(step: int) -> None:
        if step in killed:
            killed[step].kill()
            killed[step].start()

    Chain(platform.client(), say=lambda line: None, acted=kill).run()
    assert all(process.alive for process in killed.values())
    assert all(process.pid != before[step] for step, process in killed.items())


def test_a_broker_killed_in_the_middle_loses_nothing(platform: RunningPlatform, broker: PrivateBroker) -> None:
    def kill(step: int) -> None:
        if step == 12:
            broker.restart()

    Chain(platform.client(), say=lambda line: None, acted=kill).run()


def test_a_database_killed_in_the_middle_loses_nothing(
    platform: RunningPlatform, request: pytest.FixtureRequest
) -> None:
    if "DATABASE_URL" not in platform.stack.env:
        return  # embedded: the database dies with its service, which the test above does
    postgres: PrivatePostgres = request.getfixturevalue("postgres")

    def kill(step: int) -> None:
        if step == 12:
            postgres.restart()

    Chain(platform.client(), say=lambda line: None, acted=kill).run()
