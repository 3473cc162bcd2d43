"""What a migration may do while the version before it runs: squawk judges what it really sends to PostgreSQL."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

# What code of the version before cannot work with. Squawk's other rules are about locks and taste.
BREAKING = {
    "adding-not-nullable-field",
    "adding-required-field",
    "adding-foreign-key-constraint",
    "ban-drop-column",
    "ban-drop-database",
    "ban-drop-default",
    "ban-drop-table",
    "ban-truncate-cascade",
    "changing-column-type",
    "constraint-missing-not-valid",
    "disallowed-unique-constraint",
    "renaming-column",
    "renaming-table",
}
_UNIQUE_INDEX = re.compile(r'create unique index \S+ on "?(\w+)', re.IGNORECASE)
_NEW_TABLE = re.compile(r'create table "?(\w+)', re.IGNORECASE)


@contextmanager
def recorded(engine: Engine) -> Iterator[list[str]]:
    """The statements that are sent while the block runs."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)


def broken_by(statements: list[str]) -> set[str]:
    """The rules of `BREAKING` that a migration breaks, with the statement's beginning."""
    changes = [one for one in statements if one.lstrip().lower().startswith(("alter", "create", "drop", "truncate"))]
    new = {found for one in changes for found in _NEW_TABLE.findall(one)}
    unique = {
        f"unique index: {one[:80]}" for one in changes for table in _UNIQUE_INDEX.findall(one) if table not in new
    }
    return unique | {f"{rule}: {' '.join(changes[place].split())[:80]}" for place, rule in _judged(changes)}


def _judged(statements: list[str]) -> Iterator[tuple[int, str]]:
    """What squawk says to each statement; they are judged together, so that a table made before is known as new."""
    lines = [" ".join(one.split()).rstrip(";") for one in statements]
    said = subprocess.run(
        [
            str(Path(sys.executable).with_name("squawk")),
            "--reporter",
            "json",
            "--assume-in-transaction",
            "--stdin-filepath",
            "migration.sql",
        ],
        input="".join(f"{line};\n" for line in lines),
        capture_output=True,
        text=True,
    )
    for found in json.loads(said.stdout):
        if found["rule_name"] == "syntax-error":
            raise ValueError(found["message"])
        if found["rule_name"] in BREAKING:
            yield found["line"], found["rule_name"]
