"""oversight compares all the time: what does not agree is found once, named, owned, and resolved when it agrees."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.oversight import policy
from services.oversight.service import SERVICE
from shared.contracts.envelope import Event
from shared.kernel.clock import china_day
from shared.kernel.ids import new_id
from shared.storage.migrations import upgrade
from shared.storage.statements import digest_of
from shared.web import Role
from tests.support.builders import NOW, event, person_registered, release_executed, release_planned, stay_admitted
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

CITY = principal_of(Role.CITY_SUPERVISOR, subject="city")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, division="430802", subject="county")
TODAY = china_day(NOW)
YESTERDAY = TODAY - timedelta(days=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


@pytest.fixture
def on_sqlite(tmp_path: Path) -> Iterator[ServiceUnderTest]:
    """For what others of these tests ask of both databases."""
    with service_under_test(SERVICE, f"sqlite:///{tmp_path / 'test.sqlite3'}") as opened:
        yield opened


def compare(service: ServiceUnderTest) -> int:
    return service.run_timer("reconcile")


def later(service: ServiceUnderTest, by: timedelta = HOUR) -> int:
    service.clock.advance(by)
    return compare(service)


def discrepancies(service: ServiceUnderTest, state: str = "open", as_: Any = CITY) -> list[Any]:
    found: list[Any] = service.client.get(f"/discrepancies?state={state}", as_=as_).get_json()["items"]
    return found


def named(service: ServiceUnderTest, state: str = "open") -> set[tuple[str, str]]:
    return {(one["kind"], one["subject"]) for one in discrepancies(service, state)}


def a_release(executed: bool = True, **changes: Any) -> Event:
    build = release_executed if executed else release_planned
    gate = {"executed_at": NOW} if executed else {}
    return build(**{"release_at": NOW, **gate, **changes})


def its_task(release: Event, **changes: Any) -> Event:
    data = release.data
    facts = {
        "release_id": release.subject,
        "person_id": data["person_id"],
        "release_at": data["release_at"],
        "released_at": data["executed_at"],
        "release_version": release.sequence,
    }
    return event("handover.offered.v1", **{**facts, **changes})


def tasks_stated(*tasks: Event, sequence: int = 1, subject: UUID | None = None, **changes: Any) -> Event:
    entries = [
        {
            "task_id": task.subject,
            "release_id": task.data["release_id"],
            "release_version": task.data["release_version"],
        }
        for task in tasks
    ]
    told = {
        "day": TODAY,
        "tasks": entries,
        "count": len(entries),
        "digest": digest_of(f"{entry['release_id']}:{entry['release_version']}" for entry in entries),
    }
    return event("task_statement.issued.v1", subject=subject, sequence=sequence, **{**told, **changes})


def releases_stated(*releases: Event, day: date = TODAY, **changes: Any) -> Event:
    entries = [
        {"release_id": one.subject, "version": one.sequence, "needs_handover": one.data["needs_handover"]}
        for one in releases
    ]
    lines = [f"{entry['release_id']}:{entry['version']}" for entry in entries if entry["needs_handover"]]
    told = {
        "day": day,
        "releases": entries,
        "executed": len(entries),
        "to_be_met": len(lines),
        "digest": digest_of(lines),
    }
    return event("statement.issued.v1", **{**told, **changes})


def page(service_name: str, *events: Event, sequence: int = 1, **changes: Any) -> Event:
    listed = [
        {"event_id": one.id, "type": one.type, "subject": one.subject, "sequence": one.sequence} for one in events
    ]
    told = {"service": service_name, "events": listed, "stream_id": UUID(int=len(service_name))}
    return event("stream.stated.v1", sequence=sequence, **{**told, **changes})


def test_a_release_whose_task_was_never_made_is_found_once_and_resolved_when_it_is_made(
    service: ServiceUnderTest,
) -> None:
    release = a_release()
    service.react(person_registered(subject=release.data["person_id"]), release)
    assert compare(service) == 0  # it may still come
    assert later(service) == 1
    assert later(service) == 0
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["detail"]) == ("release_without_task", str(release.subject), "never_made")
    assert (one["person_id"], one["division"]) == (str(release.data["person_id"]), "430802001")
    assert (one["owner"], one["number"], one["due_rule"]) == ("community_handover", 1, "X1")
    service.react(its_task(release, time=service.clock.now()))
    assert compare(service) == 1
    assert named(service) == set()
    (resolved,) = discrepancies(service, "resolved")
    assert resolved["resolved_at"] is not None
    assert [event.type for event in service.events()] == ["discrepancy.found.v1", "discrepancy.resolved.v1"]


def test_a_task_row_that_vanished_is_found_when_the_table_is_stated(service: ServiceUnderTest) -> None:
    kept, lost = a_release(), a_release()
    tasks = its_task(kept), its_task(lost)
    statement = tasks_stated(*tasks)
    service.react(kept, lost, *tasks, statement)
    assert later(service) == 0
    stated_at = service.clock.now()
    again = tasks_stated(tasks[0], subject=statement.subject, sequence=2, stated_at=stated_at, state="corrected")
    service.react(again)
    assert compare(service) == 1
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["detail"]) == ("release_without_task", str(lost.subject), "row_lost")
    service.react(tasks_stated(*tasks, subject=statement.subject, sequence=3, stated_at=stated_at + HOUR))
    assert compare(service) == 1
    assert named(service) == set()


def test_a_row_lost_before_it_was_ever_stated_is_found_when_the_table_was_read_since(
    service: ServiceUnderTest,
) -> None:
    release = a_release()
    service.react(release, its_task(release))
    assert later(service) == 0
    service.react(tasks_stated(day=TODAY - timedelta(days=9), stated_at=NOW + HOUR))
    assert compare(service) == 0  # its other days may be on their way
    on_its_way = tasks_stated(day=TODAY - timedelta(days=8))
    service.react(page("community_handover", on_its_way))
    assert later(service, timedelta(minutes=4)) == 0  # one of them is
    service.react(on_its_way)
    assert later(service, timedelta(minutes=1)) == 1
    assert named(service) == {("release_without_task", str(release.subject))}


@pytest.mark.parametrize("days", [60, -60])
def test_a_row_is_not_missed_on_days_that_nobody_states(on_sqlite: ServiceUnderTest, days: int) -> None:
    release = a_release(executed=False)
    elsewhere = its_task(release, release_at=NOW + timedelta(days=days))  # it follows an older plan
    on_sqlite.react(release, elsewhere, tasks_stated(stated_at=NOW + HOUR))
    later(on_sqlite, 2 * HOUR)
    assert [(one["kind"], one["detail"]) for one in discrepancies(on_sqlite)] == [("stale_task", "other_time")]


@pytest.mark.parametrize(("read", "found_it"), [(-11 * HOUR, False), (-9 * HOUR, True)])
def test_a_day_that_came_into_sight_is_missed_only_after_that(
    on_sqlite: ServiceUnderTest, read: timedelta, found_it: bool
) -> None:
    long_ago = NOW - timedelta(days=20)
    release = a_release(executed=False, release_at=NOW + timedelta(days=35), time=long_ago)
    on_sqlite.react(release, its_task(release, time=long_ago), tasks_stated(stated_at=NOW + read))
    later(on_sqlite)
    found = {("release_without_task", str(release.subject))} if found_it else set()
    assert named(on_sqlite) - {("service_silent", "community_handover")} == found


def test_a_day_of_which_a_part_was_not_heard_proves_nothing(on_sqlite: ServiceUnderTest) -> None:
    release = a_release()
    task = its_task(release)
    parts = {"count": 201, "parts": 2, "digest": digest_of(["x"]), "stated_at": NOW + HOUR}
    on_sqlite.react(release, task, tasks_stated(part=1, **parts), tasks_stated(day=YESTERDAY, stated_at=NOW + HOUR))
    assert later(on_sqlite, 2 * HOUR) == 0


def test_nothing_is_resolved_while_a_part_is_on_its_way(service: ServiceUnderTest) -> None:
    behind, unheard = a_release(), a_release()
    service.react(behind, its_task(behind, state="withdrawn"), tasks_stated(its_task(unheard)))
    assert later(service) >= 2
    before = named(service)
    assert {kind for kind, _ in before} == {"stale_task", "task_without_release", "event_missing"}
    halves = {"count": 201, "parts": 2, "digest": digest_of(["x"])}
    torn = [tasks_stated(part=1, stated_at=NOW + HOUR, **halves), releases_stated(part=1, executed=201, parts=2)]
    service.react(*torn)
    assert compare(service) == 0
    assert named(service) == before


def test_what_is_told_again_meanwhile_is_neither_resolved_nor_younger(on_sqlite: ServiceUnderTest) -> None:
    release = a_release()
    same = {"subject": release.subject, "person_id": release.data["person_id"], "executed_at": NOW}
    on_sqlite.react(release)
    assert later(on_sqlite) == 1
    (found,) = discrepancies(on_sqlite)
    on_sqlite.react(event("release.papers_sent.v1", sequence=2, **same))
    assert compare(on_sqlite) == 0  # its task may follow the new version, but it was missed before
    later(on_sqlite)
    assert [(one["id"], one["found_at"]) for one in discrepancies(on_sqlite)] == [(found["id"], found["found_at"])]
    on_sqlite.react(its_task(release, time=on_sqlite.clock.now()))
    assert compare(on_sqlite) == 1
    assert named(on_sqlite) == set()


def test_a_withheld_gate_leaves_the_task_behind_its_release(service: ServiceUnderTest) -> None:
    planned = a_release(executed=False)
    task = its_task(planned)
    gone = a_release(subject=planned.subject, person_id=planned.data["person_id"], sequence=2)
    service.react(planned, task, gone)
    assert later(service) == 1
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["detail"], one["number"]) == (
        "stale_task",
        str(planned.subject),
        "gate_unknown",
        2,
    )
    followed = its_task(gone, subject=task.subject, sequence=2)
    service.react(followed)
    assert compare(service) == 1
    assert named(service) == set()


def test_the_version_that_is_named_is_one_that_the_handover_hears(on_sqlite: ServiceUnderTest) -> None:
    planned = a_release(executed=False)
    same = {"subject": planned.subject, "person_id": planned.data["person_id"]}
    papers = event("release.papers_sent.v1", sequence=3, executed_at=NOW, **same)
    on_sqlite.react(planned, its_task(planned), a_release(sequence=2, **same), papers)
    assert later(on_sqlite) == 1
    assert [(one["kind"], one["number"]) for one in discrepancies(on_sqlite)] == [("stale_task", 2)]


def test_a_release_that_only_the_register_knows_is_missed_as_an_event_and_as_a_task(service: ServiceUnderTest) -> None:
    unheard = a_release(sequence=2)
    service.react(releases_stated(unheard))
    later(service)
    assert named(service) == {
        ("event_missing", str(unheard.subject)),
        ("release_without_task", str(unheard.subject)),
    }
    missing = next(one for one in discrepancies(service) if one["kind"] == "event_missing")
    assert (missing["owner"], missing["detail"], missing["number"]) == ("release_notification", "release", 2)
    planned = a_release(executed=False, subject=unheard.subject)
    service.react(planned, unheard, its_task(unheard, time=service.clock.now()))
    compare(service)
    assert named(service) == set()


def test_a_task_that_only_the_table_knows_is_missed_as_an_event(service: ServiceUnderTest) -> None:
    release = a_release()
    task = its_task(release)
    service.react(release, tasks_stated(task))
    later(service)
    assert named(service) == {("event_missing", str(task.subject))}
    service.react(task)
    compare(service)
    assert named(service) == set()


def test_two_tasks_of_a_release_and_a_task_of_none_are_found(on_sqlite: ServiceUnderTest) -> None:
    release, stray = a_release(), its_task(a_release())
    on_sqlite.react(release, its_task(release), its_task(release), stray)
    later(on_sqlite)
    assert named(on_sqlite) == {("duplicate_task", str(release.subject)), ("task_without_release", str(stray.subject))}


def test_a_gap_in_a_stream_names_the_aggregate_and_the_first_number(service: ServiceUnderTest) -> None:
    person = person_registered()
    at_five = event("person.changed.v1", subject=person.subject, sequence=5)
    service.react(person, at_five)
    assert compare(service) == 0
    assert later(service) == 1
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["number"]) == ("event_missing", str(person.subject), 2)
    assert (one["owner"], one["person_id"]) == ("person_registry", str(person.subject))
    service.react(*(event("person.changed.v1", subject=person.subject, sequence=n) for n in (4, 2)))
    assert compare(service) == 1  # it is number 3 now
    assert discrepancies(service)[0]["number"] == 3
    service.react(event("person.changed.v1", subject=person.subject, sequence=3))
    assert compare(service) == 1
    assert named(service) == set()


def test_an_event_that_was_logged_and_did_not_arrive_is_named_by_its_type(service: ServiceUnderTest) -> None:
    heard, dropped = person_registered(), person_registered()
    service.react(heard, page("person_registry", heard, dropped))
    assert later(service, timedelta(minutes=4)) == 0
    assert later(service, timedelta(minutes=1)) == 1
    (one,) = discrepancies(service)
    assert (one["subject"], one["detail"], one["number"]) == (str(dropped.subject), "person.registered.v1", 1)
    service.react(dropped)
    assert compare(service) == 1
    assert named(service) == set()


def test_of_very_many_the_oldest_are_named_first_and_none_is_taken_for_mended(
    on_sqlite: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "MOST_AWAITED", 3)
    dropped = [person_registered() for _ in range(4)]
    for number, one in enumerate(dropped, start=1):
        on_sqlite.react(page("person_registry", one, sequence=number))
        on_sqlite.clock.advance(timedelta(minutes=1))
    later(on_sqlite)
    assert named(on_sqlite) == {("event_missing", str(one.subject)) for one in dropped[:3]}
    on_sqlite.react(dropped[0])
    compare(on_sqlite)
    assert named(on_sqlite) == {("event_missing", str(one.subject)) for one in dropped}  # there may be more
    on_sqlite.react(dropped[1])
    compare(on_sqlite)
    assert named(on_sqlite) == {("event_missing", str(one.subject)) for one in dropped[2:]}


def test_a_page_that_is_lost_itself_is_a_gap_too(on_sqlite: ServiceUnderTest) -> None:
    first = page("drug_testing")
    on_sqlite.react(first, page("drug_testing", sequence=3, time=NOW + HOUR))
    later(on_sqlite)
    (one,) = discrepancies(on_sqlite)
    assert (one["kind"], one["owner"], one["number"]) == ("event_missing", "drug_testing", 2)


@pytest.mark.parametrize("backwards", [False, True])
def test_events_in_any_order_are_missed_by_nobody(on_sqlite: ServiceUnderTest, backwards: bool) -> None:
    person = new_id()
    said = [person_registered(subject=person)]
    said += [event("person.changed.v1", subject=person, sequence=n) for n in range(2, 8)]
    said.append(page("person_registry", *said))
    for one in reversed(said) if backwards else said:
        on_sqlite.react(one)
    assert later(on_sqlite) == 0


def test_a_service_that_states_nothing_is_silent(service: ServiceUnderTest) -> None:
    service.react(page("drug_testing"))
    assert later(service, 3 * HOUR) == 0
    assert later(service, HOUR) == 1
    assert named(service) == {("service_silent", "drug_testing")}
    service.react(page("drug_testing", sequence=2, time=service.clock.now()))
    assert compare(service) == 1


def test_who_hears_nothing_at_all_accuses_nobody_else(on_sqlite: ServiceUnderTest) -> None:
    on_sqlite.react(page("drug_testing"), page("oversight"), releases_stated(day=YESTERDAY))
    assert later(on_sqlite, 28 * HOUR) == 1  # as after an outage: what the others said may be on its way
    assert named(on_sqlite) == {("service_silent", "oversight")}
    on_sqlite.react(page("oversight", sequence=2, time=on_sqlite.clock.now()))
    assert compare(on_sqlite) == 3
    assert named(on_sqlite) == {("service_silent", "drug_testing"), ("statement_missing", f"centre-1 {TODAY}")}


def test_a_handover_that_reads_its_table_no_more_is_noticed(service: ServiceUnderTest) -> None:
    service.react(page("community_handover", time=NOW + 4 * HOUR), tasks_stated(stated_at=NOW))
    assert later(service, 4 * HOUR) == 1
    assert [(one["kind"], one["detail"]) for one in discrepancies(service)] == [("service_silent", "tasks_unread")]
    service.react(tasks_stated(stated_at=NOW + 4 * HOUR))
    assert compare(service) == 1


def test_a_finished_day_that_nobody_stated_is_missing(service: ServiceUnderTest) -> None:
    service.react(releases_stated(day=YESTERDAY))
    assert later(service, 20 * HOUR - timedelta(seconds=1)) == 0  # a second before 06:00 tomorrow
    assert later(service, timedelta(seconds=1)) == 1
    assert named(service) == {("statement_missing", f"centre-1 {TODAY}")}
    service.react(releases_stated(day=TODAY))
    assert compare(service) == 1
    left = a_release(centre="centre-9", needs_handover=False)
    service.react(left)
    assert compare(service) == 0  # entered late, it is stated a moment later
    assert later(service) == 1
    assert named(service) == {("statement_missing", f"centre-9 {TODAY}")}


def test_what_lies_too_far_back_stays_as_it_was_left(on_sqlite: ServiceUnderTest) -> None:
    on_sqlite.react(releases_stated(day=YESTERDAY), a_release(needs_handover=False))
    on_sqlite.clock.advance(timedelta(days=1))
    compare(on_sqlite)
    (before,) = named(on_sqlite)
    later(on_sqlite, timedelta(days=60))
    assert before in named(on_sqlite)


def test_a_headcount_that_differs_is_one_discrepancy_of_the_centre_until_it_agrees(service: ServiceUnderTest) -> None:
    service.react(event("headcount.stated.v1", day=YESTERDAY, counted=119, expected=120))
    assert compare(service) == 1
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["owner"], one["number"]) == (
        "headcount_differs",
        "centre-1",
        "centre-1",
        -1,
    )
    service.react(event("headcount.stated.v1", day=TODAY, counted=118, expected=119))
    assert compare(service) == 0  # the same one head
    path = f"/discrepancies/{one['id']}/explanation"
    explained = service.client.post(path, {"reason": "at the hospital since the evening"}, as_=CITY)
    assert (explained.status_code, explained.get_json()["state"]) == (201, "explained")
    assert explained.get_json()["explained_by"] == "city"
    assert compare(service) == 0
    service.react(event("headcount.stated.v1", day=TODAY + timedelta(days=1), counted=117, expected=119))
    assert compare(service) == 1  # now it is another number
    assert [(one["state"], one["number"], one["explanation"]) for one in discrepancies(service)] == [("open", -2, None)]
    service.react(event("headcount.stated.v1", day=TODAY + timedelta(days=2), counted=119, expected=119))
    assert compare(service) == 1
    words = str([event.data for event in service.events()])
    assert "hospital" not in words


def test_a_difference_is_not_resolved_by_counting_no_more(on_sqlite: ServiceUnderTest) -> None:
    on_sqlite.react(event("headcount.stated.v1", day=TODAY, counted=119, expected=120))
    assert compare(on_sqlite) == 1
    missed = {"state": "missed", "counted": None, "stated_at": None}
    on_sqlite.react(event("headcount.missed.v1", day=TODAY + timedelta(days=40), **missed))
    assert later(on_sqlite, timedelta(days=41)) == 1
    assert named(on_sqlite) == {("headcount_differs", "centre-1"), ("headcount_missing", "centre-1")}


def test_a_headcount_that_nobody_said_is_missing_until_the_next_one(service: ServiceUnderTest) -> None:
    missed = {"state": "missed", "counted": None, "stated_at": None}
    service.react(event("headcount.missed.v1", day=YESTERDAY, **missed))
    assert compare(service) == 1
    assert named(service) == {("headcount_missing", "centre-1")}
    service.react(event("headcount.stated.v1", day=TODAY))
    assert compare(service) == 1


def test_alarms_of_the_register_are_discrepancies_and_over_term_comes_first(service: ServiceUnderTest) -> None:
    late, over, silent = a_release(executed=False), a_release(executed=False), a_release(executed=False)
    alarms = ((late, "notice_late"), (over, "over_term"), (silent, "silent"))
    told = [
        event(f"release.{alarm}.v1", subject=one.subject, person_id=one.data["person_id"], sequence=2, alarm=alarm)
        for one, alarm in alarms
    ]
    service.react(*(one for one, _ in alarms), *told, *(its_task(one) for one in told))
    assert compare(service) == 3
    assert [one["kind"] for one in discrepancies(service)] == ["over_term", "release_silent", "notice_late"]
    gate = a_release(subject=over.subject, person_id=over.data["person_id"], sequence=3)
    service.react(gate)
    assert compare(service) == 1
    assert [one["kind"] for one in discrepancies(service)] == ["release_silent", "notice_late"]


def test_two_files_of_one_person_in_custody_at_once_are_found(service: ServiceUnderTest) -> None:
    kept, gone = person_registered(), person_registered()
    stays = stay_admitted(person_id=kept.subject), stay_admitted(person_id=gone.subject, centre="centre-2")
    service.react(kept, gone, *stays)
    assert compare(service) == 0
    service.react(event("person.merged.v1", subject=gone.subject, sequence=2, merged_into=kept.subject))
    assert compare(service) == 1
    (one,) = discrepancies(service)
    assert (one["kind"], one["subject"], one["person_id"]) == (
        "two_open_stays",
        str(stays[1].subject),
        str(kept.subject),
    )
    service.react(event("stay.ended.v1", subject=stays[1].subject, person_id=gone.subject, sequence=2))
    assert compare(service) == 1


def test_what_must_be_put_right_cannot_be_explained_and_words_must_say_something(on_sqlite: ServiceUnderTest) -> None:
    on_sqlite.react(a_release())
    later(on_sqlite)
    (one,) = discrepancies(on_sqlite)
    path = f"/discrepancies/{one['id']}/explanation"
    refused = on_sqlite.client.post(path, {"reason": "known"}, as_=CITY)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "discrepancy.must_be_mended")
    assert on_sqlite.client.post(path, {"reason": "  "}, as_=CITY).status_code == 422
    assert on_sqlite.client.post(path, {"reason": "x"}, as_=principal_of(Role.OPERATOR)).status_code == 403


def test_a_county_sees_its_own_and_an_auditor_all(service: ServiceUnderTest) -> None:
    here, there = a_release(), a_release()
    service.react(
        person_registered(subject=here.data["person_id"], residence_division="430802001"),
        person_registered(subject=there.data["person_id"], residence_division="430822228"),
        here,
        there,
        event("headcount.stated.v1", counted=1, expected=2),
    )
    later(service)
    assert [one["subject"] for one in discrepancies(service, as_=COUNTY)] == [str(here.subject)]
    for everything in (CITY, principal_of(Role.AUDITOR), principal_of(Role.OPERATOR)):
        assert len(discrepancies(service, as_=everything)) == 3
    elsewhere = next(one for one in discrepancies(service) if one["subject"] == str(there.subject))
    hidden = service.client.get(f"/discrepancies/{elsewhere['id']}", as_=COUNTY)
    assert (hidden.status_code, hidden.get_json()["code"]) == (404, "discrepancy.not_found")
    assert service.client.get("/discrepancies", as_=principal_of(Role.COMMUNITY_OFFICER)).status_code == 403


def test_the_summary_and_the_gauges_say_how_much_is_open(service: ServiceUnderTest) -> None:
    service.react(a_release(), event("headcount.stated.v1", counted=1, expected=2))
    later(service)
    later(service, 2 * HOUR)
    summary = service.client.get("/discrepancies/summary", as_=CITY).get_json()
    assert (summary["open"], summary["overdue"]) == (2, 1)
    assert SERVICE.measure is not None
    with service.work() as work:
        SERVICE.measure(work, service.metrics)

    def gauge(name: str, **labels: str) -> float | None:
        return service.metrics.registry.get_sample_value(name, labels)

    assert gauge("baton_discrepancies", kind="release_without_task") == 1
    assert gauge("baton_discrepancies", kind="over_term") == 0
    assert gauge("baton_reconciliation_age_seconds") == 0
    service.clock.advance(HOUR)
    assert gauge("baton_reconciliation_age_seconds") == 3600  # it grows though nothing sets it


def test_a_discrepancy_is_a_line_of_the_case_that_it_names(service: ServiceUnderTest) -> None:
    release = a_release()
    service.react(release)
    later(service)
    service.react(*service.events())
    person = release.data["person_id"]
    lines = service.client.get(f"/cases/{person}/timeline", as_=CITY).get_json()["items"]
    assert [line["type"] for line in lines] == ["release.executed.v1", "discrepancy.found.v1"]
    case = service.client.get(f"/cases/{person}", as_=CITY).get_json()
    (one,) = [one for one in case["aggregates"] if one["kind"] == "discrepancy"]
    assert (one["state"], one["holder"]) == ("open", "community_handover")
    assert "discrepancy" not in str(service.client.get("/stages", as_=CITY).get_json())


def test_what_was_heard_before_reconciliation_was_there_is_compared_too(database_url: str) -> None:
    with service_under_test(SERVICE, database_url) as service:
        planned, release = a_release(executed=False), a_release()
        gone = a_release(subject=planned.subject, person_id=planned.data["person_id"], sequence=2)
        service.react(planned, gone, release, its_task(gone))
        with service.storage.engine.begin() as connection:
            for table in ("awaited_event", "comparison", "discrepancy", "known_headcount", "known_release"):
                connection.execute(text(f"drop table {table}"))
            connection.execute(text("drop table known_task"))
            for table in ("stated_part", "forked_aggregate"):
                connection.execute(text(f"drop table {table}"))
            connection.execute(text("alter table aggregate_state drop column asked"))
            connection.execute(text("delete from alembic_version where version_num = 'oversight_0006'"))
            connection.execute(text("insert into alembic_version values ('oversight_0003')"))
        upgrade(service.storage.engine, "oversight")
        with service.storage.engine.connect() as connection:
            asked = connection.execute(text("select asked from aggregate_state where kind = 'handover_task'")).scalars()
            assert list(asked) == ["OFFICE-430802001"]
        assert later(service) == 1
        assert named(service) == {("release_without_task", str(release.subject))}


def test_a_service_that_says_a_number_twice_was_restored_and_is_named_until_it_is_past_it(
    service: ServiceUnderTest,
) -> None:
    lost = [a_release(executed=False, state="planned")]
    lost += [a_release(executed=False, subject=lost[0].subject, sequence=number) for number in (2, 3)]
    service.react(*lost)
    service.react(*lost)  # again is not anew
    assert compare(service) == 0
    service.react(a_release(executed=False, subject=lost[0].subject, sequence=2))
    assert compare(service) == 1
    (one,) = discrepancies(service)
    named_so = ("two_histories", str(lost[0].subject), "release_notification", "release", 2)
    assert (one["kind"], one["subject"], one["owner"], one["detail"], one["number"]) == named_so
    service.react(a_release(executed=False, subject=lost[0].subject, sequence=3))
    assert compare(service) == 0
    assert len(discrepancies(service)) == 1
    service.react(a_release(executed=False, subject=lost[0].subject, sequence=4))
    assert compare(service) == 1
    assert named(service) == set()


def test_pages_said_anew_name_the_service_and_are_no_silence(on_sqlite: ServiceUnderTest) -> None:
    on_sqlite.react(*(page("drug_testing", sequence=number) for number in (1, 2, 3, 4)))
    on_sqlite.clock.advance(timedelta(hours=4))
    on_sqlite.react(page("drug_testing", sequence=3, time=on_sqlite.clock.now()))
    compare(on_sqlite)
    (one,) = discrepancies(on_sqlite)
    assert (one["kind"], one["owner"], one["detail"]) == ("two_histories", "drug_testing", "stream")


def test_what_was_heard_of_a_service_is_listed_since_a_moment_without_what_it_says(service: ServiceUnderTest) -> None:
    early, release, person = a_release(executed=False, time=NOW - HOUR), a_release(), person_registered()
    service.react(early, release, person)
    query = f"/heard?producer=release_notification&since={NOW.isoformat().replace('+', '%2B')}"
    (one,) = service.client.get(query, as_=Role.OPERATOR).get_json()["items"]
    assert one.pop("occurred_at")
    assert one == {
        "event_id": str(release.id),
        "kind": "release",
        "subject": str(release.subject),
        "sequence": release.sequence,
    }
    assert service.client.get(query, as_=CITY).status_code == 403
