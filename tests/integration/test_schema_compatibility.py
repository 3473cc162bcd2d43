"""Old and new code on one schema: who may run, what waits, and that two replicas never migrate at once."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from shared.storage import migrations
from shared.storage.compatibility import Code, OldCodeRuns, SchemaTooNew
from shared.storage.engine import make_engine

SERVICE = "identity"
EXPAND = 'op.add_column("sign_in", sa.Column("device", sa.Text()))'
CONTRACT = 'op.execute("alter table sign_in drop column device")'
Release = Callable[..., None]


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = make_engine(database_url, schema=SERVICE)
    yield opened
    opened.dispose()


@pytest.fixture
def release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Release:
    """Makes a version of the code with the migrations that are there and some more, and goes over to it."""
    there = Path("services") / SERVICE / "migrations"

    def go_over_to(*more: str, contracts: dict[int, str] | None = None) -> None:
        folder = tmp_path / f"version-{len(more)}" / SERVICE / "migrations"
        shutil.copytree(there, folder, dirs_exist_ok=True)
        for place, act in enumerate(more, 2):
            contract = f'contract = "{contracts[place]}"\n' if contracts and place in contracts else ""
            (folder / f"{SERVICE}_{place:04d}_more.py").write_text(
                f'import sqlalchemy as sa\nfrom alembic import op\nrevision = "{SERVICE}_{place:04d}"\n'
                f'down_revision = "{SERVICE}_{place - 1:04d}"\n{contract}def upgrade():\n    {act}\n'
            )
        monkeypatch.setattr(migrations, "_SERVICES", folder.parents[1])

    return go_over_to


def columns(engine: Engine) -> set[str]:
    return {column["name"] for column in inspect(engine).get_columns("sign_in")}


def test_old_code_starts_on_a_schema_that_was_only_expanded(engine: Engine, release: Release) -> None:
    release()
    migrations.upgrade(engine, SERVICE)
    release(EXPAND)
    migrations.upgrade(engine, SERVICE)
    release()
    migrations.upgrade(engine, SERVICE)
    assert "device" in columns(engine)


def test_code_that_does_without_starts_after_a_contraction_and_older_code_does_not(
    engine: Engine, release: Release
) -> None:
    release(EXPAND, CONTRACT, contracts={3: "identity_0002"})
    migrations.upgrade(engine, SERVICE)
    release(EXPAND)
    migrations.upgrade(engine, SERVICE)
    release()
    with pytest.raises(SchemaTooNew, match="identity_0003, which needs a newer version"):
        migrations.upgrade(engine, SERVICE)


def test_a_schema_of_nobody_knows_whom_is_not_touched(engine: Engine, release: Release) -> None:
    release(EXPAND)
    migrations.upgrade(engine, SERVICE)
    with engine.begin() as connection:
        connection.execute(text("delete from schema_revision where revision = 'identity_0002'"))
    release()
    with pytest.raises(SchemaTooNew, match="knows nothing about"):
        migrations.upgrade(engine, SERVICE)


def test_nothing_is_taken_away_while_code_runs_that_uses_it(postgres_url: str, release: Release) -> None:
    old, new = (make_engine(postgres_url, schema=SERVICE) for _ in range(2))
    release()
    migrations.bring_up(old, SERVICE)
    with old.connect():
        release(EXPAND, CONTRACT, contracts={3: "identity_0002"})
        migrations.bring_up(new, SERVICE)
        assert "device" in columns(new)
        release(EXPAND, CONTRACT, EXPAND, contracts={3: "identity_0002"})
        with pytest.raises(OldCodeRuns, match="identity_0003 waits"):
            migrations.bring_up(new, SERVICE)
    old.dispose()
    release(EXPAND, CONTRACT, contracts={3: "identity_0002"})
    migrations.bring_up(new, SERVICE)
    assert "device" not in columns(new)
    new.dispose()


def test_code_that_does_without_holds_no_contraction_up(postgres_url: str, release: Release) -> None:
    before, after = (make_engine(postgres_url, schema=SERVICE) for _ in range(2))
    release(EXPAND)
    migrations.bring_up(before, SERVICE)
    with before.connect() as connection:
        assert connection.execute(text("show application_name")).scalar_one() == "baton identity 5.2"
        release(EXPAND, CONTRACT, contracts={3: "identity_0002"})
        migrations.bring_up(after, SERVICE)
    assert "device" not in columns(after)
    before.dispose()
    after.dispose()


def test_replicas_that_start_at_once_migrate_once(database_url: str) -> None:
    engines = [make_engine(database_url, schema=SERVICE) for _ in range(3)]
    with ThreadPoolExecutor(len(engines)) as pool:
        list(pool.map(lambda engine: migrations.upgrade(engine, SERVICE), engines))
    with engines[0].connect() as connection:
        noted = connection.execute(text("select revision from schema_revision order by revision")).scalars().all()
    assert [one for one in noted if one.startswith(SERVICE)] == ["identity_0001"]
    for engine in engines:
        engine.dispose()


def test_the_name_of_a_session_says_how_far_its_code_goes() -> None:
    code = Code("release_notification", chassis=5, own=12)
    assert code.session_name == "baton release_notification 5.12"
    assert [code.knows(f"release_notification_{number:04d}") for number in (12, 13)] == [True, False]
    assert [code.knows(f"chassis_{number:04d}") for number in (5, 6)] == [True, False]
