"""oversight: the same read models whatever order events come in; one timeline over all services; counts."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from services.oversight.service import SERVICE
from services.oversight.store import aggregate_states, timeline
from shared.contracts.catalogue import CATALOGUE
from shared.kernel.ids import new_id
from shared.web import Role
from tests.support.builders import NOW, event
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

CITY = Role.CITY_SUPERVISOR


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def read_models(service: ServiceUnderTest) -> Any:
    with service.storage.engine.connect() as connection:
        lines = connection.execute(select(timeline).order_by(timeline.c.event_id)).all()
        states = connection.execute(select(aggregate_states).order_by(aggregate_states.c.aggregate_id)).all()
    return lines, states


ABOUT_PERSONS = [name for name, contract in CATALOGUE.items() if "person_id" in contract.keys]


def test_every_event_type_about_a_person_becomes_a_line_of_the_timeline(service: ServiceUnderTest) -> None:
    person = new_id()
    said = [
        event(name, person_id=person, time=NOW + timedelta(minutes=place))
        if CATALOGUE[name].aggregate != "person"
        else event(name, subject=person, sequence=place + 1, time=NOW + timedelta(minutes=place))
        for place, name in enumerate(ABOUT_PERSONS)
    ]
    service.react(*reversed(said))
    seen, cursor = [], ""
    while cursor is not None:
        query = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = service.client.get(f"/cases/{person}/timeline", as_=CITY, query_string=query).get_json()
        seen += page["items"]
        cursor = page["next_cursor"]
    assert [line["type"] for line in seen] == ABOUT_PERSONS
    newest = service.client.get(f"/cases/{person}/timeline?order=newest_first&limit=1", as_=CITY).get_json()
    assert newest["items"][0]["type"] == ABOUT_PERSONS[-1]


def test_what_is_about_no_person_is_kept_but_is_no_case(service: ServiceUnderTest) -> None:
    others = [event(name) for name in CATALOGUE if name not in ABOUT_PERSONS]
    service.react(*others)
    with service.work() as work:
        assert len(work.versions.select()) == len(others)
        assert work.timeline.select() == []
    assert service.client.get("/stages", as_=CITY).get_json() == {"stages": []}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_and_repetition_gives_the_same_read_models(data: st.DataObject, tmp_path_factory: Any) -> None:
    task, person = new_id(), new_id()
    names = ["handover.offered.v1", "handover.accepted.v1", "handover.met.v1", "handover.registered.v1"]
    history = [event(name, subject=task, person_id=person, sequence=n + 1) for n, name in enumerate(names)]
    order = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=4))))
    results = []
    for deliveries in (history, order):
        folder: Path = tmp_path_factory.mktemp("oversight")
        with service_under_test(SERVICE, f"sqlite:///{folder / 'x.sqlite3'}") as service:
            for one in deliveries:
                service.react(one)
            results.append(read_models(service))
    assert results[0] == results[1]
    assert results[0][1][0].state == "registered"


def test_a_case_says_where_it_stands_and_what_is_due_next(service: ServiceUnderTest) -> None:
    person = new_id()
    service.react(
        event("handover.offered.v1", person_id=person),
        event("release.planned.v1", person_id=person),
    )
    case = service.client.get(f"/cases/{person}", as_=CITY).get_json()
    assert {(one["kind"], one["state"]) for one in case["aggregates"]} == {
        ("handover_task", "offered"),
        ("release", "planned"),
    }
    assert case["next_due_at"] == (NOW + timedelta(days=1)).isoformat()
    unknown = service.client.get(f"/cases/{new_id()}", as_=CITY)
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "case.not_found")


def test_stages_are_counted_with_what_is_overdue_and_by_area(service: ServiceUnderTest) -> None:
    service.react(
        event("handover.offered.v1"),
        event("handover.offered.v1", division="430822228"),
        event("handover.registered.v1"),
    )
    service.clock.advance(timedelta(days=2))

    def counts(**options: Any) -> dict[str, tuple[int, int]]:
        stages = service.client.get("/stages", **options).get_json()["stages"]
        return {stage["state"]: (stage["count"], stage["overdue"]) for stage in stages}

    assert counts(as_=CITY) == {"offered": (2, 2), "registered": (1, 1)}  # the agreement is not signed
    county = principal_of(Role.COUNTY_SUPERVISOR, division="430822")
    assert counts(as_=county) == {"offered": (1, 1)}
