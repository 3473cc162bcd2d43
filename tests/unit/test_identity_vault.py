"""Identities at rest: without the person's key there is nothing to read, in no copy."""

import base64
from pathlib import Path
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import create_engine, text

from services.person_registry.keyring import (
    Keyring,
    KeyringFile,
    NoKeyring,
    NotPossible,
    activate_master,
    add_master,
    create_keyring,
    remove_master,
)
from services.person_registry.rotating import remove, rewrap_all
from services.person_registry.vault import Tampered, Vault, read_for_court

ZHANG, LI = UUID(int=1), UUID(int=2)
IDENTITY = {"full_name": "示例某", "identity_number": "11010519491231002X"}


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    create_keyring(tmp_path / "identity.json", tmp_path / "escrow.key")
    return tmp_path / "identity.json"


def vault_of(ring: Path) -> Vault:
    return Vault(Keyring.from_file(ring), f"sqlite:///{ring.parent}/keys.sqlite3")


def stored(ring: Path) -> dict[UUID, tuple[str | None, bytes | None, bytes | None]]:
    engine = create_engine(f"sqlite:///{ring.parent}/keys.sqlite3")
    with engine.connect() as connection:
        rows = connection.execute(text("select person_id, master, wrapped, escrow from person_key")).all()
    engine.dispose()
    return {UUID(row[0]): (row[1], row[2], row[3]) for row in rows}


def test_what_is_closed_up_is_opened_again_and_differs_each_time(ring: Path) -> None:
    vault = vault_of(ring)
    once, twice = vault.close_up(ZHANG, IDENTITY), vault.close_up(ZHANG, IDENTITY)
    assert once != twice
    assert vault.open({ZHANG: once}) == vault.open({ZHANG: twice}) == {ZHANG: IDENTITY}
    assert IDENTITY["full_name"].encode() not in once


def test_another_process_opens_it_with_the_same_keys_only(ring: Path, tmp_path: Path) -> None:
    cipher = vault_of(ring).close_up(ZHANG, IDENTITY)
    assert vault_of(ring).open({ZHANG: cipher}) == {ZHANG: IDENTITY}
    create_keyring(tmp_path / "other" / "identity.json", tmp_path / "other" / "escrow.key")
    stranger = Vault(Keyring.from_file(tmp_path / "other" / "identity.json"), f"sqlite:///{tmp_path}/keys.sqlite3")
    with pytest.raises(Tampered):
        stranger.open({ZHANG: cipher})


def test_one_persons_identity_cannot_be_put_in_anothers_place(ring: Path) -> None:
    vault = vault_of(ring)
    of_zhang, _ = vault.close_up(ZHANG, IDENTITY), vault.close_up(LI, IDENTITY)
    with pytest.raises(Tampered):
        vault.open({LI: of_zhang})


def test_one_changed_byte_is_noticed(ring: Path) -> None:
    vault = vault_of(ring)
    cipher = bytearray(vault.close_up(ZHANG, IDENTITY))
    cipher[-1] ^= 1
    with pytest.raises(Tampered):
        vault.open({ZHANG: bytes(cipher)})


def test_a_locked_key_opens_for_the_escrow_alone(ring: Path) -> None:
    vault = vault_of(ring)
    cipher, other = vault.close_up(ZHANG, IDENTITY), vault.close_up(LI, IDENTITY)
    vault.lock(ZHANG)
    vault.lock(ZHANG)
    assert vault.open({ZHANG: cipher, LI: other}) == {LI: IDENTITY}
    with pytest.raises(KeyError):
        vault.close_up(ZHANG, IDENTITY)
    master, wrapped, escrow = stored(ring)[ZHANG]
    assert (master, wrapped) == (None, None)
    assert escrow is not None
    private = X25519PrivateKey.from_private_bytes(base64.b64decode((ring.parent / "escrow.key").read_text()))
    assert read_for_court(private, escrow, ZHANG, cipher) == IDENTITY
    with pytest.raises(Tampered):
        read_for_court(private, escrow, LI, other)


def test_a_destroyed_key_is_in_no_file_any_more(ring: Path) -> None:
    vault = vault_of(ring)
    cipher = vault.close_up(ZHANG, IDENTITY)
    wrapped = stored(ring)[ZHANG][1]
    assert wrapped is not None
    vault.destroy(ZHANG)
    assert vault.open({ZHANG: cipher}) == {}
    assert stored(ring)[ZHANG] == (None, None, None)
    for file in ring.parent.glob("keys.sqlite3*"):
        assert wrapped not in file.read_bytes(), file.name


