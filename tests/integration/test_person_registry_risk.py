"""Risk tiers by event and by HTTP: proposed with reasons, decided by people, over after three clean years."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.person_registry.service import SERVICE
from shared.kernel.outcomes import Ignored
from shared.web import Role
from tests.support.builders import NOW, event, measure_begun
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

STATION = principal_of(Role.STATION_OFFICER, subject="station")
OFFICER = principal_of(Role.COMMUNITY_OFFICER, subject="officer")
CITY_OFFICE = principal_of(Role.CITY_SUPERVISOR)  # sees tiers of the whole city, whoever has a duty


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def registered(service: ServiceUnderTest) -> UUID:
    body = {"identity_kind": "none", "full_name": "示例某", "sex": "male"}
    return UUID(service.client.post("/persons", body, as_=STATION).get_json()["id"])


def risk_of(service: ServiceUnderTest, person: UUID, as_: Any = OFFICER) -> Any:
    return service.client.get(f"/persons/{person}/risk", as_=as_).get_json()


def test_events_propose_a_tier_with_its_reasons_and_a_person_decides(service: ServiceUnderTest) -> None:
    person = registered(service)
    handover, measure = event("handover.met.v1", person_id=person, sequence=4), measure_begun(person_id=person)
    assert service.react(handover, measure) == []
    proposed = risk_of(service, person)
    assert (proposed["state"], proposed["proposed_tier"], proposed["tier"]) == ("proposed", "medium", None)
    assert {(reason["id"], reason["reason_zh"]) for reason in proposed["reasons"]} == {
        ("R7", "正在执行社区戒毒（康复）"),
        ("R9", "解除强制隔离未满三年"),
    }
    url = f"/persons/{person}/risk/decision"
    assert service.client.post(url, {"tier": "high"}, as_=OFFICER).status_code == 403
    unexplained = service.client.post(url, {"tier": "high"}, as_=STATION)
    assert (unexplained.status_code, unexplained.get_json()["errors"][0]["code"]) == (422, "risk.reason_missing")
    answer = service.client.post(url, {"tier": "high", "reason": "threatened the family"}, as_=STATION).get_json()
    assert (answer["tier"], answer["decided_by"], answer["measures"]["contact_every_days"]) == ("high", "station", 14)
    assert [one.type for one in service.events() if one.type.startswith("risk.")] == [
        "risk.proposed.v1",
        "risk.proposed.v1",
        "risk.decided.v1",
    ]


def test_older_news_of_a_handover_change_nothing(service: ServiceUnderTest) -> None:
    person = registered(service)
    unknown = event("handover.whereabouts_unknown.v1", person_id=person, sequence=5)
    found = event("handover.contacted.v1", subject=unknown.subject, person_id=person, sequence=6, unknown_at=NOW)
    service.react(found)
    assert risk_of(service, person)["proposed_tier"] == "medium"
    assert service.outcome(unknown) == Ignored("nothing_new")
    assert risk_of(service, person)["proposed_tier"] == "medium"


def test_what_somebody_enters_counts_until_it_is_over(service: ServiceUnderTest) -> None:
    person = registered(service)
    url = f"/persons/{person}/risk/facts"
    wrong = service.client.post(url, {"fact": "positive_test"}, as_=OFFICER)
    assert (wrong.status_code, wrong.get_json()["errors"][0]["code"]) == (422, "risk.fact_from_events")
    nothing = service.client.post(url, {"fact": "violence", "active": False}, as_=OFFICER)
    assert (nothing.status_code, nothing.get_json()["errors"][0]["code"]) == (422, "risk.nothing_known")
    assert service.client.get(f"/persons/{person}/risk", as_=OFFICER).status_code == 404
    entered = service.client.post(url, {"fact": "violence"}, as_=OFFICER).get_json()
    assert entered["proposed_tier"] == "high"
    over = service.client.post(url, {"fact": "violence", "active": False}, as_=OFFICER).get_json()
    assert (over["proposed_tier"], over["reasons"]) == ("low", [])


def test_a_decision_is_reviewed_and_after_three_clean_years_the_platform_lets_go(service: ServiceUnderTest) -> None:
    person = registered(service)
    service.react(event("test.settled.v1", person_id=person))
    service.client.post(f"/persons/{person}/risk/decision", {"tier": "medium"}, as_=STATION)
    service.clock.advance(timedelta(days=181))
    assert service.run_timer("review_risk") == 1
    assert risk_of(service, person, as_=CITY_OFFICE)["state"] == "proposed"
    assert service.run_timer("review_risk") == 0
    service.clock.advance(timedelta(days=3 * 366))
    assert service.run_timer("review_risk") == 1
    ended = risk_of(service, person, as_=CITY_OFFICE)
    assert (ended["state"], ended["tier"], ended["due_at"]) == ("ended", None, None)
    assert service.run_timer("review_risk") == 0


def test_a_station_lists_whom_it_has_a_duty_toward_and_no_other_resident(service: ServiceUnderTest) -> None:
    own, other = registered(service), registered(service)
    for person in (own, other):
        service.react(event("test.settled.v1", person_id=person, station="elsewhere", division="430802001"))
    neighbour = principal_of(Role.STATION_OFFICER, organisation="station-9", division="430822", subject="neighbour")
    service.react(event("test.ordered.v1", person_id=own, station="station-9", division="430802001"))
    listed = service.client.get("/risk-assessments", as_=neighbour).get_json()["items"]
    assert [one["person_id"] for one in listed] == [str(own)]


def test_what_waits_for_a_decision_is_listed(service: ServiceUnderTest) -> None:
    waiting, done = registered(service), registered(service)
    for person in (waiting, done):
        service.react(event("test.settled.v1", person_id=person))
    service.client.post(f"/persons/{done}/risk/decision", {"tier": "medium"}, as_=STATION)
    listed = service.client.get("/risk-assessments?state=proposed", as_=STATION).get_json()["items"]
    assert [one["person_id"] for one in listed] == [str(waiting)]
