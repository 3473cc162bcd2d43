"""A migration leaves code of the version before working, or says that it contracts and since when nobody needs it."""

from pathlib import Path

import pytest
from alembic.script import Script
from sqlalchemy import Engine

from shared.runtime.audit import SERVICES
from shared.storage import migrations
from shared.storage.chassis import CHASSIS
from shared.storage.compatibility import needs_of
from shared.storage.engine import make_engine
from tests.support.migration_rules import broken_by, recorded

# The newest revision of each history when this rule came. What is older was never run beside its predecessor.
BASELINE = {
    "chassis": 4,
    "community_handover": 5,
    "detention_intake": 4,
    "drug_testing": 3,
    "identity": 1,
    "oversight": 4,
    "person_registry": 4,
    "release_notification": 4,
}


def history(service: str) -> list[Script]:
    """A service's own revisions, or the chassis', the oldest first."""
    scripts = migrations.scripts_of(home_of(service))
    ours = [script for script in scripts.walk_revisions() if branch_of(script.revision) == service]
    return list(reversed(ours))


def home_of(history: str) -> str:
    """A service whose schema has the history: the chassis' is in every one."""
    return "drug_testing" if history == CHASSIS else history


def branch_of(revision: str) -> str:
    return revision.rpartition("_")[0]


def number_of(revision: str) -> int:
    return int(revision.rpartition("_")[2])


def broken_rules(engine: Engine, service: str, script: Script) -> set[str]:
    """What a revision does that older code cannot work with; everything before it is applied already."""
    with recorded(engine) as statements:
        migrations.upgrade(engine, service, script.revision)
    return broken_by(statements)


@pytest.mark.parametrize("service", [CHASSIS, *SERVICES])
def test_a_migration_that_breaks_older_code_says_so(postgres_url: str, service: str) -> None:
    home = home_of(service)
    newer = [script for script in history(service) if number_of(script.revision) > BASELINE.get(service, 0)]
    if not newer:
        return
    engine = make_engine(postgres_url, schema=home)
    if newer[0].down_revision:
        migrations.upgrade(engine, home, str(newer[0].down_revision))
    for script in newer:
        broken = broken_rules(engine, home, script)
        assert not broken or needs_of(script), f"{script.revision} breaks older code and is not marked: {broken}"
    engine.dispose()


@pytest.mark.parametrize("service", [CHASSIS, *SERVICES])
def test_a_contraction_needs_an_older_revision_of_the_same_history(service: str) -> None:
    for script in history(service):
        needs = needs_of(script)
        assert needs is None or (branch_of(needs), number_of(needs) < number_of(script.revision)) == (service, True)


@pytest.mark.parametrize("service", [CHASSIS, *SERVICES])
def test_revisions_are_numbered_without_a_gap(service: str) -> None:
    assert [number_of(script.revision) for script in history(service)] == list(range(1, len(history(service)) + 1))


def test_a_migration_that_would_break_older_code_is_found(postgres_url: str) -> None:
    """The registry's fourth put every person into another table: what stands above would have refused it."""
    engine = make_engine(postgres_url, schema="person_registry")
    migrations.upgrade(engine, "person_registry", "person_registry_0003")
    (script,) = [one for one in history("person_registry") if number_of(one.revision) == 4]
    broken = broken_rules(engine, "person_registry", script)
    assert {one.partition(":")[0] for one in broken} == {"renaming-table", "ban-drop-table"}
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        ("alter table task add column a text not null", "adding-required-field"),
        ("alter table task alter column a set not null", "adding-not-nullable-field"),
        ("alter table task alter column a type bigint", "changing-column-type"),
        ("alter table task rename column a to b", "renaming-column"),
        ("alter table task drop column a", "ban-drop-column"),
        ("alter table task add constraint ck check (a > 1)", "constraint-missing-not-valid"),
        ("alter table task add constraint uq unique (a)", "disallowed-unique-constraint"),
        ("create unique index uq on task (a)", "unique index"),
        ("drop table task", "ban-drop-table"),
    ],
)
def test_what_older_code_cannot_work_with_is_known(statement: str, rule: str) -> None:
    assert rule in {found.partition(":")[0] for found in broken_by(["select 1", statement])}


def test_what_only_expands_is_let_through() -> None:
    expanding = [
        "create table new (id uuid not null, a text not null, primary key (id), unique (a))",
        "create unique index ix_new on new (a)",
        "alter table task add column a text",
        "alter table task add column b text not null default 'x'",
        "alter table task alter column c drop not null",
        "create index ix on task (a)",
        "create trigger same before insert on task for each row execute function same()",
    ]
    assert broken_by(expanding) == set()


def test_every_history_is_judged() -> None:
    folders = {path.parent.name for path in Path("services").glob("*/migrations")}
    assert folders == set(SERVICES)
