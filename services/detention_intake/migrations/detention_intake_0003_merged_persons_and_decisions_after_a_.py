"""merged persons and decisions after a refusal."""

import sqlalchemy as sa
from alembic import op

revision = "detention_intake_0003"
down_revision = "detention_intake_0002"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "barred_person",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("origin", sa.Uuid(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_barred_person")),
    )
    with op.batch_alter_table("custody_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("known_person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_known_person_merged_into"), ["merged_into"], unique=False)
