"""The private PostgreSQL server: its data outlive it, and only this machine reaches it."""

from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from deploy.local.orphans import began
from deploy.local.postgres import PostgresFailed, PrivatePostgres
from tests.support.crashing import crash_running


@pytest.fixture
def server(servers: Path, request: pytest.FixtureRequest) -> Iterator[PrivatePostgres]:
    """One that is not shared, for it is ended in the tests."""
    with PrivatePostgres(servers / f"own {len(request.node.name)} 张家界") as own:
        yield own


def ask(url: str, question: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url.replace("+psycopg2", ""))
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def test_what_was_committed_survives_a_stop_and_a_kill(server: PrivatePostgres) -> None:
    url = server.create_database("kept")
    assert ask(url, "show fsync") == [("on",)]
    ask(url, "create table case_file (number int)")
    ask(url, "insert into case_file values (1)")
    server.stop()
    assert not server.alive
    server.start()
    assert ask(url, "select number from case_file") == [(1,)]
    ask(url, "insert into case_file values (2)")
    for _ in range(3):
        server.restart()
    assert ask(url, "select number from case_file order by 1") == [(1,), (2,)]


def test_it_listens_here_only_and_is_not_roots(postgres: PrivatePostgres) -> None:
    assert ask(postgres.url(), "show listen_addresses") == [("127.0.0.1",)]
    assert ask(postgres.url(), "show unix_socket_directories") == [("",)]
    ((pid,),) = ask(postgres.url(), "select pg_backend_pid()")
    assert isinstance(pid, int)
    ((folder,),) = ask(postgres.url(), "show data_directory")
    assert Path(str(folder)).stat().st_uid != 0


def test_a_database_is_thrown_away_with_whoever_is_in_it(postgres: PrivatePostgres) -> None:
    url = postgres.create_database("short_lived")
    inside = psycopg2.connect(url.replace("+psycopg2", ""))
    postgres.drop_database("short_lived")
    inside.close()
    with pytest.raises(PostgresFailed, match="does not exist"):
        postgres.drop_database("short_lived")


def test_an_interrupted_first_start_is_begun_again(servers: Path) -> None:
    folder = servers / "interrupted"
    (folder / "data.new").mkdir(parents=True)
    (folder / "data.new" / "half").write_text("")
    with PrivatePostgres(folder, fsync=False) as server:
        assert ask(server.url(), "show fsync") == [("off",)]
    assert not (folder / "data.new").exists()


def test_a_server_orphaned_by_a_crash_is_ended_by_the_next_start(servers: Path) -> None:
    folder = servers / "orphaned"
    orphan = crash_running("deploy.local.postgres", "PrivatePostgres", folder, note="server.json")
    assert began(orphan) is not None
    with PrivatePostgres(folder) as server:
        assert began(orphan) is None
        assert ask(server.url(), "select 1") == [(1,)]


def test_a_failed_start_says_why_and_leaves_nothing(servers: Path) -> None:
    folder = servers / "broken"
    with PrivatePostgres(folder):
        pass
    (folder / "data" / "PG_VERSION").write_text("7\n")
    server = PrivatePostgres(folder)
    with pytest.raises(PostgresFailed, match="FATAL:  database files are incompatible"):
        server.start()
    assert not server.alive
    assert not list(folder.glob("*.json"))
