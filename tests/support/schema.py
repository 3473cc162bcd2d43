"""Migrated schemas without migrating each time: every history is run once, its outcome copied from then on."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import inspect

from deploy.local.system_packages import program
from shared.storage.engine import Storage, make_engine
from shared.storage.migrations import upgrade


def migrate(storage: Storage[Any]) -> None:
    """Bring a database to where its service's newest migration leads; fast where it is empty."""
    if inspect(storage.engine).get_table_names(schema=_schema(storage)):
        upgrade(storage.engine, storage.service)
    elif storage.dialect == "sqlite":
        storage.engine.dispose()  # the file gets another content
        shutil.copyfile(_migrated_file(storage.service), str(storage.engine.url.database))
    else:
        _replay(storage)


def _schema(storage: Storage[Any]) -> str | None:
    return None if storage.dialect == "sqlite" else storage.service


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="baton-schemas-")


@cache
def _migrated_file(service: str) -> Path:
    path = Path(_folder().name) / f"{service}.sqlite3"
    engine = make_engine(f"sqlite:///{path}", schema=service)
    upgrade(engine, service)
    engine.dispose()  # the last connection writes the whole log back into the file
    return path


_SCRIPTS: dict[str, str] = {}


def _replay(storage: Storage[Any]) -> None:
    script = _SCRIPTS.get(storage.service)
    if script is None:
        upgrade(storage.engine, storage.service)
        url = storage.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        _SCRIPTS[storage.service] = _dump(url, storage.service)
        return
    engine = make_engine(storage.engine.url.render_as_string(hide_password=False), schema=storage.service)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(script)
    finally:
        engine.dispose()  # the script leaves settings in its session


def _dump(url: str, schema: str) -> str:
    said = subprocess.run(
        [str(program("pg_dump")), url, f"--schema={schema}", "--no-owner", "--inserts"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return "\n".join(line for line in said.splitlines() if not line.startswith("\\")).replace("%", "%%")
