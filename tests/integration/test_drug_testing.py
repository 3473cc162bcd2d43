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
from tests.support.builders import person_registered
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

OFFICER = principal_of(Role.STATION_OFFICER, organisation="STATION-1", division="430802")
COLLECTORS = [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "male"}]
POSITIVE = {"result": "positive", "tester": "P1", "reagent_lot": "L1", "substances": ["MET"]}


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


def _read(service: ServiceUnderTest, order: str) -> Any:
    return service.client.get(f"/test-orders/{order}", as_=OFFICER).get_json()
