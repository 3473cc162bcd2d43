"""Versions of the platform that do not exist yet: copies of its code with a few changes, to be run beside it.

``EXPANDED`` renames a column of community_handover in a way that both versions can use, and its releases say one
optional field more. ``CONTRACTED`` has that field and that column, and takes the old one away.
"""

import re
import shutil
import sys
from pathlib import Path

from deploy.local.stack import ROOT

_TASKS = Path("services/community_handover")
_OLD, _NEW = "offered_at", "asked_at"
NEWER_FIELD = "said_by_version"

# A row that the older version writes has the old column only, one that the newer writes the new one only.
_KEEP_ALIKE = f"""
create function same_moment() returns trigger language plpgsql as $$ begin
  if tg_op = 'INSERT' then
    new.{_NEW} := coalesce(new.{_NEW}, new.{_OLD});
  elsif new.{_OLD} is distinct from old.{_OLD} then
    new.{_NEW} := new.{_OLD};
  end if;
  new.{_OLD} := new.{_NEW};
  return new;
end $$
"""
_EXPANSION = f'''"""a moment under its new name."""
import sqlalchemy as sa
from alembic import op

revision = "community_handover_{{number:04d}}"
down_revision = "community_handover_{{before:04d}}"

def upgrade() -> None:
    op.add_column("task", sa.Column("{_NEW}", sa.DateTime(timezone=True)))
    op.execute("update task set {_NEW} = {_OLD}")
    op.execute("""{_KEEP_ALIKE}""")
    op.execute("create trigger same_moment before insert or update on task for each row execute function same_moment()")
'''
_CONTRACTION = f'''"""nobody asks for the old name."""
from alembic import op

revision = "community_handover_{{number:04d}}"
down_revision = contract = "community_handover_{{before:04d}}"

def upgrade() -> None:
    op.execute("drop trigger same_moment on task")
    op.execute("drop function same_moment")
    op.drop_column("task", "{_OLD}")
'''


def expanded(folder: Path) -> Path:
    """The next version; its root."""
    for package in ("services", "shared"):
        shutil.copytree(ROOT / package, folder / package)
    _rename_moment(folder / _TASKS)
    _add_migration(folder, _EXPANSION)
    due = "    due_at = moment(nullable=True)\n"
    _change(
        folder / "shared/contracts/release.py",
        ("identifier, moment", "identifier, later, moment"),
        (due, f"{due}    {NEWER_FIELD} = later(text(nullable=True))\n"),
    )
    told = '        "due_at": release.due_at,\n'
    _change(folder / "services/release_notification/store.py", (told, f'{told}        "{NEWER_FIELD}": "2",\n'))
    return folder


def contracted(folder: Path, before: Path) -> Path:
    """The version after the next; its root."""
    shutil.copytree(before, folder)
    _add_migration(folder, _CONTRACTION)
    return folder


def command_of(root: Path, service: str) -> list[str]:
    """What starts a service of another version; the folder where it is started must not count."""
    return [sys.executable, "-P", "-m", "shared.runtime", service] if root != ROOT else []


def _rename_moment(service: Path) -> None:
    """Everywhere but in the API, which keeps its name."""
    for path in service.rglob("*.py"):
        if path.parent.name != "migrations":
            path.write_text(re.sub(rf"\b{_OLD}\b", _NEW, path.read_text()))
    field = f"{_NEW} = fields.AwareDateTime(allow_none=True"
    kept = f'{_OLD} = fields.AwareDateTime(allow_none=True, attribute="{_NEW}"'
    _change(service / "schemas.py", (field, kept))


def _add_migration(root: Path, text: str) -> None:
    history = root / _TASKS / "migrations"
    before = len(list(history.glob("community_handover_*.py")))
    path = history / f"community_handover_{before + 1:04d}_next.py"
    path.write_text(text.format(number=before + 1, before=before))


def _change(path: Path, *changes: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in changes:
        assert text.count(old) == 1, f"{path} has no {old}, or more than one"
        text = text.replace(old, new)
    path.write_text(text)
