"""where persons live."""

import sqlalchemy as sa
from alembic import op

revision = "release_notification_0005"
down_revision = "release_notification_0004"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    with op.batch_alter_table("known_person", schema=None) as batch_op:
        batch_op.add_column(sa.Column("registered_division", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("residence_division", sa.Text(), nullable=True))
