"""Results from a spreadsheet: checked by the rules of the API, shown, confirmed, applied once, and once only."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.local.stack import ROOT
from services.drug_testing.service import SERVICE
from shared.importing import jobs
from shared.importing.writing import XLSX
from shared.web import Role
from tests.support import killed_import
from tests.support.service import ServiceUnderTest, principal_of, service_under_test
from tests.support.spreadsheets import (
    STATION,
    csv_file,
    night_of,
    result_row,
    table,
    waiting_orders,
    xlsx_file,
)

OFFICER = principal_of(Role.STATION_OFFICER, organisation=STATION, division="430802", subject="officer.1")
COLLEAGUE = principal_of(Role.STATION_OFFICER, organisation=STATION, division="430802", subject="officer.2")
STRANGER = principal_of(Role.STATION_OFFICER, organisation="ZJJ-YD-PCS-02", division="430802")
ROWS, BAD = 600, 12


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def each(database_url: str) -> Iterator[ServiceUnderTest]:
    """On each database, where it matters which one it is."""
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def send(service: ServiceUnderTest, content: bytes, kind: str = "text/csv", as_: Any = OFFICER, key: str = "") -> Any:
    headers = service.client.headers(as_, key or f"key-{len(content)}-{hash(content)}")
    return service.client.http.post(
        "/result-imports?filename=night", data=content, headers=headers | {"Content-Type": kind}
    )


def taken(service: ServiceUnderTest, rows: Sequence[Sequence[Any]]) -> dict[str, Any]:
    """A file that was sent and checked."""
    answer = send(service, csv_file(rows))
    assert answer.status_code == 201, answer.get_json()
    service.run_timer("advance_result_imports")
    return one(service, answer.get_json()["id"])


def one(service: ServiceUnderTest, import_id: str) -> dict[str, Any]:
    found: dict[str, Any] = service.client.get(f"/result-imports/{import_id}", as_=OFFICER).get_json()
    return found


def confirmed(service: ServiceUnderTest, import_id: str, as_: Any = OFFICER) -> dict[str, Any]:
    assert service.client.post(f"/result-imports/{import_id}/confirmation", as_=as_).status_code == 201
    service.run_timer("advance_result_imports")
    return one(service, import_id)


def rows_of(service: ServiceUnderTest, import_id: str, **query: Any) -> list[dict[str, Any]]:
    answer = service.client.get(f"/result-imports/{import_id}/rows", as_=OFFICER, query_string=query | {"limit": 200})
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def orders(service: ServiceUnderTest, number: int) -> list[Any]:
    made = waiting_orders(service, number)
    service.clock.advance(timedelta(hours=8))
    return made


def test_a_night_is_shown_confirmed_and_applied_and_a_second_time_changes_nothing(each: ServiceUnderTest) -> None:
    rows, spoiled = night_of(orders(each, ROWS), BAD)
    before = len(each.events())
    as_xlsx = each.storage.dialect == "postgresql"  # one form on each database
    content, kind = (xlsx_file(rows), XLSX) if as_xlsx else (csv_file(rows, "gb18030"), "text/csv")
    sent = send(each, content, kind).get_json()
    assert (sent["state"], sent["rows"], sent["counts"]) == ("checking", ROWS, {"waiting": ROWS})
    each.run_timer("advance_result_imports")
    ready = one(each, sent["id"])
    assert (ready["state"], ready["counts"]) == ("ready", {"good": ROWS - BAD, "bad": BAD})
    assert len(each.events()) == before  # nothing was changed yet
    bad = rows_of(each, sent["id"], state="bad")
    assert [row["number"] for row in bad] == spoiled
    assert all(row["faults"] for row in bad)
    done = confirmed(each, sent["id"], as_=COLLEAGUE)
    assert (done["state"], done["counts"]) == ("done", {"applied": ROWS - BAD, "bad": BAD})
    said = each.events()[before:]
    assert len(said) == 3 * (ROWS - BAD)  # collected, resulted, told
    assert {event.actor for event in said} == {"officer.2"}  # who confirmed
    written = [row for row in each.audit() if row.action == "test.resulted.v1"]
    assert len(written) == ROWS - BAD
    assert {(row.actor, row.role) for row in written} == {("officer.2", "station_officer")}
    again = taken(each, rows)  # in another form it is the same
    assert (again["state"], again["counts"]) == ("done", {"known": ROWS - BAD, "bad": BAD})
    assert len(each.events()) == before + len(said)


def test_what_was_entered_by_hand_meanwhile_is_left_alone_or_refused(each: ServiceUnderTest) -> None:
    first, second, third = orders(each, 3)
    ready = taken(each, table([result_row(first), result_row(second), result_row(third)]))
    by_hand = {
        "sample_type": "urine",
        "collectors": [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "male"}],
    }
    for order, lot in ((first, "L1"), (second, "OTHER")):
        each.client.post(f"/test-orders/{order}/collection", by_hand, as_=OFFICER)
        result = {"result": "negative", "tester": "P1", "reagent_lot": lot}
        each.client.post(f"/test-orders/{order}/result", result, as_=OFFICER)
        each.client.post(f"/test-orders/{order}/telling", {"signed": True}, as_=OFFICER)
    done = confirmed(each, ready["id"])
    assert done["counts"] == {"known": 1, "refused": 1, "applied": 1}
    (refused,) = rows_of(each, ready["id"], state="refused")
    assert (refused["number"], refused["faults"][0]["code"]) == (3, "test.wrong_state")
    state = each.client.get(f"/test-orders/{third}", as_=OFFICER).get_json()["state"]
    assert state == "negative_told"


def test_a_refused_row_leaves_none_of_its_steps_behind(each: ServiceUnderTest) -> None:
    first, second = orders(each, 2)
    seals = {"result": "阳性", "substances": "MET", "seal_signed": "是", "sample_b": "B"}
    rows = [result_row(first, sample_a="A-1", **seals), result_row(second)]
    ready = taken(each, table(rows))
    assert ready["counts"] == {"good": 2}
    other = orders(each, 1)[0]
    by_hand = {
        "sample_type": "hair",
        "collectors": [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "male"}],
    }
    each.client.post(f"/test-orders/{other}/collection", by_hand, as_=OFFICER)
    used = {"result": "positive", "tester": "P1", "reagent_lot": "L", "substances": ["MET"], "seal_signed": True}
    each.client.post(f"/test-orders/{other}/result", used | {"sample_a": "A-1", "sample_b": "C"}, as_=OFFICER)
    done = confirmed(each, ready["id"])
    assert done["counts"] == {"refused": 1, "applied": 1}
    assert rows_of(each, ready["id"], state="refused")[0]["faults"] == [
        {"column": "sample_a", "code": "result.seal_used", "detail": "this number is on another sample", "holds": None}
    ]
    left = each.client.get(f"/test-orders/{first}", as_=OFFICER).get_json()
    assert (left["state"], left["version"]) == ("ordered", 1)


def test_a_process_that_is_killed_in_a_step_loses_it_and_nothing_is_done_twice(each: ServiceUnderTest) -> None:
    ready = taken(each, table([result_row(order) for order in orders(each, 10)]))
    each.client.post(f"/result-imports/{ready['id']}/confirmation", as_=OFFICER)
    url = each.storage.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.support.killed_import", url, each.clock.now().isoformat(), "1"]
    assert subprocess.run(command, cwd=ROOT).returncode == -signal.SIGKILL
    assert one(each, ready["id"])["counts"] == {"applied": killed_import.ROWS, "good": 10 - killed_import.ROWS}
    each.run_timer("advance_result_imports")
    assert one(each, ready["id"])["counts"] == {"applied": 10}
    assert len(each.events("test.resulted.v1")) == 10


def test_an_import_is_its_stations_own(service: ServiceUnderTest) -> None:
    ready = taken(service, table([result_row(order) for order in orders(service, 1)]))
    path = f"/result-imports/{ready['id']}"
    assert service.client.get(path, as_=STRANGER).status_code == 404
    assert service.client.get(f"{path}/rows", as_=STRANGER).status_code == 404
    assert service.client.post(f"{path}/confirmation", as_=STRANGER).status_code == 404
    assert service.client.post(f"{path}/cancellation", as_=STRANGER).status_code == 404
    assert service.client.get("/result-imports", as_=STRANGER).get_json()["items"] == []
    assert len(service.client.get("/result-imports", as_=COLLEAGUE).get_json()["items"]) == 1


def test_another_stations_orders_are_not_found(service: ServiceUnderTest) -> None:
    (order,) = orders(service, 1)
    answer = send(service, csv_file(table([result_row(order)])), as_=STRANGER).get_json()
    service.run_timer("advance_result_imports")
    found = service.client.get(f"/result-imports/{answer['id']}/rows", as_=STRANGER).get_json()["items"]
    assert [fault["code"] for fault in found[0]["faults"]] == ["test_order.not_found"]


def test_a_cancelled_import_changes_nothing_and_cannot_be_confirmed(service: ServiceUnderTest) -> None:
    ready = taken(service, table([result_row(order) for order in orders(service, 1)]))
    path = f"/result-imports/{ready['id']}"
    assert service.client.post(f"{path}/cancellation", as_=OFFICER).get_json()["state"] == "cancelled"
    assert service.client.post(f"{path}/cancellation", as_=OFFICER).status_code == 201
    refused = service.client.post(f"{path}/confirmation", as_=OFFICER)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "import.wrong_state")
    assert [row.action for row in service.audit()] == [
        "import.taken_in",
        "import.cancelled",
        "POST " + ("/result-imports/<uuid:import_id>/confirmation"),
    ]


def test_the_same_upload_sent_twice_is_one_import(service: ServiceUnderTest) -> None:
    content = csv_file(table([result_row(order) for order in orders(service, 1)]))
    first, second = (send(service, content, key="same").get_json()["id"] for _ in range(2))
    assert first == second


def test_a_row_names_each_fault_by_column_and_says_nothing_of_the_cell(service: ServiceUnderTest) -> None:
    (order,) = orders(service, 1)
    row = result_row(order, result="也许", collected_at="昨晚", tester="", signed="好", told_at="2026-11-23")
    ready = taken(service, table([row]))
    (bad,) = rows_of(service, ready["id"])
    assert {fault["column"]: (fault["code"], fault["holds"]) for fault in bad["faults"]} == {
        "collected_at": ("cell.not_a_time", "text"),
        "result": ("cell.not_a_choice", "text"),
        "tester": ("cell.missing", "empty"),
        "signed": ("cell.not_yes_or_no", "text"),
        "told_at": ("cell.no_time_of_day", "time"),
    }
    assert not any("昨晚" in str(fault) for fault in bad["faults"])
    assert ready["state"] == "done"  # nothing in it can be applied


def test_an_order_or_a_seal_that_is_there_twice_is_refused_the_second_time(service: ServiceUnderTest) -> None:
    first, second = orders(service, 2)
    positive = {"result": "阳性", "substances": "MET", "seal_signed": "是", "sample_a": "S1"}
    rows = [
        result_row(first, sample_b="S2", **positive),
        result_row(first),
        result_row(second, sample_b="S3", **positive),
    ]
    ready = taken(service, table(rows))
    faults = [(row["number"], row["faults"]) for row in rows_of(service, ready["id"], state="bad")]
    assert [(number, fault["column"], fault["code"], fault["detail"]) for number, (fault,) in faults] == [
        (3, "order", "row.repeated", "2"),
        (4, "sample_a", "row.repeated", "2"),
    ]


def test_a_telling_can_follow_in_a_later_file(service: ServiceUnderTest) -> None:
    (order,) = orders(service, 1)
    untold = result_row(order)
    del untold["signed"]
    confirmed(service, taken(service, table([untold]))["id"])
    again = taken(service, table([result_row(order)]))
    assert again["changes"] == {"changed": 1}
    assert confirmed(service, again["id"])["counts"] == {"applied": 1}
    assert service.client.get(f"/test-orders/{order}", as_=OFFICER).get_json()["state"] == "negative_told"


def test_what_no_import_takes_is_refused_with_its_reason(service: ServiceUnderTest) -> None:
    rows = table([result_row("x")])
    assert send(service, csv_file(rows), "application/pdf").status_code == 415
    too_large = send(service, b"x" * (7 * 1024 * 1024))
    assert (too_large.status_code, too_large.get_json()["code"]) == (413, "body.too_large")
    assert too_large.get_json()["limit_bytes"] == 6 * 1024 * 1024
    larger_than_others = send(service, csv_file(rows) + (b"x," + b" " * 120_000 + b"\n") * 10)
    assert larger_than_others.status_code == 201
    assert send(service, b"").get_json()["code"] == "file.empty"


def test_no_more_than_some_files_are_worked_on_at_once(service: ServiceUnderTest) -> None:
    made = orders(service, jobs.MOST_UNDER_WAY + 1)
    answers = [send(service, csv_file(table([result_row(order)]))) for order in made]
    assert [answer.status_code for answer in answers] == [201] * jobs.MOST_UNDER_WAY + [409]
    assert answers[-1].get_json()["code"] == "import.too_many_under_way"


def test_the_template_comes_with_the_stations_orders_and_can_be_sent_as_it_is(service: ServiceUnderTest) -> None:
    made = orders(service, 3)
    query = {"format": "xlsx", "filled": "true"}
    content = service.client.get("/result-imports/template", as_=OFFICER, query_string=query).get_data()
    sent = send(service, content, XLSX).get_json()
    assert (sent["rows"], sent["keys"][0]) == (3, "order")
    service.run_timer("advance_result_imports")
    bad = rows_of(service, sent["id"], state="bad")
    assert {row["texts"][0] for row in bad} == {str(order) for order in made}
    assert {fault["code"] for row in bad for fault in row["faults"]} == {"cell.missing"}
    english = service.client.get("/result-imports/template?format=csv&language=en", as_=OFFICER)
    assert english.get_data().decode("utf-8-sig").startswith("Order number,Sample,")


def test_rows_are_forgotten_after_a_month_and_what_came_of_them_is_not(each: ServiceUnderTest) -> None:
    made = orders(each, 2)
    done = confirmed(each, taken(each, table([result_row(made[0])]))["id"])
    left = taken(each, table([result_row(made[1])]))
    each.clock.advance(jobs.KEPT_FOR + timedelta(minutes=1))
    each.run_timer("forget_result_imports")
    assert rows_of(each, done["id"]) == rows_of(each, left["id"]) == []
    assert one(each, done["id"])["counts"] == {"applied": 1}
    assert one(each, left["id"])["state"] == "cancelled"
