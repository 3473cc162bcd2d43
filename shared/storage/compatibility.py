"""Old and new code on one schema: what makes an upgrade possible without a pause.

A migration *expands*, so that code of the version before works on beside it, unless it says that it *contracts*:
``contract = "drug_testing_0007"`` in its module means that what it takes away is used by no code that knows that
revision. Every revision that was applied is noted in ``schema_revision`` with what it needs, so that code which has
never heard of it can tell whether it may run.

Invariants: code starts on a schema that is ahead of it only if it knows what every revision needs which it does not
know; on PostgreSQL nothing is contracted while a process runs that does not know what the contraction needs. Such
processes are seen by the names of their sessions (`announce`), which end with them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, event, inspect, select, text

from shared.storage.bulk import insert_rows
from shared.storage.chassis import CHASSIS, SCHEMA_REVISION

LOCK_WAIT = "2s"  # how long a migration waits for a table, and everybody else behind it

log = structlog.get_logger(__name__)


class SchemaTooNew(Exception):
    """The schema was changed by newer code in a way that this code could not work with. Start the newer one."""


class OldCodeRuns(Exception):
    """What this version needs comes after a contraction that has to wait until older processes are gone."""


@dataclass(frozen=True, slots=True)
class Code:
    """How far a version's own migrations go: the numbers of the chassis' and of the service's newest one."""

    service: str
    chassis: int
    own: int

    @classmethod
    def of(cls, heads: Iterable[str], service: str) -> "Code":
        """The code whose newest revisions these are; or that would fit a schema at these revisions."""
        numbers = dict(_split(head) for head in heads)
        return cls(service, numbers.get(CHASSIS, 0), numbers.get(service, 0))

    @property
    def numbers(self) -> str:
        """The chassis' number and the service's own."""
        return f"{self.chassis}.{self.own}"

    @property
    def session_name(self) -> str:
        """By which the database knows a session of this code; at most 63 characters are kept of it."""
        return f"baton {self.service} {self.numbers}"

    def knows(self, revision: str) -> bool:
        """Whether it has this revision of the chassis or of its own."""
        branch, number = _split(revision)
        return number <= (self.chassis if branch == CHASSIS else self.own)


def announce(engine: Engine, code: Code) -> None:
    """Name every new session of an engine after the code that uses it."""
    if engine.dialect.name != "postgresql":
        return

    @event.listens_for(engine, "do_connect")
    def name_session(_dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        parameters["application_name"] = code.session_name


def is_ahead(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Whether the schema has revisions that this code does not know, all of which leave it working.

    Raises: SchemaTooNew when one of them does not.
    """
    known = {script.revision for script in scripts.walk_revisions()}
    unknown = set(_heads(connection)) - known
    if not unknown:
        return False
    noted = _noted(connection)
    if not unknown <= noted.keys() or not known <= noted.keys():
        raise SchemaTooNew(f"the schema is at {_listed(unknown)}, which this version knows nothing about")
    broken = {revision for revision in noted.keys() - known if noted[revision] not in (None, *known)}
    if broken:
        raise SchemaTooNew(f"the schema is at {_listed(broken)}, which needs a newer version than this one")
    log.info("schema.ahead", revisions=_listed(unknown))
    return True


def targets(connection: Connection, scripts: ScriptDirectory, service: str) -> list[str]:
    """The revisions to upgrade to: the newest, or as far as older processes that run allow.

    Raises: OldCodeRuns when that is not far enough for this code.
    """
    return [_target(connection, scripts, service, head) for head in scripts.get_heads()]


def note(connection: Connection, scripts: ScriptDirectory) -> None:
    """Note every applied revision, for code that does not know it."""
    if not inspect(connection).has_table(SCHEMA_REVISION.name):
        return  # an older revision was asked for
    applied = scripts.iterate_revisions(_heads(connection), "base")
    noted = _noted(connection)
    rows = [{"revision": one.revision, "needs": needs_of(one)} for one in applied if one.revision not in noted]
    insert_rows(connection, SCHEMA_REVISION, rows)


def needs_of(script: Script) -> str | None:
    """The revision that code must know to work after this one; None of one that only expands."""
    needs: str | None = getattr(script.module, "contract", None)
    return needs


def wait_little(connection: Connection) -> None:
    """Rather try again later than make everybody queue behind a table that is in use for long."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"set local lock_timeout = '{LOCK_WAIT}'"))


def _target(connection: Connection, scripts: ScriptDirectory, service: str, head: str) -> str:
    pending = _pending(connection, scripts, head)
    for place, script in enumerate(pending):
        needs = needs_of(script)
        old = [] if needs is None else sorted(_older(connection, service, needs))
        if not old:
            continue
        log.warning("schema.contraction_waits", revision=script.revision, needs=needs, sessions=old)
        if any(needs_of(later) is None for later in pending[place:]):
            raise OldCodeRuns(f"{script.revision} waits for sessions that are older than {needs}")
        return str(script.down_revision)
    return head


def _pending(connection: Connection, scripts: ScriptDirectory, head: str) -> Sequence[Script]:
    applied = {one.revision for one in scripts.iterate_revisions(_heads(connection), "base")}
    return [one for one in reversed(list(scripts.iterate_revisions(head, "base"))) if one.revision not in applied]


def _older(connection: Connection, service: str, needs: str) -> Iterator[str]:
    """The other sessions of a service whose code does not know a revision."""
    for name in _sessions(connection):
        prefix, whose, *code = [*name.split(), ""]
        if (prefix, whose) == ("baton", service) and not _code(service, code[0]).knows(needs):
            yield name


def _sessions(connection: Connection) -> Iterable[str]:
    if connection.dialect.name != "postgresql":
        return ()  # the embedded database: one process a service, and it has ended
    others = "datname = current_database() and pid <> pg_backend_pid() and application_name like 'baton %'"
    return connection.execute(text(f"select application_name from pg_stat_activity where {others}")).scalars()


def _code(service: str, told: str) -> Code:
    """What a session says of its code; one that says nothing is older than all that do."""
    chassis, _, own = (told or "0.0").partition(".")
    return Code(service, int(chassis), int(own))


def _split(revision: str) -> tuple[str, int]:
    branch, _, number = revision.rpartition("_")
    return branch, int(number)


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def _noted(connection: Connection) -> dict[str, str | None]:
    if not inspect(connection).has_table(SCHEMA_REVISION.name):
        return {}
    return {row.revision: row.needs for row in connection.execute(select(SCHEMA_REVISION))}


def _listed(revisions: Iterable[str]) -> str:
    return ", ".join(sorted(revisions))
