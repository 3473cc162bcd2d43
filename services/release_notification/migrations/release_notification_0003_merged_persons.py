"""merged persons."""

import sqlalchemy as sa
from alembic import op

revision = "release_notification_0003"
down_revision = "release_notification_0002"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    with op.batch_alter_table("known_person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into", sa.Uuid(), nullable=True))
        batch_op.create_index(batch_op.f("ix_known_person_merged_into"), ["merged_into"], unique=False)

    with op.batch_alter_table("release", schema=None) as batch_op:
        batch_op.add_column(sa.Column("due_from", sa.DateTime(timezone=True), nullable=True))
