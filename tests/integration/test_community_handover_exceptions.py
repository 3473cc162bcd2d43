"""community_handover where life does not go to plan: disputes, nobody at the gate, searches, refusals, other cities."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.community_handover.service import SERVICE
from services.community_handover.store import Coverage, Office
from shared.web import Role
from tests.support.builders import NOW, person_registered, release_cancelled, release_executed, release_planned
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP = "430802001"
OFFICE, OTHER = "OFFICE-1", "OFFICE-2"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer")
NEIGHBOUR = principal_of(Role.COMMUNITY_OFFICER, organisation=OTHER, division="430802002", subject="neighbour")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430802", subject="county")


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        with opened.work() as work:
            for code, division in ((OFFICE, TOWNSHIP), (OTHER, "430802002"), ("OFFICE-3", "430802003")):
                work.offices.put(Office(code, "office", "township", division))
                work.coverage.put(Coverage(division, code))
        yield opened


def offered(service: ServiceUnderTest, **release: Any) -> tuple[str, Any]:
    """A task that was offered, and its release's event."""
    person = person_registered()
    planned = release_planned(person_id=person.subject, **release)
    assert service.react(person, planned) == []
    with service.work() as work:
        return str(work.tasks.find_by("release_id", planned.subject).id), planned


def gate(service: ServiceUnderTest, planned: Any, **changes: Any) -> None:
    executed = release_executed(
        subject=planned.subject, person_id=planned.data["person_id"], sequence=2, release_at=NOW, **changes
    )
    assert service.react(executed) == []


def act(service: ServiceUnderTest, task: str, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER) -> Any:
    return service.client.post(f"/tasks/{task}/{step}", body or {}, as_=as_)


def done(
    service: ServiceUnderTest, task: str, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER
) -> Any:
    answer = act(service, task, step, body, as_)
    assert answer.status_code == 201, answer.get_json()
    return answer.get_json()


def refused(
    service: ServiceUnderTest, task: str, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER
) -> tuple[int, str]:
    answer = act(service, task, step, body, as_)
    said = answer.get_json()
    return answer.status_code, said["code"] if "errors" not in said else said["errors"][0]["code"]


def test_an_office_that_refuses_names_another_which_is_asked_and_in_the_end_the_county_decides(
    service: ServiceUnderTest,
) -> None:
    task, _ = offered(service)
    assert refused(service, task, "rejection", {"reason": "no", "proposed_office": "NOWHERE"}) == (
        422,
        "office.unknown",
    )
    passed = done(service, task, "rejection", {"reason": "lives next door", "proposed_office": OTHER})
    assert (passed["state"], passed["office"], passed["rejected_by"]) == ("offered", OTHER, OFFICE)
    assert refused(service, task, "acceptance") == (403, "task.other_office")  # it may still look
    assert service.client.get(f"/tasks/{task}", as_=OFFICER).status_code == 200
    back = done(service, task, "rejection", {"reason": "not so", "proposed_office": OFFICE}, NEIGHBOUR)
    assert (back["state"], back["due_rule"], back["holder"]) == ("disputed", "H8", "430822")
    decided = done(service, task, "assignment", {"office": OTHER, "reason": "rents a flat there"}, COUNTY)
    assert (decided["state"], decided["office"], decided["assigned_reason"]) == ("offered", OTHER, "rents a flat there")
    assert refused(service, task, "rejection", {"reason": "still no"}, NEIGHBOUR) == (409, "task.place_decided")
    assert done(service, task, "acceptance", as_=NEIGHBOUR)["holder"] == OTHER


def test_the_supervisor_of_the_office_that_is_asked_has_the_task_and_the_one_before_no_longer(
    service: ServiceUnderTest,
) -> None:
    task, _ = offered(service)
    before, after = (
        principal_of(Role.TOWNSHIP_SUPERVISOR, organisation=office, division=division)
        for office, division in ((OFFICE, TOWNSHIP), (OTHER, "430802002"))
    )
    assert [service.client.get(f"/tasks/{task}", as_=one).status_code for one in (before, after)] == [200, 404]
    passed = done(service, task, "rejection", {"reason": "lives next door", "proposed_office": OTHER})
    assert passed["division"] == "430802002"
    assert [service.client.get(f"/tasks/{task}", as_=one).status_code for one in (before, after)] == [404, 200]


def test_a_dispute_that_nobody_decides_climbs_the_ladder(service: ServiceUnderTest) -> None:
    task, _ = offered(service)
    disputed = done(service, task, "rejection", {"reason": "unknown here"})
    assert disputed["state"] == "disputed"
    service.clock.advance(timedelta(days=4))
    service.run_timer("wake_tasks")
    assert service.client.get(f"/tasks/{task}", as_=COUNTY).get_json()["escalation_level"] == 3


