"""the whole way of a task."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "community_handover_0002"
down_revision = "community_handover_0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "known_tier",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_known_tier")),
    )
    op.create_table(
        "roster",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_roster")),
    )
    with op.batch_alter_table("roster", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_roster_day"), ["day"], unique=False)

    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.Text(), nullable=False, server_default="release"))
        batch_op.add_column(sa.Column("order_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("due_rule", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("due_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("assigned", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch_op.add_column(sa.Column("assigned_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("rejections", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("rejected_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("rejection_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("proposed_office", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("party", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column("outcome_note", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("contacted_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("trace", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=True))
        batch_op.add_column(sa.Column("unknown_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("unknown_signed_by", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("agreement_signed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("refused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("referred_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("referral_number", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("remote_office", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("letter_number", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("letter_sent_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("receipt_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("pause_reason", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("close_reason", sa.Text(), nullable=True))
        batch_op.alter_column("release_id", existing_type=sa.CHAR(length=32), nullable=True)
        batch_op.create_index(
            "ix_task_rejected_by",
            ["rejected_by", "release_at"],
            unique=False,
            postgresql_where=sa.text("rejected_by is not null"),
        )
        batch_op.create_unique_constraint(batch_op.f("uq_task_order_id"), ["order_id"])
    op.execute("update task set due_rule = 'H2', due_at = accept_due_at where state = 'offered'")
    op.execute("update task set due_rule = 'C1', due_at = report_due_at where state = 'met'")
