"""the whole way of a decision."""

from datetime import timedelta

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.kernel.deadlines import start_of_day
from shared.storage import UtcDateTime

revision = "detention_intake_0002"
down_revision = "detention_intake_0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "centre",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_centre")),
    )
    op.create_table(
        "headcount",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted", sa.Integer(), nullable=False),
        sa.Column("stated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stated_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_headcount")),
    )
    op.create_table(
        "known_test",
        sa.Column("test_order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("positive", sa.Boolean(), nullable=False),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("overturned", sa.Boolean(), nullable=False),
        sa.Column("opinion", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("test_order_id", name=op.f("pk_known_test")),
    )
    op.create_table(
        "movement",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("stay_id", sa.Uuid(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("heads", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_movement")),
    )
    with op.batch_alter_table("movement", schema=None) as batch_op:
        batch_op.create_index("ix_movement_centre_day", ["centre", "day"], unique=False)

    with op.batch_alter_table("custody_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("legal_reviewer", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("isolation_ground", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "circumstances",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(sa.Column("ahead_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("early_release_barred", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("replaces", sa.Uuid(), nullable=True))
        batch_op.add_column(
            sa.Column("step_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("notify_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column(
                "notices", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]"
            )
        )
        batch_op.add_column(
            sa.Column(
                "documents",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(sa.Column("reconsider_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("sue_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("refusal_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("refusal_note", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("review_opened_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("review_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("review_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("review_outcome", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("review_note", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("due_rule", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_custody_order_test_order_id"), type_="unique")
        batch_op.create_index(batch_op.f("ix_custody_order_test_order_id"), ["test_order_id"], unique=False)
        batch_op.drop_column("notify_due_at")

    with op.batch_alter_table("stay", schema=None) as batch_op:
        batch_op.add_column(sa.Column("term_first_day", sa.Date(), nullable=False, server_default="1970-01-01"))
        batch_op.add_column(sa.Column("special", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("early_release_barred", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("away_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("days_at_large", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("escapes", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("extended", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(
            sa.Column(
                "assessments",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(
            sa.Column("proposal", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("family_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("move_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(
            sa.Column("away_due", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("family_told_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("due_rule", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_index("ix_stay_term", ["state", "term_last_day"], unique=False)
        batch_op.drop_index("uq_stay_open_person")
        batch_op.create_index(
            "uq_stay_open_person",
            ["person_id"],
            unique=True,
            postgresql_where=sa.text("state != 'ended'"),
            sqlite_where=sa.text("state != 'ended'"),
        )
    _carry_over()


def _carry_over() -> None:
    """What is under way goes on: its next deadline, the first day of its term, the heads in each centre."""
    op.execute("update custody_order set due_rule = 'D0', due_at = admission_due_at where state = 'served'")
    op.execute(
        "update stay set term_first_day ="
        " (select term_first_day from custody_order where custody_order.id = stay.order_id)"
    )
    connection = op.get_bind()
    stay = sa.table(
        "stay",
        sa.column("id", sa.Uuid()),
        sa.column("centre", sa.Text()),
        sa.column("state", sa.Text()),
        sa.column("admitted_at", sa.DateTime()),
        sa.column("term_last_day", sa.Date()),
        sa.column("due_rule", sa.Text()),
        sa.column("due_at", UtcDateTime()),
    )
    movement = sa.table(
        "movement",
        sa.column("id", sa.Uuid()),
        sa.column("stay_id", sa.Uuid()),
        sa.column("centre", sa.Text()),
        sa.column("kind", sa.Text()),
        sa.column("day", sa.Date()),
        sa.column("heads", sa.Integer()),
    )
    for row in connection.execute(sa.select(stay).where(stay.c.state != "ended")).all():
        ends_at = start_of_day(row.term_last_day + timedelta(days=1))
        connection.execute(sa.update(stay).where(stay.c.id == row.id).values(due_rule="D8", due_at=ends_at))
        head = {"id": row.id, "stay_id": row.id, "centre": row.centre, "kind": "admitted", "heads": 1}
        connection.execute(sa.insert(movement).values(**head, day=row.admitted_at.date()))
