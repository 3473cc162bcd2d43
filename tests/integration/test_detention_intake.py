"""detention_intake: one order for each settled test, terms that the law fixes, nobody in two centres at once."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.detention_intake.domain import Custody, last_day
from services.detention_intake.service import SERVICE
from shared.kernel.errors import InvalidInput
from shared.kernel.ids import derived_id, new_id
from shared.kernel.outcomes import Ignored
from shared.web import Role
from tests.support import builders
from tests.support.builders import NOW, person_registered, release_executed
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430802")
CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1")
ISOLATION = {"kind": "compulsory_isolation", "deciding_organ": "GA-430802", "decided_on": "2026-11-20"}


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("kind", "first", "days", "last"),
    [
        (Custody.COMPULSORY_ISOLATION, date(2024, 3, 5), None, date(2026, 3, 4)),
        (Custody.COMPULSORY_ISOLATION, date(2024, 2, 29), None, date(2026, 2, 27)),
        (Custody.ADMINISTRATIVE_DETENTION, date(2026, 11, 20), 10, date(2026, 11, 29)),
        (Custody.ADMINISTRATIVE_DETENTION, date(2026, 11, 20), 1, date(2026, 11, 20)),
    ],
)
def test_both_ends_of_a_term_are_in_it(kind: Custody, first: date, days: int | None, last: date) -> None:
    assert last_day(kind, first, 2, days) == last


def test_detention_says_its_days_and_isolation_does_not() -> None:
    with pytest.raises(InvalidInput, match="how many"):
        last_day(Custody.ADMINISTRATIVE_DETENTION, date(2026, 11, 20), 2, None)
    with pytest.raises(InvalidInput, match="law fixes"):
        last_day(Custody.COMPULSORY_ISOLATION, date(2026, 11, 20), 2, 10)


def entered(service: ServiceUnderTest, person: UUID | None = None, **changes: Any) -> str:
    if person is None:
        event = person_registered()
        service.react(event)
        person = event.subject
    body = {"person_id": str(person), "division": "430802001", **ISOLATION, **changes}
    answer = service.client.post("/orders", body, as_=COUNTY)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def served(service: ServiceUnderTest, **changes: Any) -> str:
    order = entered(service, **changes)
    assert service.client.post(f"/orders/{order}/service", as_=COUNTY).status_code == 201
    return order


def admit(service: ServiceUnderTest, order: str, **body: Any) -> Any:
    return service.client.post(f"/orders/{order}/admission", {"centre": "centre-1", **body}, as_=CLERK)


def test_a_settled_positive_test_asks_for_one_decision(service: ServiceUnderTest) -> None:
    settled = builders.a_test_settled()
    service.react(settled, settled)
    service.react(settled)
    assert service.outcome(builders.a_test_settled(subject=settled.subject)) == Ignored("order_exists")
    (event,) = service.events()
    assert (event.type, event.subject) == ("order.decision_due.v1", derived_id(settled.subject, "order"))


def test_an_order_is_decided_served_and_executed(service: ServiceUnderTest) -> None:
    settled = builders.a_test_settled()
    service.react(settled)
    order = str(derived_id(settled.subject, "order"))
    decided = service.client.post(f"/orders/{order}/decision", ISOLATION, as_=COUNTY).get_json()
    assert (decided["state"], decided["term_first_day"], decided["term_last_day"]) == (
        "issued",
        "2026-11-20",
        "2028-11-19",
    )
    early = admit(service, order)
    assert (early.status_code, early.get_json()["code"]) == (409, "order.wrong_state")
    served_ = service.client.post(f"/orders/{order}/service", as_=COUNTY).get_json()
    assert served_["notify_due_at"] == (NOW + timedelta(hours=24)).isoformat()
    stay = admit(service, order).get_json()
    assert (stay["state"], stay["term_last_day"]) == ("in_custody", "2028-11-19")
    assert [event.type for event in service.events()][-2:] == ["order.admitted.v1", "stay.admitted.v1"]


def test_nobody_is_in_two_centres_at_once(service: ServiceUnderTest) -> None:
    event = person_registered()
    service.react(event)
    first = admit(service, served(service, person=event.subject)).get_json()
    refused = admit(service, served(service, person=event.subject))
    assert (refused.status_code, refused.get_json()["code"]) == (409, "stay.already_in_custody")
    assert refused.get_json()["stay_id"] == first["id"]


def test_an_executed_release_ends_the_stay_once(service: ServiceUnderTest) -> None:
    stay = UUID(admit(service, served(service)).get_json()["id"])
    person = service.events("stay.admitted.v1")[0].data["person_id"]
    assert service.outcome(release_executed(stay_id=stay)) == Ignored("another_person")
    long_ago = release_executed(stay_id=stay, person_id=person, executed_at=NOW - timedelta(days=30))
    assert service.outcome(long_ago) == Ignored("before_admission")
    gate = release_executed(stay_id=stay, person_id=person)
    service.react(gate, gate)
    assert service.outcome(release_executed(stay_id=stay, person_id=person)) == Ignored("stay_ended")
    assert service.outcome(release_executed(stay_id=new_id())) == Ignored("no_such_stay")
    (ended,) = service.events("stay.ended.v1")
    assert (ended.data["end_kind"], ended.data["release_id"]) == ("converted", gate.subject)


@pytest.mark.parametrize("kind", ["medical_leave", "criminal_custody", "centre_transfer"])
def test_leaving_while_the_term_runs_on_ends_no_stay(service: ServiceUnderTest, kind: str) -> None:
    stay = UUID(admit(service, served(service)).get_json()["id"])
    assert service.outcome(release_executed(stay_id=stay, kind=kind)) == Ignored("custody_goes_on")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"decided_on": "2026-11-24"}, "/decided_on"),
        ({"kind": "administrative_detention", "detention_days": 21}, "/detention_days"),
        ({"kind": "administrative_detention"}, "/detention_days"),
        ({"division": "430899001"}, "/division"),
        ({"kind": "prison"}, "/kind"),
    ],
)
def test_a_wrong_decision_is_named(service: ServiceUnderTest, change: dict[str, Any], pointer: str) -> None:
    event = person_registered()
    service.react(event)
    body = {"person_id": str(event.subject), "division": "430802001", **ISOLATION, **change}
    answer = service.client.post("/orders", body, as_=COUNTY)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, pointer)
    assert service.events() == []


def test_dates_are_in_order(service: ServiceUnderTest) -> None:
    order = entered(service)
    for at, code in (("2026-11-19T10:00:00+08:00", "time.before_previous_step"), ("2026-12-01T10:00:00+08:00", None)):
        answer = service.client.post(f"/orders/{order}/service", {"served_at": at}, as_=COUNTY)
        assert answer.status_code == 422
        assert answer.get_json()["errors"][0]["code"] == (code or "time.in_future")
    service.client.post(f"/orders/{order}/service", as_=COUNTY)
    before = (NOW - timedelta(hours=1)).isoformat()
    assert admit(service, order, admitted_at=before).get_json()["errors"][0]["code"] == "time.before_previous_step"


def test_nobody_is_taken_in_after_the_term(service: ServiceUnderTest) -> None:
    order = served(service, kind="administrative_detention", detention_days=5)
    service.clock.advance(timedelta(days=10))
    assert admit(service, order).get_json()["errors"][0]["code"] == "order.term_over"
