"""notification: who has to know is told once, reads it or is told otherwise, and what is past is told no more."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notification.domain.telling import State
from services.notification.service import SERVICE
from services.notification.tables import deliveries, tellings
from shared.contracts.envelope import Event
from shared.web import Principal, Role
from tests.support.builders import event
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

PLACE = "430802001"
OFFICE = "OFFICE-1"
OFFICER = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=PLACE, subject="officer")
COLLEAGUE = principal_of(Role.COMMUNITY_OFFICER, organisation=OFFICE, division=PLACE, subject="colleague")
ELSEWHERE = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE-2", division="430822001", subject="elsewhere")
TOWNSHIP = principal_of(Role.TOWNSHIP_SUPERVISOR, organisation=OFFICE, division=PLACE, subject="township")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO", division="430802", subject="county")
OTHER_COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="NCO-2", division="430822", subject="county-2")
CITY = principal_of(Role.CITY_SUPERVISOR, organisation="CITY", division="4308", subject="city")
CLERK = principal_of(Role.CENTRE_CLERK, organisation="centre-1", division="4308", subject="clerk")
STATION = principal_of(Role.STATION_OFFICER, organisation="STATION-1", division="430802", subject="station")
AUDITOR = principal_of(Role.AUDITOR, organisation="AUDIT", division="4308", subject="auditor")
OPERATOR = principal_of(Role.OPERATOR, organisation="IT", division="4308", subject="operator")
EVERYBODY = (OFFICER, COLLEAGUE, ELSEWHERE, TOWNSHIP, COUNTY, OTHER_COUNTY, CITY, CLERK, STATION, AUDITOR, OPERATOR)


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """On SQLite, for what asks nothing special of a database."""
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


@pytest.fixture
def on_both(database_url: str) -> Iterator[ServiceUnderTest]:
    """On SQLite and on PostgreSQL."""
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def visit(service: ServiceUnderTest, *people: Principal) -> None:
    for who in people:
        answer = service.client.put("/contact/visit", {"language": "zh"}, as_=who)
        assert answer.status_code == 200, answer.get_json()


def task(kind: str = "handover.offered.v1", **changes: Any) -> Event:
    place = {"office": OFFICE, "division": PLACE, "due_rule": "H2"}
    return event(kind, **place | changes)


def notices_of(service: ServiceUnderTest, who: Principal, **query: Any) -> list[dict[str, Any]]:
    answer = service.client.get("/notices", as_=who, query_string=query)
    assert answer.status_code == 200, answer.get_json()
    found: list[dict[str, Any]] = answer.get_json()["items"]
    return found


def unread(service: ServiceUnderTest, who: Principal) -> int:
    number: int = service.client.get("/notices/unread", as_=who).get_json()["unread"]
    return number


def told(service: ServiceUnderTest) -> dict[str, list[str]]:
    """Who was told by which rules."""
    return {who.subject: rules for who in EVERYBODY if (rules := [one["rule"] for one in notices_of(service, who)])}


def read(service: ServiceUnderTest, who: Principal) -> int:
    number: int = service.client.post("/notices/read", as_=who).get_json()["read"]
    return number


def state_of(service: ServiceUnderTest, rule: str) -> State:
    with service.work() as work:
        (one,) = work.tellings.select(tellings.c.rule == rule)
        found: State = one.state
        return found


def test_everybody_of_an_office_is_told_of_a_task_and_nobody_else(service: ServiceUnderTest) -> None:
    visit(service, *EVERYBODY)
    offered = task()
    service.react(offered)
    assert told(service) == {"officer": ["K1"], "colleague": ["K1"]}
    (one,) = notices_of(service, OFFICER)
    assert (one["kind"], one["subject"], one["event_id"]) == ("handover_task", str(offered.subject), str(offered.id))
    assert (one["title_zh"], one["urgent"], one["read_at"]) == ("有出所人员待确认接收", False, None)
    assert (unread(service, OFFICER), unread(service, ELSEWHERE)) == (1, 0)


def test_the_same_event_again_tells_nobody_twice(on_both: ServiceUnderTest) -> None:
    visit(on_both, OFFICER)
    offered = task()
    on_both.react(offered, offered)
    on_both.react(offered)
    on_both.outcome(offered)  # as if the inbox had forgotten it
    visit(on_both, COLLEAGUE)
    assert told(on_both) == {"officer": ["K1"]}
    with on_both.work() as work:
        assert len(work.deliveries.select()) == 0, "nothing is set up but the page"


def test_reading_is_done_once_by_the_first_and_ends_the_asking(on_both: ServiceUnderTest) -> None:
    visit(on_both, OFFICER, COLLEAGUE)
    on_both.react(task())
    (one,) = notices_of(on_both, OFFICER)
    answer = on_both.client.post(f"/notices/{one['id']}/read", as_=OFFICER).get_json()
    assert (answer["read_by"], unread(on_both, OFFICER), unread(on_both, COLLEAGUE)) == ("officer", 0, 1)
    on_both.clock.advance(timedelta(hours=1))
    again = on_both.client.post(f"/notices/{one['id']}/read", as_=OFFICER).get_json()
    assert again["read_at"] == answer["read_at"]
    assert state_of(on_both, "K1") is State.HEARD
    on_both.clock.advance(timedelta(days=1))
    assert on_both.run_timer("sweep_unread") == 0
    assert on_both.events("notification.failed.v1") == []


def test_nobody_reads_or_marks_somebody_elses_notice(service: ServiceUnderTest) -> None:
    visit(service, OFFICER)
    service.react(task())
    (one,) = notices_of(service, OFFICER)
    for path, method in ((f"/notices/{one['id']}", "get"), (f"/notices/{one['id']}/read", "post")):
        answer = getattr(service.client, method)(path, as_=ELSEWHERE)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "notice.not_found")
    assert read(service, ELSEWHERE) == 0
    assert unread(service, OFFICER) == 1


def test_a_task_that_goes_on_is_past_and_counts_no_more(service: ServiceUnderTest) -> None:
    visit(service, OFFICER, COLLEAGUE)
    offered = task()
    service.react(offered)
    service.react(task("handover.accepted.v1", subject=offered.subject, sequence=2, state="accepted"))
    assert (unread(service, OFFICER), state_of(service, "K1")) == (0, State.PAST)
    (one,) = notices_of(service, OFFICER)
    assert one["past_at"] is not None
    assert notices_of(service, OFFICER, unread=True) == []
    service.clock.advance(timedelta(days=1))
    assert service.run_timer("sweep_unread") == 0


def test_a_state_that_lasts_is_told_until_it_changes(service: ServiceUnderTest) -> None:
    visit(service, OFFICER, TOWNSHIP, COUNTY)
    offered = task()
    reminded = task("handover.reminded.v1", subject=offered.subject, sequence=2)
    escalated = task("handover.escalated.v1", subject=offered.subject, sequence=3, escalation_level=1)
    service.react(offered, reminded, escalated)
    assert (sorted(told(service)["officer"]), told(service)["township"]) == (["K1", "K5", "K6"], ["K6"])
    service.react(task("handover.escalated.v1", subject=offered.subject, sequence=4, escalation_level=2))
    assert told(service)["county"] == ["K7"]
    service.react(task("handover.accepted.v1", subject=offered.subject, sequence=5, state="accepted"))
    assert [unread(service, who) for who in (OFFICER, TOWNSHIP, COUNTY)] == [0, 0, 0]


def test_news_that_come_late_tell_nobody_what_is_not_so_any_more(service: ServiceUnderTest) -> None:
    visit(service, OFFICER)
    offered = task()
    accepted = task("handover.accepted.v1", subject=offered.subject, sequence=2, state="accepted")
    service.react(accepted)
    service.react(offered)
    assert told(service) == {}
    other = task()
    service.react(task("handover.reminded.v1", subject=other.subject, sequence=2))
    service.react(other)
    assert sorted(told(service)["officer"]) == ["K1", "K5"], "the state is the same, so it still waits"


def test_who_did_it_is_not_told_and_sees_who_was(service: ServiceUnderTest) -> None:
    visit(service, *EVERYBODY)
    rejected = task("handover.rejected.v1", actor="officer", due_rule="H8")
    ordered = event("test.ordered.v1", actor="station", station="STATION-1")
    service.react(rejected, ordered)
    assert told(service) == {"county": ["K4"]}
    seen = service.client.get("/tellings", as_=OFFICER).get_json()["items"]
    (one,) = seen
    assert (one["rule"], one["state"], [to["recipient"] for to in one["told"]]) == ("K4", "open", ["person:county"])
    read(service, COUNTY)
    (one,) = service.client.get("/tellings", as_=OFFICER, query_string={"about": rejected.subject}).get_json()["items"]
    assert (one["state"], one["told"][0]["read_by"]) == ("heard", "county")
    assert service.client.get("/tellings", as_=ELSEWHERE).get_json()["items"] == []


def test_supervisors_see_who_was_told_in_their_area(on_both: ServiceUnderTest) -> None:
    visit(on_both, *EVERYBODY)
    on_both.react(task(), task(office="OFFICE-2", division="430822001"))
    seen = {
        who.subject: [one["division"] for one in on_both.client.get("/tellings", as_=who).get_json()["items"]]
        for who in (TOWNSHIP, COUNTY, OTHER_COUNTY, CITY, OFFICER)
    }
    assert seen["township"] == seen["county"] == ["430802001"]
    assert seen["county-2"] == ["430822001"]
    assert sorted(seen["city"]) == ["430802001", "430822001"]
    assert seen["officer"] == []
    state = {"state": "heard"}
    assert on_both.client.get("/tellings", as_=CITY, query_string=state).get_json()["items"] == []


def test_of_a_centre_that_is_the_whole_city_s_the_city_is_told_and_no_place_is_named(service: ServiceUnderTest) -> None:
    visit(service, CLERK, CITY, COUNTY)
    service.react(event("release.over_term.v1", centre="centre-1"))
    service.clock.advance(timedelta(days=1))
    service.run_timer("sweep_unread")
    service.react(task("handover.escalated.v1", escalation_level=3))
    service.clock.advance(timedelta(days=3))
    service.run_timer("sweep_unread")
    places = {failed.data["division"] for failed in service.events("notification.failed.v1")}
    assert places == {None, PLACE}  # of the city itself, and of a task in one of its places
    assert told(service)["city"]


def test_what_nobody_reads_in_time_is_told_to_the_next_level_until_somebody_does(on_both: ServiceUnderTest) -> None:
    visit(on_both, OFFICER, COUNTY, CITY)
    on_both.react(task())
    on_both.clock.advance(timedelta(hours=3, minutes=59))
    assert on_both.run_timer("sweep_unread") == 0
    on_both.clock.advance(timedelta(minutes=1))
    assert on_both.run_timer("sweep_unread") == 1
    (failed,) = on_both.events("notification.failed.v1")
    assert failed.data["above"] == "county_supervisor"
    assert (failed.data["rule"], failed.data["recipients"], failed.data["division"]) == ("K1", 1, PLACE)
    on_both.react(failed)
    assert told(on_both) == {"officer": ["K1"], "county": ["W1"]}
    on_both.clock.advance(timedelta(days=3))
    assert on_both.run_timer("sweep_unread") == 0, "those above are not told of themselves"
    read(on_both, OFFICER)
    (settled,) = on_both.events("notification.settled.v1")
    assert (settled.sequence, settled.data["settled_by"]) == (2, "read")
    on_both.react(settled)
    assert unread(on_both, COUNTY) == 0


def test_a_failure_is_settled_when_its_matter_goes_on(service: ServiceUnderTest) -> None:
    visit(service, OFFICER, COUNTY)
    offered = task()
    service.react(offered)
    service.clock.advance(timedelta(hours=5))
    service.run_timer("sweep_unread")
    service.react(task("handover.accepted.v1", subject=offered.subject, sequence=2, state="accepted"))
    (settled,) = service.events("notification.settled.v1")
    assert settled.data["settled_by"] == "past"


def test_what_is_told_to_an_office_of_which_nobody_was_ever_here_waits_for_the_first(service: ServiceUnderTest) -> None:
    visit(service, COUNTY)
    service.react(task(), task("handover.unresolved.v1", division="430822001"))
    assert told(service)["officer"] == ["K1"], "the office's notice, whoever comes"
    assert told(service)["county-2"] == ["K3"]
    assert read(service, OFFICER) == 1
    assert unread(service, COLLEAGUE) == 0, "one has read it for the office"


def test_of_a_look_without_a_duty_somebody_else_is_told(service: ServiceUnderTest) -> None:
    visit(service, *EVERYBODY)
    service.react(opened("identity.opened.v1", "officer"))
    assert told(service) == {"county": ["S1"], "auditor": ["S1"]}
    service.react(opened("identity.opened.v1", "county"))
    assert told(service) == {"county": ["S1"], "auditor": ["S1", "S1"]}
    late = opened("identity.opening_unanswered.v1", "officer", sequence=2)
    service.react(late)
    assert (told(service)["city"], told(service)["auditor"][0]) == (["S2"], "S2")


def opened(kind: str, by: str, **changes: Any) -> Event:
    """An opening of somebody's; what the envelope calls a subject is another thing."""
    made = event(kind, **changes)
    return replace(made, data={**made.data, "subject": by})


