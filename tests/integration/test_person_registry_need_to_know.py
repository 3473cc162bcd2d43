"""person_registry: a name is known to who has a duty, as events say; every look is written down."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text

from deploy.local.postgres import PrivatePostgres
from services.person_registry.escrow import NotSealed, read_sealed
from services.person_registry.service import SERVICE
from services.person_registry.store import persons
from services.person_registry.vault import keys, vault_beside
from shared.kernel.ids import new_id
from shared.storage.engine import make_engine
from shared.storage.migrations import upgrade
from shared.web import Principal, Role
from tests.support.builders import event
from tests.support.service import START, ServiceUnderTest, principal_of, service_under_test

NUMBER, NAME, PHONE = "11010519491231002X", "欧阳示例", "17012345678"
STATION = principal_of(Role.STATION_OFFICER, organisation="STATION-1", division="430802", subject="station")
OFFICE = principal_of(Role.COMMUNITY_OFFICER, organisation="office-1", division="430802001", subject="officer")
ELSEWHERE = principal_of(Role.COMMUNITY_OFFICER, organisation="office-2", division="430822001", subject="elsewhere")
COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="county", division="430802", subject="county")
OTHER_COUNTY = principal_of(Role.COUNTY_SUPERVISOR, organisation="county-2", division="430822", subject="county-2")
CITY = principal_of(Role.CITY_SUPERVISOR, organisation="city", subject="city")
AUDITOR = principal_of(Role.AUDITOR, organisation="audit", subject="auditor")
REASON = {"reason": "a relative stands at the counter and asks for this person"}


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


def registered(service: ServiceUnderTest, **changes: Any) -> UUID:
    body = {
        "full_name": NAME,
        "sex": "female",
        "identity_number": NUMBER,
        "phone": PHONE,
        "registered_division": "430822",
        "residence_division": "430802001",
        **changes,
    }
    answer = service.client.post("/persons", body, as_=STATION)
    assert answer.status_code == 201, answer.get_json()
    return UUID(answer.get_json()["id"])


def task(person: UUID, kind: str = "handover.offered.v1", **changes: Any) -> Any:
    place = {"office": "office-1", "division": "430802001", "holder_kind": "office", "holder": "office-1"}
    return event(kind, person_id=person, **place | changes)


def sees(service: ServiceUnderTest, person: UUID, who: Principal) -> bool:
    """Whether somebody reads the name, one by one and in a list alike."""
    one = service.client.get(f"/persons/{person}", as_=who)
    listed = service.client.post("/persons/lookup", {"ids": [str(person)]}, as_=who).get_json()["items"]
    assert [found["full_name"] for found in listed] == ([NAME] if one.status_code == 200 else [])
    if one.status_code != 200:
        assert (one.status_code, one.get_json()["code"]) == (404, "person.not_found")
    return one.status_code == 200


def test_a_task_opens_a_name_to_its_office_and_its_end_closes_it(service: ServiceUnderTest) -> None:
    person = registered(service)
    assert not sees(service, person, OFFICE)
    offered = task(person)
    service.react(offered)
    assert sees(service, person, OFFICE)
    assert sees(service, person, COUNTY)
    assert not sees(service, person, ELSEWHERE)
    assert not sees(service, person, OTHER_COUNTY)
    assert not sees(service, person, CITY)
    closed = task(person, "handover.contact_done.v1", subject=offered.subject, sequence=2, state="contact_done")
    service.react(closed)
    assert sees(service, person, OFFICE), "for a month, so that what is half done can be finished"
    service.clock.advance(timedelta(days=31))
    assert not sees(service, person, OFFICE)


def test_news_that_come_late_do_not_open_what_is_closed(service: ServiceUnderTest) -> None:
    person = registered(service)
    closed = task(person, "handover.withdrawn.v1", sequence=5, state="withdrawn")
    service.react(closed, task(person, subject=closed.subject, sequence=2))
    service.clock.advance(timedelta(days=31))
    assert not sees(service, person, OFFICE)


def test_a_task_that_moves_on_opens_the_name_to_the_next_office_only(service: ServiceUnderTest) -> None:
    person = registered(service)
    offered = task(person)
    service.react(offered)
    moved = task(person, subject=offered.subject, sequence=2, office="office-2", division="430822001")
    service.react(moved)
    assert sees(service, person, ELSEWHERE)
    assert not sees(service, person, OFFICE)


@pytest.mark.parametrize(
    ("kind", "place", "over"),
    [
        ("stay.admitted.v1", {"centre": "centre-7"}, ("stay.ended.v1", {"state": "ended"})),
        ("release.planned.v1", {"centre": "centre-7"}, ("release.cancelled.v1", {"state": "cancelled"})),
        ("measure.begun.v1", {"holder": "centre-7"}, ("measure.completed.v1", {"state": "completed"})),
        ("test.ordered.v1", {"station": "centre-7"}, ("test.exempted.v1", {"state": "exempted"})),
        ("order.issued.v1", {"deciding_organ": "centre-7"}, ("order.revoked.v1", {"state": "revoked"})),
    ],
)
def test_each_kind_of_duty_opens_and_ends(
    service: ServiceUnderTest, kind: str, place: dict[str, Any], over: tuple[str, dict[str, Any]]
) -> None:
    person = registered(service)
    who = principal_of(Role.CENTRE_CLERK, organisation="centre-7", division="430822", subject="clerk")
    assert not sees(service, person, who)
    began = event(kind, person_id=person, **place)
    service.react(began)
    assert sees(service, person, who)
    service.react(event(over[0], person_id=person, subject=began.subject, sequence=2, **place | over[1]))
    service.clock.advance(timedelta(days=31))
    assert not sees(service, person, who)


def test_who_enters_a_person_sees_the_entry_for_a_month(service: ServiceUnderTest) -> None:
    person = registered(service)
    assert sees(service, person, STATION)
    service.clock.advance(timedelta(days=31))
    assert not sees(service, person, STATION)


def test_merged_files_are_known_to_who_has_a_duty_under_either(service: ServiceUnderTest) -> None:
    kept = registered(service)
    gone = registered(service, identity_kind="none", identity_number=None, sex="unknown")
    service.react(task(gone))
    assert not sees(service, kept, OFFICE)
    merge = service.client.post(f"/persons/{gone}/merge", {"into": str(kept), "reason": "same prints"}, as_=COUNTY)
    assert merge.status_code == 201
    assert sees(service, kept, OFFICE)


def test_a_reason_opens_a_name_for_hours_and_somebody_else_answers(service: ServiceUnderTest) -> None:
    person = registered(service)
    opened = service.client.post(f"/persons/{person}/openings", REASON, as_=ELSEWHERE)
    assert (opened.status_code, opened.get_json()["due_rule"]) == (201, "K1")
    assert sees(service, person, ELSEWHERE)
    listed = service.client.get("/openings?state=open", as_=COUNTY).get_json()["items"]
    assert [(one["subject"], one["reason"]) for one in listed] == [("elsewhere", REASON["reason"])]
    answer = f"/openings/{listed[0]['id']}/answer"
    refused = service.client.post(answer, {"approved": False}, as_=COUNTY)
    assert (refused.status_code, refused.get_json()["state"]) == (201, "disapproved")
    assert not sees(service, person, ELSEWHERE)
    assert service.client.post(answer, {"approved": True}, as_=CITY).get_json()["code"] == "opening.answered"


def test_an_opening_ends_by_itself_and_is_told_when_nobody_answers(service: ServiceUnderTest) -> None:
    person = registered(service)
    service.client.post(f"/persons/{person}/openings", REASON, as_=CITY)
    own = service.client.get("/openings", as_=CITY).get_json()["items"][0]["id"]
    answer = service.client.post(f"/openings/{own}/answer", {"approved": True}, as_=CITY)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "opening.own")
    service.clock.advance(timedelta(hours=8))
    assert not sees(service, person, CITY)
    assert service.run_timer("note_unanswered") == 0
    service.clock.advance(timedelta(hours=16))
    assert service.run_timer("note_unanswered") == 1
    assert [one.type for one in service.events()][1:] == ["identity.opened.v1", "identity.opening_unanswered.v1"]


def test_every_look_is_written_down_with_who_looked(service: ServiceUnderTest) -> None:
    person = registered(service)
    service.react(task(person))
    service.client.get(f"/persons/{person}", as_=OFFICE)
    service.client.post("/persons/lookup", {"ids": [str(person), str(new_id())]}, as_=OFFICE)
    service.client.post("/persons/search", {"identity_number": NUMBER}, as_=STATION)
    looks = [(row.action, row.actor) for row in service.audit() if row.subject == person and row.version == 0]
    assert looks == [("person.viewed", "officer"), ("person.viewed", "officer"), ("person.found", "station")]


def test_the_person_is_told_everything_and_who_looked(service: ServiceUnderTest) -> None:
    person = registered(service)
    service.react(task(person))
    service.client.get(f"/persons/{person}", as_=OFFICE)
    service.client.post(f"/persons/{person}/openings", REASON, as_=ELSEWHERE)
    answer = service.client.get(f"/persons/{person}/disclosure", as_=COUNTY)
    told = answer.get_json()
    assert told["person"]["full_name"] == NAME
    assert {duty["kind"] for duty in told["duties"]} == {"person", "handover_task"}
    assert [one["subject"] for one in told["openings"]] == ["elsewhere"]
    assert [(look["action"], look["actor"]) for look in told["looks"]] == [("person.viewed", "officer")]
    assert service.client.get(f"/persons/{person}/disclosure", as_=OFFICE).status_code == 403


def sees_number(service: ServiceUnderTest, person: UUID, number: str) -> bool:
    """Looks in every way there is, each with an Idempotency-Key, whose answers are kept elsewhere."""
    key = {"Idempotency-Key": str(new_id()), **service.client.headers(STATION)}
    found = [
        service.client.http.get(f"/persons/{person}", headers=key),
        service.client.post("/persons/lookup", {"ids": [str(person)]}, as_=STATION),
        service.client.http.get(f"/persons/{person}/disclosure", headers=key),
    ]
    return all(answer.status_code == 200 and number in answer.get_data(as_text=True) for answer in found)


def everything_stored(
    service: ServiceUnderTest, postgres: PrivatePostgres | None, folder: Path, *, log: bool = True
) -> bytes:
    """All bytes that the database has on disk; PostgreSQL's log of changes is the whole server's."""
    if postgres is None:
        with closing(service.storage.engine.raw_connection()) as raw:
            raw.cursor().execute("PRAGMA wal_checkpoint(FULL)")
        return b"".join(file.read_bytes() for file in folder.iterdir() if file.is_file())
    with service.storage.engine.connect() as connection:
        connection.execute(text("checkpoint"))
        oid = connection.execute(text("select oid from pg_database where datname = current_database()")).scalar()
    return b"".join(
        file.read_bytes()
        for place in (postgres.data / "base" / str(oid), postgres.data / "pg_wal")[: 2 if log else 1]
        for file in place.iterdir()
        if file.is_file()
    )


def test_no_database_file_ever_has_an_identity_in_clear(
    service: ServiceUnderTest, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    name, phone, number = "独孤样本", "17087654321", "440524188001010014"
    person = registered(service, full_name=name, phone=phone, identity_number=number, sex="male")
    service.react(task(person))
    assert sees_number(service, person, number)
    service.client.put(
        f"/persons/{person}/residence",
        {"residence_division": "430822228", "residence_detail": "独孤巷九号"},
        as_=STATION,
    )
    postgres = request.getfixturevalue("postgres") if service.storage.dialect == "postgresql" else None
    stored = everything_stored(service, postgres, tmp_path)
    assert b"person.registered.v1" in stored, "this looks where things are"
    for secret in (name, phone, number, "独孤巷"):
        assert secret.encode() not in stored


def test_after_sealing_no_answer_and_no_older_copy_shows_who_it_was(
    service: ServiceUnderTest, database_url: str
) -> None:
    person = registered(service)
    service.react(task(person))
    with service.storage.engine.connect() as connection:
        copy = connection.execute(select(persons.c.identity).where(persons.c.id == person)).scalar_one()
    assert vault_beside(database_url).open({person: copy})
    ground = {"ground": "治安管理处罚法第一百三十六条"}
    assert service.client.post(f"/persons/{person}/sealing", ground, as_=OTHER_COUNTY).status_code == 201
    assert vault_beside(database_url).open({person: copy}) == {}, "a backup opens no more than we do"
    for answer in (
        service.client.get(f"/persons/{person}", as_=OFFICE),
        service.client.post("/persons/lookup", {"ids": [str(person)]}, as_=OFFICE),
        service.client.get(f"/persons/{person}/disclosure", as_=COUNTY),
        service.client.post("/persons/search", {"identity_number": NUMBER}, as_=STATION),
        service.client.post(f"/persons/{person}/openings", REASON, as_=CITY),
    ):
        for secret in (NAME, NUMBER, PHONE):
            assert secret not in answer.get_data(as_text=True)
    assert service.client.get(f"/persons/{person}", as_=OFFICE).get_json()["state"] == "sealed"
    change = service.client.put(f"/persons/{person}/residence", {"residence_division": "430822"}, as_=STATION)
    assert (change.status_code, change.get_json()["code"]) == (409, "person.sealed")
    again = service.client.post(f"/persons/{person}/sealing", ground, as_=COUNTY)
    assert (again.status_code, again.get_json()["code"]) == (409, "person.sealed")


def test_a_court_opens_a_sealed_record_with_the_key_from_the_safe(
    service: ServiceUnderTest, database_url: str, identity_keys: Path
) -> None:
    person = registered(service)
    with pytest.raises(NotSealed):
        read_sealed(person, identity_keys / "escrow-private.key", database_url)
    service.client.post(f"/persons/{person}/sealing", {"ground": "未成年人"}, as_=COUNTY)
    told = read_sealed(person, identity_keys / "escrow-private.key", database_url)
    assert (told["full_name"], told["identity_number"]) == (NAME, NUMBER)


def test_an_identity_is_erased_when_nobody_has_a_duty_any_more(
    service: ServiceUnderTest, database_url: str, identity_keys: Path
) -> None:
    person = registered(service)
    offered = task(person)
    service.react(offered)
    ground = {"ground": "个人信息保护法第四十七条"}
    refused = service.client.post(f"/persons/{person}/erasure", ground, as_=CITY)
    assert (refused.get_json()["code"], refused.get_json()["kinds"]) == ("person.duties_open", ["handover_task"])
    service.react(task(person, "handover.withdrawn.v1", subject=offered.subject, sequence=2, state="withdrawn"))
    assert service.client.post(f"/persons/{person}/erasure", ground, as_=CITY).status_code == 201
    with service.storage.engine.connect() as connection:
        row = connection.execute(select(persons).where(persons.c.id == person)).one()
    assert (row.state, row.identity, row.number_index) == ("erased", None, None)
    with pytest.raises(NotSealed):
        read_sealed(person, identity_keys / "escrow-private.key", database_url)
    assert registered(service) != person, "whoever comes again gets a new file"


def test_keys_that_a_restore_brings_back_are_locked_and_destroyed_again(
    service: ServiceUnderTest, database_url: str
) -> None:
    nameless: dict[str, Any] = {"identity_kind": "none", "identity_number": None}
    sealed, erased, open_one = (registered(service, **nameless) for _ in range(3))
    vault = vault_beside(database_url)
    with vault._engine.connect() as connection:
        backup = [dict(row) for row in connection.execute(select(keys)).mappings()]
    service.client.post(f"/persons/{sealed}/sealing", {"ground": "未成年人"}, as_=COUNTY)
    service.client.post(f"/persons/{erased}/erasure", {"ground": "个人信息保护法第四十七条"}, as_=CITY)
    assert service.run_timer("close_again") == 0
    with vault._engine.begin() as connection:
        connection.execute(keys.delete())
        connection.execute(keys.insert(), backup)
    assert vault.left_of([sealed, erased, open_one]) == {sealed: True, erased: True, open_one: True}
    assert service.run_timer("close_again") == 2
    assert vault.left_of([sealed, erased, open_one]) == {sealed: False, open_one: True}


def test_identities_in_clear_are_put_under_keys_by_the_migration(
    database_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    engine = make_engine(database_url, schema="person_registry")
    upgrade(engine, "person_registry", "person_registry_0003")
    person = new_id()
    with engine.begin() as connection:
        connection.execute(
            text(
                "insert into person (id, version, identity_kind, identity_number, full_name, sex, phone, state)"
                " values (:id, 1, 'resident_id', :number, :name, 'female', :phone, 'active')"
            ),
            {
                "id": person if engine.dialect.name == "postgresql" else person.hex,
                "number": NUMBER,
                "name": NAME,
                "phone": PHONE,
            },
        )
    engine.dispose()
    with service_under_test(SERVICE, database_url) as service:
        found = service.client.post("/persons/search", {"identity_number": NUMBER}, as_=STATION)
        assert found.get_json()["id"] == str(person)
        service.react(task(person))
        assert sees(service, person, OFFICE)
        postgres = request.getfixturevalue("postgres") if service.storage.dialect == "postgresql" else None
        stored = everything_stored(service, postgres, tmp_path, log=False)
        assert person.bytes in stored or person.hex.encode() in stored, "this looks where things are"
        assert NAME.encode() not in stored


def test_the_clock_of_a_duty_is_the_events(service: ServiceUnderTest) -> None:
    person = registered(service)
    service.react(task(person, "handover.withdrawn.v1", state="withdrawn", time=START - timedelta(days=40)))
    assert not sees(service, person, OFFICE)
