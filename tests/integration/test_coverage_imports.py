"""Coverage from a spreadsheet, and the settings beside it: by the same rules, in the own area only, with an audit."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.community_handover.service import SERVICE
from shared.web import Role
from tests.support.builders import person_registered, release_planned
from tests.support.service import ServiceUnderTest, principal_of, service_under_test
from tests.support.spreadsheets import csv_file

HEAD = ["区划代码", "单位代码", "单位名称", "单位级别", "操作"]
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430802", division="430802", subject="county")
OTHER_COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430811", division="430811")
TOWNSHIP = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation="O-1", division="430802001")


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def each(database_url: str) -> Iterator[ServiceUnderTest]:
    """On each database, where it matters which one it is."""
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def checked(service: ServiceUnderTest, *rows: list[str], as_: Any = COUNTY) -> dict[str, Any]:
    headers = service.client.headers(as_, f"key-{hash(repr(rows))}-{service.clock.now().timestamp()}")
    content = csv_file([HEAD, *rows])
    answer = service.client.http.post("/coverage-imports", data=content, headers=headers | {"Content-Type": "text/csv"})
    assert answer.status_code == 201, answer.get_json()
    service.run_timer("advance_coverage_imports")
    service.clock.advance(timedelta(minutes=1))
    found: dict[str, Any] = service.client.get(f"/coverage-imports/{answer.get_json()['id']}", as_=as_).get_json()
    return found


def applied(service: ServiceUnderTest, *rows: list[str]) -> dict[str, Any]:
    ready = checked(service, *rows)
    assert service.client.post(f"/coverage-imports/{ready['id']}/confirmation", as_=COUNTY).status_code == 201
    service.run_timer("advance_coverage_imports")
    found: dict[str, Any] = service.client.get(f"/coverage-imports/{ready['id']}", as_=COUNTY).get_json()
    return found


def faults(service: ServiceUnderTest, job: dict[str, Any], as_: Any = COUNTY) -> list[tuple[str, str]]:
    rows = service.client.get(f"/coverage-imports/{job['id']}/rows?state=bad", as_=as_).get_json()["items"]
    return [(fault["column"], fault["code"]) for row in rows for fault in row["faults"]]


def coverage(service: ServiceUnderTest) -> dict[str, str]:
    items = service.client.get("/coverage", as_=COUNTY).get_json()["items"]
    return {one["division"]: one["office"] for one in items}


def test_rows_add_change_and_close_and_a_second_time_nothing(each: ServiceUnderTest) -> None:
    first = applied(
        each,
        ["430802001", "O-1", "办一", "乡镇", ""],
        ["430802002", "O-2", "办二", "", ""],
        ["430802", "O-2", "", "", ""],
    )
    # The third row needs an office that only the second one makes, which was not there yet when it was checked.
    assert (first["counts"], first["changes"]) == ({"applied": 2, "bad": 1}, {"added": 2})
    assert coverage(each) == {"430802001": "O-1", "430802002": "O-2"}
    rows = (
        ["430802001", "O-2", "", "", "设置"],
        ["430802002", "", "", "", "停用"],
        ["430802003", "O-1", "办一（新）", "", "set"],
        ["430802004", "", "", "", "close"],
    )
    ready = checked(each, *rows)
    assert ready["counts"] == {"good": 3, "known": 1}
    assert ready["changes"] == {"changed": 1, "closed": 1, "added": 1}
    assert coverage(each) == {"430802001": "O-1", "430802002": "O-2"}
    assert applied(each, *rows)["counts"] == {"applied": 3, "known": 1}
    assert coverage(each) == {"430802001": "O-2", "430802003": "O-1"}
    again = checked(each, *rows)
    assert (again["state"], again["counts"]) == ("done", {"known": 4})
    acts = [row.action for row in each.audit() if row.action.startswith(("coverage.", "office."))]
    assert acts == [
        "office.entered O-1",
        "coverage.set 430802001: nobody to O-1",
        "office.entered O-2",
        "coverage.set 430802002: nobody to O-2",
        "coverage.set 430802001: O-1 to O-2",
        "coverage.set 430802002: O-2 to nobody",
        "office.changed O-1",
        "coverage.set 430802003: nobody to O-1",
    ]
    assert {row.actor for row in each.audit()} == {"county"}


def test_each_township_that_is_left_without_an_office_is_named_before_anything_is_changed(
    service: ServiceUnderTest,
) -> None:
    every = checked(service, ["430802", "O-1", "区办", "区县", ""])
    assert every["notices"] == []  # who covers the county covers its townships
    applied(service, ["430802001", "O-1", "办一", "", ""])
    ready = checked(service, ["430802001", "", "", "", "停用"], ["430802002", "O-1", "", "", ""])
    assert ready["notices"][0] == {"code": "coverage.lost", "subject": "430802001"}
    left = [one["subject"] for one in ready["notices"][1:]]
    assert "430802003" in left
    assert "430802002" not in left
    assert {one["code"] for one in ready["notices"][1:]} == {"coverage.gap"}
    listed = service.client.get("/townships-without-coverage", as_=COUNTY).get_json()["items"]
    assert {one["code"] for one in listed} == {"430802002", *left}


def test_what_lies_in_another_area_or_is_not_there_is_a_fault_of_its_row(service: ServiceUnderTest) -> None:
    applied(service, ["430802001", "O-1", "办一", "", ""])
    ready = checked(
        service,
        ["430811001", "O-1", "", "", ""],
        ["999999", "O-1", "", "", ""],
        ["430802002", "", "", "", ""],
        ["430802003", "O-9", "", "", ""],
    )
    assert faults(service, ready) == [
        ("division", "authority.area"),
        ("division", "division.unknown"),
        ("office", "cell.missing"),
        ("office", "office.name_missing"),
    ]
    renames = checked(service, ["430811001", "O-1", "不归我改", "", ""], as_=OTHER_COUNTY)
    assert faults(service, renames, as_=OTHER_COUNTY) == [("office", "authority.area")]


def test_a_task_that_waited_for_an_office_is_offered_when_the_import_names_one(each: ServiceUnderTest) -> None:
    person = person_registered(residence_division="430802001")
    each.react(person)
    each.react(release_planned(person_id=person.subject))
    (task,) = each.client.get("/tasks", as_=COUNTY).get_json()["items"]
    assert task["state"] == "unresolved"
    checked(each, ["430802001", "O-1", "办一", "", ""])  # tried, and undone
    assert each.client.get(f"/tasks/{task['id']}", as_=COUNTY).get_json()["state"] == "unresolved"
    applied(each, ["430802001", "O-1", "办一", "", ""])
    found = each.client.get(f"/tasks/{task['id']}", as_=COUNTY).get_json()
    assert found["office"] == "O-1"


def test_the_filled_template_changes_nothing_when_it_is_sent_back(service: ServiceUnderTest) -> None:
    applied(service, ["430802001", "O-1", "办一", "乡镇", ""])
    content = service.client.get("/coverage-imports/template?format=csv&filled=true", as_=COUNTY).get_data()
    headers = service.client.headers(COUNTY, "back") | {"Content-Type": "text/csv"}
    sent = service.client.http.post("/coverage-imports", data=content, headers=headers).get_json()
    service.run_timer("advance_coverage_imports")
    found = service.client.get(f"/coverage-imports/{sent['id']}", as_=COUNTY).get_json()
    gaps = len(service.client.get("/townships-without-coverage", as_=COUNTY).get_json()["items"])
    assert (found["state"], found["counts"]) == ("done", {"known": 1, "bad": gaps})


def test_officers_and_rosters_are_the_areas_own(service: ServiceUnderTest) -> None:
    applied(service, ["430802001", "O-1", "办一", "", ""], ["430802002", "O-2", "办二", "", ""])
    officers = "/offices/O-1/officers"
    for account in ("a", "b"):
        assert service.client.post(officers, {"account": account}, as_=TOWNSHIP).status_code == 201
    assert service.client.post("/offices/O-2/officers", {"account": "a"}, as_=TOWNSHIP).status_code == 404
    assert service.client.get("/offices/O-2", as_=TOWNSHIP).status_code == 404
    day = {"officer": "a", "deputy": "b"}
    assert service.client.put("/offices/O-1/duty/2026-11-24", day, as_=TOWNSHIP).status_code == 200
    query = {"first_day": "2026-11-23", "last_day": "2026-11-30"}
    roster = service.client.get("/offices/O-1/duty", as_=TOWNSHIP, query_string=query).get_json()["items"]
    assert roster == [{"office": "O-1", "day": "2026-11-24", **day}]
    backwards = {"first_day": "2026-11-30", "last_day": "2026-11-23"}
    refused = service.client.get("/offices/O-1/duty", as_=TOWNSHIP, query_string=backwards)
    assert refused.get_json()["errors"][0]["code"] == "roster.too_long"
    service.client.post(officers, {"account": "b", "active": False}, as_=TOWNSHIP)
    left = service.client.put("/offices/O-1/duty/2026-11-25", day, as_=TOWNSHIP)
    assert (left.status_code, left.get_json()["errors"][0]["code"]) == (422, "officer.left")
    assert [one["active"] for one in service.client.get(officers, as_=TOWNSHIP).get_json()["items"]] == [True, False]


def test_a_coverage_is_closed_once_and_in_the_own_area_only(service: ServiceUnderTest) -> None:
    applied(service, ["430802001", "O-1", "办一", "", ""])
    assert service.client.post("/coverage/430802001/closure", as_=OTHER_COUNTY).status_code == 403
    assert service.client.post("/coverage/430802001/closure", as_=COUNTY).get_json()["office"] == "O-1"
    assert service.client.post("/coverage/430802001/closure", as_=COUNTY).status_code == 404
    assert coverage(service) == {}
