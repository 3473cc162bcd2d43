"""Keys are rotated while people work, and nobody's name is lost or comes back by it."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from services.person_registry.keyring import (
    Keyring,
    KeyringFile,
    NoKeyring,
    NotPossible,
    activate_master,
    add_master,
    begin_index,
    create_keyring,
)
from services.person_registry.rotating import reindex, run
from services.person_registry.service import SERVICE
from services.person_registry.vault import Vault, vault_beside
from shared.kernel.ids import new_id
from shared.messaging.leadership import leadership_of
from shared.storage.engine import make_engine
from shared.web import Role
from tests.support.messaging import wait_until
from tests.support.service import ServiceUnderTest, principal_of, service_under_test

STATION = principal_of(Role.STATION_OFFICER, organisation="ST-1", division="430802")
NUMBER = "11010519491231002X"


@pytest.fixture
def ring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys of a registry of its own, as its environment names them."""
    path = tmp_path / "own" / "identity.json"
    create_keyring(path, tmp_path / "own" / "escrow.key")
    monkeypatch.setenv("IDENTITY_KEYS", str(path))
    return path


@pytest.fixture
def service(database_url: str, ring: Path) -> Iterator[ServiceUnderTest]:
    with service_under_test(SERVICE, database_url) as opened:
        yield opened


SOMEBODY = {"full_name": "示例某", "sex": "female", "identity_number": NUMBER, "residence_division": "430802001"}


def registered(service: ServiceUnderTest) -> str:
    answer = service.client.post("/persons", SOMEBODY, as_=STATION)
    assert answer.status_code == 201, answer.get_json()
    return str(answer.get_json()["id"])


def found(service: ServiceUnderTest) -> str:
    answer = service.client.post("/persons/search", {"identity_number": NUMBER}, as_=STATION)
    return str(answer.get_json().get("id"))


def index_of(service: ServiceUnderTest) -> str:
    with service.storage.engine.connect() as connection:
        return str(connection.execute(text("select number_index from person")).scalar_one())


def test_the_timer_wraps_everything_with_the_new_key_and_everybody_is_still_known(
    service: ServiceUnderTest, ring: Path, database_url: str
) -> None:
    person = registered(service)
    activate_master(ring, add_master(ring))
    assert service.run_timer("wrap_again") == 1
    assert vault_beside(database_url).wrapped_by() == {"k2": 1}
    assert found(service) == person


def test_a_new_index_finds_everybody_and_the_old_one_nobody(
    service: ServiceUnderTest, ring: Path, database_url: str
) -> None:
    person, before = registered(service), index_of(service)
    assert reindex(ring, service.storage, vault_beside(database_url, ring)) == 1
    assert index_of(service) != before
    assert index_of(service) == vault_beside(database_url, ring).index(NUMBER)
    assert found(service) == person
    again = service.client.post("/persons", SOMEBODY, as_=STATION).get_json()
    assert (again["code"], again["person_id"]) == ("person.already_registered", person)


def test_an_index_that_was_begun_is_used_by_nobody_until_it_is_finished(
    service: ServiceUnderTest, ring: Path, database_url: str
) -> None:
    person = registered(service)
    key = begin_index(ring)
    with pytest.raises(NoKeyring, match="begun and not finished"):
        Keyring.from_file(ring)
    assert reindex(ring, service.storage, vault_beside(database_url)) == 1
    assert Keyring.from_file(ring).index == key
    assert found(service) == person


def test_the_index_is_not_made_anew_while_the_registry_runs(
    service: ServiceUnderTest, ring: Path, database_url: str
) -> None:
    registered(service)
    running, before = leadership_of(service.storage), index_of(service)
    assert running.held()
    try:
        with pytest.raises(NotPossible, match="stop all of its processes"):
            reindex(ring, service.storage, vault_beside(database_url))
    finally:
        running.give_up()
    assert index_of(service) == before
    Keyring.from_file(ring)


def test_a_key_that_is_destroyed_while_it_is_wrapped_anew_does_not_come_back(postgres_url: str, ring: Path) -> None:
    vault, person = Vault(KeyringFile(ring), postgres_url), new_id()
    cipher = vault.close_up(person, {"full_name": "示例某"})
    activate_master(ring, add_master(ring))
    engine = make_engine(postgres_url, schema="person_keys")
    with engine.connect() as destroying:
        destroying.execute(text("update person_key set master = null, wrapped = null, escrow = null"))
        wrapping = threading.Thread(target=vault.rewrap, args=(10,))
        wrapping.start()
        waits = text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")
        with engine.connect() as looking:
            wait_until(lambda: looking.execute(waits).scalar_one(), "the wrapping waits for the row")
        destroying.commit()
        wrapping.join(30)
    assert not wrapping.is_alive()
    assert vault.open({person: cipher}) == {}
    assert vault.wrapped_by() == {}
    engine.dispose()


def test_the_command_line_goes_through_the_steps(
    database_url: str, ring: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with service_under_test(SERVICE, database_url) as service:
        registered(service)
        assert run(["add"], ring).startswith("k2 is there")
        assert run(["activate", "k2"], ring) == "k2 wraps from now on"
        assert run(["status"], ring) == "k1: wraps 1\nk2 (active): wraps 0"
        assert run(["rewrap"], ring) == "1 keys wrapped anew"
        assert run(["remove", "k1"], ring).startswith("k1 is forgotten")
        assert run(["reindex"], ring).startswith("1 numbers")
        assert found(service)
    with pytest.raises(NotPossible, match="rotating status"):
        run(["something"], ring)