def test_a_step_of_a_test_that_is_overdue_is_told_once_and_a_window_that_passes_is_not(
    on_both: ServiceUnderTest,
) -> None:
    visit(on_both, STATION, COUNTY)
    ordered = event("test.ordered.v1", station="STATION-1", division=PLACE)
    waiting = event("test.positive_told.v1", station="STATION-1", division=PLACE)
    on_both.react(ordered, waiting)
    on_both.clock.advance(timedelta(hours=24, seconds=-1))
    assert on_both.run_timer("tell_overdue") == 0
    on_both.clock.advance(timedelta(days=30))
    assert on_both.run_timer("tell_overdue") == 1
    assert on_both.run_timer("tell_overdue") == 0
    assert (told(on_both)["station"], told(on_both)["county"]) == (["J2", "J1"], ["J2"])
    on_both.react(event("test.collected.v1", subject=ordered.subject, sequence=2, station="STATION-1"))
    assert (unread(on_both, STATION), unread(on_both, COUNTY)) == (0, 0)


@pytest.mark.parametrize(
    ("said", "whom"),
    [
        (event("release.over_term.v1"), {"clerk": ["F6"], "city": ["F6"]}),
        (event("release.notice_late.v1"), {"clerk": ["F5"]}),
        (event("release.retracted.v1"), {"clerk": ["F4"], "city": ["F4"]}),
        (event("discrepancy.found.v1"), {"operator": ["D2"], "county": ["D1"]}),
        (
            event("discrepancy.found.v1", owner="centre-1", subject_kind="centre", division=None),
            {"clerk": ["D1"], "city": ["D1"]},
        ),
        (event("test.objection_decided.v1", actor="county"), {"station": ["J3"]}),
        (
            event("handover.not_met.v1", office=OFFICE, division=PLACE),
            {"officer": ["K11"], "colleague": ["K11"], "township": ["K11"]},
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Event) else "",
)
def test_each_kind_of_news_reaches_those_whom_the_policy_names(
    tmp_path: Path, said: Event, whom: dict[str, list[str]]
) -> None:
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as service:
        visit(service, *EVERYBODY)
        service.react(said)
        assert told(service) == whom


def test_who_was_not_here_for_long_is_told_no_more_and_the_office_is_instead(service: ServiceUnderTest) -> None:
    visit(service, OFFICER)
    service.clock.advance(timedelta(days=91))
    service.react(task(time=service.clock.now()))
    assert told(service)["colleague"] == ["K1"], "the office's, for whoever comes"
    service.clock.advance(timedelta(days=90))
    service.run_timer("forget_old")
    with service.work() as work:
        assert work.contacts.select() == []


def test_an_office_that_gave_a_task_away_needs_to_read_nothing_of_it_any_more(service: ServiceUnderTest) -> None:
    visit(service, OFFICER, ELSEWHERE)
    offered = task()
    service.react(offered)
    service.react(task("handover.rejected.v1", subject=offered.subject, sequence=2, state="offered", office="OFFICE-2"))
    assert (unread(service, OFFICER), unread(service, ELSEWHERE)) == (0, 1)


def test_an_office_that_another_one_names_is_told_and_one_that_was_never_asked_is_not(
    service: ServiceUnderTest,
) -> None:
    visit(service, OFFICER, ELSEWHERE)
    passed = task("handover.rejected.v1", sequence=2, state="offered", due_rule="H2", actor="elsewhere")
    announced = task("handover.announced.v1", due_rule="H1")
    service.react(passed, announced)
    assert told(service) == {"officer": ["K1"]}
    withdrawn = {"sequence": 3, "state": "withdrawn"}
    service.react(task("handover.withdrawn.v1", subject=announced.subject, **withdrawn))
    assert told(service) == {"officer": ["K1"]}
    service.react(task("handover.withdrawn.v1", subject=passed.subject, **withdrawn))
    assert told(service)["officer"][0] == "K10"


def test_who_moves_to_another_office_is_told_what_is_the_new_ones(service: ServiceUnderTest) -> None:
    visit(service, OFFICER)
    moved = principal_of(Role.COMMUNITY_OFFICER, organisation="OFFICE-2", division="430822001", subject="officer")
    visit(service, moved)
    service.react(task(office="OFFICE-2", division="430822001"))
    assert [one["rule"] for one in notices_of(service, moved)] == ["K1"]


def test_settings_are_kept_and_their_answer_holds_no_address(on_both: ServiceUnderTest) -> None:
    wanted = {
        "language": "en",
        "email": "officer@office.example",
        "phone": "13900000000",
        "channels": ["sms"],
        "quiet_from": "21:30",
        "quiet_until": "06:15",
        "digest": "daily",
    }
    answer = on_both.client.put("/contact", wanted, as_=OFFICER)
    assert answer.status_code == 200, answer.get_json()
    assert "office.example" not in answer.get_data(as_text=True)
    own = on_both.client.get("/contact", as_=OFFICER).get_json()
    assert (own["email"], own["phone"], own["set_up"]) == (wanted["email"], wanted["phone"], [])
    kept = {name: own["contact"][name] for name in ("channels", "quiet_from", "quiet_until", "digest", "language")}
    assert kept == {name: wanted[name] for name in kept}
    visit(on_both, OFFICER)
    assert on_both.client.get("/contact", as_=OFFICER).get_json()["contact"]["quiet_from"] == "21:30"
    with on_both.storage.engine.connect() as connection:
        stored = str(connection.exec_driver_sql("select email, phone from contact").all())
    assert "office.example" not in stored
    assert "1390" not in stored


@pytest.mark.parametrize(
    "wrong",
    [
        {"email": "no"},
        {"email": "a@b.example\r\nBcc: x@y.example"},
        {"phone": "one"},
        {"quiet_from": "24:00"},
        {"quiet_until": "7"},
        {"digest": "weekly"},
        {"channels": ["webhook"]},
        {"language": "fr"},
        {"more": 1},
    ],
    ids=str,
)
def test_settings_that_cannot_be_right_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    right = {"channels": [], "quiet_from": "22:00", "quiet_until": "07:00", "digest": "none"}
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as service:
        assert service.client.put("/contact", right, as_=OFFICER).status_code == 200
        assert service.client.put("/contact", right | wrong, as_=OFFICER).status_code == 422


def test_an_office_says_where_it_is_reached_for_itself_only(service: ServiceUnderTest) -> None:
    address = {"email": "office@office.example"}
    assert service.client.get("/contact/office", as_=TOWNSHIP).status_code == 404
    answer = service.client.put("/contact/office", address, as_=TOWNSHIP).get_json()
    assert (answer["organisation"], answer["has_email"], answer["has_phone"]) == (OFFICE, True, False)
    assert service.client.get("/contact/office", as_=OFFICER).get_json()["changed_by"] == "township"
    assert service.client.get("/contact/office", as_=ELSEWHERE).status_code == 404


def test_what_was_told_long_ago_goes_and_what_is_new_stays(on_both: ServiceUnderTest) -> None:
    visit(on_both, OFFICER)
    on_both.react(task())
    on_both.clock.advance(timedelta(days=179))
    on_both.react(task(time=on_both.clock.now()))
    assert on_both.run_timer("forget_old") == 0
    on_both.clock.advance(timedelta(days=2))
    assert on_both.run_timer("forget_old") == 2, "a telling and its matter"
    assert len(notices_of(on_both, OFFICER)) == 1


def test_ids_of_what_is_told_follow_from_the_event(service: ServiceUnderTest) -> None:
    visit(service, OFFICER)
    offered = task()
    service.react(offered)
    (one,) = notices_of(service, OFFICER)
    with service.work() as work:
        assert work.notices.get(UUID(one["id"])).event_id == offered.id
        assert work.deliveries.select(deliveries.c.notice_id == UUID(one["id"])) == []
