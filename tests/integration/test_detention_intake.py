"""detention_intake: one order for each settled test, terms that the law fixes, nobody in two centres at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from services.detention_intake.service import SERVICE
from shared.kernel.ids import derived_id, new_id
from shared.kernel.outcomes import Ignored
from shared.web import Role
from tests.support import builders
from tests.support.builders import NOW, person_registered, release_executed
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430802")
CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1")
ISOLATION = {
    "kind": "compulsory_isolation",
    "deciding_organ": "GA-430802",
    "legal_reviewer": "FZ-1",
    "isolation_ground": "severe_addiction",
    "decided_on": "2026-11-20",
}
DETENTION = {"kind": "administrative_detention", "isolation_ground": None}


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


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
    again = builders.a_test_settled(subject=settled.subject, sequence=9)  # after a late objection
    assert service.outcome(again) == Ignored("order_exists")
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
    assert (served_["due_rule"], served_["due_at"]) == ("D0", (NOW + timedelta(hours=24)).isoformat())
    assert served_["reconsider_until"] == "2027-01-22T16:00:00+00:00"  # day 60 is a Friday
    assert served_["sue_until"] == "2027-05-22T16:00:00+00:00"
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


def person_of(service: ServiceUnderTest) -> UUID:
    event = person_registered()
    service.react(event)
    return event.subject


def act(service: ServiceUnderTest, path: str, *, as_: Any = COUNTY, **body: Any) -> Any:
    return service.client.post(path, body, as_=as_)


def code_of(answer: Any) -> str:
    problem = answer.get_json()
    return str(problem["errors"][0]["code"] if problem.get("errors") else problem["code"])


def in_custody(service: ServiceUnderTest, **changes: Any) -> str:
    return str(admit(service, served(service, **changes)).get_json()["id"])


def told_positive(service: ServiceUnderTest, person: UUID, **changes: Any) -> UUID:
    """A test whose result was told and may still be contested."""
    told = builders.event("test.positive_told.v1", person_id=person, sequence=4, **changes)
    service.react(told)
    return told.subject


def test_a_decision_before_the_result_is_settled_says_why(service: ServiceUnderTest) -> None:
    person = person_of(service)
    test = told_positive(service, person)
    body = {"person_id": str(person), "division": "430802001", "test_order_id": str(test), **ISOLATION}
    refused = service.client.post("/orders", body, as_=COUNTY)
    assert (refused.status_code, code_of(refused)) == (422, "decision.ahead_reason_missing")
    body["ahead_reason"] = "the person admits and was seen using"
    order = service.client.post("/orders", body, as_=COUNTY).get_json()
    assert order["id"] == str(derived_id(test, "order"))
    settled = builders.a_test_settled(subject=test, person_id=person, sequence=5)
    assert service.outcome(settled) == Ignored("order_exists")


def test_a_decision_rests_on_a_test_of_the_same_person_that_still_stands(service: ServiceUnderTest) -> None:
    person, other = person_of(service), person_of(service)
    foreign, fallen = told_positive(service, other), told_positive(service, person)
    service.react(builders.a_test_overturned(subject=fallen, person_id=person, sequence=5))
    clean = told_positive(service, person, opinion="not_addicted")
    for test, code in (
        (foreign, "decision.other_person"),
        (fallen, "decision.test_overturned"),
        (clean, "decision.not_addicted"),
        (new_id(), "decision.test_unknown"),
    ):
        body = {"person_id": str(person), "division": "430802001", "test_order_id": str(test), **ISOLATION}
        assert code_of(service.client.post("/orders", body, as_=COUNTY)) == code


def test_an_overturned_result_opens_one_review_of_each_order_that_rests_on_it(service: ServiceUnderTest) -> None:
    person = person_of(service)
    test = told_positive(service, person)
    rests = {"person": person, "test_order_id": str(test), "ahead_reason": "caught in the act"}
    isolation = served(service, **rests)
    detention = entered(service, **rests, **DETENTION, detention_days=5)
    other = entered(service, person=person)
    overturned = builders.a_test_overturned(subject=test, person_id=person, sequence=9)
    service.react(overturned, overturned)
    opened = service.events("order.review_opened.v1")
    assert {str(event.subject) for event in opened} == {isolation, detention}
    assert len(opened) == 2
    review = service.client.get("/orders?under_review=true", as_=COUNTY).get_json()["items"]
    assert {order["id"] for order in review} == {isolation, detention}
    assert other not in {order["id"] for order in review}
    upheld = act(service, f"/orders/{detention}/review-decision", note="two witnesses saw it").get_json()
    assert upheld["review_outcome"] == "upheld"
    revoked = act(service, f"/orders/{isolation}/revocation", note="no evidence is left").get_json()
    assert (revoked["state"], revoked["review_outcome"], revoked["due_at"]) == ("revoked", "revoked", None)
    assert code_of(admit(service, isolation)) == "order.wrong_state"


def test_a_decision_that_was_still_to_come_lapses(service: ServiceUnderTest) -> None:
    settled = builders.a_test_settled(sequence=5)
    service.react(settled)
    service.react(builders.a_test_overturned(subject=settled.subject, sequence=6))
    (lapsed,) = service.events("order.lapsed.v1")
    assert (lapsed.data["state"], lapsed.data["due_at"]) == ("lapsed", None)


def test_nothing_may_follow_from_a_positive_test(service: ServiceUnderTest) -> None:
    settled = builders.a_test_settled()
    service.react(settled)
    path = f"/orders/{derived_id(settled.subject, 'order')}/decision"
    body = {"kind": "no_measure", "deciding_organ": "GA-430802", "decided_on": "2026-11-23"}
    done = service.client.post(path, body, as_=COUNTY).get_json()
    assert (done["state"], done["due_at"]) == ("no_measure", None)


def test_a_community_detox_order_is_the_townships_from_the_service_on(service: ServiceUnderTest) -> None:
    order = entered(service, kind="community_detox", isolation_ground=None)
    done = act(service, f"/orders/{order}/service").get_json()
    assert (done["state"], done["due_rule"]) == ("in_force", "D1")
    for addressee in ("family", "township"):
        done = act(service, f"/orders/{order}/notices", addressee=addressee, channel="post", proof="R1").get_json()
    assert (done["due_rule"], len(done["notices"])) == (None, 2)
    assert service.events("order.served.v1")[0].data["kind"] == "community_detox"


def test_a_notice_gives_its_proof_or_why_nobody_was_told(service: ServiceUnderTest) -> None:
    order = served(service)
    silent = act(service, f"/orders/{order}/notices", addressee="family", channel="post")
    assert code_of(silent) == "notice.nothing_said"
    body = {"addressee": "family", "channel": "none", "not_told_reason": "identity unknown"}
    assert act(service, f"/orders/{order}/notices", **body).status_code == 201


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"isolation_ground": None}, "decision.ground_missing"),
        ({"legal_reviewer": None}, "decision.legal_review_missing"),
        ({"circumstances": ["pregnant_or_nursing"]}, "decision.isolation_barred"),
        ({"circumstances": ["under_16"]}, "decision.not_spared_reason_missing"),
        ({"detention_days": 5}, "detention_days.not_for_this"),
    ],
)
def test_isolation_is_decided_completely_or_not(service: ServiceUnderTest, change: dict[str, Any], code: str) -> None:
    body = {"person_id": str(person_of(service)), "division": "430802001", **ISOLATION, **change}
    assert code_of(service.client.post("/orders", body, as_=COUNTY)) == code


def test_a_detention_of_somebody_of_seventy_is_not_executed(service: ServiceUnderTest) -> None:
    order = entered(service, **DETENTION, detention_days=10, circumstances=["seventy_or_older"])
    done = act(service, f"/orders/{order}/service").get_json()
    assert done["state"] == "completed"
    assert code_of(admit(service, order)) == "order.wrong_state"


def test_who_serves_a_detention_is_admitted_to_isolation_when_it_ends(service: ServiceUnderTest) -> None:
    person = person_of(service)
    in_custody(service, person=person, **DETENTION, detention_days=10)
    order = served(service, person=person)
    body = service.client.get(f"/orders/{order}", as_=COUNTY).get_json()
    assert body["admission_due_at"] == "2026-11-30T16:00:00+00:00"  # the day after its last, 29 November
    assert body["term_last_day"] == "2028-11-19"  # the term runs meanwhile


def test_who_cannot_be_taken_in_now_is_tried_again(service: ServiceUnderTest) -> None:
    order = served(service)
    refusal = {"reason": "danger_to_life", "note": "taken to hospital"}
    path = f"/orders/{order}/admission-refusal"
    assert code_of(act(service, path, as_=CLERK, **refusal)) == "refusal.retry_missing"
    assert code_of(act(service, path, as_=CLERK, **refusal, retry_on="2026-11-23")) == "refusal.retry_in_past"
    deferred = act(service, path, as_=CLERK, **refusal, retry_on="2026-12-01").get_json()
    assert (deferred["state"], deferred["due_rule"]) == ("deferred", "D1")
    assert admit(service, order, special="ill").get_json()["special"] == "ill"


def test_whom_isolation_does_not_fit_gets_another_decision(service: ServiceUnderTest) -> None:
    order = served(service)
    refusal = {"reason": "pregnant_or_nursing", "note": "seen by the doctor"}
    refused = act(service, f"/orders/{order}/admission-refusal", as_=CLERK, **refusal).get_json()
    assert (refused["state"], refused["due_rule"]) == ("not_admitted", "D1")  # the family is still to be told
    instead = service.events("order.decision_due.v1")[-1]
    assert (str(instead.data["replaces"]), instead.data["state"]) == (order, "decision_due")
    body = {"kind": "community_detox", "deciding_organ": "GA-430802", "decided_on": "2026-11-23"}
    decided = service.client.post(f"/orders/{instead.subject}/decision", body, as_=COUNTY)
    assert decided.get_json()["state"] == "issued"


def test_who_evades_an_order_can_still_be_taken_in(service: ServiceUnderTest) -> None:
    order = served(service)
    assert act(service, f"/orders/{order}/evasion").get_json()["due_rule"] == "D1"
    assert admit(service, order).status_code == 201


def test_a_centre_acts_for_itself_only(service: ServiceUnderTest) -> None:
    order = served(service)
    other = principal_of(Role.CENTRE_CLERK, organisation="centre-2")
    foreign = service.client.post(f"/orders/{order}/admission", {"centre": "centre-1"}, as_=other)
    assert (foreign.status_code, code_of(foreign)) == (403, "centre.not_own")
    stay = admit(service, order).get_json()["id"]
    assert service.client.get(f"/stays/{stay}", as_=other).status_code == 404
    assert service.client.get("/stays", as_=other).get_json()["items"] == []
    assert service.client.get("/stays", as_=CLERK).get_json()["items"][0]["id"] == stay


def test_another_county_finds_nothing(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    order = service.client.get(f"/stays/{stay}", as_=CLERK).get_json()["order_id"]
    far = principal_of(Role.COUNTY_SUPERVISOR, division="430822")
    for path in (f"/orders/{order}", f"/stays/{stay}"):
        assert service.client.get(path, as_=far).status_code == 404
        assert service.client.get(path, as_=COUNTY).status_code == 200


def centres(service: ServiceUnderTest) -> None:
    for code, kind in (("centre-1", "police"), ("centre-2", "justice")):
        body = {"name": code, "kind": kind, "division": "430802"}
        assert service.client.put(f"/centres/{code}", body, as_=COUNTY).status_code == 200


def test_a_person_is_moved_to_a_justice_centre_and_the_term_runs_on(service: ServiceUnderTest) -> None:
    centres(service)
    stay = in_custody(service)
    before = service.client.get(f"/stays/{stay}", as_=CLERK).get_json()
    assert before["due_rule"] == "D2"
    assert act(service, f"/stays/{stay}/family-notice", as_=CLERK).get_json()["due_rule"] == "D3"
    assert code_of(act(service, f"/stays/{stay}/transfer", as_=CLERK, to="centre-9")) == "centre.unknown"
    moved = act(service, f"/stays/{stay}/transfer", as_=CLERK, to="centre-2").get_json()
    assert (moved["centre"], moved["due_rule"]) == ("centre-2", "D8")
    assert moved["term_last_day"] == before["term_last_day"]
    assert service.client.get(f"/stays/{stay}", as_=CLERK).status_code == 404  # no longer theirs


def test_days_at_large_are_added_and_days_in_hospital_are_not(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    service.clock.advance(timedelta(days=10))
    left = act(service, f"/stays/{stay}/medical-leave", as_=CLERK).get_json()
    assert (left["state"], left["due_rule"]) == ("on_medical_leave", "D2")
    service.clock.advance(timedelta(days=20))
    assert act(service, f"/stays/{stay}/return", as_=CLERK).get_json()["term_last_day"] == "2028-11-19"
    assert act(service, f"/stays/{stay}/escape", as_=CLERK).get_json()["state"] == "escaped"
    service.clock.advance(timedelta(days=7))
    back = act(service, f"/stays/{stay}/return", as_=CLERK).get_json()
    assert (back["days_at_large"], back["term_last_day"]) == (7, "2028-11-26")
    assert code_of(act(service, f"/stays/{stay}/return", as_=CLERK)) == "stay.wrong_state"


def test_an_extension_is_decided_before_the_end_and_is_a_year_at_most(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    path = f"/stays/{stay}/term-proposal"
    for day in ("2028-11-19", "2029-11-20"):
        assert code_of(act(service, path, as_=CLERK, kind="extension", last_day=day)) == "term.extension_too_long"
    assert act(service, path, as_=CLERK, kind="extension", last_day="2029-11-19").status_code == 201
    assert code_of(act(service, path, as_=CLERK, kind="extension", last_day="2029-01-01")) == "term.proposal_open"
    denied = act(service, f"/stays/{stay}/term-decision", approved=False)
    assert code_of(denied) == "term.denial_reason_missing"
    extended = act(service, f"/stays/{stay}/term-decision", approved=True).get_json()
    assert (extended["term_last_day"], extended["extended"]) == ("2029-11-19", True)
    assert service.events("stay.term_decided.v1")[0].data["extended"] is True


def test_after_the_term_nothing_can_keep_the_person(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    act(service, f"/stays/{stay}/term-proposal", as_=CLERK, kind="extension", last_day="2029-01-01")
    service.clock.advance(timedelta(days=730))
    late = act(service, f"/stays/{stay}/term-decision", approved=True)
    assert (late.status_code, code_of(late)) == (409, "term.over")


def test_early_release_needs_a_year_a_good_assessment_and_no_escape(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    path, early = f"/stays/{stay}/term-proposal", {"kind": "early_release", "last_day": "2028-01-10"}
    assert code_of(act(service, path, as_=CLERK, **early)) == "term.not_assessed_good"
    service.clock.advance(timedelta(days=400))
    act(service, f"/stays/{stay}/assessments", as_=CLERK, on="2027-12-20", grade="good")
    too_early = {"kind": "early_release", "last_day": "2027-11-18"}
    assert code_of(act(service, path, as_=CLERK, **too_early)) == "term.too_early"
    assert act(service, path, as_=CLERK, **early).get_json()["due_rule"] == "D2"
    shorter = act(service, f"/stays/{stay}/term-decision", approved=True).get_json()
    assert shorter["term_last_day"] == "2028-01-10"
    assert service.events("stay.term_decided.v1")[0].data["shortened"] is True
    other = in_custody(service)
    act(service, f"/stays/{other}/escape", as_=CLERK)
    act(service, f"/stays/{other}/return", as_=CLERK)
    barred = act(service, f"/stays/{other}/term-proposal", as_=CLERK, **early)
    assert (barred.status_code, code_of(barred)) == (409, "term.early_release_barred")


def test_a_conversion_ends_the_stay_and_asks_for_community_detox(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    path = f"/stays/{stay}/term-proposal"
    assert code_of(act(service, path, as_=CLERK, kind="conversion")) == "term.not_on_leave"
    act(service, f"/stays/{stay}/medical-leave", as_=CLERK)
    act(service, path, as_=CLERK, kind="conversion")
    ended = act(service, f"/stays/{stay}/term-decision", approved=True).get_json()
    assert (ended["state"], ended["end_kind"]) == ("ended", "converted")
    assert service.events("order.decision_due.v1")[-1].data["replaces"] is not None


def test_a_term_that_ends_in_criminal_custody_ends_the_stay(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    act(service, f"/stays/{stay}/criminal-custody", as_=CLERK)
    service.clock.advance(timedelta(days=700))
    assert service.run_timer("end_terms_in_criminal_custody") == 0
    service.clock.advance(timedelta(days=30))
    assert service.run_timer("end_terms_in_criminal_custody") == 1
    (ended,) = service.events("stay.ended.v1")
    assert (str(ended.subject), ended.data["end_kind"]) == (stay, "term_over_in_criminal_custody")


def test_a_death_ends_the_stay(service: ServiceUnderTest) -> None:
    stay = in_custody(service)
    assert act(service, f"/stays/{stay}/death", as_=CLERK).get_json()["end_kind"] == "death"


def test_a_headcount_is_yesterday_and_who_came_and_went(service: ServiceUnderTest) -> None:
    centres(service)
    first, second = in_custody(service), in_custody(service)
    today = service.client.get("/centres/centre-1/headcounts/2026-11-23", as_=CLERK).get_json()
    assert (today["yesterday"], today["movements"], today["today"]) == (0, {"admitted": 2}, 2)
    service.clock.advance(timedelta(days=1))
    act(service, f"/stays/{first}/transfer", as_=CLERK, to="centre-2")
    act(service, f"/stays/{second}/escape", as_=CLERK)
    act(service, f"/stays/{second}/return", as_=CLERK)
    stated = service.client.put("/centres/centre-1/headcounts/2026-11-24", {"counted": 2}, as_=CLERK).get_json()
    assert stated == {
        "centre": "centre-1",
        "day": "2026-11-24",
        "yesterday": 2,
        "movements": {"escaped": 1, "returned": 1, "transferred_out": 1},
        "today": 1,
        "counted": 2,
        "difference": 1,
    }
    foreign = service.client.get("/centres/centre-2/headcounts/2026-11-24", as_=CLERK)
    assert (foreign.status_code, code_of(foreign)) == (403, "centre.not_own")
    wrong = service.client.get("/centres/centre-1/headcounts/yesterday", as_=CLERK)
    assert (wrong.status_code, code_of(wrong)) == (422, "day.invalid")


def test_a_document_is_in_the_file_once(service: ServiceUnderTest) -> None:
    order = served(service)
    document = {"kind": "service_receipt", "number": "SR-1", "issued_on": "2026-11-23"}
    assert act(service, f"/orders/{order}/documents", **document).status_code == 201
    assert code_of(act(service, f"/orders/{order}/documents", **document)) == "document.entered_already"


def test_a_release_reported_in_error_reopens_the_stay(service: ServiceUnderTest) -> None:
    stay = UUID(in_custody(service))
    person = service.events("stay.admitted.v1")[0].data["person_id"]
    gate = release_executed(stay_id=stay, person_id=person)
    retracted = builders.event("release.retracted.v1", subject=gate.subject, sequence=2, stay_id=stay)
    assert service.outcome(retracted) == Ignored("not_ended_by_it")
    service.react(gate)
    service.react(retracted, retracted)
    (reopened,) = service.events("stay.reopened.v1")
    assert (reopened.data["state"], reopened.data["ended_at"], reopened.data["release_id"]) == (
        "in_custody",
        None,
        None,
    )
