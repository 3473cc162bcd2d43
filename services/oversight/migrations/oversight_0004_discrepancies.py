"""discrepancies."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.kernel.clock import china_day

revision = "oversight_0004"
down_revision = "oversight_0003"

_MOMENT = sa.DateTime(timezone=True)
_VERSION = {
    "aggregate_id": sa.Uuid(),
    "sequence": sa.Integer(),
    "kind": sa.Text(),
    "person_id": sa.Uuid(),
    "occurred_at": _MOMENT,
    "known_at": _MOMENT,
    "data": sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
}
_RELEASE = {
    "release_id": sa.Uuid(),
    "version": sa.Integer(),
    "person_id": sa.Uuid(),
    "centre": sa.Text(),
    "state": sa.Text(),
    "needs_handover": sa.Boolean(),
    "release_at": _MOMENT,
    "executed_at": _MOMENT,
    "day": sa.Date(),
    "alarm": sa.Text(),
    "heard_at": _MOMENT,
}
_TASK = {
    "task_id": sa.Uuid(),
    "version": sa.Integer(),
    "release_id": sa.Uuid(),
    "person_id": sa.Uuid(),
    "state": sa.Text(),
    "division": sa.Text(),
    "release_at": _MOMENT,
    "released_at": _MOMENT,
    "day": sa.Date(),
    "said_at": _MOMENT,
    "heard_at": _MOMENT,
}


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "awaited_event",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("aggregate_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_awaited_event")),
    )
    op.create_table(
        "comparison",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_comparison")),
    )
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("division", sa.Text(), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("urgency", sa.Text(), nullable=False),
        sa.Column("due_rule", sa.Text(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explanation", sa.Text(), nullable=True),
        sa.Column("explained_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("explained_by", sa.Text(), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
    )
    with op.batch_alter_table("discrepancy", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_discrepancy_person_id"), ["person_id"], unique=False)
        batch_op.create_index("ix_discrepancy_state", ["state", "urgency"], unique=False)

    op.create_table(
        "known_headcount",
        sa.Column("headcount_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=True),
        sa.Column("expected", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("headcount_id", name=op.f("pk_known_headcount")),
    )
    with op.batch_alter_table("known_headcount", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_headcount_day"), ["day"], unique=False)

    op.create_table(
        "known_release",
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("needs_handover", sa.Boolean(), nullable=False),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("executed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("alarm", sa.Text(), nullable=True),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("release_id", name=op.f("pk_known_release")),
    )
    with op.batch_alter_table("known_release", schema=None) as batch_op:
        batch_op.create_index(
            "ix_known_release_alarm",
            ["alarm"],
            unique=False,
            postgresql_where=sa.text("alarm IS NOT NULL"),
            sqlite_where=sa.text("alarm IS NOT NULL"),
        )
        batch_op.create_index(batch_op.f("ix_known_release_day"), ["day"], unique=False)

    op.create_table(
        "known_task",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=True),
        sa.Column("release_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("said_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_known_task")),
    )
    with op.batch_alter_table("known_task", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_known_task_day"), ["day"], unique=False)
        batch_op.create_index(batch_op.f("ix_known_task_release_id"), ["release_id"], unique=False)

    op.create_table(
        "stated_part",
        sa.Column("statement_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("entries", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("statement_id", name=op.f("pk_stated_part")),
    )
    with op.batch_alter_table("stated_part", schema=None) as batch_op:
        batch_op.create_index("ix_stated_part_day", ["day", "kind"], unique=False)

    with op.batch_alter_table("aggregate_state", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Uuid(), nullable=True)

    with op.batch_alter_table("version", schema=None) as batch_op:
        batch_op.alter_column("person_id", existing_type=sa.Uuid(), nullable=True)

    _keep_what_was_heard()


def _keep_what_was_heard() -> None:
    """Releases and tasks that were heard of before, in their newest version."""
    op.bulk_insert(_table("known_release", _RELEASE), [_release(row) for row in _newest("release")])
    tasks = [_task(row) for row in _newest("handover_task") if row.data["release_id"] is not None]
    op.bulk_insert(_table("known_task", _TASK), tasks)


def _newest(kind: str) -> list[Any]:
    version = _table("version", _VERSION)
    heard = sa.select(version).where(version.c.kind == kind).order_by(version.c.aggregate_id, version.c.sequence)
    return list({row.aggregate_id: row for row in op.get_bind().execute(heard)}.values())


def _release(row: Any) -> dict[str, Any]:
    data = row.data
    release_at, executed_at = datetime.fromisoformat(data["release_at"]), _moment(data["executed_at"])
    return {
        "release_id": row.aggregate_id,
        "version": row.sequence,
        "person_id": row.person_id,
        "centre": data["centre"],
        "state": data["state"],
        "needs_handover": data["needs_handover"],
        "release_at": release_at.astimezone(UTC),
        "executed_at": executed_at,
        "day": china_day(executed_at or release_at),
        "alarm": data.get("alarm") if data["state"] == "planned" else None,
        "heard_at": row.known_at,
    }


def _task(row: Any) -> dict[str, Any]:
    data = row.data
    release_at, released_at = datetime.fromisoformat(data["release_at"]), _moment(data["released_at"])
    return {
        "task_id": row.aggregate_id,
        "version": row.sequence,
        "release_id": UUID(data["release_id"]),
        "person_id": row.person_id,
        "state": data["state"],
        "division": data["division"],
        "release_at": release_at.astimezone(UTC),
        "released_at": released_at,
        "day": china_day(released_at or release_at),
        "said_at": row.occurred_at,
        "heard_at": row.known_at,
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _table(name: str, columns: dict[str, Any]) -> Any:
    return sa.table(name, *(sa.column(column, kind) for column, kind in columns.items()))
