"""community_handover after the handover: measures, their contacts and breaches, and who drops out of contact."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from services.community_handover.service import SERVICE
from services.community_handover.store import Coverage, Office
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.builders import (
    NOW,
    a_test_overturned,
    a_test_settled,
    event,
    person_registered,
    release_executed,
    stay_admitted,
    stay_ended,
)
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

TOWNSHIP, OTHER_TOWNSHIP = "430802001", "430802002"
OFFICE, OTHER = "OFFICE-1", "OFFICE-2"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=TOWNSHIP, subject="officer")
NEIGHBOUR = principal_of(Role.COMMUNITY_OFFICER, organisation=OTHER, division=OTHER_TOWNSHIP, subject="neighbour")
TOWN = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation=OFFICE, division=TOWNSHIP, subject="town")
FAR = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation="FAR", division="430821001", subject="far")


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        with opened.work() as work:
            for code, division in ((OFFICE, TOWNSHIP), (OTHER, OTHER_TOWNSHIP)):
                work.offices.put(Office(code, "office", "township", division))
                work.coverage.put(Coverage(division, code))
        yield opened


class Case:
    """Somebody in a community measure, and what is done about it."""

    def __init__(
        self, service: ServiceUnderTest, *, ground: str = "community_detox_order", **registration: Any
    ) -> None:
        self.service = service
        person = person_registered()
        self.person_id = person.subject
        gone = release_executed(person_id=person.subject, release_at=NOW, executed_at=NOW, legal_ground=ground)
        service.react(person, gone)
        with service.work() as work:
            self.task = str(work.tasks.find_by("release_id", gone.subject).id)
        for step, body in (
            ("acceptance", {}),
            ("meeting", {"outcome": "met_official"}),
            ("registration", registration),
        ):
            answer = service.client.post(f"/tasks/{self.task}/{step}", body, as_=OFFICER)
            assert answer.status_code == 201, answer.get_json()
        (self.measure,) = self.listed(OFFICER)

    def listed(self, as_: Any, **query: Any) -> list[Any]:
        answer = self.service.client.get("/measures", as_=as_, query_string=query)
        found: list[Any] = answer.get_json()["items"]
        return found

    def now(self) -> Any:
        return self.service.client.get(f"/measures/{self.measure['id']}", as_=TOWN).get_json()

    def act(self, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER) -> Any:
        return self.service.client.post(f"/measures/{self.measure['id']}/{step}", body or {}, as_=as_)

    def done(self, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER) -> Any:
        answer = self.act(step, body, as_)
        assert answer.status_code == 201, answer.get_json()
        return answer.get_json()

    def refused(self, step: str, body: dict[str, Any] | None = None, as_: Any = OFFICER) -> tuple[int, str]:
        answer = self.act(step, body, as_)
        problem = answer.get_json()
        return answer.status_code, problem["errors"][0]["code"] if problem.get("errors") else problem["code"]


def test_the_measure_begins_with_the_registration_and_the_handovers_agreement_is_its_own(
    service: ServiceUnderTest,
) -> None:
    case = Case(service)
    assert (case.measure["kind"], case.measure["office"], case.measure["due_rule"]) == ("community_detox", OFFICE, "C2")
    assert (case.measure["started_on"], case.measure["last_day"]) == ("2026-11-23", "2029-11-22")
    service.client.post(f"/tasks/{case.task}/agreement", as_=OFFICER)
    agreed = case.now()
    assert (agreed["agreement_signed_at"] is not None, agreed["due_rule"]) == (True, "M1")
    assert case.refused("agreement") == (409, "measure.agreed")


def test_an_agreement_that_is_entered_with_the_measure_completes_the_handover(service: ServiceUnderTest) -> None:
    case = Case(service)
    assert (case.measure["agreement_due"]["rule"], case.measure["visit_due"]["rule"]) == ("C2", "M1")
    early = case.act("agreement", {"at": (NOW - timedelta(hours=1)).isoformat()}).get_json()
    assert [(one["pointer"], one["code"]) for one in early["errors"]] == [("/at", "time.before_previous_step")]
    late = case.act("agreement", {"at": (NOW + timedelta(days=9)).isoformat()}).get_json()
    assert [(one["pointer"], one["code"]) for one in late["errors"]] == [("/at", "time.in_future")]
    assert case.done("agreement")["agreement_due"] is None
    task = service.client.get(f"/tasks/{case.task}", as_=OFFICER).get_json()
    assert (task["state"], task["close_reason"]) == ("closed", "agreement_signed")


def test_rehabilitation_may_be_ordered_for_less_and_detox_may_not(service: ServiceUnderTest) -> None:
    shorter = Case(service, ground="community_rehab_order", measure_months=12)
    assert (shorter.measure["kind"], shorter.measure["last_day"]) == ("community_rehab", "2027-11-22")
    with pytest.raises(AssertionError, match=r"measure\.months"):
        Case(service, measure_months=12)


def test_the_tier_says_how_often_somebody_is_seen(service: ServiceUnderTest) -> None:
    case = Case(service)
    case.done("agreement")
    assert case.now()["due_at"] == "2026-12-23T16:00:00+00:00"
    tier = {"person_id": case.person_id, "tier": "high", "contact_every_days": 14}
    service.react(event("risk.decided.v1", **tier))
    assert case.now()["due_at"] == "2026-12-07T16:00:00+00:00"
    service.clock.advance(timedelta(days=5))
    assert case.done("visits")["due_at"] == "2026-12-12T16:00:00+00:00"
    service.react(event("risk.ended.v1", subject=new_id(), person_id=case.person_id, sequence=9))
    assert case.now()["due_at"] == "2026-12-28T16:00:00+00:00"


def test_who_is_not_seen_in_time_is_looked_for_by_itself_and_found(service: ServiceUnderTest) -> None:
    case = Case(service)
    case.done("agreement")
    service.clock.advance(timedelta(days=38))
    assert service.run_timer("wake_measures") == 1
    assert (case.now()["state"], case.now()["due_rule"]) == ("tracing", "H7s")
    assert case.refused("visits") == (409, "measure.wrong_state")
    assert case.refused("whereabouts-unknown") == (403, "authority.role")
    assert case.refused("whereabouts-unknown", as_=TOWN) == (409, "measure.search_incomplete")
    for kind in ("call", "call", "call", "home_visit", "family"):
        case.done("trace-steps", {"kind": kind, "found": False})
    assert case.done("whereabouts-unknown", as_=TOWN)["state"] == "whereabouts_unknown"
    found = case.done("trace-steps", {"kind": "police_check", "found": True})
    assert (found["state"], found["found_at"] is not None, found["due_rule"]) == ("active", True, "M1")


def test_a_third_evaded_test_is_a_breach_that_the_police_are_told_of(service: ServiceUnderTest) -> None:
    case = Case(service)
    tests = [new_id() for _ in range(3)]
    for test in tests:
        service.react(event("test.missed.v1", subject=test, person_id=case.person_id, sequence=2))
    assert (case.now()["breach_grounds"], case.now()["due_rule"]) == (["tests_evaded"], "C5")
    service.react(event("test.missed.v1", subject=tests[0], person_id=case.person_id, sequence=2, id=new_id()))
    assert len(service.events("measure.breached.v1")) == 1
    assert case.done("breach-report", {"number": "B-1"})["breach_report_number"] == "B-1"
    assert case.refused("breach-report", {"number": "B-2"}) == (409, "measure.no_breach")
    excused = event("test.exempted.v1", subject=tests[1], person_id=case.person_id, sequence=3, ground="scheduled")
    service.react(excused)
    assert case.now()["breach_grounds"] == []


def test_an_absence_is_entered_and_ended_and_may_become_too_long(service: ServiceUnderTest) -> None:
    case = Case(service)
    case.done("agreement")
    assert case.refused("absences", {"left_on": "2026-12-24", "with_leave": False}) == (422, "time.in_future")
    gone = case.done("absences", {"left_on": "2026-11-23", "with_leave": False})
    assert gone["absences"] == [{"left_on": "2026-11-23", "returned_on": None, "with_leave": False}]
    service.clock.advance(timedelta(days=31))
    service.run_timer("wake_measures")
    assert case.now()["breach_grounds"] == ["absent_too_long"]


def test_the_person_moves_and_the_new_office_takes_over_when_the_person_reports(service: ServiceUnderTest) -> None:
    case = Case(service)
    assert case.refused("move", {"division": TOWNSHIP}) == (422, "office.same")
    assert case.refused("move", {"division": "430822"}) == (422, "office.none")
    moving = case.done("move", {"division": OTHER_TOWNSHIP})
    assert (moving["state"], moving["office"], moving["moving_to_office"]) == ("moving", OFFICE, OTHER)
    assert case.refused("visits", as_=NEIGHBOUR) == (403, "measure.other_office")
    assert case.refused("arrival") == (403, "measure.other_office")
    ahead = case.act("arrival", {"at": (NOW + timedelta(days=9)).isoformat()}, as_=NEIGHBOUR).get_json()
    assert [(one["pointer"], one["code"]) for one in ahead["errors"]] == [("/at", "time.in_future")]
    arrived = case.done("arrival", as_=NEIGHBOUR)
    assert (arrived["state"], arrived["office"], arrived["due_rule"]) == ("active", OTHER, "C2")
    assert case.act("visits").status_code == 404  # the old office has nothing to do with it any more


def test_who_does_not_report_at_the_new_place_is_looked_for_by_the_old_office(service: ServiceUnderTest) -> None:
    case = Case(service)
    case.done("move", {"division": OTHER_TOWNSHIP})
    service.clock.advance(timedelta(days=16))
    service.run_timer("wake_measures")
    assert (case.now()["state"], case.now()["office"]) == ("tracing", OFFICE)
    assert case.done("arrival", as_=NEIGHBOUR)["office"] == OTHER


def test_detention_suspends_and_isolation_ends_a_measure(service: ServiceUnderTest) -> None:
    case = Case(service)
    stay = {"person_id": case.person_id, "custody": "administrative_detention"}
    detained = stay_admitted(**stay, admitted_at=NOW + timedelta(days=1))
    service.react(detained)
    assert (case.now()["state"], case.now()["due_rule"]) == ("suspended", "C2")
    free = stay_ended(subject=detained.subject, sequence=2, **stay, ended_at=NOW + timedelta(days=11))
    service.clock.advance(timedelta(days=11))
    service.react(free)
    assert (case.now()["state"], case.now()["last_day"]) == ("active", "2029-12-02")
    assert service.react(detained) == []  # heard again: no second suspension
    assert case.now()["state"] == "active"
    isolated = stay_admitted(person_id=case.person_id, admitted_at=NOW + timedelta(days=12))
    service.react(isolated)
    over = case.now()
    assert (over["state"], over["end_reason"], over["due_at"]) == ("terminated", "compulsory_isolation", None)


def test_the_isolation_after_which_the_measure_began_does_not_end_it(service: ServiceUnderTest) -> None:
    case = Case(service)
    service.react(stay_ended(person_id=case.person_id, admitted_at=NOW - timedelta(days=700)))
    assert case.now()["state"] == "active"


def test_a_relapse_is_noted_and_cleared_when_the_test_falls(service: ServiceUnderTest) -> None:
    case = Case(service)
    relapse = a_test_settled(person_id=case.person_id, ordered_at=NOW + timedelta(days=30))
    service.react(relapse)
    assert case.now()["relapsed_at"] is not None
    service.react(a_test_overturned(subject=relapse.subject, person_id=case.person_id, sequence=2, ordered_at=NOW))
    assert case.now()["relapsed_at"] is None
    before = a_test_settled(person_id=case.person_id, ordered_at=NOW - timedelta(days=30))
    service.react(before)
    assert case.now()["relapsed_at"] is None  # the test that led to the measure is no relapse in it


def test_the_term_ends_by_itself_and_its_notices_are_due(service: ServiceUnderTest) -> None:
    case = Case(service, ground="community_rehab_order", measure_months=1)
    service.client.post(f"/tasks/{case.task}/agreement", as_=OFFICER)
    service.clock.advance(timedelta(days=30))
    service.run_timer("wake_measures")
    assert (case.now()["state"], case.now()["due_rule"]) == ("expired", "C7")
    ended = case.done("end-notice", {"number": "JC-1"})
    assert (ended["state"], ended["due_at"]) == ("completed", None)


def test_an_order_that_is_revoked_ends_its_measure(service: ServiceUnderTest) -> None:
    person = person_registered()
    served = event("order.served.v1", person_id=person.subject, kind="community_detox", served_at=NOW)
    service.react(person, served)
    with service.work() as work:
        task = str(work.tasks.find_by("order_id", served.subject).id)
    for step in ("acceptance", "registration"):
        assert service.client.post(f"/tasks/{task}/{step}", as_=OFFICER).status_code == 201
    service.react(event("order.revoked.v1", subject=served.subject, person_id=person.subject, sequence=9))
    (measure,) = service.client.get("/measures", as_=OFFICER).get_json()["items"]
    assert (measure["state"], measure["end_reason"]) == ("terminated", "order_revoked")
    ended = service.client.get(f"/tasks/{task}", as_=OFFICER).get_json()
    assert (ended["state"], ended["close_reason"], ended["due_at"]) == ("closed", "measure_ended", None)


def test_measures_are_shown_to_whom_they_concern(service: ServiceUnderTest) -> None:
    case = Case(service)
    assert len(case.listed(TOWN)) == 1
    assert case.listed(NEIGHBOUR) == []
    assert case.listed(FAR) == []
    assert service.client.get(f"/measures/{case.measure['id']}", as_=FAR).status_code == 404
    assert case.listed(OFFICER, state="suspended") == []
    assert len(case.listed(OFFICER, due_before="2030-01-01T00:00:00Z")) == 1


def test_only_a_supervisor_ends_a_measure_before_its_time(service: ServiceUnderTest) -> None:
    case = Case(service)
    assert case.refused("termination", {"reason": "abroad"}) == (403, "authority.role")
    assert case.refused("termination", {"reason": "moved_out"}, as_=TOWN) == (422, "termination.note_missing")
    over = case.done("termination", {"reason": "moved_out", "note": "Changde, receipt 7"}, as_=TOWN)
    assert (over["state"], over["end_note"]) == ("terminated", "Changde, receipt 7")
    assert case.refused("visits") == (409, "measure.wrong_state")


def test_who_died_before_signing_has_no_measure_left(service: ServiceUnderTest) -> None:
    case = Case(service)
    closed = service.client.post(f"/tasks/{case.task}/closure", {"reason": "died"}, as_=TOWN)
    assert closed.status_code == 201, closed.get_json()
    assert (case.now()["state"], case.now()["end_reason"]) == ("terminated", "died")
