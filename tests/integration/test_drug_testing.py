"""drug_testing: from suspicion to a settled result, in order, by the right people, with the window to object."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.drug_testing.service import SERVICE
from shared.kernel.clock import CHINA
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.builders import event as any_event
from tests.support.builders import measure_begun, person_registered
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

OFFICER = principal_of(Role.STATION_OFFICER, organisation="STATION-1", division="430802")
COLLECTORS = [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "male"}]
POSITIVE = {"result": "positive", "tester": "P1", "reagent_lot": "L1", "substances": ["MET"], "seal_signed": True}
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430802", division="430802")
LABS = {code: principal_of(Role.LABORATORY, organisation=code) for code in ("LAB-1", "LAB-2")}


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def ordered(service: ServiceUnderTest, sex: str = "male") -> str:
    event = person_registered(sex=sex)
    service.react(event)
    return _order(service, event.subject)


def _order(service: ServiceUnderTest, person: UUID) -> str:
    body = {"person_id": str(person), "division": "430802001", "ground": "venue_check"}
    answer = service.client.post("/test-orders", body, as_=OFFICER)
    assert answer.status_code == 201
    return str(answer.get_json()["id"])


def step(service: ServiceUnderTest, order: str, name: str, **body: Any) -> Any:
    return service.client.post(f"/test-orders/{order}/{name}", body, as_=OFFICER)


def collected(service: ServiceUnderTest) -> str:
    order = ordered(service)
    assert step(service, order, "collection", sample_type="urine", collectors=COLLECTORS).status_code == 201
    return order


def told(service: ServiceUnderTest) -> str:
    order = collected(service)
    assert step(service, order, "result", **POSITIVE, sample_a=f"A{order}", sample_b=f"B{order}").status_code == 201
    assert step(service, order, "telling", signed=True).status_code == 201
    return order


def test_a_positive_result_is_settled_by_a_waiver(service: ServiceUnderTest) -> None:
    order = told(service)
    answer = step(service, order, "waiver").get_json()
    assert (answer["state"], answer["settled_by"]) == ("settled", "waived")
    assert [event.type.split(".")[1] for event in service.events()] == [
        "ordered",
        "collected",
        "resulted",
        "positive_told",
        "settled",
    ]
    assert [event.sequence for event in service.events()] == [1, 2, 3, 4, 5]


def test_a_negative_result_ends_with_the_telling(service: ServiceUnderTest) -> None:
    order = collected(service)
    step(service, order, "result", result="negative", tester="P1", reagent_lot="L1")
    answer = step(service, order, "telling", signed=False, refusal_note="refused to sign").get_json()
    assert (answer["state"], answer["objection_due_at"]) == ("negative_told", None)


def test_a_womans_urine_is_collected_by_a_woman(service: ServiceUnderTest) -> None:
    order = ordered(service, sex="female")
    refused = step(service, order, "collection", sample_type="urine", collectors=COLLECTORS)
    assert refused.get_json()["errors"][0]["code"] == "collection.female_collector_needed"
    assert step(service, order, "collection", sample_type="hair", collectors=COLLECTORS).status_code == 201
    other = ordered(service, sex="female")
    mixed = [COLLECTORS[0], {"officer": "P3", "sex": "female"}]
    assert step(service, other, "collection", sample_type="urine", collectors=mixed).status_code == 201


def test_one_officer_twice_is_not_two_officers(service: ServiceUnderTest) -> None:
    order = ordered(service)
    refused = step(service, order, "collection", sample_type="urine", collectors=[COLLECTORS[0]] * 2)
    assert refused.get_json()["errors"][0]["code"] == "collection.too_few_collectors"


@pytest.mark.parametrize(
    ("seals", "code"),
    [
        ({}, "result.seal_missing"),
        ({"sample_a": "S", "sample_b": "S"}, "result.seals_equal"),
    ],
)
def test_a_positive_sample_is_split_and_sealed(service: ServiceUnderTest, seals: dict[str, str], code: str) -> None:
    refused = step(service, collected(service), "result", **POSITIVE, **seals)
    assert refused.status_code == 422
    assert code in {fault["code"] for fault in refused.get_json()["errors"]}


def test_acts_out_of_order_are_told_the_state(service: ServiceUnderTest) -> None:
    order = ordered(service)
    for name, body in (("result", POSITIVE), ("telling", {"signed": True}), ("waiver", {})):
        refused = step(service, order, name, **body)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "test.wrong_state")
        assert refused.get_json()["state"] == "ordered"
    assert len(service.events()) == 1


def test_times_must_be_in_order_and_not_in_the_future(service: ServiceUnderTest) -> None:
    order = ordered(service)
    for at, code in (
        (service.clock.now() + timedelta(hours=1), "time.in_future"),
        (service.clock.now() - timedelta(hours=1), "time.before_previous_step"),
    ):
        body = {"sample_type": "urine", "collectors": COLLECTORS, "collected_at": at.isoformat()}
        refused = step(service, order, "collection", **body)
        assert (
            refused.get_json()["errors"][0] | {"code": code, "pointer": "/collected_at"}
            == refused.get_json()["errors"][0]
        )


@pytest.mark.parametrize(
    ("told_at", "due"),
    [
        ("2026-11-20T15:00", "2026-11-26T00:00"),  # over a weekend
        ("2026-02-12T15:00", "2026-02-25T00:00"),  # over Spring Festival, with a swap day
    ],
)
def test_the_window_to_object_is_three_working_days(service: ServiceUnderTest, told_at: str, due: str) -> None:
    service.clock.set(datetime.fromisoformat(told_at).replace(tzinfo=CHINA))
    order = told(service)
    window = datetime.fromisoformat(due).replace(tzinfo=CHINA).astimezone(UTC)
    assert datetime.fromisoformat(_read(service, order)["objection_due_at"]) == window
    service.clock.set(window - timedelta(seconds=1))
    assert service.run_timer("settle_passed_windows") == 0
    service.clock.set(window)
    assert service.run_timer("settle_passed_windows") == 1
    assert _read(service, order)["settled_by"] == "window_passed"
    assert service.run_timer("settle_passed_windows") == 0


def test_an_unknown_person_and_a_missing_ground_are_named(service: ServiceUnderTest) -> None:
    body = {"person_id": str(new_id()), "division": "430802001", "ground": "venue_check"}
    answer = service.client.post("/test-orders", body, as_=OFFICER)
    assert (answer.status_code, answer.get_json()["errors"][0]["code"]) == (422, "person.unknown")
    event = person_registered()
    service.react(event)
    body |= {"person_id": str(event.subject), "ground": "other"}
    answer = service.client.post("/test-orders", body, as_=OFFICER)
    assert answer.get_json()["errors"][0]["code"] == "ground.detail_missing"
    del body["ground"]
    assert service.client.post("/test-orders", body, as_=OFFICER).get_json()["errors"][0]["code"] == "required"


def designated(service: ServiceUnderTest) -> None:
    for code in LABS:
        body = {"name": code, "kind": "accredited"}
        assert service.client.put(f"/laboratories/{code}", body, as_=COUNTY).status_code == 200


def examined(service: ServiceUnderTest, seal: str, laboratory: str, result: str) -> None:
    receipt = service.client.post(f"/samples/{seal}/receipt", {"intact": True}, as_=LABS[laboratory])
    assert receipt.status_code == 201
    report = {"number": "R1", "result": result}
    answer = service.client.post(f"/samples/{seal}/report", report, as_=LABS[laboratory])
    assert answer.status_code == 201
    assert "person_id" not in answer.get_json()


def test_the_whole_objection_chain_to_the_retest(service: ServiceUnderTest) -> None:
    designated(service)
    order = told(service)
    assert step(service, order, "objection").get_json()["due_rule"] == "T2"
    assert step(service, order, "objection-decision", approved=True).get_json()["due_rule"] == "T3"
    assert step(service, order, "dispatch", laboratory="LAB-1", sent_by="P1").get_json()["state"] == "lab_sent"
    examined(service, f"A{order}", "LAB-1", "positive")
    assert step(service, order, "report-telling", signed=True).get_json()["due_rule"] == "T6"
    assert step(service, order, "objection").get_json()["due_rule"] == "T7"
    assert step(service, order, "objection-decision", approved=True).get_json()["due_rule"] == "T8"
    same = step(service, order, "dispatch", laboratory="LAB-1", sent_by="P1")
    assert same.get_json()["errors"][0]["code"] == "laboratory.same_as_first"
    assert step(service, order, "dispatch", laboratory="LAB-2", sent_by="P1").status_code == 201
    examined(service, f"B{order}", "LAB-2", "negative")
    overturned = step(service, order, "report-telling", signed=False, refusal_note="said nothing").get_json()
    assert (overturned["state"], overturned["overturned_by"], overturned["due_at"]) == ("overturned", "retest", None)
    last = service.events()[-1]
    assert (last.type, last.data["retest_result"]) == ("test.overturned.v1", "negative")


def test_a_laboratory_sees_its_own_samples_only_and_never_the_person(service: ServiceUnderTest) -> None:
    designated(service)
    order = told(service)
    step(service, order, "objection")
    step(service, order, "objection-decision", approved=True)
    step(service, order, "dispatch", laboratory="LAB-1", sent_by="P1")
    own = service.client.get(f"/samples/A{order}", as_=LABS["LAB-1"])
    assert own.status_code == 200
    assert own.get_json().keys() == {
        "seal",
        "sample_type",
        "state",
        "sent_at",
        "received_at",
        "report_number",
        "reported_at",
        "result",
        "due_at",
    }
    for who, seal in (("LAB-2", f"A{order}"), ("LAB-1", "nothing")):
        foreign = service.client.get(f"/samples/{seal}", as_=LABS[who])
        assert (foreign.status_code, foreign.get_json()["code"]) == (404, "sample.not_found")
    assert service.client.get(f"/test-orders/{order}", as_=LABS["LAB-1"]).status_code == 403


def test_a_number_is_on_one_seal_only(service: ServiceUnderTest) -> None:
    first = told(service)
    for seals, pointer in (
        ({"sample_a": f"B{first}", "sample_b": "fresh"}, "/sample_a"),
        ({"sample_a": "fresh", "sample_b": f"A{first}"}, "/sample_b"),
    ):
        refused = step(service, collected(service), "result", **POSITIVE, **seals)
        fault = refused.get_json()["errors"][0]
        assert (refused.status_code, fault["code"], fault["pointer"]) == (422, "result.seal_used", pointer)


def test_another_station_finds_nothing(service: ServiceUnderTest) -> None:
    order = told(service)
    other = principal_of(Role.STATION_OFFICER, organisation="STATION-2", division="430802")
    far = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-430822", division="430822")
    for who in (other, far):
        assert service.client.get(f"/test-orders/{order}", as_=who).status_code == 404
        assert service.client.get("/test-orders", as_=who).get_json()["items"] == []
    answer = service.client.post(f"/test-orders/{order}/waiver", as_=other)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "test_order.not_found")
    assert service.client.get(f"/test-orders/{order}", as_=COUNTY).status_code == 200


def test_a_refused_test_is_forced_by_another_or_given_up(service: ServiceUnderTest) -> None:
    order = ordered(service)
    assert step(service, order, "refusal").get_json()["due_rule"] == "T0f"
    assert step(service, order, "forced-test", approver="P2").get_json()["state"] == "force_approved"
    refused = step(service, order, "collection", sample_type="hair", collectors=COLLECTORS)
    assert refused.get_json()["errors"][0]["code"] == "collection.by_the_approver"
    done = step(service, order, "non-test", reason="got away").get_json()
    assert (done["state"], done["due_at"]) == ("untested", None)


def test_only_a_supervisor_exempts(service: ServiceUnderTest) -> None:
    order = ordered(service)
    body = {"reason": "illness", "note": "in intensive care"}
    assert step(service, order, "exemption", **body).get_json()["code"] == "authority.role"
    answer = service.client.post(f"/test-orders/{order}/exemption", body, as_=COUNTY)
    assert (answer.status_code, answer.get_json()["state"]) == (201, "exempted")


def registered(service: ServiceUnderTest, at: datetime) -> UUID:
    """Somebody in community detox since a moment."""
    person = person_registered()
    began = measure_begun(person_id=person.subject, started_on=at.astimezone(CHINA).date(), time=at)
    service.react(person, began)
    return person.subject


def test_a_community_measure_is_tested_by_its_schedule_and_evasions_are_counted(service: ServiceUnderTest) -> None:
    start = datetime(2026, 1, 31, 9, tzinfo=CHINA)
    service.clock.set(start)
    person = registered(service, start)
    assert service.run_timer("order_scheduled_tests") == 0
    tested = []
    for month in range(1, 38):
        service.clock.set(start + timedelta(days=31 * month))
        service.run_timer("order_scheduled_tests")
        service.run_timer("note_missed_tests")
        tested = service.events("test.ordered.v1")
    assert len(tested) == 22  # 12 in the first year, 6 in the second, 4 in the third
    assert {event.data["ground"] for event in tested} == {"scheduled"}
    assert {event.data["person_id"] for event in tested} == {person}
    missed = service.events("test.missed.v1")
    assert [event.data["evasions"] for event in missed][:4] == [1, 2, 3, 4]


def test_a_platform_that_stood_still_orders_one_test_and_not_ten(service: ServiceUnderTest) -> None:
    start = datetime(2026, 1, 15, 9, tzinfo=CHINA)
    service.clock.set(start)
    registered(service, start)
    service.clock.set(start + timedelta(days=200))
    service.run_timer("order_scheduled_tests")
    assert len(service.events("test.ordered.v1")) == 1


def test_an_excused_test_is_no_evasion(service: ServiceUnderTest) -> None:
    start = datetime(2026, 1, 15, 9, tzinfo=CHINA)
    service.clock.set(start)
    registered(service, start)
    service.clock.set(start + timedelta(days=32))
    service.run_timer("order_scheduled_tests")
    service.clock.set(start + timedelta(days=45))
    service.run_timer("note_missed_tests")
    (missed,) = service.events("test.missed.v1")
    body = {"reason": "excused", "note": "in hospital"}
    answer = service.client.post(f"/test-orders/{missed.subject}/exemption", body, as_=COUNTY).get_json()
    assert (answer["state"], answer["evasions"]) == ("exempted", 0)


def test_any_station_of_the_area_may_take_a_scheduled_test(service: ServiceUnderTest) -> None:
    start = datetime(2026, 1, 15, 9, tzinfo=CHINA)
    service.clock.set(start)
    registered(service, start)
    service.clock.set(start + timedelta(days=32))
    service.run_timer("order_scheduled_tests")
    (order,) = service.client.get("/test-orders", as_=OFFICER).get_json()["items"]
    collectors = [{"officer": "P1", "sex": "female"}, {"officer": "P2", "sex": "male"}]
    done = step(service, order["id"], "collection", sample_type="urine", collectors=collectors)
    assert done.status_code == 201


def test_who_is_clean_for_three_years_is_let_go(service: ServiceUnderTest) -> None:
    start = datetime(2026, 1, 15, 9, tzinfo=CHINA)
    service.clock.set(start)
    person = registered(service, start)
    service.react(any_event("risk.ended.v1", person_id=person))
    service.clock.set(start + timedelta(days=32))
    assert service.run_timer("order_scheduled_tests") == 0
    assert service.events("test.ordered.v1") == []


def _read(service: ServiceUnderTest, order: str) -> Any:
    return service.client.get(f"/test-orders/{order}", as_=OFFICER).get_json()
