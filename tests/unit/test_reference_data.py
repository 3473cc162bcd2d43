"""The city's divisions and the announced working days are what their sources say."""

from datetime import date, timedelta

import pytest

from shared.reference.calendar import china_calendar
from shared.reference.divisions import containing, divisions

CALENDAR = china_calendar()
PLACES = divisions()


def test_the_city_has_4_counties_74_townships_and_1018_villages() -> None:
    assert {level: len(PLACES.of_level(level)) for level in ("city", "county", "township", "village")} == {
        "city": 1,
        "county": 4,
        "township": 74,
        "village": 1018,
    }


@pytest.mark.parametrize(
    ("county", "townships", "villages"),
    [("430802", 21, 255), ("430811", 4, 34), ("430821", 26, 430), ("430822", 23, 299)],
)
def test_each_county_has_its_places(county: str, townships: int, villages: int) -> None:
    assert len(PLACES.of_level("township", county)) == townships
    assert len(PLACES.of_level("village", county)) == villages


def test_every_place_lies_in_its_parent() -> None:
    for place in PLACES:
        assert place.level == "city" or (place.parent in PLACES and place.code.startswith(place.parent)), place
        assert place.name and place.name == place.name.strip()


def test_what_contains_a_place_is_named_nearest_first() -> None:
    village = PLACES.of_level("village")[0].code
    assert containing(village) == (village, village[:9], village[:6], village[:4])
    assert containing("430802") == ("430802", "4308")


def test_a_place_is_called_by_county_township_and_village() -> None:
    township = next(place for place in PLACES.of_level("township") if place.name == "南庄坪街道")
    assert PLACES.full_name(township.code) == "永定区 南庄坪街道"
    assert PLACES.full_name("4308") == "张家界市"
    assert PLACES.full_name("999999") == "999999"
    assert PLACES.full_name(None) == ""


def test_an_unknown_code_is_no_place() -> None:
    assert "430899" not in PLACES
    assert PLACES.get("430899") is None


def test_2025_and_2026_are_announced_and_the_next_year_is_not() -> None:
    assert [year for year in range(2024, 2029) if CALENDAR.is_complete(year)] == [2025, 2026]


@pytest.mark.parametrize(
    "swap_day",
    [(2026, 1, 4), (2026, 2, 14), (2026, 2, 28), (2026, 5, 9), (2026, 9, 20), (2026, 10, 10)],
)
def test_swap_days_are_worked_though_they_are_weekends(swap_day: tuple[int, int, int]) -> None:
    day = date(*swap_day)
    assert day.weekday() >= 5
    assert CALENDAR.is_working_day(day)


def test_spring_festival_2026_is_free_from_15_to_23_february() -> None:
    free = [day for day in (date(2026, 2, 1) + timedelta(n) for n in range(28)) if not CALENDAR.is_working_day(day)]
    assert [day.day for day in free] == [1, 7, 8, *range(15, 24)]


@pytest.mark.parametrize(("year", "working_days"), [(2025, 248), (2026, 248)])
def test_a_year_has_as_many_working_days_as_the_notice_gives(year: int, working_days: int) -> None:
    days = [date(year, 1, 1) + timedelta(n) for n in range(365)]
    assert sum(CALENDAR.is_working_day(day) for day in days) == working_days


def test_in_an_unannounced_year_weekends_and_the_days_that_the_law_names_are_free() -> None:
    assert CALENDAR.is_working_day(date(2027, 9, 30))
    assert not CALENDAR.is_working_day(date(2027, 10, 1))
    assert not CALENDAR.is_working_day(date(2027, 10, 9))
