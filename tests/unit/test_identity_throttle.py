"""How long somebody who failed must wait, and for whom a failure counts."""

from datetime import UTC, datetime, timedelta

import pytest

from services.identity.throttle import (
    ACCOUNT,
    ADDRESS,
    FORGOTTEN_AFTER,
    Rule,
    longest_of,
    scopes_of_client,
    scopes_of_person,
    wait,
)

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (10, 32), (11, 60), (1000, 60), (10**9, 60)]
)
def test_the_wait_doubles_up_to_a_minute(failures: int, seconds: int) -> None:
    assert wait(ACCOUNT, failures, NOON, NOON) == timedelta(seconds=seconds)


def test_the_wait_passes() -> None:
    assert wait(ACCOUNT, 7, NOON, NOON + timedelta(seconds=3)) == timedelta(seconds=1)
    assert wait(ACCOUNT, 7, NOON, NOON + timedelta(seconds=4)) == timedelta()


def test_after_an_hour_all_is_forgotten() -> None:
    rule = Rule(free=1, longest=FORGOTTEN_AFTER * 2)
    assert wait(rule, 1000, NOON, NOON + FORGOTTEN_AFTER) > timedelta()
    assert wait(rule, 1000, NOON, NOON + FORGOTTEN_AFTER + timedelta(seconds=1)) == timedelta()


def test_no_wait_is_long_for_a_wait_keeps_others_out_too() -> None:
    assert ACCOUNT.longest <= timedelta(minutes=1)
    assert ADDRESS.longest <= timedelta(minutes=5)
    assert longest_of([timedelta(seconds=1), timedelta(seconds=3)]) == timedelta(seconds=3)
    assert longest_of([]) == timedelta()


def test_a_failure_counts_for_the_account_and_for_the_address() -> None:
    first, other_place = (scopes_of_person("officer", address, None) for address in ("192.0.2.1", "192.0.2.2"))
    other_account = scopes_of_person("county", "192.0.2.1", None)
    assert {scope.key for scope in first} & {scope.key for scope in other_place} == {first[1].key}
    assert {scope.key for scope in first} & {scope.key for scope in other_account} == {first[0].key}


def test_where_somebody_is_known_only_that_browser_counts() -> None:
    known, elsewhere = scopes_of_person("officer", "192.0.2.1", "d1"), scopes_of_person("officer", "192.0.2.1", None)
    assert {scope.key for scope in known} & {scope.key for scope in elsewhere} == set()
    assert known != scopes_of_person("county", "192.0.2.1", "d1")


def test_a_machine_is_kept_out_by_nobody_elsewhere() -> None:
    here, elsewhere = scopes_of_client("station-system", "192.0.2.1"), scopes_of_client("station-system", "192.0.2.2")
    assert {scope.key for scope in here} & {scope.key for scope in elsewhere} == set()


def test_one_success_makes_up_for_an_account_s_failures_but_not_for_an_address() -> None:
    assert [scope.forgives for scope in scopes_of_person("officer", "192.0.2.1", None)] == [False, True]


def test_addresses_of_one_network_of_the_newer_kind_count_together() -> None:
    keys = [
        scopes_of_person("a", address, None)[0].key for address in ("2001:db8::1", "2001:db8::2", "2001:db8:0:1::1")
    ]
    assert keys[0] == keys[1] != keys[2]


def test_what_was_typed_is_not_in_the_key() -> None:
    assert all("officer" not in scope.key for scope in scopes_of_person("officer", "not an address", None))
