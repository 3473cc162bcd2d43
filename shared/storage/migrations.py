"""Schema migrations: Alembic, one history for each service beside that of the chassis' tables, run at start
under a lock. Old and new code on one schema: `shared.storage.compatibility`.

Usage: ``python -m shared.storage.migrations upgrade|check|revision <service> [message]`` with ``DATABASE_URL``.
``revision`` compares the tables in ``services/<service>/store.py`` with the newest revision and writes the difference
to ``services/<service>/migrations``.
"""

import fcntl
import os
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.autogenerate.api import AutogenContext
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, create_engine, text
from sqlalchemy.types import TypeDecorator

from shared.storage import compatibility
from shared.storage.chassis import CHASSIS, new_metadata
from shared.storage.compatibility import Code
from shared.storage.engine import make_engine
from shared.storage.types import JsonValue

NEWEST = "heads"
_SERVICES = Path(__file__).parents[2] / "services"
_ALEMBIC = Path(__file__).parent / "alembic"


def bring_up(engine: Engine, service: str) -> None:
    """What a process does when it starts: say which code it is, then bring the schema to where that code needs it.

    Raises: see `upgrade`.
    """
    compatibility.announce(engine, Code.of(scripts_of(service).get_heads(), service))
    upgrade(engine, service)


def upgrade(engine: Engine, service: str, to: str = NEWEST) -> None:
    """Bring a service's schema to a revision, the newest. Safe to call from several replicas at once.

    A schema that newer code has changed stays as it is. What may not be taken away yet is left for the next start.

    Raises: compatibility.SchemaTooNew, compatibility.OldCodeRuns.
    """
    with _one_at_a_time(engine, service) as connection:
        config = _config(service, connection)
        scripts = ScriptDirectory.from_config(config)
        if compatibility.is_ahead(connection, scripts):
            return
        compatibility.wait_little(connection)
        for target in [to] if to != NEWEST else compatibility.targets(connection, scripts, service):
            command.upgrade(config, target)
        compatibility.note(connection, scripts)


def scripts_of(service: str) -> ScriptDirectory:
    """Every migration of a service, with those of the chassis."""
    return ScriptDirectory.from_config(_config(service, None))


def code_of(service: str) -> str:
    """How far the code's own migrations go, e.g. ``5.4``: the chassis' number and the service's."""
    return Code.of(scripts_of(service).get_heads(), service).numbers


def schema_of(engine: Engine, service: str) -> str:
    """How far the schema goes, in the same form."""
    with engine.connect() as connection:
        return Code.of(MigrationContext.configure(connection).get_current_heads(), service).numbers


def differences(engine: Engine, service: str) -> list[Any]:
    """What the tables in code have and the migrated schema has not, or the other way round."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_object": _is_ours})
        found: list[Any] = compare_metadata(context, metadata_of(service))
        return found


def metadata_of(service: str) -> MetaData:
    """The tables that a service's code declares."""
    if service == CHASSIS:
        return new_metadata()
    metadata = import_module(f"services.{service}.store").metadata
    assert isinstance(metadata, MetaData)
    return metadata


def run_in_alembic(context: Any) -> None:
    """Run migrations inside Alembic's environment (``alembic/env.py``)."""
    config = context.config
    connection = config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata_of(config.attributes["service"]),
        render_item=_render_type,
        render_as_batch=connection.dialect.name == "sqlite",
        include_object=_is_ours,
        transaction_per_migration=False,
    )
    context.run_migrations()


@contextmanager
def _one_at_a_time(engine: Engine, service: str) -> Iterator[Connection]:
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(service.encode())})
            connection.execute(text(f"create schema if not exists {service}"))
            yield connection
        return
    database = str(engine.url.database)
    Path(database).parent.mkdir(parents=True, exist_ok=True)
    with open(f"{database}.migration-lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with engine.begin() as connection:
            before = MigrationContext.configure(connection).get_current_heads()
            yield connection
            is_changed = MigrationContext.configure(connection).get_current_heads() != before
        if is_changed and before:
            _write_anew(engine)


def _write_anew(engine: Engine) -> None:
    """Leave nothing in the file of what a migration took away; outside of a transaction, as SQLite wants it."""
    with closing(engine.raw_connection()) as raw:
        raw.cursor().execute("VACUUM")
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _history(service: str) -> Path:
    folder = _ALEMBIC / "versions" if service == CHASSIS else _SERVICES / service / "migrations"
    folder.mkdir(exist_ok=True)
    return folder


def _config(service: str, connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_ALEMBIC))
    config.set_main_option("version_locations", os.pathsep.join(map(str, (_history(CHASSIS), _history(service)))))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(connection=connection, service=service)
    return config


def _is_ours(_object: Any, name: str | None, kind: str, _reflected: bool, _compare_to: Any) -> bool:
    return not (kind == "table" and name in ("alembic_version", "sqlite_sequence"))


def _render_type(kind: str, obj: Any, context: AutogenContext) -> str | Literal[False]:
    if kind != "type" or not isinstance(obj, TypeDecorator):
        return False
    if isinstance(obj, JsonValue):
        context.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return f"sa.{obj.impl_instance!r}"


def _revise(service: str, message: str) -> None:
    """Write a revision with the difference between code and the newest revision."""
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/scratch.sqlite3")
        with engine.begin() as connection:
            config = _config(service, connection)
            command.upgrade(config, "heads")
            earlier = sorted(
                path.stem.removeprefix(f"{service}_")[:4] for path in _history(service).glob(f"{service}_*.py")
            )
            number = f"{len(earlier) + 1:04d}"
            command.revision(
                config,
                message,
                autogenerate=True,
                head=f"{service}_{earlier[-1]}" if earlier else "base",
                rev_id=f"{service}_{number}",
                version_path=str(_history(service)),
            )


def main(arguments: list[str]) -> int:
    """The command line."""
    match arguments:
        case ["upgrade", service]:
            upgrade(make_engine(os.environ["DATABASE_URL"], schema=service), service)
        case ["check", service]:
            found = differences(make_engine(os.environ["DATABASE_URL"], schema=service), service)
            print(*found, sep="\n")
            return 1 if found else 0
        case ["revision", service, message]:
            _revise(service, message)
        case _:
            print(__doc__)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
