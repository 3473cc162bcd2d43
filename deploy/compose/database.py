"""One role and one schema for each service and the console; none sees another's. Made, or set right, at every start.

``python -m deploy.compose.database FOLDER`` with ``DATABASE_HOST`` and ``KEYS_DATABASE_HOST``: connects as the
superuser, waits for the server, and gives each role the password that its own secret holds, so a changed secret is a
changed password. The passwords reach the server as SCRAM verifiers and stand in no log. The keys of persons have a
server of their own, so that no backup of the other brings back a key that was destroyed.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import encrypt_password
from sqlalchemy.engine import URL, make_url

from deploy.compose.secret_files import (
    BACKUP,
    DATABASE,
    DATABASE_URL,
    KEYS_DATABASE,
    KEYS_DATABASE_URL,
    MONITORING,
    SUPERUSER,
    WITH_DATABASE,
    passwords,
)

PATIENCE_SECONDS = 300
PAUSE_SECONDS = 0.5


def prepare(url: URL, roles: Mapping[str, str], *, monitoring: str | None = None, backup: str | None = None) -> None:
    """Make roles, each with its schema, and rights. ``roles`` are passwords, so are the exporter's and the backup's.

    Raises: psycopg2.Error.
    """
    with closing(_connect(url)) as connection, connection, connection.cursor() as cursor:
        _close_to_everybody(cursor, str(url.database))
        for role, password in roles.items():
            _ensure_role(cursor, role, password)
            _ensure_schema(cursor, role, str(url.database))
        if monitoring is not None:
            _ensure_role(cursor, MONITORING, monitoring)
            _run(cursor, "grant pg_monitor to {}", MONITORING)
            _run(cursor, "grant connect on database {} to {}", str(url.database), MONITORING)
        if backup is not None:
            _ensure_role(cursor, BACKUP, backup, may="replication")


def main(arguments: list[str], env: Mapping[str, str], say: Callable[[str], None] = print) -> int:
    """The command line."""
    folder = Path(arguments[0])
    url = _superuser(folder, "postgres", env.get("DATABASE_HOST"), DATABASE)
    monitoring = _password(folder, "postgres-exporter")
    roles = {name: passwords(folder, DATABASE_URL)[name] for name in WITH_DATABASE}
    _wait_for(url)
    prepare(url, roles, monitoring=monitoring, backup=_password(folder, "backup"))
    keys = _superuser(folder, "postgres-keys", env.get("KEYS_DATABASE_HOST"), KEYS_DATABASE)
    _wait_for(keys)
    prepare(keys, passwords(folder, KEYS_DATABASE_URL), backup=_password(folder, "backup-keys"))
    say(f"database: {len(WITH_DATABASE)} roles, each with its schema, and one for the keys of persons")
    return 0


def _password(folder: Path, container: str) -> str:
    return (folder / container / "password").read_text().strip()


def _superuser(folder: Path, server: str, host: str | None, database: str) -> URL:
    password = (folder / server / "superuser-password").read_text().strip()
    return make_url("postgresql://").set(username=SUPERUSER, password=password, host=host or server, database=database)


def _close_to_everybody(cursor: Any, database: str) -> None:
    _run(cursor, "revoke all on database {} from public", database)
    _run(cursor, "revoke all on schema public from public")


def _ensure_role(cursor: Any, role: str, password: str, *, may: str = "noreplication") -> None:
    cursor.execute("select 1 from pg_roles where rolname = %s", (role,))
    if cursor.fetchone() is None:
        _run(cursor, "create role {}", role)
    verifier = encrypt_password(password, role, cursor.connection, "scram-sha-256")
    rights = f"login nosuperuser nocreatedb nocreaterole nobypassrls {may}"
    cursor.execute(sql.SQL(f"alter role {{}} with {rights} password %s").format(sql.Identifier(role)), (verifier,))


def _ensure_schema(cursor: Any, service: str, database: str) -> None:
    # "create", because migrations say "create schema if not exists", which asks for it although the schema is there.
    _run(cursor, "grant connect, create on database {} to {}", database, service)
    _run(cursor, "create schema if not exists {} authorization {}", service, service)
    _run(cursor, "revoke all on schema {} from public", service)


def _run(cursor: Any, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _connect(url: URL) -> Any:
    return psycopg2.connect(url.set(drivername="postgresql").render_as_string(hide_password=False))


def _wait_for(url: URL) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    for _ in _attempts():
        try:
            _connect(url).close()
            return
        except psycopg2.OperationalError:
            if time.monotonic() > until:
                raise


def _attempts() -> Iterator[None]:
    while True:
        yield
        time.sleep(PAUSE_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
