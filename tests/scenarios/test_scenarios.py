"""Every scenario, played by the real services over the real broker."""

import pytest

from tests.scenarios.stage import SITUATIONS, Play, Stage
from tests.scenarios.story import Scenario, scenarios, situations

ALL = scenarios()


@pytest.mark.e2e
@pytest.mark.parametrize("scenario", ALL, ids=lambda scenario: scenario.id)
def test_scenario(stage: Stage, scenario: Scenario) -> None:
    Play(stage, scenario).run()


def test_there_are_scenarios_of_every_part_and_each_situation_is_used() -> None:
    assert len(ALL) >= 60
    assert {scenario.id[0] for scenario in ALL} == set("TDRHKCMP")
    assert {situation for scenario in ALL for situation in scenario.given} == set(SITUATIONS)
    assert set(situations()) == set(SITUATIONS)
