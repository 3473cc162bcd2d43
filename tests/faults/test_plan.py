"""What a seed lays down: the same again, all within the run's time, in the proportions that were asked for."""

from collections import Counter

import pytest

from tests.faults.lives import CANCELLED, EXECUTED, RESCHEDULED, Kind, lives
from tests.faults.plan import SHORTEST_SECONDS, Fault, laid_out, plan, weights
from tests.faults.world import PROCESSES, REPLICATED

CENTRES = [f"CENTRE-{number}" for number in range(6)]


def test_a_seed_always_gives_the_same_run() -> None:
    again = [lives(7, releases=50, seconds=10, centres=CENTRES, persons=5) for _ in range(2)]
    assert again[0] == again[1]
    assert again[0] != lives(8, releases=50, seconds=10, centres=CENTRES, persons=5)
    kinds = weights(postgres=True, cluster=False)
    faults = [plan(7, faults=50, seconds=10, processes=PROCESSES, kinds=kinds) for _ in range(2)]
    assert faults[0] == faults[1]
    assert faults[0] != plan(8, faults=50, seconds=10, processes=PROCESSES, kinds=kinds)


def test_lives_have_realistic_proportions_and_keys_of_their_own() -> None:
    number = 4000
    laid_down = lives(1, releases=number, seconds=60, centres=CENTRES, persons=5)
    with_act = Counter(kind for life in laid_down for kind in {act.kind for act in life.acts})
    assert with_act[Kind.PLAN] == number
    for kind, share in ((Kind.RESCHEDULE, RESCHEDULED), (Kind.CANCEL, CANCELLED), (Kind.EXECUTE, EXECUTED)):
        assert with_act[kind] / number == pytest.approx(share, abs=0.03)
    keys = [act.key for life in laid_down for act in life.acts]
    assert len(set(keys)) == len(keys)
    assert all(0 <= life.starts_at <= 60 for life in laid_down)
    assert {life.by_message for life in laid_down} == {True, False}


def test_nobody_is_released_before_being_planned_or_after_the_end() -> None:
    ends = {Kind.CANCEL, Kind.EXECUTE}
    for life in lives(2, releases=500, seconds=60, centres=CENTRES, persons=5):
        kinds = [act.kind for act in life.acts]
        assert kinds.index(Kind.PLAN) == int(kinds[0] is Kind.REGISTER)
        assert not ends & set(kinds[:-1])


@pytest.mark.parametrize("postgres", [True, False])
@pytest.mark.parametrize("cluster", [True, False])
def test_every_kind_that_is_possible_comes_and_no_other(postgres: bool, cluster: bool) -> None:
    kinds = weights(postgres=postgres, cluster=cluster)
    faults = plan(3, faults=1000, seconds=100, processes=PROCESSES, kinds=kinds)
    assert {one.kind for one in faults} == set(kinds)
    assert (Fault.DATABASE_KILL in kinds) == postgres
    assert (Fault.DISK_FULL in kinds) != postgres
    assert (Fault.PARTITION in kinds) == cluster
    assert (Fault.BROKER_KILL in kinds) != cluster
    assert {one.process for one in faults} == set(PROCESSES)


def test_faults_are_spread_over_the_time_in_their_order() -> None:
    faults = laid_out(4, list(Fault), seconds=90, processes=PROCESSES)
    assert [one.kind for one in faults] == list(Fault)
    assert [one.at for one in faults] == sorted(one.at for one in faults)
    assert faults[0].at >= 0 and faults[-1].at <= 90
    assert all(one.seconds >= SHORTEST_SECONDS for one in faults)


def test_the_services_that_matter_most_have_two_processes() -> None:
    assert Counter(name.partition("-")[0] for name in PROCESSES) == {
        **dict.fromkeys(("person_registry", "drug_testing", "detention_intake", "oversight", "notification"), 1),
        **dict.fromkeys(REPLICATED, 2),
    }
