"""which revisions fit older code."""

import sqlalchemy as sa
from alembic import op

revision = "chassis_0005"
down_revision = "chassis_0004"


def upgrade() -> None:
    """Bring the schema from the revision before to this one."""
    op.create_table(
        "schema_revision",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("needs", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("revision", name=op.f("pk_schema_revision")),
    )
