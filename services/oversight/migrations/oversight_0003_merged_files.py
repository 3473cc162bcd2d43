"""merged files."""

import sqlalchemy as sa
from alembic import op

revision = "oversight_0003"
down_revision = "oversight_0002"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "merged_file",
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("merged_into", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_merged_file")),
    )
    with op.batch_alter_table("merged_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_merged_file_merged_into"), ["merged_into"], unique=False)
