"""Releases against tasks: whatever is lost on either side, exactly that is found and named."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.oversight.domain.comparison import (
    Handovers,
    KnownRelease,
    KnownTask,
    StatedRelease,
    StatedTask,
    compare,
)
from services.oversight.domain.discrepancy import Kind

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=1)
PATIENCE = timedelta(minutes=10)
DAY = date(2026, 11, 22)


def release(number: int) -> KnownRelease:
    return KnownRelease(
        release_id=UUID(int=number),
        version=2,
        person_id=UUID(int=1000 + number),
        centre="centre-1",
        state="executed",
        needs_handover=True,
        release_at=LONG_AGO,
        executed_at=LONG_AGO,
        day=DAY,
        alarm=None,
        heard_at=LONG_AGO,
    )


def task(number: int, of: int | None = None) -> KnownTask:
    return KnownTask(
        task_id=UUID(int=2000 + number),
        version=2,
        release_id=UUID(int=of or number),
        person_id=UUID(int=1000 + (of or number)),
        state="accepted",
        division="430802001",
        release_at=LONG_AGO,
        released_at=LONG_AGO,
        day=DAY,
        said_at=LONG_AGO,
        heard_at=LONG_AGO,
    )


def row(number: int, of: int | None = None) -> StatedTask:
    return StatedTask(UUID(int=2000 + number), UUID(int=of or number), 2, LONG_AGO)


def registered(number: int) -> StatedRelease:
    return StatedRelease(UUID(int=number), 2, True, "centre-1", DAY, LONG_AGO)


def world(
    releases: Mapping[int, KnownRelease],
    tasks: list[KnownTask],
    rows: list[StatedTask],
    *,
    register: tuple[StatedRelease, ...] = (),
    vouched: datetime | None = NOW,
    torn: Collection[date] = (),
) -> Handovers:
    known = {one.release_id: one for one in releases.values()}
    return Handovers(known, {one.release_id: one for one in register}, tasks, rows, lambda _day: vouched, torn)


def found(handovers: Handovers, *, certain: bool = True) -> set[tuple[Kind, int, str | None]]:
    compared = compare(handovers, now=NOW, patience=PATIENCE)
    return {(one.kind, UUID(one.subject).int, one.detail) for one in compared if one.certain is certain}


SOME = st.sets(st.integers(1, 40))


@given(SOME, st.data())
def test_any_deletion_on_either_side_is_found_and_named_and_nothing_else(there: set[int], data: st.DataObject) -> None:
    def lost(name: str) -> set[int]:
        return data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()

    no_release, never_told, no_row, twice = lost("release"), lost("told"), lost("row"), lost("twice")
    releases = {number: release(number) for number in there - no_release}
    tasks = [task(number) for number in there - never_told] + [task(500 + n, of=n) for n in twice]
    rows = [row(number) for number in there - no_row] + [row(500 + n, of=n) for n in twice]
    expected: set[tuple[Kind, int, str | None]] = set()
    for number in there:
        told, kept, again = number not in never_told, number not in no_row, number in twice
        ids = [2000 + number] * (told or kept) + [2500 + number] * again
        if number in no_release:
            expected |= {(Kind.TASK_WITHOUT_RELEASE, id, "no_release") for id in ids}
            continue
        if not ids:
            expected.add((Kind.RELEASE_WITHOUT_TASK, number, "never_made"))
        if told and not kept:
            expected.add((Kind.RELEASE_WITHOUT_TASK, number, "row_lost"))
        if len(ids) > 1:
            expected.add((Kind.DUPLICATE_TASK, number, None))
    assert found(world(releases, tasks, rows)) == expected


@given(SOME, st.data())
def test_a_release_that_only_the_register_knows_needs_its_task_too(there: set[int], data: st.DataObject) -> None:
    unheard = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()
    without = data.draw(st.sets(st.sampled_from(sorted(there)))) if there else set()
    releases = {number: release(number) for number in there - unheard}
    rows = [row(number) for number in there - without]
    tasks = [task(number) for number in there - without]
    handovers = world(releases, tasks, rows, register=tuple(map(registered, there)))
    assert found(handovers) == {(Kind.RELEASE_WITHOUT_TASK, number, "never_made") for number in without}


@pytest.mark.parametrize(
    ("changes", "task_changes", "detail"),
    [
        ({}, {"released_at": None}, "gate_unknown"),
        ({}, {"released_at": LONG_AGO - timedelta(minutes=1)}, "gate_unknown"),
        ({"state": "planned", "executed_at": None}, {"release_at": NOW}, "other_time"),
        ({}, {"state": "withdrawn"}, "withdrawn"),
        ({"state": "cancelled", "executed_at": None}, {}, "not_needed"),
        ({"needs_handover": False}, {}, "not_needed"),
    ],
)
def test_a_task_that_does_not_follow_its_release_is_named_with_why(
    changes: dict[str, object], task_changes: dict[str, object], detail: str
) -> None:
    one, its_task = replace(release(1), **changes), replace(task(1), **task_changes)
    assert found(world({1: one}, [its_task], [row(1)])) == {(Kind.STALE_TASK, 1, detail)}


@pytest.mark.parametrize("state", ["contact_done", "referred", "remote_accepted", "closed"])
def test_a_task_that_is_over_follows_no_more(state: str) -> None:
    over = replace(task(1), state=state, released_at=None)
    behind = replace(row(1), release_version=1)
    assert found(world({1: release(1)}, [over], [behind], register=(registered(1),))) == set()
    assert found(world({1: replace(release(1), state="cancelled")}, [over], [behind])) == set()


@pytest.mark.parametrize(("days", "found_it"), [(0, False), (1, True), (30, True)])
def test_a_task_that_ended_with_a_gate_reported_in_error_is_of_no_use_at_the_real_one(
    days: int, found_it: bool
) -> None:
    over = replace(task(1), state="contact_done", released_at=LONG_AGO - timedelta(days=days))
    expected = {(Kind.STALE_TASK, 1, "ended_before")} if found_it else set()
    assert found(world({1: release(1)}, [over], [row(1)])) == expected


def test_a_row_behind_the_register_is_stale_though_events_say_otherwise() -> None:
    behind = replace(row(1), release_version=1)
    handovers = world({1: release(1)}, [task(1)], [behind], register=(registered(1),))
    assert found(handovers) == {(Kind.STALE_TASK, 1, "release_version")}


def test_nothing_is_certain_before_it_had_the_time_to_arrive() -> None:
    just_now = NOW - timedelta(minutes=9)
    fresh = replace(release(1), heard_at=just_now)
    waiting = replace(task(1), released_at=None)
    not_yet = [
        (world({1: fresh}, [], []), (Kind.RELEASE_WITHOUT_TASK, 1, "never_made")),
        (world({1: fresh}, [waiting], [row(1)]), (Kind.STALE_TASK, 1, "gate_unknown")),
        (world({1: replace(fresh, state="cancelled")}, [waiting], [row(1)]), (Kind.STALE_TASK, 1, "not_needed")),
        (world({}, [replace(task(1), heard_at=just_now)], []), (Kind.TASK_WITHOUT_RELEASE, 2001, "no_release")),
    ]
    for handovers, finding in not_yet:
        assert found(handovers) == set()
        assert found(handovers, certain=False) == {finding}
    late = {1: replace(fresh, heard_at=NOW - PATIENCE)}
    assert found(world(late, [], [])) == {(Kind.RELEASE_WITHOUT_TASK, 1, "never_made")}


@pytest.mark.parametrize("vouched", [None, LONG_AGO, LONG_AGO + timedelta(minutes=9)])
def test_a_row_is_missed_only_when_the_table_was_stated_since(vouched: datetime | None) -> None:
    unvouched = world({1: release(1)}, [task(1)], [], vouched=vouched)
    assert found(unvouched) == set()
    assert found(unvouched, certain=False) == {(Kind.RELEASE_WITHOUT_TASK, 1, "row_lost")}
    later = LONG_AGO + PATIENCE
    assert found(world({1: release(1)}, [task(1)], [], vouched=later)) == {(Kind.RELEASE_WITHOUT_TASK, 1, "row_lost")}


def test_a_task_that_may_stand_on_a_part_that_was_not_heard_is_not_missed_for_certain() -> None:
    handovers = world({1: release(1)}, [], [], torn={DAY})
    assert found(handovers) == set()
    assert found(handovers, certain=False) == {(Kind.RELEASE_WITHOUT_TASK, 1, "never_made")}
    assert found(world({1: release(1)}, [], [], torn={date(2026, 11, 20)})) != set()


def test_what_is_certain_is_named_before_what_is_not() -> None:
    gone, behind = replace(task(1), released_at=None), replace(row(1), release_version=1)
    handovers = world({1: release(1)}, [gone], [behind], register=(registered(1),), vouched=None)
    assert found(handovers) == {(Kind.STALE_TASK, 1, "gate_unknown")}


def test_a_release_whose_gate_only_the_register_knows_is_ahead_of_its_task() -> None:
    planned = replace(release(1), state="planned", version=1, executed_at=None)
    waiting = replace(task(1), released_at=None)
    behind = replace(row(1), release_version=1)
    handovers = world({1: planned}, [waiting], [behind], register=(registered(1),))
    assert found(handovers) == {(Kind.STALE_TASK, 1, "release_version")}


def test_a_finding_names_the_person_the_day_and_the_version() -> None:
    (one,) = compare(world({1: release(1)}, [], []), now=NOW, patience=PATIENCE)
    assert (one.person_id, one.day, one.number, one.owner) == (UUID(int=1001), DAY, 2, "community_handover")
