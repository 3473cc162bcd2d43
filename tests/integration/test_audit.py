"""The audit: who did, saw or was refused what; sealed into a chain, signed by the day, proved or named."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from joserfc.jwk import OKPKey
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from services.person_registry.service import SERVICE
from services.release_notification.service import SERVICE as RELEASES
from shared.audit import sealing
from shared.audit.anchors import AnchorSigner
from shared.audit.sealing import anchor_day, seal_more
from shared.audit.verifying import Broken, Proof, verify
from shared.kernel.ids import new_id
from shared.runtime.audit import main as command
from shared.web.principal import Role
from tests.support.service import ServiceUnderTest, principal_of, service_under_test
from tests.support.service import command as command_by_message

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
KEYS = {"keys": [KEY.as_dict(private=False)]}
SIGNER = AnchorSigner(KEY.as_dict(private=True))
STATION = principal_of(Role.STATION_OFFICER, division="430802", organisation="STATION-1", subject="officer-1")
AUDITOR = principal_of(Role.AUDITOR)
PERSON = {"identity_kind": "none", "full_name": "someone", "sex": "male"}


@pytest.fixture
def service(database_url: str) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as made:
        yield made


def register(service: ServiceUnderTest) -> UUID:
    answer = service.client.post("/persons", PERSON, as_=STATION)
    assert answer.status_code == 201, answer.get_json()
    return UUID(answer.get_json()["id"])


def seal(service: ServiceUnderTest) -> int:
    sealed = 0
    while True:
        with service.work() as work:
            more = seal_more(work)
        if not more:
            return sealed
        sealed += more


def anchor(service: ServiceUnderTest) -> int:
    with service.work() as work:
        return anchor_day(work, SIGNER)


def proof(service: ServiceUnderTest, outside: dict[date, str] | None = None) -> Proof:
    with service.storage.engine.connect() as connection:
        return verify(connection, "person_registry", KEYS, outside or {})


def tamper(service: ServiceUnderTest, *statements: str, **values: Any) -> None:
    """What somebody can do who has the database itself in hand."""
    with service.storage.engine.begin() as connection:
        if service.storage.dialect == "postgresql":
            connection.execute(text("set session_replication_role = replica"))
        else:
            for name in (
                connection.execute(text("select name from sqlite_master where type = 'trigger'")).scalars().all()
            ):
                connection.execute(text(f"drop trigger {name}"))
        for statement in statements:
            connection.execute(text(statement), values)


# --- what is written


def test_a_command_is_written_with_who_when_and_from_where(service: ServiceUnderTest) -> None:
    person = register(service)
    (row,) = service.audit()
    assert (row.actor, row.role, row.organisation) == ("officer-1", "station_officer", "STATION-1")
    assert (row.action, row.subject, row.version) == ("person.registered.v1", person, 1)
    assert (row.at, row.origin, row.refused) == (service.clock.now(), "127.0.0.1", None)


@pytest.mark.parametrize(
    ("role", "code"), [(Role.LABORATORY, "authority.role"), (Role.COUNTY_SUPERVISOR, "person.not_found")]
)
def test_a_refused_command_is_written_with_the_code_and_nothing_else_is(
    service: ServiceUnderTest, role: Role, code: str
) -> None:
    unknown = new_id()
    refused = service.client.post(f"/persons/{unknown}/merge", {"into": str(unknown), "reason": "one"}, as_=role)
    assert refused.status_code in (403, 404)
    (row,) = service.audit()
    assert (row.action, row.subject, row.refused) == ("POST /persons/<uuid:person_id>/merge", unknown, code)
    assert not service.events()


def test_a_look_without_a_duty_is_written_as_refused_and_one_with_a_duty_names_it(service: ServiceUnderTest) -> None:
    person = register(service)
    stranger = principal_of(Role.COMMUNITY_OFFICER, division="430822001", subject="stranger")
    assert service.client.get(f"/persons/{person}", as_=stranger).status_code == 404
    assert service.client.get(f"/persons/{person}", as_=STATION).status_code == 200
    _, refused, seen = service.audit()
    assert (refused.actor, refused.subject, refused.refused) == ("stranger", person, "person.not_found")
    assert (seen.action, seen.refused, seen.basis) == ("person.viewed", None, f"person {person} registered")


def test_what_nobody_known_asked_or_what_was_no_command_leaves_no_row(service: ServiceUnderTest) -> None:
    assert service.client.http.get(f"/persons/{new_id()}").status_code == 401
    assert service.client.post("/persons", {"no_such_field": 1}, as_=STATION).status_code == 422
    assert service.audit() == []


def test_a_command_by_message_that_is_refused_is_written_with_its_centre_and_no_reply_address_passes_for_one(
    database_url: str,
) -> None:
    unknown = {"release_id": str(new_id()), "reason": "entered twice"}
    with service_under_test(RELEASES, database_url) as service:
        service.take_in(command_by_message("release.cancel", unknown), command_by_message("release.cancel", {}))
        no_centre = command_by_message("release.cancel", unknown, reply_to="somewhere")
        del no_centre.headers["centre"]
        service.take_in(no_centre)
        assert len(service.answers()) == 3
        (row,) = service.audit()
        assert (row.organisation, row.origin, row.action) == ("centre-1", "amqp", "release.cancel")
        assert row.refused == "release.not_found"


# --- what nobody can take back


@pytest.mark.parametrize("statement", ["update audit set actor = 'x'", "delete from audit"])
def test_the_database_refuses_to_change_the_audit(service: ServiceUnderTest, statement: str) -> None:
    register(service)
    with pytest.raises(DBAPIError, match="append-only"), service.storage.engine.begin() as connection:
        connection.execute(text(statement))


def test_rows_are_sealed_once_in_order(service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "AT_ONCE", 2)
    for _ in range(5):
        register(service)
    assert seal(service) == 5
    assert seal(service) == 0
    register(service)
    found = proof(service)
    assert (found.rows, found.seals, found.waiting) == (5, 3, 1)


def test_a_finished_day_is_signed_once(service: ServiceUnderTest) -> None:
    register(service)
    seal(service)
    assert [anchor(service), anchor(service)] == [1, 0]
    service.clock.advance(timedelta(days=1))
    assert anchor(service) == 1
    assert proof(service).anchors == 2
    days = service.client.get("/audit/anchors", as_=AUDITOR).get_json()["items"]
    assert [one["day"] for one in days] == ["2026-11-23", "2026-11-22"]


_BREAKS = {
    "update audit set actor = 'officer-2' where position = 3": "audit row 3 was changed after seal 2",
    "update audit set refused = 'x' where position = 4": "audit row 4 was changed after seal 2",
    "delete from audit where position = 2": "audit row 2 is missing, which seal 1 has",
    "delete from audit_seal where number = 1": "seal 1 is missing",
    "delete from audit_seal where number = 2": "seal 2 is missing",
    "update audit_seal set previous = 'x' where number = 2": "seal 2 was changed",
    "update audit_seal set hash = 'x' where number = 1": "seal 1 was changed",
    "delete from audit_seal where number = 3": "seal 3 is missing, which was signed for 2026-11-22",
    "update audit_anchor set number = 2": "the anchor of 2026-11-22 is not the one that was signed",
    "update audit_anchor set signed = 'x.y.z'": "the anchor of 2026-11-22 is not signed by a key known here",
    "delete from audit_anchor": "the anchor of 2026-11-22 is missing",
}


@pytest.mark.parametrize("statement", _BREAKS)
def test_whatever_is_changed_afterwards_is_found_and_named(
    service: ServiceUnderTest, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    monkeypatch.setattr(sealing, "AT_ONCE", 2)
    for _ in range(5):
        register(service)
    seal(service)
    anchor(service)
    with service.storage.engine.connect() as connection:
        kept = {date(2026, 11, 22): connection.execute(text("select signed from audit_anchor")).scalar_one()}
    assert proof(service, kept).anchors == 1
    tamper(service, statement)
    with pytest.raises(Broken) as broken:
        proof(service, kept)
    assert str(broken.value) == _BREAKS[statement]


def test_a_row_put_in_between_is_found(service: ServiceUnderTest) -> None:
    for _ in range(3):
        register(service)
    tamper(service, "delete from audit where position = 2")
    service.clock.advance(timedelta(hours=1))  # the number that is missing is not waited for any more
    assert seal(service) == 2
    columns = "at, actor, role, organisation, action, subject, version"
    tamper(service, f"insert into audit (position, {columns}) select 2, {columns} from audit where position = 1")
    with pytest.raises(Broken, match="audit row 2 was added after seal 1"):
        proof(service)


def test_a_whole_chain_made_anew_does_not_fit_what_was_signed(service: ServiceUnderTest) -> None:
    for _ in range(3):
        register(service)
    seal(service)
    anchor(service)
    tamper(service, "update audit set actor = 'officer-2' where position = 2", "delete from audit_seal")
    seal(service)
    with pytest.raises(Broken, match="seal 1 is not the one that was signed for 2026-11-22"):
        proof(service)


def test_a_number_that_may_still_come_is_waited_for(service: ServiceUnderTest) -> None:
    for _ in range(3):
        register(service)
    tamper(service, "delete from audit where position = 2")
    assert seal(service) == 1
    service.clock.advance(timedelta(minutes=10))
    assert seal(service) == 1


def test_one_byte_changed_in_the_raw_file_is_found_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "raw.sqlite3"
    (tmp_path / "audit.jwks").write_text(json.dumps(KEYS))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{file}")
    monkeypatch.setenv("AUDIT_JWKS", str(tmp_path / "audit.jwks"))
    with service_under_test(SERVICE, f"sqlite:///{file}") as service:
        for _ in range(3):
            register(service)
        seal(service)
        anchor(service)
    capsys.readouterr()
    assert command(["anchors", "person_registry"]) == 0
    kept = tmp_path / "kept"
    kept.write_text(capsys.readouterr().out)
    assert command(["verify", "person_registry", "--kept", str(kept)]) == 0
    assert "intact: 3 rows in 1 seals, 1 days signed" in capsys.readouterr().out
    raw = file.read_bytes()
    at = raw.index(b"officer-1station_officer")
    file.write_bytes(raw[: at + 8] + b"2" + raw[at + 9 :])
    assert command(["verify", "person_registry"]) == 1
    assert re.search(r"BROKEN: audit row [123] was changed after seal 1", capsys.readouterr().out)


def test_days_that_an_earlier_key_signed_are_proved_however_often_it_was_rotated(
    service: ServiceUnderTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    private, public = tmp_path / "audit.jwk", tmp_path / "audit.jwks"
    private.write_text(json.dumps(KEY.as_dict(private=True)))
    public.write_text(json.dumps(KEYS))
    monkeypatch.setenv("AUDIT_KEY", str(private))
    monkeypatch.setenv("AUDIT_JWKS", str(public))
    register(service)
    seal(service)
    for _ in range(3):
        with service.work() as work:
            assert anchor_day(work, AnchorSigner.from_file(private)) == 1
        assert command(["rotate"]) == 0
        service.clock.advance(timedelta(days=1))
    keys = json.loads(public.read_text())
    assert len({key["kid"] for key in keys["keys"]}) == 4
    assert "d" not in keys["keys"][0]
    with service.work() as work:
        assert verify(work.connection, "person_registry", keys, {}).anchors == 3
    assert private.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["verify", "nobody"], "there is no service nobody"),
        (["verify", "oversight"], "no audit of oversight in"),
        (["verify", "--kept", "{kept}"], "line 1: not a service, a day and an anchor"),
    ],
)
def test_the_command_says_what_it_cannot_do(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("nonsense\n")
    (tmp_path / "audit.jwks").write_text(json.dumps(KEYS))
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    monkeypatch.setenv("AUDIT_JWKS", str(tmp_path / "audit.jwks"))
    with pytest.raises(SystemExit) as ended:
        command([argument.format(kept=kept) for argument in arguments])
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


# --- what auditors read


def test_auditors_read_what_was_done_and_what_it_changed_and_that_is_written_too(service: ServiceUnderTest) -> None:
    person = register(service)
    service.client.post("/persons", PERSON, as_=Role.LABORATORY)
    page = service.client.get("/audit?limit=1", as_=AUDITOR).get_json()
    assert [row["refused"] for row in page["items"]] == ["authority.role"]
    older = service.client.get(f"/audit?refused=false&subject={person}", as_=AUDITOR).get_json()
    (row,) = older["items"]
    whole = service.client.get(f"/audit/{row['position']}", as_=AUDITOR).get_json()
    assert {"name": "sex", "before": None, "after": "male"} in whole["changes"]
    assert [row.action for row in service.audit()][-3:] == ["audit.read"] * 3


def test_pages_of_the_audit_neither_skip_nor_repeat(service: ServiceUnderTest) -> None:
    for _ in range(5):
        register(service)
    query, places = "/audit?action=person.&limit=2", []
    page = service.client.get(query, as_=AUDITOR).get_json()
    places += [row["position"] for row in page["items"]]
    while page["next_cursor"]:
        page = service.client.get(f"{query}&cursor={page['next_cursor']}", as_=AUDITOR).get_json()
        places += [row["position"] for row in page["items"]]
    assert places == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.CITY_SUPERVISOR, Role.STATION_OFFICER])
def test_nobody_else_reads_the_audit(service: ServiceUnderTest, role: Role) -> None:
    assert service.client.get("/audit", as_=role).status_code == 403
