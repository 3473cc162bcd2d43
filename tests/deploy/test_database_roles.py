"""In the database a service sees its own schema and no other's: asked of a real server, with the roles we make."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg2
import pytest
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import OperationalError, ProgrammingError

from deploy.compose.database import prepare
from deploy.compose.secret_files import WITH_DATABASE
from deploy.local.postgres import PrivatePostgres
from deploy.local.stack import CONSOLE, IDENTITY, SERVICES
from services.console.session_store import SessionStore
from services.person_registry.keyring import Keyring
from services.person_registry.vault import Vault
from shared.storage.engine import make_engine
from shared.storage.migrations import differences, upgrade

MIGRATED = (*SERVICES, IDENTITY)  # the console makes its one table itself


@pytest.fixture(scope="module")
def prepared(postgres: PrivatePostgres) -> Iterator[URL]:
    """A database with the roles and schemas of an installation, migrated by each service as its own role."""
    name = f"roles_{uuid4().hex[:8]}"
    superuser = make_url(postgres.create_database(name))
    keys = make_url(postgres.create_database(f"{name}_keys"))
    prepare(superuser, dict.fromkeys(WITH_DATABASE, "first"), monitoring="first", backup="first")
    prepare(keys, {"person_registry": "first"})
    for service in MIGRATED:
        engine = make_engine(superuser.set(username=service).render_as_string(hide_password=False), schema=service)
        upgrade(engine, service)
        engine.dispose()
    yield superuser
    postgres.drop_database(name)
    postgres.drop_database(f"{name}_keys")
    engine = create_engine(make_url(postgres.url()), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for role in (*WITH_DATABASE, "monitoring", "backup"):
            connection.execute(text(f"drop role {role}"))
    engine.dispose()


@pytest.fixture(scope="module")
def keys(prepared: URL) -> URL:
    """The database of the keys of persons; in an installation it has a server of its own."""
    return prepared.set(database=f"{prepared.database}_keys")


def ask(url: URL, role: str, statement: str) -> object:
    engine = create_engine(url.set(username=role))
    try:
        with engine.begin() as connection:
            return connection.execute(text(statement)).scalar()
    finally:
        engine.dispose()


@pytest.mark.parametrize("service", MIGRATED)
def test_each_service_migrated_its_own_schema_as_its_own_role(prepared: URL, service: str) -> None:
    engine = make_engine(prepared.set(username=service).render_as_string(hide_password=False), schema=service)
    assert differences(engine, service) == []
    engine.dispose()
    owners = "select string_agg(distinct tableowner, ',') from pg_tables where schemaname = '{}'"
    assert ask(prepared, service, owners.format(service)) == service


@pytest.mark.parametrize("mine", [*MIGRATED, CONSOLE])
def test_no_service_reads_or_writes_anothers_schema(prepared: URL, mine: str) -> None:
    engine = create_engine(prepared.set(username=mine), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for other in set(MIGRATED) - {mine}:
            for statement in (
                f"select count(*) from {other}.event_log",
                f"delete from {other}.outbox",
                f"create table {other}.mine (id int)",
                f"drop schema {other} cascade",
            ):
                with pytest.raises(ProgrammingError) as refused:
                    connection.execute(text(statement))
                assert isinstance(refused.value.orig, InsufficientPrivilege), statement
    engine.dispose()


def test_the_console_keeps_its_sessions_where_nobody_else_reads_them(prepared: URL) -> None:
    store = SessionStore(prepared.set(username=CONSOLE).render_as_string(hide_password=False), "secret")
    store.save("number", {"language": "zh"}, now=0.0)
    kept = store.load("number")
    store.dispose()
    assert kept is not None and kept.contents == {"language": "zh"}
    for other in MIGRATED:
        with pytest.raises(ProgrammingError) as refused:
            ask(prepared, other, "select count(*) from console.session_v1")
        assert isinstance(refused.value.orig, InsufficientPrivilege), other


def test_no_service_becomes_another_or_more_than_it_is(prepared: URL) -> None:
    for statement in (
        "set role person_registry",
        "alter role drug_testing superuser",
        "create role another",
        "create table public.mine (id int)",
        "create temporary table mine (id int)",
    ):
        with pytest.raises(ProgrammingError) as refused:
            ask(prepared, "drug_testing", statement)
        assert isinstance(refused.value.orig, InsufficientPrivilege), statement


def test_the_registry_keeps_locks_and_destroys_the_keys_of_persons(keys: URL, identity_keys: Path) -> None:
    ring = Keyring.from_file(identity_keys / "identity.json")
    vault = Vault(ring, keys.set(username="person_registry").render_as_string(hide_password=False))
    locked, destroyed = uuid4(), uuid4()
    stored = {person: vault.close_up(person, {"full_name": "示例"}) for person in (locked, destroyed)}
    assert set(vault.open(stored)) == {locked, destroyed}
    vault.lock(locked)
    vault.destroy(destroyed)
    assert vault.open(stored) == {}


def test_no_other_service_reaches_the_keys_of_persons(keys: URL) -> None:
    for service in set(WITH_DATABASE) - {"person_registry"}:
        with pytest.raises(OperationalError, match="permission denied for database"):
            ask(keys, service, "select 1")


def test_monitoring_sees_figures_and_no_case(prepared: URL) -> None:
    assert ask(prepared, "monitoring", "select count(*) from pg_stat_activity")
    with pytest.raises(ProgrammingError):
        ask(prepared, "monitoring", "select count(*) from person_registry.event_log")


def test_who_makes_backups_replicates_and_cannot_ask(prepared: URL) -> None:
    assert ask(prepared, "monitoring", "select rolreplication from pg_roles where rolname = 'backup'") is True
    with pytest.raises(OperationalError, match="permission denied for database"):
        ask(prepared, "backup", "select 1")


def test_made_again_it_changes_passwords_and_nothing_else(prepared: URL) -> None:
    def verifiers() -> list[str]:
        with psycopg2.connect(prepared.set(drivername="postgresql").render_as_string()) as connection:
            cursor = connection.cursor()
            cursor.execute("select rolname, rolpassword from pg_authid where rolname = any(%s)", (list(WITH_DATABASE),))
            return cursor.fetchall()

    tables = ask(prepared, "oversight", "select count(*) from pg_tables")
    before = verifiers()
    assert all(password.startswith("SCRAM-SHA-256$") for _, password in before)
    prepare(prepared, dict.fromkeys(WITH_DATABASE, "second"), monitoring="second")
    assert len(verifiers()) == len(WITH_DATABASE)
    assert not set(verifiers()) & set(before)
    assert ask(prepared, "oversight", "select count(*) from pg_tables") == tables
