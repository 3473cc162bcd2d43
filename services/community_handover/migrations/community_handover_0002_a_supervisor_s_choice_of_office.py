"""a supervisor's choice of office."""

import sqlalchemy as sa
from alembic import op

revision = "community_handover_0002"
down_revision = "community_handover_0001"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.add_column(sa.Column("assigned", sa.Boolean(), nullable=False, server_default=sa.false()))
