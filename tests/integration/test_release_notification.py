"""release_notification: plans, changes and gates, by HTTP and by message, with the same validation."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.release_notification.service import SERVICE
from shared.kernel.ids import derived_id, new_id
from shared.web import Role
from tests.support.builders import NOW, person_registered, stay_admitted, stay_ended
from tests.support.builders import event as event_of
from tests.support.service import START, ServiceUnderTest, command, principal_of, service_under_test

CENTRE = "centre-1"
CLERK = principal_of(Role.CENTRE_CLERK, organisation=CENTRE)
OTHER = principal_of(Role.CENTRE_CLERK, organisation="centre-2")


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def plan(person: UUID, **changes: Any) -> dict[str, Any]:
    body = {
        "person_id": str(person),
        "centre": CENTRE,
        "kind": "early_release",
        "release_at": (START + timedelta(days=3)).isoformat(),
    }
    return body | changes


def known_person(service: ServiceUnderTest) -> UUID:
    event = person_registered()
    service.react(event)
    return event.subject


def planned(service: ServiceUnderTest) -> str:
    answer = service.client.post("/releases", plan(known_person(service)), as_=CLERK)
    assert answer.status_code == 201
    return str(answer.get_json()["id"])


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]


def test_a_release_posted_twice_with_one_key_is_one_release(service: ServiceUnderTest) -> None:
    body = plan(known_person(service))
    first = service.client.post("/releases", body, as_=CLERK, key="K1")
    again = service.client.post("/releases", body, as_=CLERK, key="K1")
    assert (again.status_code, again.get_json()) == (201, first.get_json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(service.events("release.planned.v1")) == 1
    other = service.client.post("/releases", body | {"kind": "revoked"}, as_=CLERK, key="K1")
    assert code_of(other) == (422, "idempotency.key_reused")


def test_a_stay_plans_its_release_from_the_first_day_and_only_once(service: ServiceUnderTest) -> None:
    admitted = stay_admitted()
    service.react(admitted, admitted)
    service.react(admitted)
    (event,) = service.events()
    assert event.type == "release.planned.v1"
    assert event.subject == derived_id(admitted.subject, "release")
    assert event.data["release_at"].isoformat() == "2026-12-24T09:00:00+08:00"
    assert (event.data["kind"], event.data["needs_handover"]) == ("term_expired", True)
    body = plan(known_person(service), stay_id=str(admitted.subject))
    refused = service.client.post("/releases", body, as_=CLERK)
    assert code_of(refused) == (409, "release.already_planned")
    assert refused.get_json()["release_id"] == str(event.subject)


def test_a_stay_that_ended_otherwise_cancels_its_release(service: ServiceUnderTest) -> None:
    admitted = stay_admitted()
    service.react(admitted, stay_ended(subject=admitted.subject, sequence=2, release_id=new_id()))
    assert [event.type for event in service.events()] == ["release.planned.v1", "release.cancelled.v1"]


def test_the_gate_corrects_the_plan_whatever_the_plan_said(service: ServiceUnderTest) -> None:
    release = planned(service)
    service.clock.advance(timedelta(days=20))
    early = {"certificate_number": "JC-1", "executed_at": (START - timedelta(days=1)).isoformat()}
    answer = service.client.post(f"/releases/{release}/execution", early, as_=CLERK)
    assert (answer.status_code, answer.get_json()["state"]) == (201, "executed")
    again = service.client.post(f"/releases/{release}/execution", early, as_=CLERK)
    assert code_of(again) == (409, "release.wrong_state")
    assert again.get_json()["state"] == "executed"


def test_a_conversion_hands_over_under_a_community_detox_order(service: ServiceUnderTest) -> None:
    release = planned(service)
    change = {"release_at": START.isoformat(), "kind": "converted", "reason": "戒毒条例 art. 31"}
    answer = service.client.post(f"/releases/{release}/rescheduling", change, as_=CLERK)
    assert answer.get_json()["legal_ground"] == "community_detox_order"


@pytest.mark.parametrize("kind", ["death", "centre_transfer", "criminal_custody", "detention_to_isolation"])
def test_some_kinds_need_no_handover(service: ServiceUnderTest, kind: str) -> None:
    release = planned(service)
    body = {"certificate_number": "JC-1", "kind": kind}
    answer = service.client.post(f"/releases/{release}/execution", body, as_=CLERK)
    assert answer.get_json()["needs_handover"] is False


def test_wrong_dates_and_unknown_people_are_named(service: ServiceUnderTest) -> None:
    person = known_person(service)
    late = plan(person, term_last_day="2026-11-25", release_at="2026-11-27T09:00:00+08:00")
    for body, code, pointer in (
        (plan(new_id()), "person.unknown", "/person_id"),
        (late, "release.term_exceeded", "/release_at"),
        (plan(person, release_at="2026-11-27T09:00:00"), None, "/release_at"),
        (plan(person, kind="escape"), None, "/kind"),
        (plan(person, surprise=1), None, "/surprise"),
    ):
        answer = service.client.post("/releases", body, as_=CLERK)
        assert answer.status_code == 422
        fault = answer.get_json()["errors"][0]
        assert fault["pointer"] == pointer
        assert code is None or fault["code"] == code
    release = planned(service)
    future = {"certificate_number": "JC-1", "executed_at": (START + timedelta(days=1)).isoformat()}
    assert code_of(service.client.post(f"/releases/{release}/execution", future, as_=CLERK)) == (422, "time.in_future")
    assert len(service.events()) == 1


def test_a_person_unknown_yet_is_worth_trying_again(service: ServiceUnderTest) -> None:
    answer = service.client.post("/releases", plan(new_id()), as_=CLERK)
    assert answer.headers["Retry-After"] == "1"


def test_another_centres_release_does_not_exist(service: ServiceUnderTest) -> None:
    release = planned(service)
    assert service.client.get(f"/releases/{release}", as_=OTHER).status_code == 404
    refused = service.client.post(f"/releases/{release}/cancellation", {"reason": "x"}, as_=OTHER)
    assert code_of(refused) == (404, "release.not_found")
    foreign = service.client.post("/releases", plan(known_person(service)), as_=OTHER)
    assert code_of(foreign) == (403, "centre.not_own")


def test_a_command_by_message_is_carried_out_and_answered(service: ServiceUnderTest) -> None:
    message = command("release.plan", plan(known_person(service)), centre=CENTRE, message_id="M1", reply_to="desk-7")
    assert service.take_in(message) == []
    (answer,) = service.answers()
    assert (answer["to"], answer["in_reply_to"], answer["accepted"]) == ("desk-7", "M1", True)
    release = answer["receipt"]["id"]
    gate = command("release.execute", {"release_id": release, "certificate_number": "JC-1"}, centre=CENTRE)
    assert service.take_in(gate) == []
    assert service.answers()[1]["to"] == CENTRE
    assert [event.type for event in service.events()] == ["release.planned.v1", "release.executed.v1"]
    assert {row.actor for row in service.audit()} == {f"amqp:{CENTRE}"}


def test_a_message_delivered_again_gets_the_same_answer_and_no_second_effect(service: ServiceUnderTest) -> None:
    message = command("release.plan", plan(known_person(service)), message_id="M1")
    service.take_in(message, message)
    service.take_in(message)
    answers = service.answers()
    assert len(answers) == 3
    assert all(answer == answers[0] for answer in answers)
    assert len(service.events()) == 1
    service.take_in(command("release.plan", plan(known_person(service)), message_id="M1"))
    assert service.answers()[3]["problem"]["code"] == "idempotency.key_reused"


def test_a_rejection_tells_what_http_tells(service: ServiceUnderTest) -> None:
    body = plan(new_id(), kind="escape")
    by_http = service.client.post("/releases", body, as_=CLERK).get_json()
    service.take_in(command("release.plan", body, centre=CENTRE))
    (answer,) = service.answers()
    assert answer["accepted"] is False
    assert answer["problem"]["errors"] == by_http["errors"]
    assert answer["problem"]["code"] == by_http["code"]
    assert service.events() == []


@pytest.mark.parametrize(
    ("routing_key", "body", "centre", "code"),
    [
        ("release.plan", b"{", CENTRE, "body.not_json"),
        ("release.plan", b"[]", CENTRE, "type"),
        ("release.explode", {}, CENTRE, "intake.unknown_command"),
        ("release.cancel", {"reason": "x"}, CENTRE, "required"),
        ("release.plan", {"centre": "centre-2"}, CENTRE, "required"),
    ],
)
def test_a_bad_message_is_rejected_with_the_reason(
    service: ServiceUnderTest, routing_key: str, body: Any, centre: str, code: str
) -> None:
    assert service.take_in(command(routing_key, body, centre=centre)) == []
    problem = service.answers()[0]["problem"]
    assert code in {problem["code"], *(fault["code"] for fault in problem.get("errors", []))}


def test_a_message_that_names_no_sender_is_dead(service: ServiceUnderTest) -> None:
    message = command("release.plan", plan(known_person(service)))
    (letter,) = service.take_in(type(message)(**{**_fields(message), "headers": {}}))
    assert letter.reason == "no_sender"
    assert service.answers() == []


def test_a_centre_speaks_for_itself_only(service: ServiceUnderTest) -> None:
    release = planned(service)
    service.take_in(command("release.cancel", {"release_id": release, "reason": "x"}, centre="centre-2"))
    assert service.answers()[0]["problem"]["code"] == "release.not_found"


def test_times_are_told_with_their_zone(service: ServiceUnderTest) -> None:
    assert NOW.tzinfo is not None
    answer = service.client.get(f"/releases/{planned(service)}", as_=CLERK)
    assert answer.get_json()["release_at"].endswith("+00:00")


def _fields(message: Any) -> dict[str, Any]:
    return {name: getattr(message, name) for name in message.__slots__}


def of_stay(service: ServiceUnderTest, **changes: Any) -> tuple[UUID, UUID]:
    """A stay and its release."""
    admitted = stay_admitted(**changes)
    service.react(admitted)
    return admitted.subject, derived_id(admitted.subject, "release")


def read(service: ServiceUnderTest, release: Any) -> Any:
    return service.client.get(f"/releases/{release}", as_=CLERK).get_json()


def do(service: ServiceUnderTest, release: Any, name: str, **body: Any) -> Any:
    return service.client.post(f"/releases/{release}/{name}", body, as_=CLERK)


def test_the_plan_follows_the_term_that_was_decided(service: ServiceUnderTest) -> None:
    stay, release = of_stay(service)
    early = event_of("stay.term_decided.v1", subject=stay, sequence=2)
    service.react(early, early)
    planned = read(service, release)
    assert (planned["kind"], planned["term_last_day"]) == ("early_release", "2026-12-01")
    assert planned["release_at"] == "2026-12-01T01:00:00+00:00"
    longer = event_of(
        "stay.term_decided.v1",
        subject=stay,
        sequence=3,
        term_last_day=date(2027, 6, 1),
        extended=True,
        shortened=False,
    )
    service.react(longer)
    assert read(service, release)["kind"] == "extended_term_expired"
    types = [event.type for event in service.events()]
    assert types == ["release.planned.v1", "release.rescheduled.v1", "release.rescheduled.v1"]


def test_who_escaped_has_no_release_until_caught_and_then_a_later_one(service: ServiceUnderTest) -> None:
    stay, release = of_stay(service)
    service.react(event_of("stay.escaped.v1", subject=stay, sequence=2))
    assert (read(service, release)["state"], read(service, release)["cancelled_by"]) == ("cancelled", "escaped")
    service.react(event_of("stay.returned.v1", subject=stay, sequence=3))
    back = read(service, release)
    assert (back["state"], back["term_last_day"], back["cancelled_by"]) == ("planned", "2027-01-03", None)


def test_a_transfer_moves_the_release_to_the_other_centre(service: ServiceUnderTest) -> None:
    stay, release = of_stay(service)
    service.react(event_of("stay.transferred.v1", subject=stay, sequence=2))
    assert service.client.get(f"/releases/{release}", as_=CLERK).status_code == 404
    assert service.client.get(f"/releases/{release}", as_=OTHER).get_json()["centre"] == "centre-2"


def test_a_medical_leave_is_met_and_ends_nothing(service: ServiceUnderTest) -> None:
    stay, release = of_stay(service)
    left = event_of("stay.on_medical_leave.v1", subject=stay, sequence=2)
    service.react(left, left)
    (leave,) = service.events("release.executed.v1")
    assert (leave.data["kind"], leave.data["needs_handover"]) == ("medical_leave", True)
    assert read(service, release)["state"] == "planned"


def test_a_centre_cannot_hold_anybody(service: ServiceUnderTest) -> None:
    _, release = of_stay(service)
    assert code_of(do(service, release, "cancellation", reason="x")) == (409, "release.cannot_be_held")
    change = {"release_at": "2027-03-01T09:00:00+08:00", "kind": "extended_term_expired", "reason": "x"}
    assert code_of(do(service, release, "rescheduling", **change)) == (422, "release.term_exceeded")


def test_the_statutory_notices_are_told_by_addressee_and_day(service: ServiceUnderTest) -> None:
    _, release = of_stay(service)
    planned = read(service, release)
    # 24 December is a Thursday: three working days and three calendar days before it are the same Monday.
    assert (planned["due_rule"], planned["due_at"]) == ("D9", "2026-12-21T16:00:00+00:00")
    assert len(planned["untold"]) == 6
    for addressee in planned["untold"]:
        said = do(service, release, "notices", addressee=addressee, channel="letter", proof="R-1")
        assert said.status_code == 201
    assert (said.get_json()["untold"], said.get_json()["due_rule"]) == ([], "G2")
    silent = do(service, release, "notices", addressee="family", channel="letter")
    assert silent.get_json()["errors"][0]["code"] == "notice.nothing_said"


def test_a_term_that_passed_without_a_gate_is_the_most_urgent_silence(service: ServiceUnderTest) -> None:
    _, release = of_stay(service)
    _, quiet = of_stay(service, term_last_day=date(2027, 2, 1))
    service.clock.set(datetime(2026, 12, 22, 1, tzinfo=UTC))
    assert service.run_timer("raise_alarms") == 1
    service.clock.set(datetime(2026, 12, 24, 16, tzinfo=UTC))
    assert service.run_timer("raise_alarms") == 1
    assert service.run_timer("raise_alarms") == 0
    types = [event.type for event in service.events() if event.subject == release]
    assert types == ["release.planned.v1", "release.notice_late.v1", "release.over_term.v1"]
    found = service.client.get("/releases/silences", as_=CLERK).get_json()["items"]
    assert [(one["kind"], one["release_id"]) for one in found] == [("over_term", str(release)), ("centre_quiet", None)]
    assert read(service, quiet)["alarm"] is None
    service.clock.advance(timedelta(hours=1))
    do(service, release, "execution", certificate_number="JC-1")
    assert service.client.get("/releases/silences", as_=CLERK).get_json()["items"] == []


def test_a_gate_reported_in_error_is_taken_back_and_the_stay_goes_on(service: ServiceUnderTest) -> None:
    stay, release = of_stay(service)
    service.react(event_of("stay.ended.v1", subject=stay, sequence=2, release_id=release))
    do(service, release, "execution", certificate_number="JC-1")
    assert do(service, release, "retraction", reason="another person").get_json()["state"] == "retracted"
    refused = do(service, release, "reinstatement", release_at="2026-12-24T09:00:00+08:00", reason="x")
    assert code_of(refused) == (409, "stay.ended")
    service.react(event_of("stay.reopened.v1", subject=stay, sequence=3))
    again = read(service, release)
    assert (again["state"], again["executed_at"]) == ("planned", None)


def test_whoevers_order_was_revoked_leaves_at_once(service: ServiceUnderTest) -> None:
    order = new_id()
    _, release = of_stay(service, order_id=order)
    service.react(event_of("order.revoked.v1", subject=order))
    freed = read(service, release)
    assert (freed["kind"], freed["legal_ground"], freed["reason"]) == ("revoked", "contact_only", "order_revoked")
    assert datetime.fromisoformat(freed["release_at"]) == service.clock.now()


@pytest.mark.parametrize("order_first", [True, False])
def test_a_rehabilitation_order_is_the_ground_whenever_it_was_served(
    service: ServiceUnderTest, order_first: bool
) -> None:
    person = new_id()
    served = event_of("order.served.v1", person_id=person, kind="community_rehab", state="in_force")
    if order_first:
        service.react(served)
    _, release = of_stay(service, person_id=person)
    if not order_first:
        assert read(service, release)["rehab"] == "pending"
        service.react(served)
    settled = read(service, release)
    assert (settled["rehab"], settled["legal_ground"]) == ("ordered", "community_rehab_order")


def test_whom_nobody_met_is_told_to_the_deciding_organ(service: ServiceUnderTest) -> None:
    release = planned(service)
    do(service, release, "execution", certificate_number="JC-1")
    unmet = event_of("handover.not_met.v1", release_id=UUID(release))
    service.react(unmet, unmet)
    alone = read(service, release)
    assert (alone["due_rule"], alone["left_alone_at"] is not None) == ("D12", True)
    told = do(service, release, "notices", addressee="deciding_organ", channel="telephone", proof="call 1").get_json()
    assert told["due_rule"] == "D10"
    assert do(service, release, "papers").get_json()["due_at"] is None


def test_a_stay_that_is_somebody_elses_or_unknown_is_named(service: ServiceUnderTest) -> None:
    body = plan(known_person(service), stay_id=str(new_id()))
    answer = service.client.post("/releases", body, as_=CLERK)
    assert answer.get_json()["errors"][0]["code"] == "stay.unknown"
