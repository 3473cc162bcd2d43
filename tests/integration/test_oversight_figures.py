"""oversight's figures: by period and area, as known on a past day, with the cases behind each."""

import csv
import io
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from openpyxl import load_workbook

from services.oversight.service import SERVICE
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.builders import NOW, event
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

CITY = principal_of(Role.CITY_SUPERVISOR, division="4308")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430822")
NOVEMBER = "first_day=2026-11-01&last_day=2026-11-30"


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def figures(service: ServiceUnderTest, query: str = NOVEMBER, as_: Any = CITY) -> dict[str, dict[str, Any]]:
    answer = service.client.get(f"/indicators?{query}", as_=as_).get_json()
    return {one["key"]: one for one in answer["items"]}


def test_a_rate_is_shown_with_its_formula_and_its_cases(service: ServiceUnderTest) -> None:
    met = [event("handover.met.v1") for _ in range(3)]
    unmet = [event("handover.not_met.v1") for _ in range(2)]
    other = event("handover.closed.v1", outcome="other_authority", close_reason="other_authority")
    assert service.react(*met, *unmet, other) == []
    rate = figures(service)["pickup_rate"]
    assert (rate["numerator"], rate["denominator"], rate["excluded"], rate["rate"]) == (3, 5, 1, 0.6)
    assert rate["formula_version"] == 1
    assert rate["formula_zh"].startswith("期内出所")
    cases = service.client.get(f"/indicators/pickup_rate/cases?{NOVEMBER}", as_=CITY).get_json()["items"]
    missing = {case["aggregate_id"] for case in cases if case["verdict"] == "missing"}
    assert missing == {str(one.subject) for one in unmet}
    assert figures(service, "first_day=2026-12-01&last_day=2026-12-31")["pickup_rate"]["denominator"] == 0


def test_a_past_day_is_computed_as_it_was_known_then(service: ServiceUnderTest) -> None:
    task, person = new_id(), new_id()
    service.react(event("handover.not_met.v1", subject=task, person_id=person, sequence=3))
    then = service.clock.now()
    service.clock.advance(timedelta(days=2))
    service.react(event("handover.met.v1", subject=task, person_id=person, sequence=4))
    assert figures(service)["pickup_rate"]["numerator"] == 1
    known = then.isoformat().replace("+00:00", "Z")
    assert figures(service, f"{NOVEMBER}&known_at={known}")["pickup_rate"]["numerator"] == 0


def test_how_things_stood_on_a_date_does_not_know_what_came_after(service: ServiceUnderTest) -> None:
    task, person = new_id(), new_id()
    service.react(
        event("handover.whereabouts_unknown.v1", subject=task, person_id=person, sequence=3, time=NOW),
        event("handover.contacted.v1", subject=task, person_id=person, sequence=4, time=NOW + timedelta(days=40)),
    )
    assert figures(service)["unknown_count"]["numerator"] == 1
    assert figures(service, "first_day=2027-01-01&last_day=2027-01-31")["unknown_count"]["numerator"] == 0


def test_an_area_sees_its_own_and_no_other(service: ServiceUnderTest) -> None:
    there, here = new_id(), new_id()
    service.react(
        event("person.registered.v1", subject=here, residence_division="430822228"),
        event("person.registered.v1", subject=there),
        event("handover.met.v1", division="430822228"),
        event("handover.met.v1"),
        event("risk.decided.v1", person_id=here),
        event("risk.decided.v1", person_id=there),
    )
    for query, asker, expected in (
        (NOVEMBER, CITY, 2),
        (NOVEMBER, COUNTY, 1),
        (f"{NOVEMBER}&division=430822228", COUNTY, 1),
        (f"{NOVEMBER}&division=4308", COUNTY, 1),
    ):
        found = figures(service, query, asker)
        assert (found["pickup_rate"]["denominator"], found["tiered_rate"]["denominator"]) == (expected, expected)
    other = service.client.get(f"/indicators?{NOVEMBER}&division=430802", as_=COUNTY)
    assert (other.status_code, other.get_json()["code"]) == (403, "authority.area")
    assert service.client.get("/stages?division=430802", as_=COUNTY).status_code == 403
    officer = principal_of(Role.COMMUNITY_OFFICER)
    assert service.client.get(f"/indicators?{NOVEMBER}", as_=officer).status_code == 403


def test_figures_as_a_spreadsheet(service: ServiceUnderTest) -> None:
    answer = service.client.get(f"/indicators/figures.csv?{NOVEMBER}", as_=CITY)
    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["key"] for row in rows] == list(figures(service))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("first_day=2026-11-30&last_day=2026-11-01", "/last_day"),
        ("first_day=2026-11-01", "/last_day"),
        ("first_day=yesterday&last_day=2026-11-01", "/first_day"),
    ],
)
def test_a_wrong_period_is_told(service: ServiceUnderTest, query: str, field: str) -> None:
    answer = service.client.get(f"/indicators?{query}", as_=CITY)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, field)


