"""the whole way of a test order."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "drug_testing_0002"
down_revision = "drug_testing_0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "laboratory",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("designated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_laboratory")),
    )
    op.create_table(
        "schedule",
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evasions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", name=op.f("pk_schedule")),
    )
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_schedule_next_at"), ["next_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_schedule_person_id"), ["person_id"], unique=False)

    op.create_table(
        "seal",
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("test_order_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_seal")),
    )
    with op.batch_alter_table("test_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_rule", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("evasions", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("force_decided_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("force_approved_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("untested_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("exempt_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("exempt_note", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("exempted_by", sa.Text(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "declared_medicines",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(
            sa.Column(
                "invalid_cards",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(sa.Column("seal_signed", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("seal_note", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("keep_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "custody", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False, server_default="[]"
            )
        )
        batch_op.add_column(sa.Column("opinion_due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("opinion", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("opinion_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "opinion_officers",
                sa.JSON().with_variant(postgresql.JSONB(), "postgresql"),
                nullable=False,
                server_default="[]",
            )
        )
        batch_op.add_column(sa.Column("lab", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(
            sa.Column("retest", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True)
        )
        batch_op.add_column(sa.Column("unfit_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("overturned_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("overturned_by", sa.Text(), nullable=True))
        batch_op.drop_index(batch_op.f("ix_test_order_objection"))
        batch_op.create_index("ix_test_order_due", ["state", "due_at"], unique=False)
    # What was under way goes on: its next deadline, and the seals that are used already.
    op.execute("update test_order set due_rule = 'T0', due_at = collect_due_at where state = 'ordered'")
    op.execute("update test_order set due_rule = 'T1', due_at = objection_due_at where state = 'positive_told'")
    for seal in ("sample_a", "sample_b"):
        op.execute(
            f"insert into seal (number, test_order_id) select {seal}, id from test_order where {seal} is not null"
        )
