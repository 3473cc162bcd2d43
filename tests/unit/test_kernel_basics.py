"""Time and ids: what everything else takes for granted."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.clock import CHINA, FixedClock, SystemClock, china_day
from shared.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, Poison, invalid_field
from shared.kernel.ids import derived_id, new_id

MORNING = datetime(2026, 11, 23, 10, 0, tzinfo=CHINA)
SPACE = UUID("01a20a25-bccd-71fb-91df-4bc259825767")


def test_new_ids_are_uuid7_and_sort_by_age() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {one.version for one in ids} == {7}
    assert sorted(ids) == ids
    assert len(set(ids)) == 1000


def test_what_follows_from_something_stands_at_its_time() -> None:
    earlier, later = new_id(), new_id()
    while later.int >> 80 == earlier.int >> 80:
        later = new_id()
    task, order = derived_id(earlier, "task"), derived_id(later, "order")
    assert (task.version, task.variant) == (8, later.variant)
    assert (task.int >> 80, derived_id(task, "measure").int >> 80) == (earlier.int >> 80,) * 2
    assert task < order
    assert derived_id(uuid4(), "task").version == 5  # what stands at no time has none to give


def test_a_derived_id_is_the_same_every_time() -> None:
    assert derived_id(SPACE, "release") == derived_id(SPACE, "release")
    assert derived_id(SPACE, "release") != derived_id(SPACE, "order")


@given(
    st.lists(st.text("a/%2F", max_size=4), min_size=1, max_size=3),
    st.lists(st.text("a/%2F", max_size=4), min_size=1, max_size=3),
)
def test_different_parts_derive_different_ids(one: list[str], other: list[str]) -> None:
    assert (derived_id(SPACE, *one) == derived_id(SPACE, *other)) == (one == other)


def test_a_fixed_clock_tells_utc_and_moves_only_when_told() -> None:
    clock = FixedClock(MORNING)
    assert (clock.now(), clock.now().tzinfo) == (MORNING, UTC)
    clock.advance(timedelta(hours=1))
    assert clock.now() == MORNING + timedelta(hours=1)
    clock.set(MORNING)
    assert clock.now() == MORNING


def test_the_systems_clock_tells_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_a_moment_without_a_zone_is_no_moment() -> None:
    naive = MORNING.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        FixedClock(naive)
    with pytest.raises(ValueError, match="zone"):
        china_day(naive)


def test_the_day_in_china_begins_at_four_in_the_afternoon_utc() -> None:
    assert china_day(datetime(2026, 11, 22, 15, 59, 59, tzinfo=UTC)) == date(2026, 11, 22)
    assert china_day(datetime(2026, 11, 22, 16, 0, tzinfo=UTC)) == date(2026, 11, 23)


def test_a_refusal_carries_its_code_its_fields_and_what_else_helps() -> None:
    refused = invalid_field("/release_at", "time.before_previous_step", "too early", earliest="x")
    assert (refused.status, refused.code, refused.extra) == (422, "time.before_previous_step", {"earliest": "x"})
    assert refused.fields[0].pointer == "/release_at"
    assert [kind("c", "d").status for kind in (InvalidInput, NotFound, Conflict, Forbidden)] == [422, 404, 409, 403]


def test_poison_says_its_reason() -> None:
    assert (Poison("unknown_type").reason, str(Poison("unknown_type", "/type"))) == ("unknown_type", "/type")