def test_an_acceptance_made_offline_on_an_older_version_is_refused_with_the_newer_one(
    service: ServiceUnderTest,
) -> None:
    task, _ = offered(service)
    answer = act(service, task, "acceptance", {"version_seen": 7})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "task.changed_since_seen")
    assert answer.get_json()["version"] == 1


def test_who_goes_to_the_gate_is_named_with_an_official_among_them(service: ServiceUnderTest) -> None:
    task, _ = offered(service)
    assert done(service, task, "acceptance")["due_rule"] == "H3"
    assert refused(service, task, "party", {"members": [{"role": "family"}]}) == (422, "party.no_official")
    named = done(service, task, "party", {"members": [{"role": "community_worker", "subject": "officer"}]})
    assert (named["due_rule"], named["party"]) == ("H4", [{"role": "community_worker", "subject": "officer"}])


def test_nobody_at_the_gate_is_found_out_searched_for_and_found(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    service.clock.advance(timedelta(hours=3))
    service.run_timer("wake_tasks")
    unmet = service.client.get(f"/tasks/{task}", as_=OFFICER).get_json()
    assert (unmet["state"], unmet["outcome"], unmet["due_rule"]) == ("not_met", "left_alone", "H7")
    service.clock.advance(timedelta(days=2))
    service.run_timer("wake_tasks")
    for kind, times in (("call", 3), ("home_visit", 1)):
        for _ in range(times):
            traced = done(service, task, "trace-steps", {"kind": kind, "found": False})
    assert (traced["state"], traced["due_rule"], len(traced["trace"])) == ("tracing", "H7s", 4)
    assert refused(service, task, "whereabouts-unknown") == (403, "authority.role")
    assert refused(service, task, "whereabouts-unknown", as_=COUNTY) == (409, "task.search_incomplete")
    done(service, task, "trace-steps", {"kind": "family", "found": False})
    unknown = done(service, task, "whereabouts-unknown", as_=COUNTY)
    assert (unknown["state"], unknown["unknown_signed_by"], unknown["due_rule"]) == (
        "whereabouts_unknown",
        "county",
        "H11",
    )
    found = done(service, task, "trace-steps", {"kind": "home_visit", "found": True})
    assert (found["state"], found["due_rule"]) == ("contacted", "C1")
    assert done(service, task, "registration")["state"] == "registered"


def test_a_familys_meeting_is_followed_by_an_officials_contact(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    met = done(service, task, "meeting", {"outcome": "met_family"})
    assert (met["due_rule"], met["contacted_at"]) == ("H5", None)
    contacted = done(service, task, "first-contact")
    assert (contacted["state"], contacted["due_rule"]) == ("contacted", "C1")


def test_who_is_taken_by_another_authority_is_no_longer_ours(service: ServiceUnderTest) -> None:
    task, _ = offered(service)
    done(service, task, "acceptance")
    assert refused(service, task, "meeting", {"outcome": "other_authority"}) == (422, "outcome.note_missing")
    closed = done(service, task, "meeting", {"outcome": "other_authority", "note": "Changde police, warrant 7"})
    assert (closed["state"], closed["close_reason"]) == ("closed", "other_authority")
    assert refused(service, task, "registration") == (409, "task.wrong_state")


def test_who_does_not_report_in_time_is_noted_and_the_police_are_told(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    done(service, task, "meeting", {"outcome": "met_official"})
    assert refused(service, task, "refusal") == (409, "task.report_not_due")
    done(service, task, "pause", {"reason": "hospital"})
    service.clock.advance(timedelta(days=20))
    assert refused(service, task, "refusal") == (409, "task.paused")
    resumed = done(service, task, "resumption")
    assert resumed["report_due_at"] > service.clock.now().isoformat()
    service.clock.advance(timedelta(days=20))
    noted = done(service, task, "refusal")
    assert (noted["state"], noted["due_rule"]) == ("refused_to_report", "C5")
    referred = done(service, task, "referral", {"number": "R-2026-1"})
    assert (referred["state"], referred["due_at"]) == ("referred", None)


def test_a_handover_to_another_city_is_a_letter_and_its_receipt(service: ServiceUnderTest) -> None:
    task, _ = offered(service)
    letter = {"to": "Changde Wuling narcotics office", "letter_number": "ZJJ-2026-7"}
    assert refused(service, task, "letter", letter) == (403, "authority.role")
    sent = done(service, task, "letter", letter, COUNTY)
    assert (sent["state"], sent["due_rule"], sent["holder_kind"]) == ("remote_sent", "H9", "station_of_registration")
    received = done(service, task, "receipt", as_=COUNTY)
    assert (received["state"], received["holder_kind"], received["holder"]) == (
        "remote_accepted",
        "remote_office",
        letter["to"],
    )


def test_the_agreement_completes_the_handover(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    done(service, task, "meeting", {"outcome": "met_official"})
    assert done(service, task, "registration")["due_rule"] == "C2"
    early = {"signed_at": (NOW - timedelta(days=1)).isoformat()}
    assert refused(service, task, "agreement", early) == (422, "time.before_previous_step")
    assert done(service, task, "agreement")["close_reason"] == "agreement_signed"
    late = release_cancelled(subject=planned.subject, person_id=planned.data["person_id"], sequence=3)
    service.react(late)
    assert service.client.get(f"/tasks/{task}", as_=OFFICER).get_json()["state"] == "closed"


def test_closing_by_hand_needs_a_supervisor_and_a_lawful_reason(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    done(service, task, "meeting", {"outcome": "left_alone"})
    assert refused(service, task, "closure", {"reason": "died"}) == (403, "authority.role")
    assert refused(service, task, "closure", {"reason": "agreement_signed"}, COUNTY) == (422, "close.not_by_hand")
    assert refused(service, task, "closure", {"reason": "not_reached"}, COUNTY) == (409, "task.order_in_force")
    assert done(service, task, "closure", {"reason": "died"}, COUNTY)["state"] == "closed"


def test_a_day_without_anybody_on_duty_is_listed(service: ServiceUnderTest) -> None:
    day = "2027-02-06"  # New Year's Eve of the lunar calendar
    duty = {"officer": "officer", "deputy": "colleague"}
    assert service.client.put(f"/offices/{OFFICE}/duty/{day}", duty, as_=COUNTY).status_code == 200
    gaps = service.client.get(f"/offices-without-duty?day={day}&division=430802", as_=COUNTY).get_json()["items"]
    assert [office["code"] for office in gaps] == [OTHER, "OFFICE-3"]
    same = service.client.put(f"/offices/{OFFICE}/duty/{day}", {"officer": "a", "deputy": "a"}, as_=COUNTY)
    assert (same.status_code, same.get_json()["errors"][0]["code"]) == (422, "duty.same_person")
    wrong = service.client.put(f"/offices/{OFFICE}/duty/someday", duty, as_=COUNTY)
    assert (wrong.status_code, wrong.get_json()["errors"][0]["code"]) == (422, "day.invalid")


def test_who_has_to_act_is_reminded_once_when_half_of_the_time_is_over(service: ServiceUnderTest) -> None:
    task, _ = offered(service)
    service.clock.advance(timedelta(hours=18))
    assert service.run_timer("wake_tasks") == 0
    service.clock.advance(timedelta(hours=2))
    assert service.run_timer("wake_tasks") == 1
    (reminded,) = service.events("handover.reminded.v1")
    assert (reminded.data["escalation_level"], reminded.data["due_rule"]) == (0, "H2")
    assert service.run_timer("wake_tasks") == 0
    service.clock.advance(timedelta(days=1))
    assert service.run_timer("wake_tasks") == 1
    assert service.events()[-1].type == "handover.escalated.v1"
    assert done(service, task, "acceptance")["reminded_at"] is None  # the next step has a time of its own


@pytest.mark.parametrize(
    ("entered", "really", "state", "rule"),
    [
        ("left_alone", "met_official", "met", "C1"),
        ("left_alone", "met_family", "met", "H5"),
        ("left_alone", "other_authority", "closed", None),
        ("met_official", "left_alone", "not_met", "H7"),
        ("met_official", "hospital", "met", "C1"),
        ("other_authority", "met_official", "met", "C1"),
    ],
)
def test_a_wrong_entry_about_the_gate_is_set_right_with_its_reason(
    service: ServiceUnderTest, entered: str, really: str, state: str, rule: str | None
) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    gate(service, planned)
    done(service, task, "meeting", {"outcome": entered, "note": "county police"})
    body = {"outcome": really, "reason": "entered on the wrong task", "note": "county police"}
    assert refused(service, task, "outcome-correction", body) == (403, "authority.role")
    corrected = done(service, task, "outcome-correction", body, as_=COUNTY)
    assert (corrected["state"], corrected["outcome"], corrected["due_rule"]) == (state, really, rule)
    told = corrected["correction"]
    assert (told["before"], told["by"], told["reason"]) == (entered, "county", "entered on the wrong task")
    assert refused(service, task, "outcome-correction", body, as_=COUNTY) == (422, "outcome.same")


def test_what_came_after_the_gate_stands_when_the_gate_is_set_right(service: ServiceUnderTest) -> None:
    task, planned = offered(service)
    done(service, task, "acceptance")
    body = {"outcome": "met_family", "reason": "the mother came"}
    assert refused(service, task, "outcome-correction", body, as_=COUNTY) == (409, "task.no_outcome")
    gate(service, planned)
    done(service, task, "meeting", {"outcome": "met_official"})
    registered = done(service, task, "registration")
    corrected = done(service, task, "outcome-correction", body, as_=COUNTY)
    assert (corrected["state"], corrected["outcome"]) == ("registered", "met_family")
    assert (corrected["due_rule"], corrected["due_at"]) == (registered["due_rule"], registered["due_at"])
