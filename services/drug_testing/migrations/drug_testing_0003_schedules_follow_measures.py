"""schedules follow measures."""

import sqlalchemy as sa
from alembic import op

revision = "drug_testing_0003"
down_revision = "drug_testing_0002"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "known_pace",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("test_every_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_known_pace")),
    )
    with op.batch_alter_table("known_person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_known_person_merged_into"), ["merged_into"], unique=False)

    op.drop_table("schedule")  # made again from the measures that are heard of
    op.create_table(
        "schedule",
        sa.Column("measure_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("division", sa.Text(), nullable=False),
        sa.Column("started_on", sa.Date(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("evasions", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("measure_id", name=op.f("pk_schedule")),
    )
    op.create_index(op.f("ix_schedule_person_id"), "schedule", ["person_id"])
    op.create_index(op.f("ix_schedule_next_at"), "schedule", ["next_at"])
    with op.batch_alter_table("test_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))