def test_a_new_master_key_takes_over_little_by_little(ring: Path) -> None:
    cipher = vault_of(ring).close_up(ZHANG, IDENTITY)
    assert add_master(ring) == "k2"
    activate_master(ring, "k2")
    after = vault_of(ring)
    of_li = after.close_up(LI, IDENTITY)
    assert after.open({ZHANG: cipher, LI: of_li}) == {ZHANG: IDENTITY, LI: IDENTITY}
    assert after.wrapped_by() == {"k1": 1, "k2": 1}
    assert (after.rewrap(100), after.rewrap(100)) == (1, 0)
    assert after.wrapped_by() == {"k2": 2}
    remove_master(ring, "k1")
    assert vault_of(ring).open({ZHANG: cipher}) == {ZHANG: IDENTITY}


def test_a_process_that_runs_notices_each_step_by_itself(ring: Path) -> None:
    running = Vault(KeyringFile(ring), f"sqlite:///{ring.parent}/keys.sqlite3")
    cipher = running.close_up(ZHANG, IDENTITY)
    add_master(ring)
    of_li = running.close_up(LI, IDENTITY)
    assert running.wrapped_by() == {"k1": 2}, "nothing is wrapped with a key that another process may not have yet"
    activate_master(ring, "k2")
    assert rewrap_all(running) == 2
    assert running.open({ZHANG: cipher, LI: of_li}) == {ZHANG: IDENTITY, LI: IDENTITY}


def test_a_file_that_cannot_be_read_leaves_the_keys_in_use(ring: Path) -> None:
    running = Vault(KeyringFile(ring), f"sqlite:///{ring.parent}/keys.sqlite3")
    cipher = running.close_up(ZHANG, IDENTITY)
    ring.write_text("{")
    assert running.open({ZHANG: cipher}) == {ZHANG: IDENTITY}


def test_a_master_key_that_is_needed_is_not_forgotten(ring: Path) -> None:
    vault = vault_of(ring)
    vault.close_up(ZHANG, IDENTITY)
    add_master(ring)
    with pytest.raises(NotPossible, match="no master key k3"):
        activate_master(ring, "k3")
    with pytest.raises(NotPossible, match="k1 still wraps 1 keys"):
        remove(ring, "k1", vault)
    activate_master(ring, "k2")
    rewrap_all(vault_of(ring))
    with pytest.raises(NotPossible, match="k2 is the active"):
        remove_master(ring, "k2")
    remove(ring, "k1", vault)
    assert list(Keyring.from_file(ring).masters) == ["k2"]


def test_the_name_of_a_master_key_is_never_given_again(ring: Path) -> None:
    add_master(ring)
    activate_master(ring, "k2")
    second = Keyring.from_file(ring).masters["k2"]
    remove_master(ring, "k1")
    assert add_master(ring) == "k3"
    remove_master(ring, "k3")
    assert add_master(ring) == "k4"
    assert Keyring.from_file(ring).masters["k2"] == second


def test_rotating_leaves_the_file_as_readable_as_it_was(ring: Path) -> None:
    add_master(ring)
    assert ring.stat().st_mode & 0o777 == 0o600
    ring.chmod(0o444)
    add_master(ring)
    assert ring.stat().st_mode & 0o777 == 0o444


def test_a_number_is_found_by_a_digest_that_only_this_installation_makes(ring: Path, tmp_path: Path) -> None:
    create_keyring(tmp_path / "other" / "identity.json", tmp_path / "other" / "escrow.key")
    elsewhere = Vault(Keyring.from_file(tmp_path / "other" / "identity.json"), f"sqlite:///{tmp_path}/other.sqlite3")
    number = IDENTITY["identity_number"]
    assert vault_of(ring).index(number) == vault_of(ring).index(number)
    assert vault_of(ring).index(number) != elsewhere.index(number)


def test_keys_are_made_once_and_for_the_owner_alone(ring: Path) -> None:
    before = ring.read_text()
    create_keyring(ring, ring.parent / "escrow.key")
    assert ring.read_text() == before
    assert {path.stat().st_mode & 0o077 for path in (ring, ring.parent / "escrow.key")} == {0}
    assert "masters" not in repr(Keyring.from_file(ring))


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"active": "k1", "masters": {}, "index": "", "escrow_public": ""}']
)
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, content: str) -> None:
    file = tmp_path / "identity.json"
    file.write_text(content)
    with pytest.raises(NoKeyring):
        Keyring.from_file(file)
