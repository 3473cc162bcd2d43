"""One case of each kind in each place, made by every service's own commands and reactions, for `tests.support.matrix`.

The persons are the same everywhere; what is found by which name is entered into each place's ``facts``.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from deploy.local.demo_people import invented_people
from shared.kernel.ids import new_id
from shared.storage import dead_letters
from shared.web import Principal, Role
from tests.support.builders import NOW, event, person_registered, release_executed, release_planned
from tests.support.matrix import HERE, Place
from tests.support.service import ServiceUnderTest

Places = Mapping[str, Place]
YESTERDAY, YEAR = "2026-11-22", 2026
COLLECTORS = [{"officer": "P1", "sex": "male"}, {"officer": "P2", "sex": "female"}]
POSITIVE = {"result": "positive", "tester": "P1", "reagent_lot": "L1", "substances": ["MET"], "seal_signed": True}
PHOTOGRAPH = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00 a photograph"
ISOLATION = {
    "kind": "compulsory_isolation",
    "deciding_organ": "GA",
    "legal_reviewer": "FZ-1",
    "isolation_ground": "severe_addiction",
    "decided_on": "2026-11-20",
}


def seed(service: ServiceUnderTest, places: Places) -> None:
    """Let a service have its cases."""
    for number, place in enumerate(places.values()):
        place.facts |= {"day": YESTERDAY, "year": YEAR, "position": 1, "key": "pickup_rate", "file": "docs.js"}
        place.facts |= {"residence_division": place.township, "rehab": "ordered", "step": "stored"}
        _SEEDS[service.definition.name](service, place, number)
        _add_letter(service, place)
        service.client.get("/audit", as_=place.who(Role.LABORATORY))  # is refused, and so a row of the audit
    if service.definition.name == "release_notification":
        service.run_timer("state_days")
        assert service.run_timer("raise_alarms") == len(places)  # a notice is late: silences has something to list
    if service.definition.name == "oversight":
        _find_discrepancies(service, places)
    first = service.events()[0]
    for place in places.values():
        place.facts["/ops/events/say-again"] = {"subject": str(first.subject), "sequence": 1}


def _did(answer: Any) -> Any:
    assert answer.status_code in (200, 201), (answer.request.path, answer.get_json())
    return answer.get_json()


def _add_letter(service: ServiceUnderTest, place: Place) -> None:
    letter = dead_letters.Letter(
        id=new_id(),
        message_id="m",
        queue=None,
        routing_key="person.registered.v1",
        content_type=None,
        headers={},
        reply_to=None,
        body=b"{}",
        reason="x",
        detail="",
        died_at=NOW,
    )
    with service.storage.engine.begin() as connection:
        dead_letters.enter(connection, [letter])
    place.facts |= {"letter_id": letter.id, "service": service.definition.name}


def _registry(service: ServiceUnderTest, place: Place, number: int) -> None:
    post, station = service.client.post, place.who(Role.STATION_OFFICER)
    home = {"residence_division": place.township, "registered_division": place.township}
    for kind, one in zip(("person_id", "sealed"), invented_people(20)[2 * number :], strict=False):
        place.facts[kind] = _did(post("/persons", one.body() | home, as_=station))["id"]
    person, sealed = UUID(place.facts["person_id"]), place.facts.pop("sealed")
    city = place.who(Role.CITY_SUPERVISOR)
    _did(post(f"/persons/{sealed}/sealing", {"ground": "a ruling"}, as_=city))
    place.facts["/persons/{person_id}/sealing"] = {"person_id": sealed}
    invented = invented_people(20)[2 * number]
    place.facts["identity_number"] = invented.identity_number
    place.facts["/persons/{person_id}"] = {"seen_by": invented.full_name}
    place.facts["ids"] = [str(person)]
    place.facts["into"] = str(person)
    duties = (
        event("test.settled.v1", person_id=person, station=place.facts["station"], division=place.township),
        event("stay.admitted.v1", person_id=person, centre=place.facts["centre"]),
        event("handover.offered.v1", person_id=person, office=place.facts["office"], division=place.township),
        event("order.issued.v1", person_id=person, division=place.township, deciding_organ=city.organisation),
    )
    assert service.react(*duties) == []
    opener = Principal("somebody", Role.STATION_OFFICER, "station-elsewhere", "430821")
    reason = {"reason": "a relative stands at the counter and asks"}
    place.facts["opening_id"] = _did(post(f"/persons/{person}/openings", reason, as_=opener))["id"]


def _tests(service: ServiceUnderTest, place: Place, _number: int) -> None:
    station, county = place.who(Role.STATION_OFFICER), place.who(Role.COUNTY_SUPERVISOR)
    service.react(_person(place, sex="male"))
    laboratory = {"name": place.name, "kind": "medical"}
    _did(service.client.put(f"/laboratories/{place.facts['laboratory']}", laboratory, as_=county))
    body = {"person_id": place.facts["person_id"], "division": place.township, "ground": "venue_check"}
    order = _did(service.client.post("/test-orders", body, as_=station))["id"]
    seal = f"A-{place.name}"
    for step, content in (
        ("collection", {"sample_type": "urine", "collectors": COLLECTORS}),
        ("result", POSITIVE | {"sample_a": seal, "sample_b": f"B-{place.name}"}),
        ("telling", {"signed": True}),
        ("objection", {}),
        ("objection-decision", {"approved": True}),
        ("dispatch", {"laboratory": place.facts["laboratory"], "sent_by": "P1"}),
    ):
        _did(service.client.post(f"/test-orders/{order}/{step}", content, as_=station))
    place.facts |= {"test_order_id": order, "seal": seal}
    _import(service, place, station, "result", "检测单号,结果,检测人,试剂批号\n1,阴性,P1,L1\n")
    place.facts["/laboratories/{code}"] = {"code": place.facts["laboratory"]}


def _import(service: ServiceUnderTest, place: Place, sender: Principal, kind: str, content: str) -> None:
    """A file that was sent; and by what its pages are found in the console."""
    headers = service.client.headers(sender, str(new_id())) | {"Content-Type": "text/csv"}
    sent = _did(service.client.http.post(f"/{kind}-imports", data=content.encode(), headers=headers))["id"]
    own = {"import_id": sent, "what": "cancellation", "file_format": "csv"}
    there = "results" if kind == "result" else kind
    for path in ("/{import_id}", "/{import_id}/rows", "/{import_id}/confirmation", "/{import_id}/cancellation"):
        place.facts[f"/{kind}-imports{path}"] = own
    for path in (
        "/{import_id}",
        "/{import_id}/{what}",
        "/{import_id}/rejected.{file_format}",
        "/template.{file_format}",
    ):
        place.facts[f"/imports/{there}{path}"] = own
    place.facts[f"/{kind}-imports"] = place.facts[f"/imports/{there}"] = {"seen_by": sent}


def _custody(service: ServiceUnderTest, place: Place, _number: int) -> None:
    county, clerk = place.who(Role.COUNTY_SUPERVISOR), place.who(Role.CENTRE_CLERK)
    service.react(_person(place))
    code = place.facts["centre"]
    centre = {"name": code, "kind": "justice", "division": place.township}
    _did(service.client.put(f"/centres/{code}", centre, as_=county))
    body = {"person_id": place.facts["person_id"], "division": place.township, **ISOLATION}
    order = _did(service.client.post("/orders", body, as_=county))["id"]
    _did(service.client.post(f"/orders/{order}/service", as_=county))
    stay = _did(service.client.post(f"/orders/{order}/admission", {"centre": code}, as_=clerk))["id"]
    place.facts |= {"order_id": order, "stay_id": stay}
    for path in ("/centres/{code}", "/centres/{code}/headcounts/{day}"):
        place.facts[path] = {"code": code}


def _releases(service: ServiceUnderTest, place: Place, _number: int) -> None:
    service.react(_person(place))
    body = {
        "person_id": place.facts["person_id"],
        "centre": place.facts["centre"],
        "kind": "early_release",
        "release_at": (service.clock.now() + timedelta(hours=1)).isoformat(),
    }
    release = _did(service.client.post("/releases", body, as_=place.who(Role.CENTRE_CLERK)))["id"]
    place.facts["release_id"] = release


def _handover(service: ServiceUnderTest, place: Place, _number: int) -> None:
    county, officer = place.who(Role.COUNTY_SUPERVISOR), place.who(Role.COMMUNITY_OFFICER)
    code, put, post = place.facts["office"], service.client.put, service.client.post
    office = {"name": code, "level": "township", "division": place.township}
    _did(put(f"/offices/{code}", office, as_=county))
    _did(put(f"/coverage/{place.township}", {"office": code}, as_=county))
    person = _person(place)
    gone = release_executed(person_id=person.subject, release_at=NOW, executed_at=NOW)
    assert service.react(person, gone) == []
    task = _did(service.client.get("/tasks", as_=officer))["items"][0]["id"]
    for step, body in (("acceptance", {}), ("meeting", {"outcome": "met_official"}), ("registration", {})):
        _did(post(f"/tasks/{task}/{step}", body, as_=officer))
    photograph = {"kind": "agreement", "content": base64.b64encode(PHOTOGRAPH).decode()}
    place.facts["attachment_id"] = _did(post(f"/tasks/{task}/attachments", photograph, as_=officer))["id"]
    measure = _did(service.client.get("/measures", as_=officer))["items"][0]["id"]
    place.facts |= {"task_id": task, "measure_id": measure}
    place.facts["/tasks/{task_id}/attachments"] = photograph
    place.facts["/tasks/restoration"] = {"release_id": str(gone.subject)}
    _import(service, place, county, "coverage", f"区划代码,操作\n{place.township},停用\n")
    for path in ("", "/duty/{day}", "/duty", "/officers"):
        place.facts["/offices/{code}" + path] = {"code": code}
        place.facts["/settings/offices/{code}" + path] = {"code": code}
    place.facts["/settings"] = {"seen_by": code}
    place.facts["/settings/coverage"] = {
        "seen_by": place.township,
        "form": {"division": place.township, "office": code},
    }
    place.facts["/settings/offices"] = {"form": {"code": f"new-{code}", **office}}


def _oversight(service: ServiceUnderTest, place: Place, _number: int) -> None:
    person = _person(place)
    about_release = {"person_id": person.subject, "centre": place.facts["centre"], "release_at": NOW}
    late = release_planned(subject=UUID(place.facts["release_id"]), **about_release)
    about = {"person_id": person.subject, "division": place.township}
    assert (
        service.react(
            person,
            event("test.ordered.v1", station=place.facts["station"], **about),
            event("order.issued.v1", **about),
            event("stay.admitted.v1", person_id=person.subject, centre=place.facts["centre"]),
            late,
            event("release.over_term.v1", **{**late.data, "alarm": "over_term"}, sequence=2),
            event("handover.offered.v1", office=place.facts["office"], release_id=late.subject, **about),
            event("handover.met.v1", office=place.facts["office"], **about),
        )
        == []
    )


def _find_discrepancies(service: ServiceUnderTest, places: Places) -> None:
    assert service.run_timer("reconcile") > 0
    city = places[HERE].who(Role.CITY_SUPERVISOR)
    found = _did(service.client.get("/discrepancies?limit=200", as_=city))["items"]
    for place in places.values():
        own = [one["id"] for one in found if one["person_id"] == place.facts["person_id"]]
        place.facts["discrepancy_id"] = own[0]


def _person(place: Place, **changes: Any) -> Any:
    """The person as other services hear of it."""
    home = {"residence_division": place.township, "registered_division": place.township}
    return person_registered(subject=UUID(place.facts["person_id"]), **home, **changes)


_SEEDS: Mapping[str, Callable[[ServiceUnderTest, Place, int], None]] = {
    "person_registry": _registry,
    "drug_testing": _tests,
    "detention_intake": _custody,
    "release_notification": _releases,
    "community_handover": _handover,
    "oversight": _oversight,
}
