"""merged persons."""

import sqlalchemy as sa
from alembic import op

revision = "person_registry_0003"
down_revision = "person_registry_0002"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    with op.batch_alter_table("person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("merged_reason", sa.Text(), nullable=True))
        batch_op.create_index(batch_op.f("ix_person_merged_into"), ["merged_into"], unique=False)

    with op.batch_alter_table("risk_assessment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))