def test_an_unknown_indicator_is_not_found(service: ServiceUnderTest) -> None:
    assert service.client.get(f"/indicators/luck/cases?{NOVEMBER}", as_=CITY).status_code == 404


def test_a_figure_agrees_with_a_slow_count_of_everything_ever_said(service: ServiceUnderTest) -> None:
    """Independent of the code under test: every task's last message, read one by one."""
    said = []
    for number in range(60):
        task, person = new_id(), new_id()
        kinds = ["handover.offered.v1", "handover.accepted.v1", "handover.not_met.v1", "handover.met.v1"]
        for sequence, kind in enumerate(kinds[: 1 + number % 4], 1):
            said.append(event(kind, subject=task, person_id=person, sequence=sequence))
    service.react(*reversed(said))
    last = {one.subject: one for one in said}
    released = [
        one
        for one in last.values()
        if one.data["released_at"] and one.data["released_at"].date().replace(day=1) == date(2026, 11, 1)
    ]
    met = [one for one in released if one.data["outcome"] == "met_official"]
    rate = figures(service)["pickup_rate"]
    assert (rate["numerator"], rate["denominator"]) == (len(met), len(released)) == (15, 30)


def workbook(service: ServiceUnderTest, query: str = "", as_: Any = CITY) -> Any:
    answer = service.client.get(f"/assessments/2026/workbook?{query}", as_=as_)
    assert answer.status_code == 200, answer.get_data()[:300]
    assert answer.content_type == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return load_workbook(io.BytesIO(answer.get_data()))


def test_the_yearly_assessment_scores_every_area_and_lists_every_case(service: ServiceUnderTest) -> None:
    unmet = event("handover.not_met.v1", released_at=NOW)
    service.react(unmet, event("handover.met.v1", released_at=NOW), event("handover.met.v1", division="430822100"))
    sheets = service.client.get("/assessments/2026", as_=CITY).get_json()["sheets"]
    totals = {sheet["code"]: sheet["total"] for sheet in sheets}
    assert (totals["430811"], totals["430821"]) == (100, 100)
    assert totals["430802"] < totals["430822"] < 100  # nobody has reported there yet
    (pickup,) = [line for line in sheets[0]["lines"] if line["key"] == "pickup_rate"]
    assert (pickup["numerator"], pickup["denominator"], pickup["earned"]) == (1, 2, 10.0)
    book = workbook(service)
    assert [cell.value for cell in book["考核表"]["A"]][2:] == ["430802", "430811", "430821", "430822"]
    evidence = list(book["出所接送率"].values)
    assert (str(unmet.subject), "未完成", "left_alone") in {(row[2], row[4], row[5]) for row in evidence}
    townships = service.client.get("/assessments/2026?level=township", as_=CITY).get_json()["sheets"]
    assert len(townships) == 74


def test_an_assessment_is_the_same_again_for_a_moment_that_is_past(service: ServiceUnderTest) -> None:
    service.react(event("handover.not_met.v1", released_at=NOW))
    then = service.clock.now().isoformat().replace("+00:00", "Z")
    first = service.client.get(f"/assessments/2026?known_at={then}", as_=CITY).get_json()
    service.clock.advance(timedelta(days=3))
    service.react(event("handover.not_met.v1", released_at=NOW))
    assert service.client.get(f"/assessments/2026?known_at={then}", as_=CITY).get_json() == first
    assert service.client.get("/assessments/2026", as_=CITY).get_json()["sheets"] != first["sheets"]


def test_what_came_from_outside_is_text_in_the_workbook_and_never_a_formula(service: ServiceUnderTest) -> None:
    withdrawn = event("handover.withdrawn.v1", released_at=NOW, withdrawn_reason="=1+1")
    service.react(withdrawn)
    (cell,) = [row[5] for row in workbook(service)["出所接送率"].iter_rows(min_row=2)]
    assert (cell.value, cell.data_type) == ("=1+1", "s")


def test_a_county_sees_its_own_sheet(service: ServiceUnderTest) -> None:
    sheets = service.client.get("/assessments/2026", as_=COUNTY).get_json()["sheets"]
    assert [sheet["code"] for sheet in sheets] == ["430822"]
    assert service.client.get("/assessments/2026?division=430802", as_=COUNTY).status_code == 403
    assert service.client.get("/assessments/2026", as_=Role.COMMUNITY_OFFICER).status_code == 403
